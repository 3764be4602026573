// libyara behind our own types; yara_library.cpp is the one file that sees its headers.
//
// What libyara asks of a program, and how it is kept here:
// - yr_initialize before anything and yr_finalize at the end count their calls without a lock: a `Library` token in
// each
//   compiled set makes and drops them under one.
// - A compiler belongs to one thread and is of no use after an error. Compiled rules may be scanned by several threads
// at
//   once, each with a scanner of its own; rules outlive their scanners.
// - Its handler for bus errors in mapped files is switched off: only bytes in our own memory are scanned.
// - It bounds matches (a million a string), expressions and nesting itself; time is looked at every 4 KiB of data and
// in
//   the condition's loops.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "detect/yara/yara_rule.h"

namespace bongsu::detect::yara {

struct Text {
  std::string_view name_space;
  const char* text = nullptr;  // ends with NUL
};

// Why a text was not compiled: of its own lines, or of a file that it includes.
struct Fault {
  std::size_t text = 0;  // which one
  std::string included;  // the including statement's file name, if it is of an included file
  std::string file;      // of an included file
  std::uint64_t line = 0;
  std::string rule;
  std::string message;
};

// The text of an included file. `from` is the including file's name as it was included, empty for the text itself.
using Includes =
    std::function<std::optional<std::string>(std::size_t text, std::string_view name, std::string_view from)>;
using Externals = std::vector<std::pair<std::string, std::string>>;

class Compiled;
using CompiledPtr = std::shared_ptr<const Compiled>;

// Everything in one set; or the faults of the first text that has any.
std::expected<CompiledPtr, std::vector<Fault>> compile(std::span<const Text> texts, const Externals& externals,
                                                       const Includes& includes);

const std::vector<YaraRule>& rules_of(const Compiled& compiled);
std::size_t strings_of(const Compiled& compiled);

// One a thread.
class Scanner {
 public:
  explicit Scanner(CompiledPtr compiled);
  ~Scanner();
  Scanner(Scanner&&) noexcept;
  Scanner& operator=(Scanner&&) noexcept;

  // Appends hits. kTimeout (nothing is appended then), kInternal with libyara's own code.
  Result<void> scan(std::string_view bytes, int timeout_seconds, std::vector<YaraHit>& hits);
  // A variable that was not declared at compilation is left alone.
  void define(const std::string& name, const std::string& value);

  std::uint64_t dropped_hits() const;     // beyond kMaxYaraHits of one scan
  std::uint64_t limited_strings() const;  // with more matches than libyara counts

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace bongsu::detect::yara
