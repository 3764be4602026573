#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "base/uuid.h"
#include "detect/sigma/condition.h"
#include "detect/sigma/rule.h"

namespace bongsu::detect::sigma {
namespace {

constexpr std::size_t kMaxGroupBy = 32;           // fields

constexpr std::size_t kMaxTextBytes = 65'535;   // of a description (rules specification)
constexpr std::size_t kMaxReferences = 10'000;  // rules that a correlation or a filter names
constexpr std::int64_t kMaxTimespan_s = 366LL * 86'400;

constexpr std::string_view kLevels[] = {"", "informational", "low", "medium", "high", "critical"};
constexpr std::string_view kTypes[] = {"event_count",  "value_count",     "temporal",  "temporal_ordered",
                                       "value_sum",    "value_avg",       "value_min", "value_max",
                                       "value_median", "value_percentile"};

// Reads attributes of one map, with errors that name them.
struct Reader {
  const std::string& source;

  std::unexpected<Error> wrong(Place place, std::string field, std::string message,
                               ErrorCode code = ErrorCode::kInvalid) const {
    return fail(code, std::move(message), at(source, place, std::move(field)));
  }
  Result<std::string> text(const Yaml& map, std::string_view key, std::size_t limit = kMaxTextBytes) const {
    const Yaml* node = map.find(key);
    if (node == nullptr || node->is_null()) return std::string();
    if (!node->is_scalar()) return wrong(node->place, std::string(key), "a text was expected");
    if (node->text.size() > limit)
      return wrong(node->place, std::string(key), "longer than " + std::to_string(limit) + " bytes",
                   ErrorCode::kTooLarge);
    return node->text;
  }
  // A text, or a list of them.
  Result<std::vector<std::string>> texts(const Yaml& map, std::string_view key) const {
    const Yaml* node = map.find(key);
    std::vector<std::string> out;
    if (node == nullptr || node->is_null()) return out;
    if (node->is_scalar()) {
      out.push_back(node->text);
      return out;
    }
    if (!node->is_list()) return wrong(node->place, std::string(key), "a list of texts was expected");
    if (node->items.size() > kMaxReferences)
      return wrong(node->place, std::string(key), "too many entries", ErrorCode::kTooLarge);
    for (const Yaml& item : node->items) {
      if (!item.is_scalar()) return wrong(item.place, std::string(key), "a text was expected");
      out.push_back(item.text);
    }
    return out;
  }
};

// The hexadecimal digits of a UUID have no case (RFC 9562, 4); names have.
std::string canonical_id(std::string id) {
  const auto uuid = Uuid::parse(id);
  return uuid ? uuid->text() : id;
}
std::vector<std::string> canonical_ids(std::vector<std::string> ids) {
  for (std::string& id : ids) id = canonical_id(std::move(id));
  return ids;
}

Result<void> read_header(const Reader& reader, const Yaml& node, Header& out) {
  out.source = reader.source;
  out.place = node.place;
  BONGSU_TRY(out.title, reader.text(node, "title"));
  if (out.title.empty()) return reader.wrong(node.place, "title", "a title is needed");
  // 256 characters of up to four bytes
  if (out.title.size() > 1024)
    return reader.wrong(node.find("title")->place, "title", "a title has at most 256 characters", ErrorCode::kTooLarge);
  const std::pair<const char*, std::string Header::*> kTexts[] = {{"id", &Header::id},
                                                                  {"name", &Header::name},
                                                                  {"status", &Header::status},
                                                                  {"description", &Header::description},
                                                                  {"author", &Header::author},
                                                                  {"date", &Header::date},
                                                                  {"modified", &Header::modified},
                                                                  {"license", &Header::license},
                                                                  {"taxonomy", &Header::taxonomy}};
  for (const auto& [key, member] : kTexts) {
    BONGSU_TRY(out.*member, reader.text(node, key, kMaxTextBytes * 4));
  }
  out.id = canonical_id(std::move(out.id));
  const std::pair<const char*, std::vector<std::string> Header::*> kLists[] = {
      {"references", &Header::references},
      {"tags", &Header::tags},
      {"falsepositives", &Header::falsepositives},
      {"fields", &Header::fields},
      {"scope", &Header::scope}};
  for (const auto& [key, member] : kLists) {
    BONGSU_TRY(out.*member, reader.texts(node, key));
  }
  BONGSU_TRY(const std::string level, reader.text(node, "level"));
  if (!level.empty()) {
    const auto parsed = parse_level(level);
    if (!parsed)
      return reader.wrong(node.find("level")->place, "level",
                          "a level is informational, low, medium, high or critical");
    out.level = *parsed;
  }
  if (!out.status.empty() && !is_status(out.status))
    return reader.wrong(node.find("status")->place, "status",
                        "a status is stable, test, experimental, deprecated or unsupported");
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const std::string& key = node.keys[i].first;
    constexpr std::string_view kKnown[] = {
        "title",     "id",        "name",        "status", "description",    "author", "date",  "modified",
        "license",   "taxonomy",  "references",  "tags",   "falsepositives", "fields", "scope", "level",
        "logsource", "detection", "correlation", "filter", "action",         "related"};
    if (node.items[i].string() != nullptr && std::ranges::find(kKnown, key) == std::end(kKnown))
      out.custom[key] = node.items[i].text;
  }
  if (!out.taxonomy.empty() && out.taxonomy != "sigma") out.custom["taxonomy"] = out.taxonomy;
  return {};
}

Result<LogSourceName> read_log_source(const Reader& reader, const Yaml& node) {
  const Yaml* source = node.find("logsource");
  if (source == nullptr) return reader.wrong(node.place, "logsource", "a log source is needed");
  if (!source->is_map())
    return reader.wrong(source->place, "logsource", "a map with product, category or service was expected");
  LogSourceName out;
  BONGSU_TRY(out.product, reader.text(*source, "product"));
  BONGSU_TRY(out.category, reader.text(*source, "category"));
  BONGSU_TRY(out.service, reader.text(*source, "service"));
  for (std::string* part : {&out.product, &out.category, &out.service}) *part = lowered(*part);
  if (out.product.empty() && out.category.empty() && out.service.empty())
    return reader.wrong(source->place, "logsource", "a log source names a product, a category or a service");
  return out;
}

// A condition's error gets the place of its character in the file, when the text stands in it as it is.
std::unexpected<Error> condition_error(const Reader& reader, Error error, const Yaml& node, std::string field) {
  Place place = node.place;
  if (error.where.has_offset && node.place.column > 0)
    place.column += static_cast<std::uint32_t>(error.where.offset) + (node.quoted ? 1 : 0);
  return reader.wrong(place, std::move(field), std::move(error.message), error.code);
}

Result<std::vector<std::pair<std::string, Detection>>> read_detections(const Reader& reader, const Yaml& node,
                                                                       std::initializer_list<std::string_view> others) {
  std::vector<std::pair<std::string, Detection>> out;
  std::size_t values = 0;
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const std::string& name = node.keys[i].first;
    if (std::ranges::find(others, name) != others.end()) continue;
    auto detection = read_detection(node.items[i], reader.source, values);
    if (!detection) {
      Error error = std::move(detection).error();
      if (error.where.line == 0) error.where = at(reader.source, node.keys[i].second, error.where.field);
      error.where.field = "detection." + name + (error.where.field.empty() ? "" : "." + error.where.field);
      return std::unexpected(std::move(error));
    }
    out.emplace_back(name, std::move(*detection));
  }
  if (out.empty()) return reader.wrong(node.place, "detection", "no search identifier is defined");
  return out;
}

