#include "detect/sigma/pipeline.h"

#include <re2/re2.h>

#include <algorithm>
#include <charconv>
#include <functional>

#include "base/text.h"
#include "detect/sigma/condition.h"

namespace bongsu::detect::sigma {
namespace {

constexpr std::int64_t kMaxRegexMemory = 8 << 20;

using RegexPtr = std::shared_ptr<const re2::RE2>;

struct Check {
  enum class Kind {
    kLogSource,
    kContainsItem,
    kContainsField,
    kItemApplied,
    kState,
    kIsRule,
    kIsCorrelation,
    kAttribute,
    kTag,
    kMatchString,
    kMatchValue,
    kContainsWildcard,
    kIsNull,
    kIncludeFields,
    kExcludeFields,
  };
  Kind kind = Kind::kIsRule;
  std::string id;  // in a map of conditions
  LogSourceName log_source;
  std::string field, value, key;
  std::string op = "eq";
  Test wanted;
  bool all = false, negate = false;
  std::vector<std::string> fields;
  std::vector<RegexPtr> patterns;
};

struct Checks {
  std::vector<Check> list;
  bool any = false, negate = false;
  std::optional<Condition> expression;
};

struct Step {
  enum class Kind {
    kFieldMapping,
    kPrefixMapping,
    kFieldPrefix,
    kFieldSuffix,
    kDrop,
    kAddCondition,
    kChangeLogSource,
    kValuePlaceholders,
    kWildcardPlaceholders,
    kReplaceString,
    kMapString,
    kSetValue,
    kConvertType,
    kSetState,
    kSetAttribute,
    kAddField,
    kRemoveField,
    kSetField,
    kRuleFailure,
    kItemFailure,
  };
  Kind kind = Kind::kDrop;
  std::string id;
  Place place;
  Checks on_rule, on_item, on_field;
  std::map<std::string, std::vector<std::string>> mapping;
  std::vector<std::pair<std::string, std::vector<std::string>>> prefixes;
  std::string text, key;  // prefix, suffix, message, state, replacement
  RegexPtr regex;
  bool skip_special = false, negated = false, templated = false, to_number = false;
  bool has_include = false, has_exclude = false;
  std::vector<std::string> include, exclude, fields;
  LogSourceName log_source;
  Yaml conditions;
  Test value;
};

const std::map<std::string, Step::Kind, std::less<>> kSteps = {
    {"field_name_mapping", Step::Kind::kFieldMapping},
    {"field_name_prefix_mapping", Step::Kind::kPrefixMapping},
    {"field_name_prefix", Step::Kind::kFieldPrefix},
    {"field_name_suffix", Step::Kind::kFieldSuffix},
    {"drop_detection_item", Step::Kind::kDrop},
    {"add_condition", Step::Kind::kAddCondition},
    {"change_logsource", Step::Kind::kChangeLogSource},
    {"value_placeholders", Step::Kind::kValuePlaceholders},
    {"wildcard_placeholders", Step::Kind::kWildcardPlaceholders},
    {"replace_string", Step::Kind::kReplaceString},
    {"map_string", Step::Kind::kMapString},
    {"set_value", Step::Kind::kSetValue},
    {"convert_type", Step::Kind::kConvertType},
    {"set_state", Step::Kind::kSetState},
    {"set_custom_attribute", Step::Kind::kSetAttribute},
    {"add_field", Step::Kind::kAddField},
    {"remove_field", Step::Kind::kRemoveField},
    {"set_field", Step::Kind::kSetField},
    {"rule_failure", Step::Kind::kRuleFailure},
    {"detection_item_failure", Step::Kind::kItemFailure},
};

enum class Level3 { kRule, kItem, kField };  // what a condition is about
struct CheckName {
  std::string_view name;
  Check::Kind kind;
  bool rule, item, field;
};
constexpr CheckName kChecks[] = {
    {"logsource", Check::Kind::kLogSource, true, false, false},
    {"contains_detection_item", Check::Kind::kContainsItem, true, false, false},
    {"contains_field", Check::Kind::kContainsField, true, false, false},
    {"processing_item_applied", Check::Kind::kItemApplied, true, true, true},
    {"processing_state", Check::Kind::kState, true, true, true},
    {"is_sigma_rule", Check::Kind::kIsRule, true, false, false},
    {"is_sigma_correlation_rule", Check::Kind::kIsCorrelation, true, false, false},
    {"rule_attribute", Check::Kind::kAttribute, true, false, false},
    {"tag", Check::Kind::kTag, true, false, false},
    {"match_string", Check::Kind::kMatchString, false, true, false},
    {"match_value", Check::Kind::kMatchValue, false, true, false},
    {"contains_wildcard", Check::Kind::kContainsWildcard, false, true, false},
    {"is_null", Check::Kind::kIsNull, false, true, false},
    {"include_fields", Check::Kind::kIncludeFields, false, false, true},
    {"exclude_fields", Check::Kind::kExcludeFields, false, false, true},
};

Test test_of(const Yaml& node) {
  Test out;
  if (node.is_null()) {
    out.kind = Test::Kind::kNull;
  } else if (const auto number = node.number()) {
    out.kind = Test::Kind::kNumber;
    out.text = *number;
  } else {
    out.pattern = Pattern::parse(node.text);
  }
  return out;
}

std::string written(const Test& test) { return test.kind == Test::Kind::kPattern ? test.pattern.written() : test.text; }

// --- reading

struct Reader {
  const std::string& source;

