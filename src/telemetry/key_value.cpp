#include "telemetry/key_value.h"

#include <algorithm>

#include "base/text.h"

namespace bongsu::telemetry {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '@'; }
bool is_key_char(char c) { return is_letter(c) || is_digit(c) || c == '.' || c == '-' || c == '/'; }
bool is_between(char c) { return c == ' ' || c == '\t' || c == ',' || c == ';' || c == '\'' || c == '\x1d'; }

// "audit(1364481363.243:24287):"
void add_audit_time(std::string_view value, LineFields& fields) {
  if (!value.starts_with("audit(")) return;
  const std::size_t colon = value.find(':');
  const std::size_t close = value.find(')');
  if (colon == value.npos || close == value.npos || close < colon) return;
  const auto audit = fields.container("audit");
  fields.add(audit, "time", value.substr(6, colon - 6));
  fields.add(audit, "serial", value.substr(colon + 1, close - colon - 1));
}

}  // namespace

bool read_key_values(std::string_view text, LineFields& fields) {
  const auto mark = fields.mark();
  std::size_t pairs = 0, at = 0;
  bool first_word = true, begins_with_pair = false;
  while (at < text.size() && pairs < kMaxLineFields) {
    if (is_between(text[at])) {
      ++at;
      continue;
    }
    const std::size_t begin = at;
    while (at < text.size() && is_key_char(text[at])) ++at;
    const bool pair = at > begin && at < text.size() && text[at] == '=' && is_letter(text[begin]);
    if (first_word) begins_with_pair = pair;
    first_word = false;
    if (!pair) {
      // Pairs that have no chance any more are not looked for in long lines of prose.
      if (pairs == 0 && at > 512) break;
      while (at < text.size() && !is_between(text[at])) ++at;
      continue;
    }
    const std::string_view key = text.substr(begin, at - begin);
    ++at;
    if (at < text.size() && text[at] == '"') {
      const std::size_t value = ++at;
      bool escaped = false;
      while (at < text.size() && text[at] != '"') {
        if (text[at] == '\\' && at + 1 < text.size()) escaped = true, ++at;
        ++at;
      }
      if (at >= text.size()) break;  // not closed: the pair is none
      fields.add({}, key, text.substr(value, at - value), escaped ? Leaf::Escape::kQuoted : Leaf::Escape::kNone);
      ++at;
      ++pairs;
      continue;
    }
    if (at < text.size() && text[at] == '\'') {  // a text, or pairs
      ++pairs;
      ++at;
      const std::size_t close = text.find('\'', at);
      const std::string_view inner = text.substr(at, close == text.npos ? 0 : close - at);
      if (close == text.npos || inner.find('=') != inner.npos) continue;
      fields.add({}, key, inner);
      at = close + 1;
      continue;
    }
    const std::size_t value_begin = at;
    while (at < text.size() && text[at] != ' ' && text[at] != '\t' && text[at] != '\x1d') ++at;
    std::string_view value = text.substr(value_begin, at - value_begin);
    while (!value.empty() && (value.back() == ',' || value.back() == ';' || value.back() == '\''))
      value.remove_suffix(1);
    if (key == "msg") add_audit_time(value, fields);
    fields.add({}, key, value);
    ++pairs;
  }
  if (pairs >= 3 || (pairs == 2 && begins_with_pair)) return true;
  fields.back_to(mark);
  return false;
}

}  // namespace bongsu::telemetry