Result<Rule> read_rule(const Reader& reader, const Yaml& node) {
  Rule out;
  BONGSU_TRY_VOID(read_header(reader, node, out));
  BONGSU_TRY(out.log_source, read_log_source(reader, node));
  const Yaml* detection = node.find("detection");
  if (!detection->is_map())
    return reader.wrong(detection->place, "detection", "a map of search identifiers was expected");
  BONGSU_TRY(out.detections, read_detections(reader, *detection, {"condition", "timeframe"}));
  if (const Yaml* timeframe = detection->find("timeframe"))
    return reader.wrong(timeframe->place, "detection.timeframe", "a time frame belongs to a correlation rule now",
                        ErrorCode::kUnsupported);
  const Yaml* condition = detection->find("condition");
  if (condition == nullptr) return reader.wrong(detection->place, "detection.condition", "a condition is needed");
  out.condition_place = condition->place;
  const std::size_t count = condition->is_list() ? condition->items.size() : 1;
  if (count == 0) return reader.wrong(condition->place, "detection.condition", "a condition is needed");
  for (std::size_t i = 0; i < count; ++i) {
    const Yaml& one = condition->is_list() ? condition->items[i] : *condition;
    if (one.string() == nullptr) return reader.wrong(one.place, "detection.condition", "a condition is a text");
    auto parsed = parse_condition(one.text);
    if (!parsed) return condition_error(reader, std::move(parsed).error(), one, "detection.condition");
    BONGSU_TRY_VOID(check_condition(*parsed, out.detections, reader.source, one.place));
    out.conditions.push_back(std::move(*parsed));
  }
  return out;
}

