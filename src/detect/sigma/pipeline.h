// Processing pipelines in pySigma's YAML form: changes to rules before they are compiled.
//
//   name: our fields
//   priority: 10
//   vars:
//     Administrators: [root, 'adm_*']
//   transformations:
//     - id: fields
//       type: field_name_mapping
//       mapping: {CommandLine: process.command_line, User: [user.name, user.id]}
//       rule_conditions: [{type: logsource, product: windows}]
//     - type: value_placeholders
//
// Transformations: field_name_mapping, field_name_prefix_mapping, field_name_prefix, field_name_suffix,
// drop_detection_item, add_condition, change_logsource, value_placeholders, wildcard_placeholders, replace_string,
// map_string, set_value, convert_type, set_state, set_custom_attribute, add_field, remove_field, set_field,
// rule_failure, detection_item_failure. Conditions: all of pySigma's. Everything else (query expressions, nesting,
// post-processing of queries) is refused by name when the pipeline is read.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "detect/sigma/rule.h"

namespace bongsu::detect::sigma {

inline constexpr std::size_t kMaxExpansions = 10'000;  // values that the placeholders of one value give
inline constexpr std::size_t kMaxPipelineItems = 10'000;

class Pipeline {
 public:
  // kInvalid and kUnsupported with the place in the file.
  static Result<Pipeline> read(std::string_view text, const std::string& source);

  const std::string& name() const;
  std::int64_t priority() const;

  // What a rule has been through; one a rule, through all its pipelines.
  struct Trace {
    std::map<std::string, std::string> state;
    std::vector<std::string> applied;  // ids of the items that applied to the rule
  };
  // The rule is changed in place. An error refuses the rule (rule_failure and the like).
  Result<void> apply(Rule& rule, Trace& trace) const;
  // Names of fields in group-by, aliases and the condition. `referred`: the rules that it refers to, after apply().
  Result<void> apply(Correlation& correlation, const std::vector<const Rule*>& referred, Trace& trace) const;

  struct Impl;

 private:
  std::shared_ptr<const Impl> impl_;
};

}  // namespace bongsu::detect::sigma
