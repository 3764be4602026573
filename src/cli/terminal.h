// What commands write on: text for people on a terminal, JSON for programs, progress on standard error.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace bongsu::cli {

inline constexpr int kExitOk = 0, kExitNo = 1, kExitTrouble = 2;

bool is_terminal(std::FILE* file);

// "bongsu: …" on standard error (or a JSON object with --json); returns kExitTrouble.
int report(const Error& error, bool json);
void print_json(const Json& value);
// What comes out of logs and from partners must not steer a terminal, nor show otherwise than it is: control characters
// but newline and tab, and characters that turn the direction of writing (Unicode, UAX 9), become '?'.
std::string for_terminal(std::string_view text);
// One line of it: newlines and tabs, too.
std::string printable(std::string_view text);
// For a table's cell or a long message: what is longer than `width` bytes is cut.
std::string printable(std::string_view text, std::size_t width);
void say(std::string_view text);  // a line on standard output, for_terminal
void hint(std::string_view text); // what to do next: on standard error, terminals only

// Columns padded to the widest cell; the last column may be long. One line a row, whatever its cells hold.
void print_table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows);

// A bar on standard error if that is a terminal, else nothing. Draws at most ten times a second.
class Progress {
 public:
  Progress(std::string what, std::uint64_t total);
  ~Progress();
  void update(std::uint64_t done, std::string_view note = {});

 private:
  std::string what_;
  std::uint64_t total_;
  std::int64_t started_ns_ = 0, drawn_ns_ = 0;
  bool on_ = false, drew_ = false;
};

}  // namespace bongsu::cli