Result<std::int64_t> read_timespan(const Reader& reader, const Yaml& correlation) {
  const Yaml* node = correlation.find("timespan");
  if (node == nullptr) node = correlation.find("timeframe");
  if (node == nullptr) return reader.wrong(correlation.place, "correlation.timespan", "a timespan is needed");
  std::int64_t count = 0;
  const std::string& text = node->text;
  const char* end = text.data() + text.size();
  const auto [p, ec] = std::from_chars(text.data(), end, count);
  std::int64_t unit = 0;
  if (node->is_scalar() && ec == std::errc{} && p + 1 == end)
    unit = *p == 's' ? 1 : *p == 'm' ? 60 : *p == 'h' ? 3600 : *p == 'd' ? 86'400 : *p == 'w' ? 7 * 86'400 : 0;
  if (unit == 0 || count <= 0)
    return reader.wrong(node->place, "correlation.timespan",
                        "a timespan is a number above 0 and s, m, h, d or w: \"90m\"");
  if (count > kMaxTimespan_s / unit)
    return reader.wrong(node->place, "correlation.timespan", "a timespan is at most 366 days", ErrorCode::kTooLarge);
  return count * unit;
}

Result<void> read_correlation_condition(const Reader& reader, const Yaml& node, Correlation& out) {
  using Type = Correlation::Type;
  const bool temporal = out.type == Type::kTemporal || out.type == Type::kTemporalOrdered;
  const std::string field = "correlation.condition";
  if (node.is_scalar() && !node.is_null()) {
    if (!temporal)
      return reader.wrong(
          node.place, field,
          "only temporal and temporal_ordered take an expression; this type takes a map such as gte: 10");
    auto parsed = parse_condition(node.text, false);
    if (!parsed) return condition_error(reader, std::move(parsed).error(), node, field);
    out.expression = std::move(*parsed);
    return {};
  }
  if (!node.is_map()) return reader.wrong(node.place, field, "a map such as gte: 10 was expected");
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const std::string& key = node.keys[i].first;
    const Yaml& value = node.items[i];
    constexpr std::string_view kOperators[] = {"lt", "lte", "gt", "gte", "eq", "neq"};
    const auto op = std::ranges::find(kOperators, key);
    if (op != std::end(kOperators)) {
      const auto number = value.number();
      double count = 0;
      if (!number || std::from_chars(number->data(), number->data() + number->size(), count).ec != std::errc{})
        return reader.wrong(value.place, field + "." + key, "a number was expected");
      out.compare.emplace_back(static_cast<Correlation::Operator>(op - std::begin(kOperators)), count);
    } else if (key == "field") {
      BONGSU_TRY(out.value_fields, reader.texts(node, "field"));
      for (const std::string& counted : out.value_fields)
        if (!good_field_name(counted))
          return reader.wrong(node.find("field")->place, "correlation.condition.field", "not the name of a field");
    } else if (key == "percentile") {
      const auto number = value.number();
      double p = -1;
      if (number) std::from_chars(number->data(), number->data() + number->size(), p);
      if (p < 0 || p > 100)
        return reader.wrong(value.place, field + ".percentile", "a percentile is a number from 0 to 100");
      out.percentile = p;
    } else {
      return reader.wrong(node.keys[i].second, field + "." + key,
                          "a condition has lt, lte, gt, gte, eq, neq, field and percentile");
    }
  }
  if (out.compare.empty()) return reader.wrong(node.place, field, "one of lt, lte, gt, gte, eq and neq is needed");
  return {};
}

