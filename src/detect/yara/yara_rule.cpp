#include "detect/yara/yara_rule.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace bongsu::detect {
namespace {

constexpr std::size_t kMaxTechniques = 32;

// Every T followed by four digits, with three more behind a dot or underscore, that is not part of a longer word.
void find_techniques(std::string_view text, std::vector<std::string>& out) {
  const auto digits = [&](std::size_t from, std::size_t n) {
    if (from + n > text.size()) return false;
    return std::all_of(text.begin() + static_cast<std::ptrdiff_t>(from),
                       text.begin() + static_cast<std::ptrdiff_t>(from + n), is_digit);
  };
  const auto word = [&](std::size_t at) {
    return at < text.size() && (is_digit(text[at]) || (lower(text[at]) >= 'a' && lower(text[at]) <= 'z'));
  };
  for (std::size_t i = 0; i < text.size() && out.size() < kMaxTechniques; ++i) {
    if (lower(text[i]) != 't' || (i > 0 && word(i - 1)) || !digits(i + 1, 4) || word(i + 5)) continue;
    std::string id = "T" + std::string(text.substr(i + 1, 4));
    if (i + 5 < text.size() && (text[i + 5] == '.' || text[i + 5] == '_') && digits(i + 6, 3) && !word(i + 9))
      id += "." + std::string(text.substr(i + 6, 3));
    if (std::find(out.begin(), out.end(), id) == out.end()) out.push_back(std::move(id));
  }
}

}  // namespace

std::string_view YaraRule::meta_value(std::string_view wanted) const {
  for (const auto& [key, value] : meta)
    if (key == wanted) return value;
  return {};
}

int YaraRule::score() const {
  const std::string_view text = meta_value("score");
  int value = -1;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  return ec == std::errc{} && end == text.data() + text.size() && value >= 0 && value <= 100 ? value : -1;
}

std::string_view YaraRule::level() const {
  const int value = score();
  if (value < 0) return "medium";
  return value >= 80 ? "high" : value >= 60 ? "medium" : value >= 40 ? "low" : "informational";
}

std::vector<std::string> YaraRule::techniques() const {
  std::vector<std::string> out;
  for (const std::string& tag : tags) find_techniques(tag, out);
  for (const auto& [key, value] : meta) {
    const std::string kind = lowered(key);
    if (kind.find("mitre") != kind.npos || kind.find("attack") != kind.npos || kind.find("technique") != kind.npos ||
        kind == "tags")
      find_techniques(value, out);
  }
  return out;
}

}  // namespace bongsu::detect