  std::unexpected<Error> wrong(const Yaml& node, std::string field, std::string message,
                               ErrorCode code = ErrorCode::kInvalid) const {
    return fail(code, std::move(message), at(source, node.place, std::move(field)));
  }
  Result<std::string> text(const Yaml& map, std::string_view key, bool needed) const {
    const Yaml* node = map.find(key);
    if (node == nullptr || node->is_null()) {
      if (needed) return wrong(map, std::string(key), "is needed here");
      return std::string();
    }
    if (!node->is_scalar()) return wrong(*node, std::string(key), "a text was expected");
    return node->text;
  }
  Result<std::vector<std::string>> texts(const Yaml& node, std::string_view key) const {
    std::vector<std::string> out;
    if (node.is_scalar()) {
      out.push_back(node.text);
      return out;
    }
    if (!node.is_list()) return wrong(node, std::string(key), "a text or a list of texts was expected");
    for (const Yaml& item : node.items) {
      if (!item.is_scalar()) return wrong(item, std::string(key), "a text was expected");
      out.push_back(item.text);
    }
    return out;
  }
  Result<bool> flag(const Yaml& map, std::string_view key) const {
    const Yaml* node = map.find(key);
    if (node == nullptr) return false;
    const auto value = node->boolean();
    if (!value) return wrong(*node, std::string(key), "true or false was expected");
    return *value;
  }
  Result<RegexPtr> regex(const Yaml& node, std::string_view key, const std::string& pattern) const {
    re2::RE2::Options options(re2::RE2::Quiet);
    options.set_max_mem(kMaxRegexMemory);
    auto out = std::make_shared<const re2::RE2>(pattern, options);
    if (!out->ok())
      return wrong(node, std::string(key),
                   "the regular expression \"" + pattern + "\" cannot be taken: " + out->error());
    return RegexPtr(out);
  }

  Result<Check> check(const Yaml& node, Level3 level) const {
    if (!node.is_map()) return wrong(node, "", "a condition is a map with a type");
    BONGSU_TRY(const std::string type, text(node, "type", true));
    const auto known = std::ranges::find(kChecks, type, &CheckName::name);
    if (known == std::end(kChecks) || !(level == Level3::kRule   ? known->rule
                                        : level == Level3::kItem ? known->item
                                                                 : known->field))
      return wrong(node, "type", "the condition \"" + type + "\" is not supported here", ErrorCode::kUnsupported);
    Check out;
    out.kind = known->kind;
    using enum Check::Kind;
    switch (out.kind) {
      case kLogSource: {
        BONGSU_TRY(out.log_source.product, text(node, "product", false));
        BONGSU_TRY(out.log_source.category, text(node, "category", false));
        BONGSU_TRY(out.log_source.service, text(node, "service", false));
        break;
      }
      case kContainsItem: {
        BONGSU_TRY(out.field, text(node, "field", true));
        if (const Yaml* value = node.find("value")) {
          if (!value->is_scalar()) return wrong(*value, "value", "a value was expected");
          out.wanted = test_of(*value);
        } else {
          return wrong(node, "value", "is needed here");
        }
        break;
      }
      case kContainsField: {
        BONGSU_TRY(out.field, text(node, "field", true));
        break;
      }
      case kItemApplied: {
        BONGSU_TRY(out.key, text(node, "processing_item_id", true));
        break;
      }
      case kState: {
        BONGSU_TRY(out.key, text(node, "key", true));
        BONGSU_TRY(out.value, text(node, "val", true));
        BONGSU_TRY(out.op, text(node, "op", false));
        if (out.op.empty()) out.op = "eq";
        if (out.op != "eq" && out.op != "ne")
          return wrong(node, "op", "a state is compared by eq or ne", ErrorCode::kUnsupported);
        break;
      }
      case kAttribute: {
        BONGSU_TRY(out.key, text(node, "attribute", true));
        BONGSU_TRY(out.value, text(node, "value", true));
        BONGSU_TRY(out.op, text(node, "op", false));
        if (out.op.empty()) out.op = "eq";
        constexpr std::string_view kOps[] = {"eq", "ne", "gte", "gt", "lte", "lt", "in", "not_in"};
        if (std::ranges::find(kOps, out.op) == std::end(kOps))
          return wrong(node, "op", "no such comparison: \"" + out.op + "\"");
        break;
      }
      case kTag: {
        BONGSU_TRY(out.value, text(node, "tag", true));
        break;
      }
      case kMatchString:
      case kMatchValue:
      case kContainsWildcard:
      case kIsNull: {
        BONGSU_TRY(const std::string cond, text(node, "cond", true));
        if (cond != "any" && cond != "all") return wrong(node, "cond", "any or all was expected");
        out.all = cond == "all";
        BONGSU_TRY(out.negate, flag(node, "negate"));
        if (out.kind == kMatchString) {
          BONGSU_TRY(const std::string pattern, text(node, "pattern", true));
          BONGSU_TRY(RegexPtr regex_ptr, regex(node, "pattern", pattern));
          out.patterns.push_back(std::move(regex_ptr));
        } else if (out.kind == kMatchValue) {
          const Yaml* value = node.find("value");
          if (value == nullptr || !value->is_scalar()) return wrong(node, "value", "is needed here");
          out.wanted = test_of(*value);
        }
        break;
      }
      case kIncludeFields:
      case kExcludeFields: {
        const Yaml* fields = node.find("fields");
        if (fields == nullptr) return wrong(node, "fields", "is needed here");
        BONGSU_TRY(out.fields, texts(*fields, "fields"));
        std::string mode;
        for (const char* key : {"mode", "type"})
          if (const Yaml* m = node.find(key); m != nullptr && (m->text == "re" || m->text == "plain")) mode = m->text;
        if (mode == "re") {
          for (const std::string& pattern : out.fields) {
            BONGSU_TRY(RegexPtr regex_ptr, regex(*fields, "fields", pattern));
            out.patterns.push_back(std::move(regex_ptr));
          }
        }
        break;
      }
      case kIsRule:
      case kIsCorrelation:
        break;
    }
    return out;
  }

