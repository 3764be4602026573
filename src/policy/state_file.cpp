#include "policy/state_file.h"

#include <fmt/format.h>

namespace bongsu::policy {
namespace {

JsonArray list_of(const auto& items) {
  JsonArray out;
  for (const auto& item : items) out.emplace_back(item);
  return out;
}
Json tlp_json(stix::Tlp tlp) { return Json(stix::to_string(tlp)); }

Json standing_json(const MemberStanding& m) {
  JsonObject out{
      {"stopped", m.stopped},
      {"nation", m.nation},
      {"kind", to_string(m.kind)},
      {"role", to_string(m.role)},
      {"clearance", JsonObject{{"rank", to_string(m.clearance.rank)}, {"categories", list_of(m.clearance.categories)}}},
      {"communities", list_of(m.communities)},
      {"admitted_epoch", m.admitted_epoch}};
  if (m.ceiling) out["ceiling"] = JsonObject{{"tlp", tlp_json(m.ceiling->tlp)}, {"rank", to_string(m.ceiling->rank)}};
  return out;
}

JsonArray purposes_json(const std::set<Purpose>& purposes) {
  JsonArray out;
  for (const Purpose purpose : purposes) out.emplace_back(to_string(purpose));
  return out;
}

Json denial_json(const Denial& d) {
  JsonObject out;
  if (d.collections) out["collections"] = list_of(*d.collections);
  if (d.types) out["types"] = list_of(*d.types);
  if (d.sectors) out["sectors"] = list_of(*d.sectors);
  if (d.categories) out["categories"] = list_of(*d.categories);
  if (d.purposes) out["purposes"] = purposes_json(*d.purposes);
  if (d.tlp_from) out["tlp_from"] = tlp_json(*d.tlp_from);
  if (d.class_from) out["class_from"] = to_string(*d.class_from);
  return out;
}

Json agreement_json(const Agreement& a) {
  JsonObject out{{"partner", a.partner},
                 {"collections", list_of(a.collections)},
                 {"highest_tlp", tlp_json(a.highest_tlp)},
                 {"types", list_of(a.types)},
                 {"valid_until", a.valid_until.text(9)},
                 {"onward", a.onward},
                 {"id", a.id},
                 {"version", a.version},
                 {"parties", list_of(a.parties)},
                 {"direction", to_string(a.direction)},
                 {"purposes", purposes_json(a.purposes)},
                 {"highest_class", to_string(a.highest_class)},
                 {"categories", list_of(a.categories)},
                 {"caveats", list_of(a.caveats)},
                 {"anonymise_sightings", a.anonymise_sightings},
                 {"red_to_persons", a.red_to_persons},
                 {"tlp1_amber_is_amber", a.tlp1_amber_is_amber}};
  if (a.valid_from) out["valid_from"] = a.valid_from->text(9);
  if (a.sectors) out["sectors"] = list_of(*a.sectors);
  if (a.communities) out["communities"] = list_of(*a.communities);
  if (!a.passes_on.empty()) out["passes_on"] = list_of(a.passes_on);
  if (a.widens) out["widens"] = true;
  if (a.personal_data_days) out["personal_data_days"] = *a.personal_data_days;
  if (!a.denies.empty()) {
    JsonArray denies;
    for (const Denial& denial : a.denies) denies.push_back(denial_json(denial));
    out["denies"] = std::move(denies);
  }
  return out;
}

// Reads the members of one JSON object; the first thing wrong is kept, with its path.
class In {
 public:
  In(const Json& json, std::string path, std::optional<Error>& error, std::string_view source)
      : object_(json.if_object()), path_(std::move(path)), error_(error), source_(source) {
    if (object_ == nullptr) wrong("", "is an object");
    if (object_ != nullptr && object_->size() > kMaxStateItems) wrong("", "has too many members");
  }
  ~In() = default;
  In(const In&) = delete;
  In& operator=(const In&) = delete;

