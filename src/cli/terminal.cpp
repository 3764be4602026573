#include "cli/terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

namespace bongsu::cli {
namespace {

std::int64_t now_ns() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

// Bytes of the character at text[at] that a terminal, or whoever reads it, must not get: a control character (C0, DEL,
// C1), one that turns the direction of what follows (Unicode, UAX 9: LRM, RLM, ALM, embeddings, overrides, isolates), a
// line or paragraph separator, a byte order mark. 0: none.
std::size_t unsafe_bytes(std::string_view text, std::size_t at) {
  const auto c = static_cast<unsigned char>(text[at]);
  if (c < 0x20 || c == 0x7f) return 1;
  const auto byte = [&](std::size_t i) {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : static_cast<unsigned char>(0);
  };
  if (c == 0xc2 && byte(1) >= 0x80 && byte(1) < 0xa0) return 2;
  if (c == 0xd8 && byte(1) == 0x9c) return 2;
  if (c == 0xe2 && byte(1) == 0x80 && (byte(2) == 0x8e || byte(2) == 0x8f || (byte(2) >= 0xa8 && byte(2) <= 0xae)))
    return 3;
  if (c == 0xe2 && byte(1) == 0x81 && byte(2) >= 0xa6 && byte(2) <= 0xa9) return 3;
  if (c == 0xef && byte(1) == 0xbb && byte(2) == 0xbf) return 3;
  return 0;
}

std::string made_safe(std::string_view text, std::string_view but) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t bad = but.find(text[i]) == but.npos ? unsafe_bytes(text, i) : 0;
    out += bad > 0 ? '?' : text[i];
    i += std::max<std::size_t>(bad, 1);
  }
  return out;
}

}  // namespace

bool is_terminal(std::FILE* file) { return ::isatty(::fileno(file)) == 1; }

int report(const Error& error, bool json) {
  if (json) {
    const Json value = JsonObject{{"error", to_string(error.code)}, {"message", error.text()}};
    fmt::print(stderr, "{}\n", to_text(value));
  } else {
    fmt::print(stderr, "bongsu: {}\n", for_terminal(error.text()));
  }
  return kExitTrouble;
}

void print_json(const Json& value) { fmt::print("{}\n", to_pretty_text(value)); }

std::string for_terminal(std::string_view text) { return made_safe(text, "\n\t"); }
std::string printable(std::string_view text) { return made_safe(text, ""); }

std::string printable(std::string_view text, std::size_t width) {
  std::string out;
  for (const char c : printable(text)) {
    if (out.size() >= width) return out.substr(0, width - 1) + "…";
    out += c;
  }
  return out;
}

void say(std::string_view text) { fmt::print("{}\n", for_terminal(text)); }
void hint(std::string_view text) {
  if (is_terminal(stderr)) fmt::print(stderr, "{}\n", text);
}

void print_table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& cell : header) widths.push_back(cell.size());
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  const auto line = [&](const std::vector<std::string>& row) {
    std::string out;
    for (std::size_t i = 0; i < row.size(); ++i) {
      std::string cell = row[i];
      std::ranges::replace(cell, '\n', ' ');
      out += cell;
      if (i + 1 < row.size()) out.append(widths[i] - std::min(widths[i], row[i].size()) + 2, ' ');
    }
    say(out);
  };
  line(header);
  for (const auto& row : rows) line(row);
}

Progress::Progress(std::string what, std::uint64_t total)
    : what_(std::move(what)), total_(total), started_ns_(now_ns()), on_(is_terminal(stderr)) {}

Progress::~Progress() {
  if (drew_) fmt::print(stderr, "\r\x1b[K");
}

void Progress::update(std::uint64_t done, std::string_view note) {
  if (!on_) return;
  const std::int64_t now = now_ns();
  if (now - drawn_ns_ < 100'000'000) return;
  drawn_ns_ = now;
  drew_ = true;
  constexpr int kWidth = 30;
  if (total_ == 0) {
    fmt::print(stderr, "\r\x1b[K{} {} {}", what_, done, note);
  } else {
    const double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(total_));
    const double elapsed = static_cast<double>(now - started_ns_) / 1e9;
    const double left = part > 0.01 ? elapsed / part - elapsed : 0;
    const int full = static_cast<int>(part * kWidth);
    fmt::print(stderr, "\r\x1b[K{} [{:=<{}}{: <{}}] {:3.0f} % {} {}", what_, "", full, "", kWidth - full, part * 100,
               left > 0.5 ? fmt::format("{:.0f} s left", left) : "", note);
  }
  std::fflush(stderr);
}

}  // namespace bongsu::cli
