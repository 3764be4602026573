// YARA rule files as texts: single files, directories (*.yar, *.yara and *.rule, everything below), tar archives of
// such; plain, gzip or Zstandard.
//
//   RuleSources sources;
//   sources.add("rules/");                      // errors() names what could not be read
//   for (const RuleSource& file : sources.files()) …
//
// A file's name (and so its rules' namespace) is its path as given; in a directory or an archive, the path below it.
// Includes are looked for among the files of the same directory or archive, and beside a single file; never outside,
// and never through a symbolic link that leads outside.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bongsu::detect {

inline constexpr std::size_t kMaxRuleFileBytes = 16 * 1024 * 1024;
inline constexpr std::size_t kMaxRuleBytes = 256 * 1024 * 1024;  // of all files
inline constexpr std::size_t kMaxRuleFiles = 100'000;

struct RuleSource {
  std::string name;  // for people, and the namespace
  std::string text;
  std::size_t group = 0;  // files that may include each other
  std::string path;       // within the group, '/'-separated, normal form
};

class RuleSources {
 public:
  void add(const std::string& path);
  // A file that is already in memory: tests, rules that come over the wire. Its own group.
  void add_text(std::string name, std::string text);

  const std::vector<RuleSource>& files() const { return files_; }
  // kInvalid: a file that is no rule text; kTooLarge; kNotFound, kIo, kCorrupt: could not be read.
  const std::vector<Error>& errors() const { return errors_; }

  // The file that `name` means in an include statement of `from` (a path within the group).
  std::optional<std::string> include(std::size_t group, std::string_view name, std::string_view from) const;

 private:
  void add_file(std::size_t group, const std::string& name, const std::string& path, std::string text);
  void add_directory(const std::string& path);
  bool add_archive(const std::string& path);
  void trouble(ErrorCode code, std::string message, std::string source);

  std::vector<RuleSource> files_;
  std::vector<Error> errors_;
  std::map<std::pair<std::size_t, std::string>, std::size_t> by_path_;
  std::map<std::string, std::size_t> names_;
  std::map<std::size_t, std::string> beside_;  // group of a single file → its directory
  std::size_t groups_ = 0;
  std::size_t bytes_ = 0;
};

// "a/../b/./c.yar" → "b/c.yar"; nullopt: leads out, is absolute, or has a backslash or NUL.
std::optional<std::string> path_within(std::string_view directory, std::string_view name);

}  // namespace bongsu::detect
