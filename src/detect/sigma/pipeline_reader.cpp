// Pipelines from YAML.
#include <algorithm>
#include <charconv>
#include <span>

#include "base/text.h"
#include "detect/sigma/condition.h"
#include "detect/sigma/pipeline_steps.h"

namespace bongsu::detect::sigma {
namespace {

constexpr std::int64_t kMaxRegexMemory = 8 << 20;

struct StepName {
  Step::Kind kind;
  std::vector<std::string_view> keys;  // beside those of every step
};
const std::map<std::string, StepName, std::less<>> kSteps = {
    {"field_name_mapping", {Step::Kind::kFieldMapping, {"mapping"}}},
    {"field_name_prefix_mapping", {Step::Kind::kPrefixMapping, {"mapping"}}},
    {"field_name_prefix", {Step::Kind::kFieldPrefix, {"prefix"}}},
    {"field_name_suffix", {Step::Kind::kFieldSuffix, {"suffix"}}},
    {"drop_detection_item", {Step::Kind::kDrop, {}}},
    {"add_condition", {Step::Kind::kAddCondition, {"conditions", "name", "template", "negated"}}},
    {"change_logsource", {Step::Kind::kChangeLogSource, {"category", "product", "service"}}},
    {"value_placeholders", {Step::Kind::kValuePlaceholders, {"include", "exclude"}}},
    {"wildcard_placeholders", {Step::Kind::kWildcardPlaceholders, {"include", "exclude"}}},
    {"replace_string", {Step::Kind::kReplaceString, {"regex", "replacement", "skip_special", "interpret_special"}}},
    {"map_string", {Step::Kind::kMapString, {"mapping"}}},
    {"set_value", {Step::Kind::kSetValue, {"value", "force_type"}}},
    {"convert_type", {Step::Kind::kConvertType, {"target_type"}}},
    {"set_state", {Step::Kind::kSetState, {"key", "val"}}},
    {"set_custom_attribute", {Step::Kind::kSetAttribute, {"attribute", "value"}}},
    {"add_field", {Step::Kind::kAddField, {"field"}}},
    {"remove_field", {Step::Kind::kRemoveField, {"field"}}},
    {"set_field", {Step::Kind::kSetField, {"fields"}}},
    {"rule_failure", {Step::Kind::kRuleFailure, {"message"}}},
    {"detection_item_failure", {Step::Kind::kItemFailure, {"message"}}},
};

constexpr std::string_view kOrderOps[] = {"eq", "ne", "gte", "gt", "lte", "lt"};

enum class Level3 { kRule, kItem, kField };  // what a condition is about
struct CheckName {
  std::string_view name;
  Check::Kind kind;
  bool rule, item, field;
  std::vector<std::string_view> keys;  // beside the type
};
const CheckName kChecks[] = {
    {"logsource", Check::Kind::kLogSource, true, false, false, {"category", "product", "service"}},
    {"contains_detection_item", Check::Kind::kContainsItem, true, false, false, {"field", "value"}},
    {"contains_field", Check::Kind::kContainsField, true, false, false, {"field"}},
    {"processing_item_applied", Check::Kind::kItemApplied, true, true, true, {"processing_item_id"}},
    {"processing_state", Check::Kind::kState, true, true, true, {"key", "val", "op"}},
    {"is_sigma_rule", Check::Kind::kIsRule, true, false, false, {}},
    {"is_sigma_correlation_rule", Check::Kind::kIsCorrelation, true, false, false, {}},
    {"rule_attribute", Check::Kind::kAttribute, true, false, false, {"attribute", "value", "op"}},
    {"tag", Check::Kind::kTag, true, false, false, {"tag"}},
    {"match_string", Check::Kind::kMatchString, false, true, false, {"cond", "pattern", "negate"}},
    {"match_value", Check::Kind::kMatchValue, false, true, false, {"cond", "value"}},
    {"contains_wildcard", Check::Kind::kContainsWildcard, false, true, false, {"cond"}},
    {"is_null", Check::Kind::kIsNull, false, true, false, {"cond"}},
    {"include_fields", Check::Kind::kIncludeFields, false, false, true, {"fields", "mode"}},
    {"exclude_fields", Check::Kind::kExcludeFields, false, false, true, {"fields", "mode"}},
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
  // A key that nobody reads is a mistake that would go unseen.
  Result<void> only(const Yaml& map, std::string_view what,
                    std::initializer_list<std::span<const std::string_view>> sets) const {
    for (const auto& [key, place] : map.keys) {
      const bool known =
          std::ranges::any_of(sets, [&](const auto& set) { return std::ranges::find(set, key) != set.end(); });
      if (!known)
        return fail(ErrorCode::kUnsupported, std::string(what) + " has no option \"" + key + "\"",
                    at(source, place, key));
    }
    return {};
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

  // A replacement of Python's re.sub as RE2 writes it: \g<1>, \g<name> → \1.
  Result<std::string> rewrite(const re2::RE2& regex, std::string_view replacement, const Yaml& node) const {
    std::string out;
    while (true) {
      const std::size_t begin = std::min(replacement.find("\\g<"), replacement.size());
      out += replacement.substr(0, begin);
      if (begin == replacement.size()) break;
      const std::size_t end = replacement.find('>', begin);
      if (end == replacement.npos) return wrong(node, "replacement", "\\g< without its >");
      std::string group(replacement.substr(begin + 3, end - begin - 3));
      if (const auto named = regex.NamedCapturingGroups().find(group); named != regex.NamedCapturingGroups().end())
        group = std::to_string(named->second);
      if (group.size() != 1 || !is_digit(group[0]))
        return wrong(node, "replacement",
                     "no group that can be put in: \"" + group + "\" (names, and numbers from 0 to 9)");
      out += '\\' + group;
      replacement.remove_prefix(end + 1);
    }
    return out;
  }

  Result<Check> check(const Yaml& node, Level3 level) const {
    if (!node.is_map()) return wrong(node, "", "a condition is a map with a type");
    BONGSU_TRY(const std::string type, text(node, "type", true));
    const auto known = std::ranges::find(kChecks, type, &CheckName::name);
    static constexpr std::string_view kType[] = {"type"};
    if (known == std::end(kChecks) || !(level == Level3::kRule   ? known->rule
                                        : level == Level3::kItem ? known->item
                                                                 : known->field))
      return wrong(node, "type", "the condition \"" + type + "\" is not supported here", ErrorCode::kUnsupported);
    BONGSU_TRY_VOID(only(node, "the condition \"" + type + "\"", {kType, known->keys}));
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
        if (std::ranges::find(kOrderOps, out.op) == std::end(kOrderOps))
          return wrong(*node.find("op"), "op", "no such comparison: \"" + out.op + "\"");
        break;
      }
      case kAttribute: {
        BONGSU_TRY(out.key, text(node, "attribute", true));
        BONGSU_TRY(out.value, text(node, "value", true));
        BONGSU_TRY(out.op, text(node, "op", false));
        if (out.op.empty()) out.op = "eq";
        if (std::ranges::find(kOrderOps, out.op) == std::end(kOrderOps) && out.op != "in" && out.op != "not_in")
          return wrong(*node.find("op"), "op", "no such comparison: \"" + out.op + "\"");
        if (out.key == "level" && !parse_level(out.value))
          return wrong(*node.find("value"), "value", "no level: \"" + out.value + "\"");
        if (out.key == "status" && !is_status(out.value))
          return wrong(*node.find("value"), "value", "no status: \"" + out.value + "\"");
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
        BONGSU_TRY(const std::string mode, text(node, "mode", false));
        if (!mode.empty() && mode != "re" && mode != "plain")
          return wrong(*node.find("mode"), "mode", "plain or re was expected");
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
    static constexpr std::string_view kOfAll[] = {"id",
                                                  "type",
                                                  "rule_conditions",
                                                  "rule_cond_op",
                                                  "rule_cond_not",
                                                  "rule_cond_expr",
                                                  "detection_item_conditions",
                                                  "detection_item_cond_op",
                                                  "detection_item_cond_not",
                                                  "detection_item_cond_expr",
                                                  "field_name_conditions",
                                                  "field_name_cond_op",
                                                  "field_name_cond_not",
                                                  "field_name_cond_expr"};
    BONGSU_TRY_VOID(only(node, "the transformation \"" + type + "\"", {kOfAll, known->second.keys}));
    Step out;
    out.kind = known->second.kind;
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
        BONGSU_TRY(out.interpret_special, flag(node, "interpret_special"));
        if (out.interpret_special && !out.skip_special)
          return wrong(node, "interpret_special",
                       "this goes with skip_special: without it all of the result is read anew");
        BONGSU_TRY(out.text, rewrite(*out.regex, out.text, node));
        std::string problem;
        if (!out.regex->CheckRewriteString(out.text, &problem)) return wrong(node, "replacement", problem);
        break;
      }
      case kSetValue: {
        const Yaml* value = node.find("value");
        if (value == nullptr || !value->is_scalar()) return wrong(node, "value", "a value is needed");
        out.value = test_of(*value);
        BONGSU_TRY(const std::string force, text(node, "force_type", false));
        if (!force.empty() && force != "str" && force != "num")
          return wrong(*node.find("force_type"), "force_type", "str or num was expected");
        if (!force.empty() && (value->is_null() || value->boolean()))
          return wrong(*value, "value", "force_type is for texts and numbers");
        if (force == "str" && out.value.kind == Test::Kind::kNumber) {
          out.value = {};
          out.value.pattern = Pattern::parse(value->text);
        } else if (force == "num" && out.value.kind != Test::Kind::kNumber) {
          const auto number = formats::canonical_number(value->text);
          if (!number) return wrong(*value, "value", "no number: \"" + value->text + "\"");
          out.value = {};
          out.value.kind = Test::Kind::kNumber;
          out.value.text = *number;
        }
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

}  // namespace

Result<Pipeline> Pipeline::read(std::string_view text, const std::string& source) {
  BONGSU_TRY(const std::vector<Yaml> documents, formats::read_yaml(text, source));
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
        const auto empty = [](const Yaml& one) { return one.is_scalar() && one.is_null(); };
        if (empty(node.items[v]) || std::ranges::any_of(node.items[v].items, empty))
          return reader.wrong(node.items[v], node.keys[v].first, "null is no value of a placeholder");
        if (node.items[v].is_list() && node.items[v].items.empty())
          return reader.wrong(node.items[v], node.keys[v].first, "an empty list gives a placeholder no value");
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

}  // namespace bongsu::detect::sigma
