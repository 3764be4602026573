// Labels as STIX marking definitions: what they mean, and how ours are written.
#include <algorithm>
#include <vector>

#include "base/uuid.h"
#include "policy/label.h"
#include "policy/label_together.h"

namespace bongsu::policy {
namespace {

// STIX wants a namespace of our own for ids that are not of cyber-observables (STIX 2.1 §2.9).
constexpr Uuid kNamespace{
    {0x6f, 0x0e, 0x1b, 0x3c, 0x52, 0x0d, 0x4a, 0x7d, 0x9a, 0x3e, 0x8e, 0x41, 0x5b, 0xd2, 0x77, 0x10}};

// One marking, wherever it stands. tlp is CLEAR (the bottom) for what says nothing about it.
Label label_of_marking(const stix::Id& marking, const MarkingSource& markings) {
  Label label = bottom();
  if (const auto tlp = stix::tlp_of(marking)) {
    label.marked = true;
    label.tlp1_amber = tlp->tlp1 && tlp->level == stix::Tlp::kAmber;
    label.tlp = label.tlp1_amber ? stix::Tlp::kAmberStrict : tlp->level;
    return label;
  }
  if (const auto pap = stix::pap_of(marking)) {
    label.pap = *pap;
    return label;
  }
  const Json* definition = markings ? markings(marking) : nullptr;
  if (definition == nullptr) {
    label.unknown = true;
    return label;
  }
  return meaning_of(*definition).label;
}

// Reads the members of a JSON object that has no others than these. Everything that is not as it should be makes the
// whole unknown.
class Reading {
 public:
  explicit Reading(const Json& from) : object_(from.if_object()), good_(object_ != nullptr) {}

  const Json* take(std::string_view key) {
    if (object_ == nullptr) return nullptr;
    const auto* found = object_->if_contains(key);
    if (found != nullptr) ++taken_;
    return found;
  }
  void want(bool good) { good_ = good_ && good; }
  std::optional<std::string> text(std::string_view key, bool (*good)(std::string_view)) {
    const Json* json = take(key);
    if (json == nullptr) return std::nullopt;
    const auto* value = json->if_string();
    want(value != nullptr && good(std::string_view(*value)));
    return good_ ? std::optional<std::string>(std::string_view(*value)) : std::nullopt;
  }
  std::optional<std::set<std::string>> texts(std::string_view key, std::size_t limit, bool (*good)(std::string_view)) {
    const Json* json = take(key);
    if (json == nullptr) return std::nullopt;
    const auto* list = json->if_array();
    want(list != nullptr && list->size() <= limit);
    std::set<std::string> out;
    if (!good_) return out;
    for (const Json& item : *list) {
      want(item.is_string() && good(std::string_view(item.get_string())));
      if (!good_) return out;
      out.emplace(std::string_view(item.get_string()));
    }
    return out;
  }
  bool good() const { return good_ && taken_ == object_->size(); }

