#include "policy/agreement.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <toml++/toml.h>
#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include "base/json.h"
#include "base/toml_text.h"

namespace bongsu::policy {
namespace {

constexpr std::string_view kKeys[] = {"partner",     "collections", "highest_tlp", "types",    "valid_from",
                                      "valid_until", "onward",      "passes_on",   "purposes", "personal_data_days"};
constexpr std::string_view kTlpNames[] = {"clear", "green", "amber", "amber+strict"};

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

std::string_view nearest_key(std::string_view key) {
  return *std::ranges::min_element(kKeys, {}, [key](std::string_view known) { return edit_distance(key, known); });
}

bool is_collection_name(std::string_view text) {
  if (text.empty() || text.size() > 128) return false;
  const auto alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return alphanumeric(text.front()) &&
         std::ranges::all_of(text, [&](char c) { return alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
}

bool is_type_name(std::string_view text) {  // STIX 2.1 §3.1
  if (text.size() < 3 || text.size() > 250) return false;
  return std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

std::string shown(std::string_view text) {
  std::string out;
  append_json_string(out, text.substr(0, 160));
  return out;
}

// Reads one table; every error carries source, line and key.
class Reader {
 public:
  Reader(const toml::table& table, std::string_view source) : table_(table), source_(source) {}

  std::unexpected<Error> wrong(const toml::node* node, std::string_view key, std::string message) const {
    return fail(
        ErrorCode::kInvalid, std::move(message),
        {.source = source_, .line = node == nullptr ? 0 : node->source().begin.line, .field = std::string(key)});
  }

  Result<const toml::node*> required(std::string_view key) const {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return wrong(nullptr, key, "is required in an agreement");
    return node;
  }

  Result<std::string> text(std::string_view key) const {
    BONGSU_TRY(const toml::node* node, required(key));
    const auto* value = node->as_string();
    if (value == nullptr) return wrong(node, key, "is a text in quotes");
    return value->get();
  }

  // A list of different texts that pass `good`.
  template <class Good>
  Result<std::vector<std::string>> list(std::string_view key, Good good, std::string_view rule) const {
    BONGSU_TRY(const toml::node* node, required(key));
    const auto* array = node->as_array();
    if (array == nullptr) return wrong(node, key, "is a list: [\"…\"]");
    if (array->size() > kMaxAgreementItems)
      return wrong(node, key, fmt::format("holds at most {} items", kMaxAgreementItems));
    std::vector<std::string> out;
    for (const toml::node& item : *array) {
      const auto* value = item.as_string();
      if (value == nullptr) return wrong(&item, key, "holds texts in quotes only");
      if (!good(value->get())) return wrong(&item, key, fmt::format("{} {}", shown(value->get()), rule));
      if (std::ranges::find(out, value->get()) != out.end())
        return wrong(&item, key, fmt::format("{} is named twice", shown(value->get())));
      out.push_back(value->get());
    }
    return out;
  }

  Result<Instant> instant(std::string_view key) const {
    BONGSU_TRY(const toml::node* node, required(key));
    const auto* value = node->as_date_time();
    if (value == nullptr) return wrong(node, key, "is a date and time without quotes: 2027-11-21T00:00:00Z");
    const toml::date_time& at = value->get();
    if (!at.offset) return wrong(node, key, "needs its offset from UTC: write Z at its end");
    const std::chrono::year_month_day date{std::chrono::year{at.date.year}, std::chrono::month{at.date.month},
                                           std::chrono::day{at.date.day}};
    if (!date.ok()) return wrong(node, key, "is a date that does not exist");
    const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
    const Instant out{
        days * 86400 + at.time.hour * 3600 + at.time.minute * 60 + at.time.second - at.offset->minutes * 60,
        static_cast<std::int32_t>(at.time.nanosecond)};
    if (out < kEarliest || out > kLatest) return wrong(node, key, "lies outside the years 0 to 9999");
    return out;
  }

  const toml::table& table() const { return table_; }

 private:
  static constexpr Instant kEarliest{-62'167'219'200, 0};          // 0000-01-01T00:00:00Z
  static constexpr Instant kLatest{253'402'300'799, 999'999'999};  // 9999-12-31T23:59:59.999999999Z
  const toml::table& table_;
  std::string source_;
};

Result<Agreement> read(const Reader& in) {
  for (const auto& [key, node] : in.table()) {
    if (std::ranges::find(kKeys, key.str()) == std::end(kKeys)) {
      return fail(
          ErrorCode::kInvalid,
          fmt::format("is not a key of an agreement; the nearest is \"{}\"", nearest_key(key.str().substr(0, 80))),
          {.source = in.wrong(nullptr, "", "").error().where.source,
           .line = key.source().begin.line,
           .field = std::string(key.str())});
    }
  }
  Agreement out;
  BONGSU_TRY(out.partner, in.text("partner"));
  if (!is_member_id(out.partner))
    return in.wrong(
        in.table().get("partner"), "partner",
        fmt::format("{} is not a member's name: lower-case letters, digits and -, at most 63", shown(out.partner)));

  BONGSU_TRY(out.collections,
             in.list("collections", is_collection_name,
                     "is not a collection's alias or id (an agreement names each one; there is no wildcard)"));

  BONGSU_TRY(const std::string tlp, in.text("highest_tlp"));
  if (const auto* found = std::ranges::find(kTlpNames, tlp); found != std::end(kTlpNames)) {
    out.highest_tlp = static_cast<stix::Tlp>(found - kTlpNames);
  } else {
    return in.wrong(
        in.table().get("highest_tlp"), "highest_tlp",
        tlp == "red" ? "cannot be \"red\": TLP:RED goes to named persons only, by a signed agreement (red_to_persons)"
                     : fmt::format("{} is not one of clear, green, amber, amber+strict", shown(tlp)));
  }

  BONGSU_TRY(const auto types,
             in.list("types", [](std::string_view t) { return t == "*" || is_type_name(t); }, "is not a STIX type"));
  out.types.insert(types.begin(), types.end());
  if (out.types.contains("*") && out.types.size() > 1)
    return in.wrong(in.table().get("types"), "types", "\"*\" stands alone: it means every type");

  if (in.table().contains("valid_from")) {
    BONGSU_TRY(out.valid_from, in.instant("valid_from"));
  }
  BONGSU_TRY(out.valid_until, in.instant("valid_until"));
  if (out.valid_from && *out.valid_from >= out.valid_until)
    return in.wrong(in.table().get("valid_until"), "valid_until", "has to be later than valid_from");

  if (const toml::node* onward = in.table().get("onward")) {
    const auto* value = onward->as_boolean();
    if (value == nullptr) return in.wrong(onward, "onward", "is true or false");
    out.onward = value->get();
  }
  if (in.table().contains("passes_on")) {
    BONGSU_TRY(const auto members, in.list(
                                       "passes_on", [](std::string_view t) { return t == "*" || is_member_id(t); },
                                       "is not a member's name: lower-case letters, digits and -, at most 63"));
    out.passes_on.insert(members.begin(), members.end());
    if (out.passes_on.contains("*") && out.passes_on.size() > 1)
      return in.wrong(in.table().get("passes_on"), "passes_on", "\"*\" stands alone: it means everybody");
  }
  if (in.table().contains("purposes")) {
    BONGSU_TRY(const auto purposes, in.list(
                                        "purposes", [](std::string_view t) { return parse_purpose(t).has_value(); },
                                        "is not one of operations, exercise, crisis"));
    out.purposes.clear();
    for (const std::string& purpose : purposes) out.purposes.insert(*parse_purpose(purpose));
  }
  if (const toml::node* days = in.table().get("personal_data_days")) {
    const auto* value = days->as_integer();
    if (value == nullptr || value->get() < 0 || value->get() > kMaxAgreementDays)
      return in.wrong(days, "personal_data_days", fmt::format("is a number of days from 0 to {}", kMaxAgreementDays));
    out.personal_data_days = value->get();
  }
  return out;
}

std::string quoted_list(const auto& items) {
  return items.empty() ? "[]" : fmt::format("[\"{}\"]", fmt::join(items, "\", \""));
}

std::string clauses(const Agreement& a, const std::vector<std::string>& collections) {
  std::string out;
  out += fmt::format("collections = {}\n", quoted_list(collections));
  const auto tlp = static_cast<std::size_t>(a.highest_tlp);
  out += fmt::format("highest_tlp = \"{}\"\n", tlp < std::size(kTlpNames) ? kTlpNames[tlp] : "red");
  out += fmt::format("types       = {}\n", quoted_list(a.types));
  if (a.valid_from) out += fmt::format("valid_from  = {}\n", a.valid_from->text(9));
  out += fmt::format("valid_until = {}\n", a.valid_until.text(9));
  out += fmt::format("onward      = {}\n", a.onward);
  if (!a.passes_on.empty()) out += fmt::format("passes_on   = {}\n", quoted_list(a.passes_on));
  return out;
}

constexpr std::array<std::string_view, 3> kPurposes = {"operations", "exercise", "crisis"};
constexpr std::array<std::string_view, 3> kDirections = {"both", "to-partner", "from-partner"};

template <class Value, class Names>
std::optional<Value> value_of(const Names& names, std::string_view text) {
  const auto* found = std::ranges::find(names, text);
  if (found == names.end()) return std::nullopt;
  return static_cast<Value>(found - names.begin());
}

std::vector<std::string_view> purpose_names(const std::set<Purpose>& purposes) {
  std::vector<std::string_view> out;
  for (const Purpose purpose : purposes) out.push_back(to_string(purpose));
  return out;
}

// What stands beside a local agreement's clauses; nothing for what is as in one.
std::string signed_clauses(const Agreement& a) {
  const Agreement local;
  std::string out;
  const auto texts = [&](std::string_view name, const std::set<std::string>& items) {
    out += fmt::format("{} = [", name);
    for (const auto& item : items) out += fmt::format("{},", shown(item));
    out += "]\n";
  };
  if (!a.id.empty() || a.version != 0) out += fmt::format("agreement = \"{}\" {}\n", a.id, a.version);
  if (!a.parties.empty()) texts("parties", a.parties);
  if (a.direction != local.direction) out += fmt::format("direction = {}\n", to_string(a.direction));
  if (a.purposes != local.purposes) {
    out += "purposes =";
    for (const Purpose purpose : a.purposes) out += fmt::format(" {}", to_string(purpose));
    out += '\n';
  }
  if (a.sectors) texts("sectors", *a.sectors);
  if (a.communities) texts("communities", *a.communities);
  if (a.highest_class != local.highest_class) out += fmt::format("highest_class = {}\n", to_string(a.highest_class));
  if (!a.categories.empty()) texts("categories", a.categories);
  if (!a.caveats.empty()) texts("caveats", a.caveats);
  if (a.anonymise_sightings != local.anonymise_sightings) out += "anonymise_sightings = false\n";
  if (a.red_to_persons) out += "red_to_persons = true\n";
  if (a.tlp1_amber_is_amber) out += "tlp1_amber_is_amber = true\n";
  if (a.widens) out += "widens = true\n";
  if (a.personal_data_days) out += fmt::format("personal_data_days = {}\n", *a.personal_data_days);
  for (const auto& denial : a.denies) {
    out += "deny\n";
    if (denial.collections) texts(" collections", *denial.collections);
    if (denial.types) texts(" types", *denial.types);
    if (denial.sectors) texts(" sectors", *denial.sectors);
    if (denial.categories) texts(" categories", *denial.categories);
    if (denial.purposes) {
      out += " purposes =";
      for (const Purpose purpose : *denial.purposes) out += fmt::format(" {}", to_string(purpose));
      out += '\n';
    }
    if (denial.tlp_from) out += fmt::format(" tlp_from = {}\n", stix::to_string(*denial.tlp_from));
    if (denial.class_from) out += fmt::format(" class_from = {}\n", to_string(*denial.class_from));
  }
  return out;
}

}  // namespace

std::string_view to_string(Purpose purpose) { return kPurposes.at(static_cast<std::size_t>(purpose)); }
std::optional<Purpose> parse_purpose(std::string_view text) { return value_of<Purpose>(kPurposes, text); }
std::string_view to_string(Direction direction) { return kDirections.at(static_cast<std::size_t>(direction)); }
std::optional<Direction> parse_direction(std::string_view text) { return value_of<Direction>(kDirections, text); }

std::string Agreement::terms() const {
  std::vector<std::string> sorted = collections;
  std::ranges::sort(sorted);
  return clauses(*this, sorted) + signed_clauses(*this);
}

Result<Agreement> parse_agreement(std::string_view toml, std::string_view source_name) {
  if (toml.size() > kMaxAgreementBytes)
    return fail(ErrorCode::kTooLarge, fmt::format("an agreement has at most {} bytes", kMaxAgreementBytes),
                {.source = std::string(source_name)});
  BONGSU_TRY_VOID(check_toml_text(toml, source_name));
  try {
    const toml::table table = toml::parse(toml);
    return read(Reader(table, source_name));
  } catch (const toml::parse_error& error) {
    return fail(ErrorCode::kInvalid, fmt::format("not TOML: {}", error.description()),
                {.source = std::string(source_name), .line = error.source().begin.line});
  }
}

std::string to_toml(const Agreement& agreement) {
  std::string out =
      fmt::format("partner     = \"{}\"\n", agreement.partner) + clauses(agreement, agreement.collections);
  if (agreement.purposes != Agreement().purposes)
    out += fmt::format("purposes    = {}\n", quoted_list(purpose_names(agreement.purposes)));
  if (agreement.personal_data_days) out += fmt::format("personal_data_days = {}\n", *agreement.personal_data_days);
  return out;
}

std::string explain(const Agreement& a) {
  std::string out;
  if (a.collections.empty()) {
    out += fmt::format("Nothing flows to {}: the agreement names no collection.\n", a.partner);
  } else {
    out +=
        fmt::format("{} may read {} {}.\n", a.partner, a.collections.size() == 1 ? "the collection" : "the collections",
                    fmt::join(a.collections, ", "));
  }
  if (a.types.contains("*"))
    out += "Objects of every type may flow.\n";
  else if (a.types.empty())
    out += "No type of object may flow, marking definitions excepted.\n";
  else
    out += fmt::format("Only objects of these types may flow: {}; marking definitions travel with what they mark.\n",
                       fmt::join(a.types, ", "));
  out += fmt::format("Nothing above {} may flow.\n", stix::to_string(a.highest_tlp));
  out += a.onward ? fmt::format("What third members gave us may flow on to {}.\n", a.partner)
                  : fmt::format("What third members gave us does not flow on to {}.\n", a.partner);
  if (a.passes_on.empty())
    out += fmt::format("What {} gave us is passed on to nobody.\n", a.partner);
  else if (a.passes_on.contains("*"))
    out += fmt::format("What {} gave us may be passed on to any member, up to TLP:GREEN.\n", a.partner);
  else
    out += fmt::format("What {} gave us may be passed on to {}.\n", a.partner, fmt::join(a.passes_on, " and "));
  if (a.purposes != Agreement().purposes)
    out += a.purposes.empty() ? "It is for no purpose: nothing flows.\n"
                              : fmt::format("It is for {}.\n", fmt::join(purpose_names(a.purposes), " and "));
  if (a.personal_data_days)
    out += fmt::format("Personal data that {} gave is erased here after {} days.\n", a.partner, *a.personal_data_days);
  if (a.valid_from) out += fmt::format("It begins at {}.\n", a.valid_from->text(0));
  out += fmt::format("It ends at {}; after that nothing flows.\n", a.valid_until.text(0));
  return out;
}

}  // namespace bongsu::policy
