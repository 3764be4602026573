// Rule files as STIX indicators (STIX 2.1 §4.7): how Sigma and YARA rules enter a node, are shared, and are looked for.
//
//   BONGSU_TRY(stix::Object indicator, indicator_of_rules(Language::kSigma, text, "rules/shell.yml", modified));
//
// One file is one indicator, its text the pattern. The id is a UUIDv5 of the first rule's own id (Sigma) or of the file's
// name (YARA, and Sigma rules without an id), so a file that changed is a new version of the same indicator. `created` is
// the first rule's date (Sigma), else the beginning of 2000; `modified` is the file's.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "detect/rule.h"
#include "stix/object.h"

namespace bongsu::detect {

// By the name's end: .yml and .yaml are Sigma, .yar, .yara and .rule YARA.
std::optional<Language> language_of_file(std::string_view name);

// kInvalid: no rule in it, or none that is good; the error names line and reason. kTooLarge beyond kMaxRuleTextBytes.
Result<stix::Object> indicator_of_rules(Language language, std::string_view text, const std::string& name,
                                        const Instant& modified);

}  // namespace bongsu::detect
