// Every rule of STIX 2.1 that one object breaks: required and forbidden properties, types, vocabularies that are
// closed, reference targets, id forms, ordering of timestamps, selectors.
//
//   for (const auto& finding : stix::validate(object))
//     fmt::print("{}: {}: {} ({})\n", object.id_text(), finding.property, finding.rule, finding.section);
#pragma once

#include <string>
#include <vector>

#include "stix/object.h"

namespace bongsu::stix {

enum class Severity {
  kError,    // a MUST of the standard: the object is refused
  kWarning,  // a SHOULD, or an open vocabulary left: said, never refused
};

// An object is not read on for more than these.
inline constexpr std::size_t kMaxFindings = 200;

struct Finding {
  Severity severity = Severity::kError;
  std::string property;  // path in the object: "kill_chain_phases[0].phase_name"
  std::string rule;      // a sentence: "is required for an indicator"
  std::string section;   // "STIX 2.1 §4.7.1"
};

// How strictly a few rules are taken that good producers break and that harm nobody: empty lists, timestamps of
// versions without milliseconds or with modified before created, UUIDs of another variant, objects of STIX 2.0 (without
// spec_version).
enum class Conformance {
  kAdmission,  // these are warnings: what a partner sends is not lost for them
  kLetter,     // every MUST is an error
};

// Empty = conforms. Order: by place in the document, missing properties first. Unknown types, custom properties and
// unknown extensions are accepted (STIX 2.1 §11, §7.3) as long as the common properties hold.
std::vector<Finding> validate(const Object& object, Conformance conformance = Conformance::kAdmission);
bool has_errors(const std::vector<Finding>& findings);

}  // namespace bongsu::stix