bool only_and(const Condition& condition) {
  return condition.kind == Condition::Kind::kName ||
         (condition.kind == Condition::Kind::kAnd && std::ranges::all_of(condition.children, only_and));
}

Result<Correlation> read_correlation(const Reader& reader, const Yaml& node) {
  using Type = Correlation::Type;
  Correlation out;
  BONGSU_TRY_VOID(read_header(reader, node, out));
  const Yaml& correlation = *node.find("correlation");
  if (!correlation.is_map()) return reader.wrong(correlation.place, "correlation", "a map was expected");
  for (std::size_t i = 0; i < correlation.keys.size(); ++i) {
    constexpr std::string_view kKeys[] = {"type",      "rules",     "group-by", "timespan",
                                          "timeframe", "condition", "aliases",  "generate"};
    if (std::ranges::find(kKeys, correlation.keys[i].first) == std::end(kKeys))
      return reader.wrong(correlation.keys[i].second, "correlation." + correlation.keys[i].first,
                          "not an attribute of a correlation");
  }
  const Yaml* type = correlation.find("type");
  if (type == nullptr) return reader.wrong(correlation.place, "correlation.type", "a type is needed");
  const auto found = std::ranges::find(kTypes, type->text);
  if (!type->is_scalar() || found == std::end(kTypes))
    return reader.wrong(type->place, "correlation.type", "no type of correlation: \"" + type->text + "\"");
  out.type = static_cast<Type>(found - std::begin(kTypes));
  const bool temporal = out.type == Type::kTemporal || out.type == Type::kTemporalOrdered;

  BONGSU_TRY(out.rules, reader.texts(correlation, "rules"));
  out.rules = canonical_ids(std::move(out.rules));
  out.rules_place = correlation.find("rules") != nullptr ? correlation.find("rules")->place : correlation.place;
  BONGSU_TRY(out.group_by, reader.texts(correlation, "group-by"));
  const Yaml* group_by = correlation.find("group-by");
  if (out.group_by.size() > kMaxGroupBy)
    return reader.wrong(group_by->place, "correlation.group-by", "too many fields");
  for (const std::string& field : out.group_by)
    if (!good_field_name(field)) return reader.wrong(group_by->place, "correlation.group-by", "not the name of a field");
  BONGSU_TRY(out.timespan_s, read_timespan(reader, correlation));
  if (const Yaml* generate = correlation.find("generate")) {
    const auto flag = generate->boolean();
    if (!flag) return reader.wrong(generate->place, "correlation.generate", "true or false was expected");
    out.generate = *flag;
  }
  if (const Yaml* aliases = correlation.find("aliases")) {
    if (!aliases->is_map()) return reader.wrong(aliases->place, "correlation.aliases", "a map was expected");
    for (std::size_t i = 0; i < aliases->keys.size(); ++i) {
      const Yaml& per_rule = aliases->items[i];
      if (!per_rule.is_map())
        return reader.wrong(per_rule.place, "correlation.aliases." + aliases->keys[i].first,
                            "a map from rules to fields was expected");
      auto& alias = out.aliases[aliases->keys[i].first];
      for (std::size_t k = 0; k < per_rule.keys.size(); ++k) {
        if (per_rule.items[k].string() == nullptr)
          return reader.wrong(per_rule.items[k].place, "correlation.aliases." + aliases->keys[i].first,
                              "a field name was expected");
        alias[canonical_id(per_rule.keys[k].first)] = per_rule.items[k].text;
      }
    }
  }
  const Yaml* condition = correlation.find("condition");
  if (condition != nullptr) {
    BONGSU_TRY_VOID(read_correlation_condition(reader, *condition, out));
  } else if (!temporal) {
    return reader.wrong(correlation.place, "correlation.condition", "a condition is needed");
  }
  if (out.expression) {
    // Without a list the expression names the rules, in the order in which they appear.
    const bool listed = !out.rules.empty();
    std::vector<const Condition*> open{&*out.expression};
    std::vector<std::string> named;
    while (!open.empty()) {
      const Condition* one = open.back();
      open.pop_back();
      if (one->kind == Condition::Kind::kName && std::ranges::find(named, one->name) == named.end())
        named.push_back(one->name);
      for (auto child = one->children.rbegin(); child != one->children.rend(); ++child) open.push_back(&*child);
    }
    if (!listed) out.rules = named;
    for (const std::string& name : named)
      if (std::ranges::find(out.rules, name) == out.rules.end())
        return reader.wrong(condition->place, "correlation.condition", "\"" + name + "\" is not among the rules");
    for (const std::string& rule : out.rules)
      if (std::ranges::find(named, rule) == named.end())
        return reader.wrong(condition->place, "correlation.condition",
                            "the rule \"" + rule + "\" does not come in the condition");
  }
  if (out.rules.empty())
    return reader.wrong(out.rules_place, "correlation.rules", "a correlation refers to at least one rule");
  for (std::size_t i = 0; i < out.rules.size(); ++i)
    if (std::find(out.rules.begin() + static_cast<std::ptrdiff_t>(i) + 1, out.rules.end(), out.rules[i]) !=
        out.rules.end())
      return reader.wrong(out.rules_place, "correlation.rules", "the rule \"" + out.rules[i] + "\" comes twice");
  if (out.type == Type::kTemporalOrdered) {
    if (out.rules.size() > kMaxOrderedRules)
      return reader.wrong(out.rules_place, "correlation.rules",
                          "temporal_ordered takes at most " + std::to_string(kMaxOrderedRules) + " rules",
                          ErrorCode::kTooLarge);
    if (out.expression && !only_and(*out.expression))
      return reader.wrong(condition->place, "correlation.condition",
                          "an expression of temporal_ordered joins its rules by \"and\"", ErrorCode::kUnsupported);
    using Operator = Correlation::Operator;
    if (out.compare.size() > 1 || (out.compare.size() == 1 && out.compare[0].first != Operator::kGreater &&
                                   out.compare[0].first != Operator::kGreaterEqual))
      return reader.wrong(condition->place, "correlation.condition",
                          "temporal_ordered takes gt or gte of the number of rules", ErrorCode::kUnsupported);
  }
  const bool counts = out.type == Type::kEventCount || temporal;
  if (!counts && out.value_fields.empty())
    return reader.wrong(condition->place, "correlation.condition.field",
                        "this type of correlation needs the field whose values it takes");
  if (counts && !out.value_fields.empty())
    return reader.wrong(condition->place, "correlation.condition.field",
                        "this type of correlation takes no values of a field");
  if (!counts && out.type != Type::kValueCount && out.value_fields.size() > 1)
    return reader.wrong(condition->place, "correlation.condition.field", "only value_count takes more than one field");
  if (out.percentile && out.type != Type::kValuePercentile)
    return reader.wrong(condition->place, "correlation.condition.percentile",
                        "a percentile belongs to value_percentile");
  return out;
}