  Result<Checks> checks(const Yaml& step, const std::string& prefix, Level3 level) const {
    Checks out;
    const std::string list = prefix + "_conditions";
    const std::string stem = level == Level3::kRule ? "rule" : level == Level3::kItem ? "detection_item" : "field_name";
    BONGSU_TRY(const std::string op, text(step, stem + "_cond_op", false));
    if (!op.empty() && op != "and" && op != "or") return wrong(step, stem + "_cond_op", "and or or was expected");
    out.any = op == "or";
    BONGSU_TRY(out.negate, flag(step, stem + "_cond_not"));
    const Yaml* node = step.find(list);
    if (node != nullptr) {
      if (node->is_scalar()) return wrong(*node, list, "a list or a map of conditions was expected");
      for (std::size_t i = 0; i < node->items.size(); ++i) {
        BONGSU_TRY(Check one, check(node->items[i], level));
        if (node->is_map()) one.id = node->keys[i].first;
        out.list.push_back(std::move(one));
      }
    }
    BONGSU_TRY(const std::string expression, text(step, stem + "_cond_expr", false));
    if (!expression.empty()) {
      auto parsed = parse_condition(expression, false);
      if (!parsed) return wrong(*step.find(stem + "_cond_expr"), stem + "_cond_expr", parsed.error().message);
      std::vector<const Condition*> open{&*parsed};
      while (!open.empty()) {
        const Condition* c = open.back();
        open.pop_back();
        if (c->kind == Condition::Kind::kName && std::ranges::find(out.list, c->name, &Check::id) == out.list.end())
          return wrong(*step.find(stem + "_cond_expr"), stem + "_cond_expr", "no condition \"" + c->name + "\"");
        for (const Condition& child : c->children) open.push_back(&child);
      }
      out.expression = std::move(*parsed);
    }
    return out;
  }