  bool good() const { return !error_; }
  void wrong(std::string_view key, std::string_view rule) {
    if (error_) return;
    const std::string field = key.empty() ? path_ : path_.empty() ? std::string(key) : path_ + "." + std::string(key);
    error_ = Error{.code = ErrorCode::kInvalid,
                   .message = std::string(rule),
                   .where = {.source = std::string(source_), .field = field}};
  }
  const Json* take(std::string_view key, bool required = false) {
    if (object_ == nullptr) return nullptr;
    const Json* found = object_->if_contains(key);
    if (found != nullptr) ++taken_;
    if (found == nullptr && required) wrong(key, "is required");
    return found;
  }
  // Called last: what was not asked for is unknown.
  void done(std::initializer_list<std::string_view> known) {
    if (object_ == nullptr || taken_ == object_->size()) return;
    for (const auto& member : *object_)
      if (std::ranges::find(known, std::string_view(member.key())) == known.end())
        return wrong(member.key(), "is not known here");
  }
  void text(std::string_view key, std::string& out, bool required = false) {
    const Json* json = take(key, required);
    if (json == nullptr) return;
    if (const auto* value = json->if_string())
      out = std::string_view(*value);
    else
      wrong(key, "is a text");
  }
  void flag(std::string_view key, bool& out) {
    const Json* json = take(key);
    if (json == nullptr) return;
    if (json->is_bool())
      out = json->get_bool();
    else
      wrong(key, "is true or false");
  }
  void number(std::string_view key, std::uint64_t& out) {
    const Json* json = take(key);
    if (json == nullptr) return;
    if (json->is_int64() && json->get_int64() >= 0)
      out = static_cast<std::uint64_t>(json->get_int64());
    else if (json->is_uint64())
      out = json->get_uint64();
    else
      wrong(key, "is a number from 0");
  }
  template <class Value>
  void word(std::string_view key, Value& out, std::optional<Value> (*parse)(std::string_view), bool required = false) {
    std::string text_value;
    const bool there = object_ != nullptr && object_->contains(key);
    text(key, text_value, required);
    if (!there || error_) return;
    if (const auto value = parse(text_value))
      out = *value;
    else
      wrong(key, "is not one of the words for it");
  }
  template <class Set>
  void texts(std::string_view key, Set& out, bool required = false) {
    const Json* json = take(key, required);
    if (json == nullptr) return;
    const auto* list = json->if_array();
    if (list == nullptr || list->size() > kMaxStateItems) return wrong(key, "is a list of texts");
    out.clear();
    for (const Json& item : *list) {
      if (!item.is_string()) return wrong(key, "is a list of texts");
      out.insert(out.end(), std::string(std::string_view(item.get_string())));
    }
  }
  void texts(std::string_view key, std::optional<std::set<std::string>>& out) {
    if (object_ != nullptr && object_->contains(key)) texts(key, out.emplace());
  }
  void instant(std::string_view key, std::optional<Instant>& out, bool required = false) {
    std::string value;
    const bool there = object_ != nullptr && object_->contains(key);
    text(key, value, required);
    if (!there || error_) return;
    out = Instant::parse(value);
    if (!out) wrong(key, "is a date and time: 2027-01-01T00:00:00Z");
  }
  const JsonObject* members() const { return object_; }
  std::string path(std::string_view key) const {
    return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
  }
  std::string_view source() const { return source_; }
  std::optional<Error>& error() { return error_; }

