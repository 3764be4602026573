// The memorandum as TOML, both ways.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <toml++/toml.h>
#include <algorithm>
#include <map>

#include "base/toml_text.h"
#include "base/uuid.h"
#include "policy/memorandum.h"
#include "policy/strict_json.h"

namespace bongsu::policy {
namespace {

constexpr std::size_t kMaxTomlDepth = 4;
constexpr std::string_view kTlpNames[] = {"clear", "green", "amber", "amber+strict"};

// ── TOML as JSON, with the line of each path ───────────────────────────────────────────────────────────────────────
struct Lines {
  std::map<std::string, std::uint64_t, std::less<>> of;

  // The line of the longest path that is known.
  std::uint64_t line(std::string_view path) const {
    for (;;) {
      if (const auto at = of.find(path); at != of.end()) return at->second;
      const std::size_t cut = path.find_last_of(".[");
      if (cut == std::string_view::npos) return 0;
      path = path.substr(0, cut);
    }
  }
};

Result<std::string> utc_text(const toml::date_time& at) {
  const std::chrono::year_month_day date{std::chrono::year{at.date.year}, std::chrono::month{at.date.month},
                                         std::chrono::day{at.date.day}};
  if (!at.offset) return fail(ErrorCode::kInvalid, "needs its offset from UTC: write Z at its end");
  if (!date.ok()) return fail(ErrorCode::kInvalid, "is a date that does not exist");
  const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
  return Instant{days * 86400 + at.time.hour * 3600 + at.time.minute * 60 + at.time.second - at.offset->minutes * 60,
                 static_cast<std::int32_t>(at.time.nanosecond)}
      .text(at.time.nanosecond == 0 ? 0 : 9);
}

Result<Json> json_of(const toml::node& node, const std::string& path, std::size_t depth, Lines& lines) {
  lines.of.emplace(path, node.source().begin.line);
  const auto wrong = [&](std::string message) {
    return fail(ErrorCode::kInvalid, std::move(message), {.field = path});
  };
  if (depth > kMaxTomlDepth) return wrong("is nested too deeply");
  if (const auto* table = node.as_table()) {
    JsonObject out;
    for (const auto& [key, value] : *table) {
      const std::string name(key.str());
      BONGSU_TRY(Json inner, json_of(value, path.empty() ? name : path + "." + name, depth + 1, lines));
      out.emplace(name, std::move(inner));
    }
    return out;
  }
  if (const auto* array = node.as_array()) {
    if (array->size() > kMaxMemorandumItems) return wrong(fmt::format("holds at most {} items", kMaxMemorandumItems));
    JsonArray out;
    for (std::size_t i = 0; i < array->size(); ++i) {
      BONGSU_TRY(Json inner, json_of((*array)[i], fmt::format("{}[{}]", path, i), depth + 1, lines));
      out.push_back(std::move(inner));
    }
    return out;
  }
  if (const auto* text = node.as_string()) return Json(text->get());
  if (const auto* number = node.as_integer()) return Json(number->get());
  if (const auto* flag = node.as_boolean()) return Json(flag->get());
  if (const auto* at = node.as_date_time()) {
    auto text = utc_text(at->get());
    if (!text) return wrong(text.error().message);
    return Json(*text);
  }
  return wrong("is of a type that no key of an agreement has");
}

// ── Reading ────────────────────────────────────────────────────────────────────────────────────────────────────────
using Names = std::set<std::string>;

Result<Names> names(StrictObject& in, std::string_view key, bool (*good)(std::string_view), std::string_view rule) {
  BONGSU_TRY(const auto items, in.texts(key, kMaxMemorandumItems, 250));
  for (const auto& item : items)
    if (!good(item)) return in.wrong(key, fmt::format("\"{}\" {}", item, rule));
  return Names(items.begin(), items.end());
}

Result<std::optional<Names>> maybe_names(StrictObject& in, std::string_view key, bool (*good)(std::string_view),
                                         std::string_view rule) {
  if (!in.has(key)) return std::nullopt;
  BONGSU_TRY(Names out, names(in, key, good, rule));
  return out;
}

bool is_collection(std::string_view text) {
  return !text.empty() && text.size() <= 128 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}
bool is_type(std::string_view text) {  // STIX 2.1 §3.1
  return text.size() >= 3 && text.size() <= 250 &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}
bool is_type_or_all(std::string_view text) { return text == "*" || is_type(text); }
bool is_member_or_all(std::string_view text) { return text == "*" || is_member_id(text); }

constexpr std::string_view kMemberRule = "is not a member's name: lower-case letters, digits and -, at most 63";
constexpr std::string_view kCollectionRule =
    "is not a collection's alias or id (an agreement names each one; there is no wildcard)";
constexpr std::string_view kTypeRule = "is not a STIX type";
constexpr std::string_view kWordRule = "is not a word of 1 to 128 bytes";

Result<stix::Tlp> tlp_at(StrictObject& in, std::string_view key) {
  BONGSU_TRY(const std::string text, in.text(key, 64));
  const auto* at = std::ranges::find(kTlpNames, text);
  if (at == std::end(kTlpNames))
    return in.wrong(key, text == "red" ? "cannot be \"red\": TLP:RED goes to named persons only (red_to_persons)"
                                       : fmt::format("\"{}\" is not one of {}", text, fmt::join(kTlpNames, ", ")));
  return static_cast<stix::Tlp>(at - std::begin(kTlpNames));
}

Result<ClassRank> class_at(StrictObject& in, std::string_view key) {
  BONGSU_TRY(const std::string text, in.text(key, 64));
  const auto rank = parse_class_rank(text);
  if (!rank)
    return in.wrong(
        key, fmt::format("\"{}\" is not one of unclassified, restricted, confidential, secret, top-secret", text));
  return *rank;
}

Result<std::set<Purpose>> purposes_at(StrictObject& in, std::string_view key) {
  BONGSU_TRY(const auto items, in.texts(key, 8, 64));
  std::set<Purpose> out;
  for (const auto& item : items) {
    const auto purpose = parse_purpose(item);
    if (!purpose) return in.wrong(key, fmt::format("\"{}\" is not one of operations, exercise, crisis", item));
    out.insert(*purpose);
  }
  return out;
}

Result<bool> flag_at(StrictObject& in, std::string_view key, bool otherwise) {
  if (!in.has(key)) return otherwise;
  return in.flag(key);
}

// One of two words that stands for a yes or no.
Result<bool> word_at(StrictObject& in, std::string_view key, std::string_view no, std::string_view yes,
                     bool otherwise) {
  if (!in.has(key)) return otherwise;
  BONGSU_TRY(const std::string text, in.text(key, 64));
  if (text != no && text != yes) return in.wrong(key, fmt::format("is \"{}\" or \"{}\"", no, yes));
  return text == yes;
}

Result<PermitClause> read_permit(const Json& json, std::string path) {
  StrictObject in(json, std::move(path));
  PermitClause out;
  BONGSU_TRY(out.from, names(in, "from", is_member_id, kMemberRule));
  BONGSU_TRY(out.to, names(in, "to", is_member_id, kMemberRule));
  BONGSU_TRY(out.collections, names(in, "collections", is_collection, kCollectionRule));
  BONGSU_TRY(out.types, names(in, "types", is_type_or_all, kTypeRule));
  if (out.types.contains("*") && out.types.size() > 1)
    return in.wrong("types", "\"*\" stands alone: it means every type");
  BONGSU_TRY(out.highest_tlp, tlp_at(in, "highest_tlp"));
  if (in.has("highest_class")) {
    BONGSU_TRY(out.highest_class, class_at(in, "highest_class"));
  }
  if (in.has("categories")) {
    BONGSU_TRY(out.categories, names(in, "categories", is_label_word, kWordRule));
  }
  if (in.has("caveats")) {
    BONGSU_TRY(out.caveats, names(in, "caveats", is_label_word, kWordRule));
  }
  BONGSU_TRY(out.sectors, maybe_names(in, "sectors", is_label_word, kWordRule));
  BONGSU_TRY(out.communities, maybe_names(in, "communities", is_short_name, kMemberRule));
  if (in.has("purposes")) {
    BONGSU_TRY(out.purposes, purposes_at(in, "purposes"));
  }
  BONGSU_TRY(out.onward, flag_at(in, "onward", false));
  BONGSU_TRY(out.passes_on, maybe_names(in, "passes_on", is_member_or_all, kMemberRule));
  if (out.passes_on && out.passes_on->contains("*") && out.passes_on->size() > 1)
    return in.wrong("passes_on", "\"*\" stands alone: it means everybody");
  BONGSU_TRY(out.widens, flag_at(in, "widens", false));
  BONGSU_TRY(out.tlp1_amber_is_amber, word_at(in, "tlp1_amber", "amber+strict", "amber", false));
  BONGSU_TRY(out.anonymise_sightings, word_at(in, "sightings", "named", "anonymous", true));
  BONGSU_TRY(out.red_to_persons, flag_at(in, "red_to_persons", false));
  if (in.has("personal_data_days")) {
    BONGSU_TRY(out.personal_data_days, in.integer("personal_data_days", 0, kMaxMemorandumDays));
  }
  BONGSU_TRY_VOID(in.done());
  return out;
}

Result<DenyClause> read_deny(const Json& json, std::string path) {
  StrictObject in(json, std::move(path));
  DenyClause out;
  BONGSU_TRY(out.from, maybe_names(in, "from", is_member_id, kMemberRule));
  BONGSU_TRY(out.to, maybe_names(in, "to", is_member_id, kMemberRule));
  BONGSU_TRY(out.what.collections, maybe_names(in, "collections", is_collection, kCollectionRule));
  BONGSU_TRY(out.what.types, maybe_names(in, "types", is_type, kTypeRule));
  BONGSU_TRY(out.what.sectors, maybe_names(in, "sectors", is_label_word, kWordRule));
  BONGSU_TRY(out.what.categories, maybe_names(in, "categories", is_label_word, kWordRule));
  if (in.has("purposes")) {
    BONGSU_TRY(out.what.purposes, purposes_at(in, "purposes"));
  }
  if (in.has("tlp_from")) {
    BONGSU_TRY(out.what.tlp_from, tlp_at(in, "tlp_from"));
  }
  if (in.has("class_from")) {
    BONGSU_TRY(out.what.class_from, class_at(in, "class_from"));
  }
  BONGSU_TRY_VOID(in.done());
  return out;
}

template <class Clause>
Result<std::vector<Clause>> clauses(StrictObject& in, std::string_view key,
                                    Result<Clause> (*read)(const Json&, std::string)) {
  std::vector<Clause> out;
  if (!in.has(key)) return out;
  BONGSU_TRY(const JsonArray* items, in.list(key, kMaxMemorandumClauses));
  for (std::size_t i = 0; i < items->size(); ++i) {
    BONGSU_TRY(Clause clause, read((*items)[i], fmt::format("{}[{}]", key, i)));
    out.push_back(std::move(clause));
  }
  return out;
}

Result<void> check_parties(const StrictObject& in, const Memorandum& m) {
  const auto all_parties = [&](const std::set<MemberId>& set, std::string_view key, std::size_t i,
                               std::string_view list) -> Result<void> {
    if (set.empty()) return in.wrong(fmt::format("{}[{}].{}", list, i, key), "names at least one party");
    for (const auto& id : set)
      if (!m.parties.contains(id))
        return in.wrong(fmt::format("{}[{}].{}", list, i, key), fmt::format("\"{}\" is not among the parties", id));
    return {};
  };
  for (std::size_t i = 0; i < m.permits.size(); ++i) {
    BONGSU_TRY_VOID(all_parties(m.permits[i].from, "from", i, "permit"));
    BONGSU_TRY_VOID(all_parties(m.permits[i].to, "to", i, "permit"));
  }
  for (std::size_t i = 0; i < m.denies.size(); ++i) {
    if (m.denies[i].from) BONGSU_TRY_VOID(all_parties(*m.denies[i].from, "from", i, "deny"));
    if (m.denies[i].to) BONGSU_TRY_VOID(all_parties(*m.denies[i].to, "to", i, "deny"));
  }
  return {};
}

Result<Memorandum> read(const Json& json) {
  StrictObject in(json, "");
  Memorandum out;
  BONGSU_TRY(out.id, in.text("agreement", 64));
  const auto uuid = Uuid::parse(out.id);
  if (!uuid || uuid->text() != out.id) return in.wrong("agreement", "is a UUID in lower case");
  BONGSU_TRY(out.version, in.integer("version", 1, kMaxCharterVersion));
  if (in.has("previous")) {
    BONGSU_TRY(out.previous, in.hex("previous", 32));
  }
  if (out.previous.empty() != (out.version == 1))
    return in.wrong("previous", "is the SHA-256 of the version before: in every version but the first");
  BONGSU_TRY(out.title, in.text("title", kMaxCharterTitle));
  if (!is_plain_line(out.title)) return in.wrong("title", "is a line of text, not empty");
  BONGSU_TRY(out.charter, in.text("charter", 64));
  if (!is_short_name(out.charter)) return in.wrong("charter", "is the short name of a charter");
  BONGSU_TRY(const auto parties, in.texts("parties", kMaxMemorandumParties, 64));
  for (const auto& id : parties)
    if (!is_member_id(id)) return in.wrong("parties", fmt::format("\"{}\" {}", id, kMemberRule));
  out.parties.insert(parties.begin(), parties.end());
  if (out.parties.size() < 2) return in.wrong("parties", "are at least two");
  BONGSU_TRY(out.valid_from, in.instant("valid_from"));
  BONGSU_TRY(out.valid_until, in.instant("valid_until"));
  if (out.valid_from >= out.valid_until) return in.wrong("valid_until", "has to be later than valid_from");
  BONGSU_TRY(out.notice_days, in.integer("notice_days", 0, kMaxMemorandumDays));
  BONGSU_TRY(out.permits, clauses<PermitClause>(in, "permit", read_permit));
  BONGSU_TRY(out.denies, clauses<DenyClause>(in, "deny", read_deny));
  BONGSU_TRY_VOID(in.done());
  BONGSU_TRY_VOID(check_parties(in, out));
  return out;
}

// ── Writing ────────────────────────────────────────────────────────────────────────────────────────────────────────
std::string list(const auto& items) {
  std::string out = "[";
  for (const auto& item : items) {
    if (out.size() > 1) out += ", ";
    if constexpr (std::is_same_v<std::decay_t<decltype(item)>, Purpose>)
      out += toml_quoted(to_string(item));
    else
      out += toml_quoted(item);
  }
  return out + "]";
}

std::string_view tlp_name(stix::Tlp tlp) { return kTlpNames[static_cast<std::size_t>(tlp)]; }

}  // namespace

Result<Memorandum> parse_memorandum(std::string_view toml, std::string_view source_name) {
  const std::string source(source_name);
  if (toml.size() > kMaxAgreementBytes)
    return fail(ErrorCode::kTooLarge, fmt::format("an agreement has at most {} bytes", kMaxAgreementBytes),
                {.source = source});
  BONGSU_TRY_VOID(check_toml_text(toml, source_name));
  Lines lines;
  auto json = [&]() -> Result<Json> {
    try {
      const toml::table table = toml::parse(toml);
      return json_of(table, "", 0, lines);
    } catch (const toml::parse_error& error) {
      return fail(ErrorCode::kInvalid, fmt::format("not TOML: {}", error.description()),
                  {.source = source, .line = error.source().begin.line});
    }
  }();
  auto out = json ? read(*json) : Result<Memorandum>(std::unexpected(json.error()));
  if (!out && out.error().where.source.empty()) {
    out.error().where.source = source;
    out.error().where.line = lines.line(out.error().where.field);
  }
  return out;
}

bool is_memorandum(std::string_view toml) {
  if (toml.size() > kMaxAgreementBytes || !check_toml_text(toml, "")) return false;
  try {
    return toml::parse(toml).contains("agreement");
  } catch (const toml::parse_error&) {
    return false;
  }
}

std::string to_toml(const Memorandum& m) {
  std::string out = fmt::format("agreement   = {}\nversion     = {}\n", toml_quoted(m.id), m.version);
  if (!m.previous.empty()) out += fmt::format("previous    = {}\n", toml_quoted(m.previous));
  out += fmt::format("title       = {}\ncharter     = {}\nparties     = {}\n", toml_quoted(m.title),
                     toml_quoted(m.charter), list(m.parties));
  out += fmt::format("valid_from  = {}\nvalid_until = {}\nnotice_days = {}\n", m.valid_from.text(0),
                     m.valid_until.text(0), m.notice_days);
  for (const auto& p : m.permits) {
    out += fmt::format(
        "\n[[permit]]\nfrom        = {}\nto          = {}\ncollections = {}\ntypes       = {}\nhighest_tlp = \"{}\"\n",
        list(p.from), list(p.to), list(p.collections), list(p.types), tlp_name(p.highest_tlp));
    if (p.highest_class != ClassRank::kUnclassified)
      out += fmt::format("highest_class = \"{}\"\n", to_string(p.highest_class));
    if (!p.categories.empty()) out += fmt::format("categories  = {}\n", list(p.categories));
    if (!p.caveats.empty()) out += fmt::format("caveats     = {}\n", list(p.caveats));
    if (p.sectors) out += fmt::format("sectors     = {}\n", list(*p.sectors));
    if (p.communities) out += fmt::format("communities = {}\n", list(*p.communities));
    out += fmt::format("purposes    = {}\nonward      = {}\n", list(p.purposes), p.onward);
    if (p.passes_on) out += fmt::format("passes_on   = {}\n", list(*p.passes_on));
    if (p.widens) out += "widens      = true\n";
    out += fmt::format("tlp1_amber  = \"{}\"\nsightings   = \"{}\"\n", p.tlp1_amber_is_amber ? "amber" : "amber+strict",
                       p.anonymise_sightings ? "anonymous" : "named");
    if (p.red_to_persons) out += "red_to_persons = true\n";
    if (p.personal_data_days) out += fmt::format("personal_data_days = {}\n", *p.personal_data_days);
  }
  for (const auto& d : m.denies) {
    out += "\n[[deny]]\n";
    if (d.from) out += fmt::format("from        = {}\n", list(*d.from));
    if (d.to) out += fmt::format("to          = {}\n", list(*d.to));
    if (d.what.collections) out += fmt::format("collections = {}\n", list(*d.what.collections));
    if (d.what.types) out += fmt::format("types       = {}\n", list(*d.what.types));
    if (d.what.sectors) out += fmt::format("sectors     = {}\n", list(*d.what.sectors));
    if (d.what.categories) out += fmt::format("categories  = {}\n", list(*d.what.categories));
    if (d.what.purposes) out += fmt::format("purposes    = {}\n", list(*d.what.purposes));
    if (d.what.tlp_from) out += fmt::format("tlp_from    = \"{}\"\n", tlp_name(*d.what.tlp_from));
    if (d.what.class_from) out += fmt::format("class_from  = \"{}\"\n", to_string(*d.what.class_from));
  }
  return out;
}

}  // namespace bongsu::policy