 private:
  const JsonObject* object_;
  std::size_t taken_ = 0;
  bool good_;
};

bool any_text(std::string_view) { return true; }
bool is_version(std::string_view text) {
  return text.size() == 32 &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// The members that every property extension of ours may have beside its own.
void read_frame(Reading& in) {
  in.want(in.text("extension_type", [](std::string_view t) { return t == "property-extension"; }).has_value());
  in.text("issued_by", is_member_id);
}

bool read_releasable_to(const Json& extension, Label& out) {
  // Written before this list was strict: other members were ignored then, and are now.
  const Json* list = find(extension, "members");
  if (list == nullptr || !list->is_array() || list->get_array().size() > kMaxLabelMembers) return false;
  std::set<MemberId> named;
  for (const Json& member : list->get_array()) {
    if (!member.is_string() || !is_member_id(member.get_string())) return false;
    named.emplace(member.get_string());
  }
  out.releasable_to = std::move(named);
  return true;
}

bool read_classification(const Json& json, Label& out) {
  Reading in(json);
  const auto rank = in.text("rank", [](std::string_view t) { return parse_class_rank(t).has_value(); });
  const auto nation = in.text("nation", is_nation);
  const auto authority = in.text("authority", [](std::string_view t) { return parse_authority(t).has_value(); });
  const auto level = in.text("level", is_label_word);
  const bool national = nation && authority && level;
  if (!in.good() || (!rank && !national) || (!national && (nation || authority || level))) return false;
  if (rank) out.rank = *parse_class_rank(*rank);
  if (national) out.national = {{*nation, *parse_authority(*authority), *level}};
  return true;
}

bool read_recipients(const Json& json, Label& out) {
  Reading in(json);
  ReleaseClause clause;
  const auto members = in.texts("members", kMaxLabelMembers, is_member_id);
  if (members) clause.members = *members;
  const Json* groups = in.take("groups");
  if (groups != nullptr) {
    const auto* list = groups->if_array();
    if (list == nullptr || list->size() > kMaxLabelItems) return false;
    for (const Json& item : *list) {
      Reading group(item);
      auto id = group.text("id", Uuid::is_text);
      auto version = group.text("version", is_version);
      group.text("name", any_text);  // for people
      if (!group.good() || !id || !version) return false;
      clause.groups.insert({std::move(*id), std::move(*version)});
    }
  }
  if (!in.good() || (!members && groups == nullptr)) return false;
  if (clause.groups.empty())
    out.releasable_to = std::move(clause.members);
  else
    out.clauses = {std::move(clause)};
  return true;
}

bool read_label(const Json& extension, Label& out) {
  Reading in(extension);
  read_frame(in);
  bool says = false;
  const auto said = [&](bool good) {
    says = true;
    in.want(good);
  };
  if (const Json* json = in.take("classification")) said(read_classification(*json, out));
  if (const Json* json = in.take("releasable_to")) said(read_recipients(*json, out));
  if (auto categories = in.texts("categories", kMaxLabelItems, is_label_word)) {
    said(!categories->empty());
    out.categories = std::move(*categories);
  }
  if (const Json* json = in.take("originator_controlled")) {
    said(json->is_bool());
    out.originator_controlled = json->is_bool() && json->get_bool();
  }
  if (auto caveats = in.texts("caveats", kMaxLabelItems, is_label_word)) {
    said(!caveats->empty());
    out.caveats = std::move(*caveats);
  }
  if (auto persons = in.texts("persons", kMaxLabelItems, is_person)) {
    said(true);
    out.persons = std::move(*persons);
  }
  if (const auto pap = in.text("pap", [](std::string_view t) { return stix::parse_pap(t).has_value(); })) {
    said(true);
    out.pap = *stix::parse_pap(*pap);
  }
  if (const auto expires = in.text("expires", [](std::string_view t) { return Instant::parse(t).has_value(); })) {
    said(true);
    out.expires = Instant::parse(*expires);
  }
  if (auto exercises = in.texts("exercises", kMaxLabelItems, is_exercise)) {
    said(!exercises->empty());
    out.exercises = std::move(*exercises);
  }
  return says && in.good();
}

// A definition with one property extension, and the UUIDv5 of its content as id.
std::string write_definition(const char* name, const char* extension_id, JsonObject extension, Instant created) {
  JsonObject definition{{"type", "marking-definition"},
                        {"spec_version", "2.1"},
                        {"created", created.text(3)},
                        {"name", name},
                        {"extensions", JsonObject{{extension_id, std::move(extension)}}}};
  // Strings and booleans only: there is always a canonical text.
  const Result<std::string> canonical = to_canonical_text(definition);
  BONGSU_CHECK(canonical.has_value());
  JsonObject out{{"type", "marking-definition"},
                 {"spec_version", "2.1"},
                 {"id", "marking-definition--" + Uuid::from_name(kNamespace, *canonical).text()}};
  for (auto& [key, value] : definition)
    if (!out.contains(key)) out.emplace(key, std::move(value));
  return to_text(Json(std::move(out)));
}

JsonArray as_list(const std::set<std::string>& texts) {
  JsonArray out;
  for (const auto& text : texts) out.emplace_back(text);
  return out;
}

}  // namespace

const char* const kReleasableToExtension = "extension-definition--3d1c9b0e-7a64-4f0b-8c55-0b7a2f6d9e31";
const char* const kLabelExtension = "extension-definition--8c2f5a17-94d3-4b6e-a1f8-3e60d7c9b254";

MarkingMeaning meaning_of(const Json& definition) {
  constexpr auto kUnknown = [] {
    MarkingMeaning out{.label = bottom()};
    out.label.unknown = true;
    return out;
  };
  if (string_at(definition, "type") != "marking-definition") return kUnknown();
  MarkingMeaning meaning{.label = bottom()};
  bool understood = false;

  if (const Json* type = find(definition, "definition_type")) {
    const Json* body = find(definition, "definition");
    // "tlp" under another id than the standard's is forbidden (STIX 2.1 §7.2.1.4), so it says nothing that can be
    // relied on.
    if (!type->is_string() || type->get_string() != "statement" || body == nullptr || !string_at(*body, "statement"))
      return kUnknown();
    understood = true;
  } else if (find(definition, "definition") != nullptr) {
    return kUnknown();
  }

  if (const Json* extensions = find(definition, "extensions")) {
    if (!extensions->is_object()) return kUnknown();
    for (const auto& extension : extensions->get_object()) {
      Label said = bottom();
      const bool good = extension.key() == kReleasableToExtension ? read_releasable_to(extension.value(), said)
                        : extension.key() == kLabelExtension      ? read_label(extension.value(), said)
                                                                  : false;
      if (!good) return kUnknown();
      meaning.label = together(meaning.label, said);
      understood = true;
    }
  }
  if (!understood) return kUnknown();
  return meaning;
}

Label label_of(const stix::Object& object, const MarkingSource& markings, stix::Tlp fallback) {
  Label label = bottom();
  for (const auto& marking : object.object_markings()) label = together(label, label_of_marking(marking, markings));

  // The body is looked at only where the markings ask for it.
  std::optional<Json> body;
  if (object.type() == "marking-definition" && !stix::is_well_known_marking(object.id())) {
    body = object.json();
    // That there is such a compartment, who issued it and when, is for those alone who may see something in it. What
    // says nothing about them (a statement, PAP, an exercise) is for the readers of the collection that it stands in.
    const Label meaning = meaning_of(*body).label;
    Label cap = meaning;
    cap.pap = stix::Pap::kClear;
    cap.exercises.clear();
    cap.expires.reset();  // says until when, not to whom
    if (cap != bottom()) {
      label = together(label, cap);
      fallback = stix::Tlp::kClear;
    }
    label.exercises = meaning.exercises;
  } else if (object.type() == "marking-definition") {
    fallback = stix::Tlp::kClear;  // the standard's own definitions are public
  }
  if (!label.marked) label.tlp = fallback;

  settle_red(label);
  Label own = std::move(label);
  std::size_t selectors = 0;
  std::vector<LabelPart> stricter;
  bool unresolved = false;  // who knows what it was meant to hide
  for (const auto& granular : object.granular_markings()) {
    if (!granular.marking_ref) {
      unresolved = unresolved || !granular.lang;
      continue;
    }
    if (!body) body = object.json();
    selectors += granular.selectors.size();
    if (selectors > kMaxLabelSelectors || granular.selectors.empty()) {
      unresolved = true;
      continue;
    }
    LabelPart part{.selectors = {}, .label = label_of_marking(*granular.marking_ref, markings)};
    part.label.marked = false;  // a part does not mark the object
    for (const auto& selector : granular.selectors) {
      const auto steps = stix::parse_selector(selector);
      if (!steps || stix::resolve(*body, *steps) == nullptr)
        unresolved = true;
      else
        part.selectors.insert(selector);
    }
    if (part.label.unknown || !at_most(part.label, own)) stricter.push_back(std::move(part));
  }
  own.unknown = own.unknown || unresolved;
  Label out = own;
  for (LabelPart& part : stricter) {
    Label with = join(own, part.label);
    if (!part.selectors.empty()) {
      with.redact = part.selectors;
      with.parts = {{.selectors = {}, .label = own}, std::move(part)};
    }
    out = join(out, with);
  }
  return out;
}

std::string make_releasable_to_marking(const std::set<MemberId>& members, const MemberId& created_by, Instant created) {
  return write_definition(
      "Releasable to named members", kReleasableToExtension,
      {{"extension_type", "property-extension"}, {"issued_by", created_by}, {"members", as_list(members)}}, created);
}

Result<std::string> make_label_marking(const Label& label, const MemberId& created_by, Instant created) {
  const auto wrong = [](const char* what) { return fail(ErrorCode::kInvalid, what, {.field = "label"}); };
  if (label.unknown || label.tlp != stix::Tlp::kClear || !label.reveals.empty() || !label.parts.empty())
    return wrong("a marking of ours cannot say unknown, a TLP, what is referred to, or parts");
  if (label.national.size() > 1) return wrong("one marking names one national level");
  if (label.clauses.size() + (label.releasable_to ? 1 : 0) > 1) return wrong("one marking names one set of recipients");
  if (label == bottom()) return wrong("it would say nothing");
  JsonObject out{{"extension_type", "property-extension"}, {"issued_by", created_by}};
  if (label.rank != ClassRank::kUnclassified || !label.national.empty()) {
    JsonObject classification;
    classification["rank"] = to_string(label.rank);
    for (const NationalMark& mark : label.national) {
      classification["nation"] = mark.nation;
      classification["authority"] = to_string(mark.authority);
      classification["level"] = mark.level;
    }
    out["classification"] = std::move(classification);
  }
  if (label.releasable_to) out["releasable_to"] = JsonObject{{"members", as_list(*label.releasable_to)}};
  for (const ReleaseClause& clause : label.clauses) {
    JsonArray groups;
    for (const GroupRef& ref : clause.groups) groups.push_back(JsonObject{{"id", ref.group}, {"version", ref.version}});
    out["releasable_to"] = JsonObject{{"members", as_list(clause.members)}, {"groups", std::move(groups)}};
  }
  if (!label.categories.empty()) out["categories"] = as_list(label.categories);
  if (label.originator_controlled) out["originator_controlled"] = true;
  if (!label.caveats.empty()) out["caveats"] = as_list(label.caveats);
  if (label.persons) out["persons"] = as_list(*label.persons);
  if (label.pap != stix::Pap::kClear) out["pap"] = stix::to_string(label.pap).substr(4);
  if (label.expires) out["expires"] = label.expires->text(9);
  if (!label.exercises.empty()) out["exercises"] = as_list(label.exercises);
  return write_definition("Label", kLabelExtension, std::move(out), created);
}

}  // namespace bongsu::policy