 private:
  const JsonObject* object_;
  std::string path_;
  std::optional<Error>& error_;
  std::string_view source_;
  std::size_t taken_ = 0;
};

MemberStanding read_standing(const Json& json, const std::string& path, In& outer) {
  In in(json, path, outer.error(), outer.source());
  MemberStanding out;
  in.flag("stopped", out.stopped);
  in.text("nation", out.nation);
  in.word("kind", out.kind, parse_authority);
  in.word("role", out.role, parse_role);
  if (const Json* clearance = in.take("clearance")) {
    In held(*clearance, in.path("clearance"), in.error(), in.source());
    held.word("rank", out.clearance.rank, parse_class_rank);
    held.texts("categories", out.clearance.categories);
    held.done({"rank", "categories"});
  }
  in.texts("communities", out.communities);
  if (const Json* ceiling = in.take("ceiling")) {
    In most(*ceiling, in.path("ceiling"), in.error(), in.source());
    out.ceiling.emplace();
    most.word("tlp", out.ceiling->tlp, stix::parse_tlp);
    most.word("rank", out.ceiling->rank, parse_class_rank);
    most.done({"tlp", "rank"});
  }
  in.number("admitted_epoch", out.admitted_epoch);
  in.done({"stopped", "nation", "kind", "role", "clearance", "communities", "ceiling", "admitted_epoch"});
  return out;
}

std::optional<std::set<Purpose>> read_purposes(In& in) {
  if (in.members() == nullptr || !in.members()->contains("purposes")) return std::nullopt;
  std::set<std::string> words;
  in.texts("purposes", words);
  std::set<Purpose> out;
  for (const std::string& word : words) {
    const auto purpose = parse_purpose(word);
    if (!purpose) in.wrong("purposes", "holds operations, exercise, crisis");
    if (purpose) out.insert(*purpose);
  }
  return out;
}

Denial read_denial(const Json& json, const std::string& path, In& outer) {
  In in(json, path, outer.error(), outer.source());
  Denial out;
  in.texts("collections", out.collections);
  in.texts("types", out.types);
  in.texts("sectors", out.sectors);
  in.texts("categories", out.categories);
  out.purposes = read_purposes(in);
  if (in.members() != nullptr && in.members()->contains("tlp_from"))
    in.word("tlp_from", out.tlp_from.emplace(), stix::parse_tlp);
  if (in.members() != nullptr && in.members()->contains("class_from"))
    in.word("class_from", out.class_from.emplace(), parse_class_rank);
  in.done({"collections", "types", "sectors", "categories", "purposes", "tlp_from", "class_from"});
  return out;
}

Agreement read_agreement(const Json& json, const std::string& path, const MemberId& partner, In& outer) {
  In in(json, path, outer.error(), outer.source());
  Agreement out;
  out.partner = partner;
  in.text("partner", out.partner);
  if (out.partner != partner) in.wrong("partner", "is another member's");
  in.texts("collections", out.collections, true);
  in.word("highest_tlp", out.highest_tlp, stix::parse_tlp, true);
  in.texts("types", out.types, true);
  in.instant("valid_from", out.valid_from);
  std::optional<Instant> until;
  in.instant("valid_until", until, true);
  if (until) out.valid_until = *until;
  in.flag("onward", out.onward);
  in.text("id", out.id);
  in.number("version", out.version);
  in.texts("parties", out.parties);
  in.word("direction", out.direction, parse_direction);
  if (const auto purposes = read_purposes(in)) out.purposes = *purposes;
  in.texts("sectors", out.sectors);
  in.texts("communities", out.communities);
  in.word("highest_class", out.highest_class, parse_class_rank);
  in.texts("categories", out.categories);
  in.texts("caveats", out.caveats);
  in.texts("passes_on", out.passes_on);
  in.flag("anonymise_sightings", out.anonymise_sightings);
  in.flag("red_to_persons", out.red_to_persons);
  in.flag("tlp1_amber_is_amber", out.tlp1_amber_is_amber);
  in.flag("widens", out.widens);
  if (in.members() != nullptr && in.members()->contains("personal_data_days")) {
    std::uint64_t days = 0;
    in.number("personal_data_days", days);
    if (days > 1'000'000) in.wrong("personal_data_days", "is a number of days up to 1000000");
    out.personal_data_days = static_cast<std::int64_t>(days);
  }
  if (const Json* denies = in.take("denies")) {
    const auto* list = denies->if_array();
    if (list == nullptr || list->size() > kMaxStateItems) in.wrong("denies", "is a list");
    for (std::size_t i = 0; list != nullptr && i < list->size(); ++i)
      out.denies.push_back(read_denial((*list)[i], fmt::format("{}[{}]", in.path("denies"), i), in));
  }
  in.done({"partner",
           "collections",
           "highest_tlp",
           "types",
           "valid_from",
           "valid_until",
           "onward",
           "id",
           "version",
           "parties",
           "direction",
           "purposes",
           "sectors",
           "communities",
           "highest_class",
           "categories",
           "caveats",
           "passes_on",
           "anonymise_sightings",
           "red_to_persons",
           "tlp1_amber_is_amber",
           "widens",
           "personal_data_days",
           "denies"});
  return out;
}

}  // namespace

Json to_json(const PolicyState& state) {
  JsonObject members, agreements, groups;
  for (const auto& [id, standing] : state.members) members[id] = standing_json(standing);
  // The one on the node first, if there is one; what `further` holds without it keeps its place by a null.
  std::set<MemberId> partners;
  for (const auto& [id, _] : state.agreements) partners.insert(id);
  for (const auto& [id, _] : state.further) partners.insert(id);
  for (const MemberId& id : partners) {
    JsonArray list;
    const auto first = state.agreements.find(id);
    list.push_back(first == state.agreements.end() ? Json(nullptr) : agreement_json(first->second));
    if (const auto more = state.further.find(id); more != state.further.end())
      for (const Agreement& agreement : more->second) list.push_back(agreement_json(agreement));
    agreements[id] = std::move(list);
  }
  for (const auto& [id, group] : state.groups) {
    JsonObject versions;
    for (const auto& [version, in] : group.versions) versions[version] = list_of(in);
    groups[id] = JsonObject{{"name", group.name}, {"current", group.current}, {"versions", std::move(versions)}};
  }
  JsonArray equivalences;
  for (const auto& [of, row] : state.equivalences) {
    JsonObject levels;
    for (const auto& [level, rank] : row.levels) levels[level] = to_string(rank);
    equivalences.push_back(JsonObject{{"nation", of.first},
                                      {"authority", to_string(of.second)},
                                      {"levels", std::move(levels)},
                                      {"accepted_by", list_of(row.accepted_by)}});
  }
  JsonObject exercises;
  for (const auto& [collection, exercise] : state.exercises) exercises[collection] = exercise;
  return JsonObject{{"type", "bongsu-policy-state"},
                    {"self", state.self},
                    {"epoch", state.epoch},
                    {"charter_version", state.charter_version},
                    {"own", standing_json(state.own)},
                    {"members", std::move(members)},
                    {"agreements", std::move(agreements)},
                    {"groups", std::move(groups)},
                    {"equivalences", std::move(equivalences)},
                    {"exercises", std::move(exercises)}};
}

Result<PolicyState> parse_state(std::string_view text, std::string_view source) {
  if (text.size() > kMaxStateBytes)
    return fail(ErrorCode::kTooLarge, fmt::format("a policy state has at most {} bytes", kMaxStateBytes),
                {.source = std::string(source)});
  auto json = parse_json(text);
  if (!json) {
    json.error().where.source = std::string(source);
    return std::unexpected(json.error());
  }
  std::optional<Error> error;
  In in(*json, "", error, source);
  PolicyState out;
  std::string type;
  in.text("type", type, true);
  if (type != "bongsu-policy-state") in.wrong("type", "is \"bongsu-policy-state\"");
  in.text("self", out.self, true);
  if (!is_member_id(out.self)) in.wrong("self", "is a member's name");
  in.number("epoch", out.epoch);
  in.number("charter_version", out.charter_version);
  if (const Json* own = in.take("own")) out.own = read_standing(*own, "own", in);
  const auto each = [&](std::string_view key, const auto& use) {
    const Json* json_object = in.take(key);
    if (json_object == nullptr) return;
    const In inner(*json_object, std::string(key), error, source);
    if (inner.members() == nullptr || error) return;
    for (const auto& member : *inner.members())
      use(std::string(member.key()), member.value(), inner.path(member.key()));
  };
  each("members", [&](const std::string& id, const Json& value, const std::string& path) {
    if (!is_member_id(id)) in.wrong(path, "is no member's name");
    out.members[id] = read_standing(value, path, in);
  });
  each("agreements", [&](const std::string& id, const Json& value, const std::string& path) {
    if (!is_member_id(id)) in.wrong(path, "is no member's name");
    const auto* list = value.if_array();
    if (list == nullptr || list->empty() || list->size() > kMaxStateItems)
      return in.wrong(path, "is a list of agreements");
    for (std::size_t i = 0; i < list->size(); ++i) {
      const Json& item = (*list)[i];
      if (i == 0 && item.is_null()) continue;
      Agreement agreement = read_agreement(item, fmt::format("{}[{}]", path, i), id, in);
      if (i == 0)
        out.agreements[id] = std::move(agreement);
      else
        out.further[id].push_back(std::move(agreement));
    }
  });
  each("groups", [&](const std::string& id, const Json& value, const std::string& path) {
    In group(value, path, error, source);
    Group& to = out.groups[id];
    group.text("name", to.name);
    group.text("current", to.current);
    if (const Json* versions = group.take("versions")) {
      In of(*versions, group.path("versions"), error, source);
      if (of.members() != nullptr)
        for (const auto& version : *of.members()) of.texts(version.key(), to.versions[std::string(version.key())]);
    }
    group.done({"name", "current", "versions"});
  });
  if (const Json* exercises = in.take("exercises")) {
    In of(*exercises, "exercises", error, source);
    if (of.members() != nullptr)
      for (const auto& collection : *of.members()) {
        std::string& exercise = out.exercises[std::string(collection.key())];
        of.text(collection.key(), exercise);
        if (!is_exercise(exercise)) of.wrong(collection.key(), "is a UUID in lower case");
      }
  }
  if (const Json* rows = in.take("equivalences")) {
    const auto* list = rows->if_array();
    if (list == nullptr || list->size() > kMaxStateItems)
      in.wrong("equivalences", "is a list");
    else
      for (std::size_t i = 0; i < list->size(); ++i) {
        In row((*list)[i], fmt::format("equivalences[{}]", i), error, source);
        std::string nation;
        Authority authority = Authority::kCivil;
        row.text("nation", nation, true);
        row.word("authority", authority, parse_authority, true);
        const auto [at, fresh] = out.equivalences.try_emplace({nation, authority});
        if (!fresh) row.wrong("", fmt::format("{} {} stands twice", nation, to_string(authority)));
        ClassEquivalence& to = at->second;
        if (const Json* levels = row.take("levels", true)) {
          In of(*levels, row.path("levels"), error, source);
          if (of.members() != nullptr)
            for (const auto& level : *of.members())
              of.word(level.key(), to.levels[std::string(level.key())], parse_class_rank);
        }
        row.texts("accepted_by", to.accepted_by);
        row.done({"nation", "authority", "levels", "accepted_by"});
      }
  }
  in.done({"type", "self", "epoch", "charter_version", "own", "members", "agreements", "groups", "equivalences",
           "exercises"});
  if (error) return std::unexpected(*error);
  return out;
}

}  // namespace bongsu::policy