Result<Filter> read_filter(const Reader& reader, const Yaml& node) {
  Filter out;
  BONGSU_TRY_VOID(read_header(reader, node, out));
  BONGSU_TRY(out.log_source, read_log_source(reader, node));
  const Yaml& filter = *node.find("filter");
  if (!filter.is_map()) return reader.wrong(filter.place, "filter", "a map was expected");
  const Yaml* rules = filter.find("rules");
  if (rules == nullptr) return reader.wrong(filter.place, "filter.rules", "the rules are needed, or \"any\"");
  BONGSU_TRY(out.rules, reader.texts(filter, "rules"));
  out.rules = canonical_ids(std::move(out.rules));
  // An empty list would stand for every rule in the eyes of some, and for none in those of others.
  if (out.rules.empty())
    return reader.wrong(rules->place, "filter.rules", "this names no rule: write ids or names of rules, or \"any\"");
  out.any_rule = out.rules.size() == 1 && (lowered(out.rules[0]) == "any" || lowered(out.rules[0]) == "all");
  if (out.any_rule) out.rules.clear();
  BONGSU_TRY(out.detections, read_detections(reader, filter, {"rules", "condition"}));
  const Yaml* condition = filter.find("condition");
  if (condition == nullptr || condition->string() == nullptr)
    return reader.wrong(filter.place, "filter.condition", "a condition is needed, as a text");
  auto parsed = parse_condition(condition->text);
  if (!parsed) return condition_error(reader, std::move(parsed).error(), *condition, "filter.condition");
  BONGSU_TRY_VOID(check_condition(*parsed, out.detections, reader.source, condition->place));
  out.condition = std::move(*parsed);
  return out;
}

