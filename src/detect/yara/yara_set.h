// YARA rules, compiled: immutable, shared by pointer, replaced as a whole while matching goes on.
//
//   YaraSetPtr set = YaraSet::load({"rules/", "more.yar", "signature-base.tar.zst"});
//   for (const Error& error : set->errors()) …        // what was left out: file:line, rule, libyara's message
//   YaraMatcher matcher(set);                          // yara_matcher.h; one a thread
//
// A rule, import or include that libyara refuses costs itself (and what refers to it), not its file. Each file has a
// namespace of its own, so that equal names in two files do not collide. Includes stay within the directory or archive.
// Every rule may use the external variables filename, filepath, extension, filetype and owner (as signature-base does),
// and those that the options add.
//
// Loading: one thread, no limit on which. A loaded set is safe from any thread.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "detect/yara/rule_sources.h"
#include "detect/yara/yara_rule.h"

namespace bongsu::detect {

namespace yara {
class Compiled;
}

inline constexpr std::size_t kMaxYaraErrors = 10'000;  // named; the rest is counted
inline constexpr std::size_t kMaxRuleRepairs = 200;  // rules left out of a file one by one; then all that fail at once

struct YaraOptions {
  // Values of external variables, over the defaults: text only. A name that is given here keeps its value for every
  // file.
  std::vector<std::pair<std::string, std::string>> externals;
  bool for_events = true;  // also make the set for fields of events
};

class YaraSet;
using YaraSetPtr = std::shared_ptr<const YaraSet>;

class YaraSet {
 public:
  // Never fails as a whole: a set may be empty, and errors() says why.
  static YaraSetPtr load(const std::vector<std::string>& paths, const YaraOptions& options = {});
  static YaraSetPtr compile(const RuleSources& sources, const YaraOptions& options = {});

  std::size_t files() const { return files_; }
  std::size_t strings() const;
  const std::vector<YaraRule>& rules() const;
  // Rules that are asked about fields of events: all but those that demand a file's first bytes or an executable.
  std::size_t event_rules() const;
  // kInvalid: a rule, import, include or file that was left out. Other codes: a file that could not be read.
  const std::vector<Error>& errors() const { return errors_; }
  std::uint64_t error_count() const { return error_count_; }
  const YaraOptions& options() const { return options_; }

  // For YaraMatcher.
  const std::shared_ptr<const yara::Compiled>& for_files() const { return all_; }
  // Rules for fields come in parts. A part with a sieve (the same strings, asked for any of them) is asked only about
  // what the sieve finds: rules that use a module of executables cost a hundred times as much as those that do not.
  struct Part {
    std::shared_ptr<const yara::Compiled> rules, sieve;
  };
  const std::vector<Part>& for_events() const { return events_; }

 private:
  friend class YaraSetBuilder;
  std::shared_ptr<const yara::Compiled> all_;
  std::vector<Part> events_;
  std::vector<Error> errors_;
  std::uint64_t error_count_ = 0;
  std::size_t files_ = 0;
  YaraOptions options_;
};

}  // namespace bongsu::detect
