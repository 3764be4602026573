// What a pipeline is made of; internal to pipeline_reader.cpp and pipeline.cpp.
#pragma once

#include <re2/re2.h>

#include "detect/sigma/pipeline.h"

namespace bongsu::detect::sigma {

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
  bool skip_special = false, interpret_special = false, negated = false, templated = false, to_number = false;
  bool has_include = false, has_exclude = false;
  std::vector<std::string> include, exclude, fields;
  LogSourceName log_source;
  Yaml conditions;
  Test value;
};

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
  Result<std::optional<Pattern>> replace(const Test& test, const Step& step, const Rule& rule) const;
  Result<bool> change(Item& item, const Step& step, const Rule& rule) const;
  Result<void> walk(Detection& detection, const Step& step, const Rule& rule, Trace& trace) const;
  Result<std::vector<Test>> placeholders(const Test& test, const Step& step, const Rule& rule) const;
};

}  // namespace bongsu::detect::sigma