Result<Document> read_document(const Reader& reader, const Yaml& node) {
  if (!node.is_map()) return reader.wrong(node.place, "", "a Sigma document is a map");
  const bool rule = node.find("detection") != nullptr, correlation = node.find("correlation") != nullptr,
             filter = node.find("filter") != nullptr;
  if (rule + correlation + filter > 1)
    return reader.wrong(node.place, "", "a document has one of detection, correlation and filter");
  if (rule) return read_rule(reader, node);
  if (correlation) return read_correlation(reader, node);
  if (filter) return read_filter(reader, node);
  return reader.wrong(node.place, "", "neither a rule (detection), nor a correlation, nor a filter");
}

// Nodes of a tree, for the budget of copies.
std::size_t nodes_of(const Yaml& node) {
  std::size_t out = 1;
  for (const Yaml& item : node.items) out += nodes_of(item);
  return out;
}
bool spend(std::size_t& budget, std::size_t nodes) {
  if (nodes > budget) return false;
  budget -= nodes;
  return true;
}

// Maps join, everything else replaces. False: the budget is spent.
bool merge(Yaml& into, const Yaml& from, std::size_t& budget) {
  for (std::size_t i = 0; i < from.keys.size(); ++i) {
    if (!spend(budget, nodes_of(from.items[i]))) return false;
    Yaml* there = into.find(from.keys[i].first);
    if (there != nullptr && there->is_map() && from.items[i].is_map()) {
      if (!merge(*there, from.items[i], budget)) return false;
    } else {
      into.set(from.keys[i].first, from.items[i]);
    }
  }
  return true;
}

constexpr std::size_t kMaxJoinedNodes = 5'000'000;  // copied for `action`, in one file
constexpr std::size_t kMaxDocuments = 20'000;       // of one file

}  // namespace

std::string_view to_string(Level level) { return kLevels[static_cast<std::size_t>(level)]; }
std::optional<Level> parse_level(std::string_view text) {
  for (std::size_t i = 1; i < std::size(kLevels); ++i)
    if (kLevels[i] == text) return static_cast<Level>(i);
  return std::nullopt;
}
bool good_field_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxFieldNameBytes && std::ranges::count(name, '.') <= kMaxFieldNameDots;
}
bool is_status(std::string_view text) {
  constexpr std::string_view kStatuses[] = {"stable", "test", "experimental", "deprecated", "unsupported"};
  return std::ranges::find(kStatuses, text) != std::end(kStatuses);
}
std::string_view to_string(Correlation::Type type) { return kTypes[static_cast<std::size_t>(type)]; }

std::string LogSourceName::text() const {
  std::string out;
  for (const auto& [key, value] : {std::pair{"product", &product}, {"category", &category}, {"service", &service}})
    if (!value->empty()) out += (out.empty() ? "" : ", ") + std::string(key) + ": " + *value;
  return out;
}

std::vector<std::string> Header::techniques() const {
  std::vector<std::string> out;
  for (const std::string& tag : tags) {
    const std::string text = lowered(tag);
    if (!text.starts_with("attack.t") || text.size() < 9 || !is_digit(text[8])) continue;
    std::string technique = text.substr(7);
    technique[0] = 'T';
    out.push_back(std::move(technique));
  }
  return out;
}

const Detection* Rule::detection(std::string_view name) const {
  for (const auto& [key, detection] : detections)
    if (key == name) return &detection;
  return nullptr;
}