  Result<Step> step(const Yaml& node) const {
    if (!node.is_map()) return wrong(node, "transformations", "a transformation is a map with a type");
    BONGSU_TRY(const std::string type, text(node, "type", true));
    const auto known = kSteps.find(type);
    if (known == kSteps.end())
      return wrong(*node.find("type"), "type", "the transformation \"" + type + "\" is not supported",
                   ErrorCode::kUnsupported);
    Step out;
    out.kind = known->second;
    out.place = node.place;
    BONGSU_TRY(out.id, text(node, "id", false));
    BONGSU_TRY(out.on_rule, checks(node, "rule", Level3::kRule));
    BONGSU_TRY(out.on_item, checks(node, "detection_item", Level3::kItem));
    BONGSU_TRY(out.on_field, checks(node, "field_name", Level3::kField));
    using enum Step::Kind;
    switch (out.kind) {
      case kFieldMapping:
      case kPrefixMapping:
      case kMapString: {
        const Yaml* mapping = node.find("mapping");
        if (mapping == nullptr || !mapping->is_map()) return wrong(node, "mapping", "a map is needed");
        for (std::size_t i = 0; i < mapping->keys.size(); ++i) {
          BONGSU_TRY(std::vector<std::string> to, texts(mapping->items[i], mapping->keys[i].first));
          if (to.empty()) return wrong(mapping->items[i], mapping->keys[i].first, "an empty list");
          out.prefixes.emplace_back(mapping->keys[i].first, to);
          out.mapping[mapping->keys[i].first] = std::move(to);
        }
        break;
      }
      case kFieldPrefix: {
        BONGSU_TRY(out.text, text(node, "prefix", true));
        break;
      }
      case kFieldSuffix: {
        BONGSU_TRY(out.text, text(node, "suffix", true));
        break;
      }
      case kAddCondition: {
        const Yaml* conditions = node.find("conditions");
        if (conditions == nullptr || !conditions->is_map()) return wrong(node, "conditions", "a map is needed");
        out.conditions = *conditions;
        BONGSU_TRY(out.templated, flag(node, "template"));
        BONGSU_TRY(out.negated, flag(node, "negated"));
        BONGSU_TRY(out.key, text(node, "name", false));
        std::size_t values = 0;
        if (auto read = read_detection(*conditions, source, values); !read)
          return std::unexpected(std::move(read).error());
        break;
      }
      case kChangeLogSource: {
        BONGSU_TRY(out.log_source.product, text(node, "product", false));
        BONGSU_TRY(out.log_source.category, text(node, "category", false));
        BONGSU_TRY(out.log_source.service, text(node, "service", false));
        if (out.log_source == LogSourceName{})
          return wrong(node, "type", "a log source names a product, a category or a service");
        break;
      }
      case kValuePlaceholders:
      case kWildcardPlaceholders: {
        if (const Yaml* include = node.find("include"); include != nullptr && !include->is_null()) {
          out.has_include = true;
          BONGSU_TRY(out.include, texts(*include, "include"));
        }
        if (const Yaml* exclude = node.find("exclude"); exclude != nullptr && !exclude->is_null()) {
          out.has_exclude = true;
          BONGSU_TRY(out.exclude, texts(*exclude, "exclude"));
        }
        if (out.has_include && out.has_exclude) return wrong(node, "include", "either include or exclude");
        break;
      }
      case kReplaceString: {
        BONGSU_TRY(const std::string pattern, text(node, "regex", true));
        BONGSU_TRY(out.regex, regex(node, "regex", pattern));
        BONGSU_TRY(out.text, text(node, "replacement", false));
        BONGSU_TRY(out.skip_special, flag(node, "skip_special"));
        // Python's \g<1> is RE2's \1.
        static const re2::RE2 kGroup("\\\\g<([0-9])>");
        re2::RE2::GlobalReplace(&out.text, kGroup, "\\\\\\1");
        std::string problem;
        if (!out.regex->CheckRewriteString(out.text, &problem)) return wrong(node, "replacement", problem);
        break;
      }
      case kSetValue: {
        const Yaml* value = node.find("value");
        if (value == nullptr || !value->is_scalar()) return wrong(node, "value", "a value is needed");
        out.value = test_of(*value);
        break;
      }
      case kConvertType: {
        BONGSU_TRY(const std::string target, text(node, "target_type", true));
        if (target != "str" && target != "num") return wrong(node, "target_type", "str or num was expected");
        out.to_number = target == "num";
        break;
      }
      case kSetState: {
        BONGSU_TRY(out.key, text(node, "key", true));
        BONGSU_TRY(out.text, text(node, "val", true));
        break;
      }
      case kSetAttribute: {
        BONGSU_TRY(out.key, text(node, "attribute", true));
        BONGSU_TRY(out.text, text(node, "value", true));
        break;
      }
      case kAddField:
      case kRemoveField:
      case kSetField: {
        const Yaml* fields = node.find(out.kind == kSetField ? "fields" : "field");
        if (fields == nullptr) return wrong(node, "field", "is needed here");
        BONGSU_TRY(out.fields, texts(*fields, "field"));
        break;
      }
      case kRuleFailure:
      case kItemFailure: {
        BONGSU_TRY(out.text, text(node, "message", true));
        break;
      }
      case kDrop:
        break;
    }
    return out;
  }
};

// --- applying

template <class F>
void each_item(Detection& detection, F&& f) {
  for (auto& child : detection.children) {
    if (Item* item = std::get_if<Item>(&child)) {
      f(*item);
    } else {
      each_item(std::get<Detection>(child), f);
    }
  }
}
template <class F>
bool any_item(const Detection& detection, F&& f) {
  return std::ranges::any_of(detection.children, [&](const auto& child) {
    const Item* item = std::get_if<Item>(&child);
    return item != nullptr ? f(*item) : any_item(std::get<Detection>(child), f);
  });
}

template <class F>
bool hold(const Checks& checks, F&& one) {
  if (checks.list.empty()) return true;
  bool out;
  if (checks.expression) {
    const std::function<bool(const Condition&)> eval = [&](const Condition& c) -> bool {
      switch (c.kind) {
        case Condition::Kind::kNot:
          return !eval(c.children[0]);
        case Condition::Kind::kAnd:
          return std::ranges::all_of(c.children, eval);
        case Condition::Kind::kOr:
          return std::ranges::any_of(c.children, eval);
        default:
          return one(*std::ranges::find(checks.list, c.name, &Check::id));
      }
    };
    out = eval(*checks.expression);
  } else {
    out = checks.any ? std::ranges::any_of(checks.list, one) : std::ranges::all_of(checks.list, one);
  }
  return out != checks.negate;
}

bool compare(std::string_view op, int order) {
  if (op == "eq") return order == 0;
  if (op == "ne") return order != 0;
  if (op == "gte") return order >= 0;
  if (op == "gt") return order > 0;
  if (op == "lte") return order <= 0;
  return order < 0;
}

bool attribute_holds(const Check& check, const Header& header) {
  const auto list = [&](const std::vector<std::string>& values) {
    const bool in = std::ranges::find(values, check.value) != values.end();
    return check.op == "in" ? in : check.op == "not_in" ? !in : check.op == "ne";
  };
  if (check.key == "tags") return list(header.tags);
  if (check.key == "references") return list(header.references);
  if (check.key == "fields") return list(header.fields);
  if (check.key == "falsepositives") return list(header.falsepositives);
  if (check.key == "scope") return list(header.scope);
  if (check.key == "level") {
    const auto wanted = parse_level(check.value);
    return wanted && header.level != Level::kNone &&
           compare(check.op, static_cast<int>(header.level) - static_cast<int>(*wanted));
  }
  if (check.key == "status") {
    constexpr std::string_view kOrder[] = {"unsupported", "deprecated", "experimental", "test", "stable"};
    const auto have = std::ranges::find(kOrder, header.status), want = std::ranges::find(kOrder, check.value);
    return have != std::end(kOrder) && want != std::end(kOrder) && compare(check.op, static_cast<int>(have - want));
  }
  const std::map<std::string_view, const std::string*> kTexts = {
      {"title", &header.title},       {"id", &header.id},
      {"name", &header.name},         {"description", &header.description},
      {"author", &header.author},     {"date", &header.date},
      {"modified", &header.modified}, {"license", &header.license},
      {"taxonomy", &header.taxonomy}};
  const std::string* value = nullptr;
  if (const auto found = kTexts.find(check.key); found != kTexts.end()) {
    value = found->second;
  } else if (const auto custom = header.custom.find(check.key); custom != header.custom.end()) {
    value = &custom->second;
  }
  if (value == nullptr || value->empty()) return false;
  const auto number = canonical_number(*value), wanted = canonical_number(check.value);
  if (number && wanted) {
    double a = 0, b = 0;
    std::from_chars(number->data(), number->data() + number->size(), a);
    std::from_chars(wanted->data(), wanted->data() + wanted->size(), b);
    return compare(check.op, a < b ? -1 : a > b ? 1 : 0);
  }
  return compare(check.op, value->compare(check.value));  // dates are written so that text order is their order
}

bool has_applied(const std::vector<std::string>& applied, const std::string& id) {
  return std::ranges::find(applied, id) != applied.end();
}

bool state_holds(const Check& check, const Pipeline::Trace& trace) {
  const auto found = trace.state.find(check.key);
  return (found != trace.state.end() && found->second == check.value) == (check.op == "eq");
}

bool rule_holds(const Checks& checks, const Rule* rule, const Header& header, const std::vector<const Rule*>& referred,
                const Pipeline::Trace& trace) {
  return hold(checks, [&](const Check& check) -> bool {
    const auto in_rules = [&](auto&& f) {
      return rule != nullptr ? f(*rule) : std::ranges::any_of(referred, [&](const Rule* r) { return f(*r); });
    };
    const auto items = [&](auto&& f) {
      return rule != nullptr &&
             std::ranges::any_of(rule->detections, [&](const auto& one) { return any_item(one.second, f); });
    };
    switch (check.kind) {
      case Check::Kind::kLogSource:
        return in_rules([&](const Rule& r) { return check.log_source.contains(r.log_source); });
      case Check::Kind::kContainsField:
        return items([&](const Item& item) { return item.field == check.field; });
      case Check::Kind::kContainsItem:
        return items([&](const Item& item) {
          return item.field == check.field && std::ranges::any_of(item.values, [&](const auto& value) {
                   return std::ranges::find(value, check.wanted) != value.end();
                 });
        });
      case Check::Kind::kItemApplied:
        return has_applied(trace.applied, check.key);
      case Check::Kind::kState:
        return state_holds(check, trace);
      case Check::Kind::kIsRule:
        return rule != nullptr;
      case Check::Kind::kIsCorrelation:
        return rule == nullptr;
      case Check::Kind::kAttribute:
        return attribute_holds(check, header);
      case Check::Kind::kTag:
        return std::ranges::find(header.tags, check.value) != header.tags.end();
      default:
        return false;
    }
  });
}

bool field_holds(const Checks& checks, const std::optional<std::string>& field, const std::vector<std::string>& applied,
                 const Pipeline::Trace& trace) {
  return hold(checks, [&](const Check& check) -> bool {
    switch (check.kind) {
      case Check::Kind::kIncludeFields:
      case Check::Kind::kExcludeFields: {
        bool in = false;
        if (field) {
          // As Python's re.match: from the beginning, not to the end.
          in = check.patterns.empty() ? std::ranges::find(check.fields, *field) != check.fields.end()
                                      : std::ranges::any_of(check.patterns, [&](const RegexPtr& p) {
                                          return p->Match(*field, 0, field->size(), re2::RE2::ANCHOR_START, nullptr, 0);
                                        });
        }
        return in == (check.kind == Check::Kind::kIncludeFields);
      }
      case Check::Kind::kItemApplied:
        return has_applied(applied, check.key);
      case Check::Kind::kState:
        return state_holds(check, trace);
      default:
        return false;
    }
  });
}

bool item_holds(const Checks& checks, const Item& item, const Pipeline::Trace& trace) {
  return hold(checks, [&](const Check& check) -> bool {
    if (check.kind == Check::Kind::kItemApplied) return has_applied(item.applied, check.key);
    if (check.kind == Check::Kind::kState) return state_holds(check, trace);
    const auto one = [&](const Test& test) {
      switch (check.kind) {
        case Check::Kind::kMatchString: {
          if (test.kind != Test::Kind::kPattern) return check.negate;
          const std::string text = test.pattern.written();
          return check.patterns[0]->Match(text, 0, text.size(), re2::RE2::ANCHOR_START, nullptr, 0) != check.negate;
        }
        case Check::Kind::kMatchValue:
          return (test == check.wanted) != check.negate;
        case Check::Kind::kContainsWildcard:
          return (test.kind == Test::Kind::kPattern &&
                  (test.pattern.has(Part::Kind::kMany) || test.pattern.has(Part::Kind::kOne))) != check.negate;
        default:
          return (test.kind == Test::Kind::kNull) != check.negate;
      }
    };
    const auto value = [&](const std::vector<Test>& tests) {
      return check.all ? std::ranges::all_of(tests, one) : std::ranges::any_of(tests, one);
    };
    return check.all ? std::ranges::all_of(item.values, value) : std::ranges::any_of(item.values, value);
  });
}

// The new names of a field; empty: it stays.
std::vector<std::string> mapped(const Step& step, const std::string& field) {
  using enum Step::Kind;
  switch (step.kind) {
    case kFieldMapping: {
      const auto found = step.mapping.find(field);
      return found == step.mapping.end() ? std::vector<std::string>{} : found->second;
    }
    case kPrefixMapping: {
      std::vector<std::string> out;
      for (const auto& [prefix, to] : step.prefixes) {
        if (!field.starts_with(prefix)) continue;
        for (const std::string& one : to) out.push_back(one + field.substr(prefix.size()));
        break;
      }
      return out;
    }
    case kFieldPrefix:
      return {step.text + field};
    case kFieldSuffix:
      return {field + step.text};
    default:
      return {};
  }
}

}  // namespace

struct Pipeline::Impl {
  std::string title, source;
  std::int64_t priority = 0;
  std::map<std::string, std::vector<std::string>> vars;
  std::vector<Step> steps;