bool pattern_names(std::string_view pattern, std::string_view identifier) {
  if (identifier.starts_with('_')) return false;
  if (pattern.empty()) return true;  // them
  // Greedy with one point of return: linear in both.
  std::size_t p = 0, i = 0, star = pattern.npos, mark = 0;
  while (i < identifier.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = i;
    } else if (p < pattern.size() && pattern[p] == identifier[i]) {
      ++p;
      ++i;
    } else if (star != pattern.npos) {
      p = star + 1;
      i = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

Result<void> check_condition(const Condition& condition,
                             const std::vector<std::pair<std::string, Detection>>& detections,
                             const std::string& source, Place place) {
  using Kind = Condition::Kind;
  if (condition.kind == Kind::kName) {
    if (std::ranges::none_of(detections, [&](const auto& one) { return one.first == condition.name; }))
      return fail(ErrorCode::kInvalid, "the condition names \"" + condition.name + "\", which is not defined",
                  at(source, place, "detection.condition"));
  } else if (condition.kind == Kind::kOneOf || condition.kind == Kind::kAllOf) {
    if (std::ranges::none_of(detections, [&](const auto& one) { return pattern_names(condition.name, one.first); }))
      return fail(ErrorCode::kInvalid,
                  "no search identifier is named by \"" + (condition.name.empty() ? "them" : condition.name) + "\"",
                  at(source, place, "detection.condition"));
  }
  for (const Condition& child : condition.children) BONGSU_TRY_VOID(check_condition(child, detections, source, place));
  return {};
}

ReadFile read_sigma(std::string_view text, const std::string& source) {
  ReadFile out;
  auto documents = formats::read_yaml(text, source);
  if (!documents) {
    out.errors.push_back(std::move(documents).error());
    return out;
  }
  const Reader reader{source};
  if (documents->size() > kMaxDocuments) {
    out.errors.push_back(Error{ErrorCode::kTooLarge,
                               "more than " + std::to_string(kMaxDocuments) + " documents in one file",
                               {.source = source}});
    return out;
  }
  std::optional<Yaml> global;
  std::optional<Yaml> previous;
  std::size_t budget = kMaxJoinedNodes;
  for (Yaml& node : *documents) {
    if (node.is_null()) continue;  // "---" at an end
    std::string action;
    if (const Yaml* written = node.find("action"); written != nullptr && written->is_scalar()) action = written->text;
    if (action == "global") {
      global = node;
      previous = std::move(node);
      continue;
    }
    if (action == "reset") {
      global.reset();
      previous.reset();
      continue;
    }
    bool merged = true;
    if (action == "repeat") {
      if (!previous) {
        out.errors.push_back(
            Error{ErrorCode::kInvalid, "there is no rule before this one to repeat", at(source, node.place, "action")});
        continue;
      }
      merged = spend(budget, nodes_of(*previous));
      Yaml base = merged ? *previous : Yaml{};
      merged = merged && merge(base, node, budget);
      node = std::move(base);
    } else if (!action.empty() && action != "correlation") {
      out.errors.push_back(Error{ErrorCode::kUnsupported,
                                 "no such action: \"" + action + "\" (global, reset and repeat are)",
                                 at(source, node.place, "action")});
      continue;
    } else if (global && node.find("correlation") == nullptr && node.find("filter") == nullptr) {
      merged = spend(budget, nodes_of(*global));
      Yaml base = merged ? *global : Yaml{};
      merged = merged && merge(base, node, budget);
      base.place = node.place;
      node = std::move(base);
    }
    if (!merged) {
      out.errors.push_back(
          Error{ErrorCode::kTooLarge, "documents of this file are joined too often", at(source, node.place, "action")});
      return out;
    }
    auto document = read_document(reader, node);
    if (document) {
      if (Rule* rule = std::get_if<Rule>(&*document)) rule->joined = action == "repeat" || global.has_value();
      out.documents.push_back(std::move(*document));
    } else {
      out.errors.push_back(std::move(document).error());
    }
    previous = std::move(node);
  }
  return out;
}

}  // namespace bongsu::detect::sigma