  std::unexpected<Error> refused(const Step& step, const Header& header, std::string message) const {
    return fail(ErrorCode::kInvalid,
                std::move(message) + " (pipeline " + source + ":" + std::to_string(step.place.line) + ")",
                at(header.source, header.place));
  }

  Result<void> apply(Rule& rule, Trace& trace, const Step& step, std::size_t number) const;
  Result<bool> change(Item& item, const Step& step, const Rule& rule) const;
  Result<void> walk(Detection& detection, const Step& step, const Rule& rule, Trace& trace) const;
  Result<std::vector<Test>> placeholders(const Test& test, const Step& step, const Rule& rule) const;
};

Result<Pipeline> Pipeline::read(std::string_view text, const std::string& source) {
  BONGSU_TRY(const std::vector<Yaml> documents, read_yaml(text, source));
  if (documents.size() != 1 || !documents[0].is_map())
    return fail(ErrorCode::kInvalid, "a pipeline is one map", {.source = source});
  const Yaml& root = documents[0];
  const Reader reader{source};
  auto impl = std::make_shared<Impl>();
  impl->source = source;
  for (std::size_t i = 0; i < root.keys.size(); ++i) {
    const std::string& key = root.keys[i].first;
    const Yaml& node = root.items[i];
    if (key == "name") {
      BONGSU_TRY(impl->title, reader.text(root, key, false));
    } else if (key == "priority") {
      const auto number = node.number();
      if (!number || std::from_chars(number->data(), number->data() + number->size(), impl->priority).ec != std::errc{})
        return reader.wrong(node, key, "a number was expected");
    } else if (key == "vars") {
      if (node.is_null()) continue;
      if (!node.is_map()) return reader.wrong(node, key, "a map was expected");
      for (std::size_t v = 0; v < node.keys.size(); ++v) {
        BONGSU_TRY(impl->vars[node.keys[v].first], reader.texts(node.items[v], node.keys[v].first));
      }
    } else if (key == "transformations") {
      if (!node.is_list()) return reader.wrong(node, key, "a list was expected");
      if (node.items.size() > kMaxPipelineItems)
        return reader.wrong(node, key, "too many transformations", ErrorCode::kTooLarge);
      for (const Yaml& item : node.items) {
        BONGSU_TRY(Step step, reader.step(item));
        impl->steps.push_back(std::move(step));
      }
    } else if (key != "allowed_backends") {
      return reader.wrong(node, key, "\"" + key + "\" is not supported: there is no query here to change",
                          ErrorCode::kUnsupported);
    }
  }
  Pipeline out;
  out.impl_ = std::move(impl);
  return out;
}

const std::string& Pipeline::name() const { return impl_->title; }
std::int64_t Pipeline::priority() const { return impl_->priority; }

Result<std::vector<Test>> Pipeline::Impl::placeholders(const Test& test, const Step& step, const Rule& rule) const {
  std::vector<Test> out;
  const auto handled = [&](const std::string& placeholder) {
    return step.has_include ? std::ranges::find(step.include, placeholder) != step.include.end()
                            : std::ranges::find(step.exclude, placeholder) == step.exclude.end();
  };
  std::vector<Pattern> patterns{{}};
  for (const Part& part : test.pattern.parts) {
    if (part.kind != Part::Kind::kPlaceholder || !handled(part.text)) {
      for (Pattern& pattern : patterns) pattern.add(part);
      continue;
    }
    std::vector<Pattern> choices;
    if (step.kind == Step::Kind::kWildcardPlaceholders) {
      choices.push_back(Pattern::parse("*"));
    } else {
      const auto found = vars.find(part.text);
      if (found == vars.end())
        return refused(step, rule, "the placeholder %" + part.text + "% has no value among the pipeline's vars");
      for (const std::string& value : found->second) choices.push_back(Pattern::parse(value));
    }
    if (patterns.size() * choices.size() > kMaxExpansions)
      return refused(step, rule,
                     "the placeholders of one value give more than " + std::to_string(kMaxExpansions) + " values");
    std::vector<Pattern> next;
    for (const Pattern& pattern : patterns)
      for (const Pattern& choice : choices) {
        next.push_back(pattern);
        next.back().append(choice);
      }
    patterns = std::move(next);
  }
  for (Pattern& pattern : patterns) {
    Test one = test;
    one.pattern = std::move(pattern);
    out.push_back(std::move(one));
  }
  return out;
}

// Values of one item; true when the step applies to it.
Result<bool> Pipeline::Impl::change(Item& item, const Step& step, const Rule& rule) const {
  using enum Step::Kind;
  std::vector<std::vector<Test>> values;
  bool changed = false;
  for (std::vector<Test>& value : item.values) {
    std::vector<Test> tests;
    for (Test& test : value) {
      const bool pattern = test.kind == Test::Kind::kPattern;
      switch (step.kind) {
        case kValuePlaceholders:
        case kWildcardPlaceholders: {
          if (pattern && test.pattern.has(Part::Kind::kPlaceholder)) {
            BONGSU_TRY(std::vector<Test> more, placeholders(test, step, rule));
            tests.insert(tests.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
            changed = true;
            continue;
          }
          break;
        }
        case kReplaceString:
          if (pattern || test.kind == Test::Kind::kNumber) {
            Pattern next;
            if (pattern && step.skip_special) {
              for (const Part& part : test.pattern.parts) {
                Part copy = part;
                if (copy.kind == Part::Kind::kText) re2::RE2::GlobalReplace(&copy.text, *step.regex, step.text);
                next.add(std::move(copy));
              }
            } else {
              std::string text = sigma::written(test);
              if (pattern && (test.pattern.has(Part::Kind::kDash) || test.pattern.has(Part::Kind::kPlaceholder)))
                return refused(step, rule, "replace_string cannot be applied to a value with windash or placeholders");
              re2::RE2::GlobalReplace(&text, *step.regex, step.text);
              next = Pattern::parse(text);
            }
            test.kind = Test::Kind::kPattern;
            test.text.clear();
            test.pattern = std::move(next);
            changed = true;
          }
          break;
        case kMapString:
          if (pattern)
            if (const auto found = step.mapping.find(test.pattern.written()); found != step.mapping.end()) {
              for (const std::string& to : found->second) {
                tests.push_back(test);
                tests.back().pattern = Pattern::parse(to);
              }
              changed = true;
              continue;
            }
          break;
        case kSetValue:
          test = step.value;
          changed = true;
          break;
        case kConvertType:
          if (step.to_number && pattern && !test.pattern.special()) {
            const auto number = canonical_number(test.pattern.text());
            if (!number)
              return refused(step, rule, "\"" + test.pattern.text() + "\" cannot be converted into a number");
            test = {};
            test.kind = Test::Kind::kNumber;
            test.text = *number;
            changed = true;
          } else if (!step.to_number && test.kind == Test::Kind::kNumber && test.compare == Test::Compare::kEqual) {
            test.kind = Test::Kind::kPattern;
            test.pattern = Pattern::plain(std::move(test.text));
            test.text.clear();
            changed = true;
          }
          break;
        default:
          break;
      }
      tests.push_back(std::move(test));
    }
    values.push_back(std::move(tests));
  }
  item.values = std::move(values);
  return changed;
}

Result<void> Pipeline::Impl::walk(Detection& detection, const Step& step, const Rule& rule, Trace& trace) const {
  using enum Step::Kind;
  std::vector<std::variant<Item, Detection>> children;
  for (auto& child : detection.children) {
    if (Detection* inner = std::get_if<Detection>(&child)) {
      BONGSU_TRY_VOID(walk(*inner, step, rule, trace));
      if (!inner->children.empty()) children.push_back(std::move(child));
      continue;
    }
    Item& item = std::get<Item>(child);
    if (!item_holds(step.on_item, item, trace) || !field_holds(step.on_field, item.field, item.applied, trace)) {
      children.push_back(std::move(child));
      continue;
    }
    if (step.kind == kDrop) continue;
    if (step.kind == kItemFailure) return refused(step, rule, step.text);
    if (step.kind == kFieldMapping || step.kind == kPrefixMapping || step.kind == kFieldPrefix ||
        step.kind == kFieldSuffix) {
      // Names in fieldref values, too.
      for (auto& value : item.values)
        for (Test& test : value)
          if (test.kind == Test::Kind::kFieldRef) {
            std::vector<std::string> names;
            for (const std::string& name : test.other_fields) {
              std::vector<std::string> to = mapped(step, name);
              if (to.empty()) to = {name};
              names.insert(names.end(), to.begin(), to.end());
            }
            test.other_fields = std::move(names);
          }
      const std::vector<std::string> to = item.field ? mapped(step, *item.field) : std::vector<std::string>{};
      if (!to.empty()) item.applied.push_back(step.id);
      if (to.size() == 1) {
        item.field = to[0];
      } else if (to.size() > 1) {
        // Any of them; negated: none of them.
        Detection either;
        either.any = !item.negated;
        either.place = item.place;
        for (const std::string& name : to) {
          Item copy = item;
          copy.field = name;
          either.children.emplace_back(std::move(copy));
        }
        children.emplace_back(std::move(either));
        continue;
      }
    } else {
      BONGSU_TRY(const bool changed, change(item, step, rule));
      if (changed) item.applied.push_back(step.id);
    }
    children.push_back(std::move(child));
  }
  detection.children = std::move(children);
  return {};
}

Result<void> Pipeline::Impl::apply(Rule& rule, Trace& trace, const Step& step, std::size_t number) const {
  using enum Step::Kind;
  if (!rule_holds(step.on_rule, &rule, rule, {}, trace)) return {};
  trace.applied.push_back(step.id);
  switch (step.kind) {
    case kAddCondition: {
      Yaml conditions = step.conditions;
      if (step.templated) {
        const auto substitute = [&](std::string& text) {
          for (const auto& [name, value] : {std::pair{std::string_view("category"), &rule.log_source.category},
                                            {"product", &rule.log_source.product},
                                            {"service", &rule.log_source.service}})
            for (const std::string& form : {"${" + std::string(name) + "}", "$" + std::string(name)})
              for (std::size_t at = text.find(form); at != text.npos; at = text.find(form, at + value->size()))
                text.replace(at, form.size(), *value);
        };
        for (Yaml& item : conditions.items) {
          substitute(item.text);
          for (Yaml& inner : item.items) substitute(inner.text);
        }
      }
      std::size_t values = 0;
      BONGSU_TRY(Detection detection, read_detection(conditions, source, values));
      const std::string name = !step.key.empty() ? step.key : "_cond_" + std::to_string(number);
      if (rule.detection(name) != nullptr)
        return refused(step, rule, "the rule has a search identifier \"" + name + "\" already");
      rule.detections.emplace_back(name, std::move(detection));
      for (Condition& condition : rule.conditions) {
        Condition added{Condition::Kind::kName, name, {}};
        if (step.negated) {
          Condition no{Condition::Kind::kNot, {}, {}};
          no.children.push_back(std::move(added));
          added = std::move(no);
        }
        // A name that the rule's own patterns would take in must not change what they mean.
        Condition both{Condition::Kind::kAnd, {}, {}};
        both.children.push_back(std::move(added));
        both.children.push_back(std::move(condition));
        condition = std::move(both);
      }
      return {};
    }
    case kChangeLogSource:
      rule.log_source = step.log_source;
      return {};
    case kSetState:
      trace.state[step.key] = step.text;
      return {};
    case kSetAttribute:
      rule.custom[step.key] = step.text;
      return {};
    case kAddField:
      rule.fields.insert(rule.fields.end(), step.fields.begin(), step.fields.end());
      return {};
    case kRemoveField:
      std::erase_if(rule.fields, [&](const std::string& field) {
        return std::ranges::find(step.fields, field) != step.fields.end();
      });
      return {};
    case kSetField:
      rule.fields = step.fields;
      return {};
    case kRuleFailure:
      return refused(step, rule, step.text);
    default:
      break;
  }
  for (auto& [name, detection] : rule.detections) BONGSU_TRY_VOID(walk(detection, step, rule, trace));
  if (step.kind == kDrop) {
    for (const auto& [name, detection] : rule.detections)
      if (detection.children.empty())
        return refused(step, rule, "drop_detection_item leaves nothing of \"" + name + "\"");
  }
  if (step.kind == kFieldMapping || step.kind == kPrefixMapping || step.kind == kFieldPrefix ||
      step.kind == kFieldSuffix) {
    std::vector<std::string> fields;
    for (const std::string& field : rule.fields) {
      std::vector<std::string> to =
          field_holds(step.on_field, field, {}, trace) ? mapped(step, field) : std::vector<std::string>{};
      if (to.empty()) to = {field};
      fields.insert(fields.end(), to.begin(), to.end());
    }
    rule.fields = std::move(fields);
  }
  return {};
}

Result<void> Pipeline::apply(Rule& rule, Trace& trace) const {
  for (std::size_t i = 0; i < impl_->steps.size(); ++i) BONGSU_TRY_VOID(impl_->apply(rule, trace, impl_->steps[i], i));
  return {};
}

Result<void> Pipeline::apply(Correlation& correlation, const std::vector<const Rule*>& referred, Trace& trace) const {
  using enum Step::Kind;
  for (const Step& step : impl_->steps) {
    if (!rule_holds(step.on_rule, nullptr, correlation, referred, trace)) continue;
    trace.applied.push_back(step.id);
    if (step.kind == kSetState) trace.state[step.key] = step.text;
    if (step.kind == kSetAttribute) correlation.custom[step.key] = step.text;
    if (step.kind == kRuleFailure && !step.on_rule.list.empty()) return impl_->refused(step, correlation, step.text);
    if (step.kind != kFieldMapping && step.kind != kPrefixMapping && step.kind != kFieldPrefix &&
        step.kind != kFieldSuffix)
      continue;
    const auto rename = [&](std::string& field) -> Result<void> {
      if (!field_holds(step.on_field, field, {}, trace)) return {};
      const std::vector<std::string> to = mapped(step, field);
      if (to.size() > 1)
        return impl_->refused(step, correlation,
                              "the field \"" + field + "\" of a correlation is mapped to more than one");
      if (to.size() == 1) field = to[0];
      return {};
    };
    for (std::string& field : correlation.group_by)
      if (!correlation.aliases.contains(field)) BONGSU_TRY_VOID(rename(field));
    for (std::string& field : correlation.value_fields) BONGSU_TRY_VOID(rename(field));
    for (auto& [alias, fields] : correlation.aliases)
      for (auto& [rule, field] : fields) BONGSU_TRY_VOID(rename(field));
  }
  return {};
}

}  // namespace bongsu::detect::sigma
