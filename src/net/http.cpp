#include "net/http.h"

#include <algorithm>

#include "net/http_syntax.h"

namespace bongsu::net {

void Headers::set(std::string_view name, std::string value) {
  const auto same = [&](const auto& field) { return equal_ignoring_case(field.first, name); };
  const auto first = std::find_if(fields_.begin(), fields_.end(), same);
  if (first == fields_.end()) {
    fields_.emplace_back(std::string(name), std::move(value));
    return;
  }
  first->second = std::move(value);
  fields_.erase(std::remove_if(first + 1, fields_.end(), same), fields_.end());
}

std::optional<std::string_view> Headers::get(std::string_view name) const {
  for (const auto& [field, value] : fields_)
    if (equal_ignoring_case(field, name)) return value;
  return std::nullopt;
}

std::string Headers::joined(std::string_view name) const {
  std::string out;
  bool first = true;
  for (const auto& [field, value] : fields_) {
    if (!equal_ignoring_case(field, name)) continue;
    if (!first) out += ", ";
    out += value;
    first = false;
  }
  return out;
}

Response Response::text(int status, std::string body) {
  return Response{
      .status = status, .headers = {{"Content-Type", "text/plain; charset=utf-8"}}, .body = std::move(body)};
}

Response Response::json(int status, std::string body) {
  return Response{.status = status, .headers = {{"Content-Type", "application/json"}}, .body = std::move(body)};
}

Result<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    const int high = i + 1 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0)
      return fail(ErrorCode::kInvalid, "'%' must be followed by two hexadecimal digits",
                  {.offset = i, .has_offset = true});
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";  // RFC 3986 §2.1: upper case
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const bool unreserved = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                            c == '.' || c == '_' || c == '~';
    if (unreserved) {
      out.push_back(c);
    } else {
      const auto u = static_cast<std::uint8_t>(c);
      out.push_back('%');
      out.push_back(kDigits[u >> 4]);
      out.push_back(kDigits[u & 15]);
    }
  }
  return out;
}

Result<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view query, bool plus_is_space) {
  std::vector<std::pair<std::string, std::string>> pairs;
  const auto decode = [&](std::string_view part) -> Result<std::string> {
    if (!plus_is_space) return percent_decode(part);
    std::string spaced(part);
    std::replace(spaced.begin(), spaced.end(), '+', ' ');
    return percent_decode(spaced);
  };
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view part = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (part.empty()) continue;
    if (pairs.size() == kMaxQueryPairs) return fail(ErrorCode::kTooLarge, "the query has more than 1000 parameters");
    const std::size_t equals = std::min(part.find('='), part.size());
    BONGSU_TRY(std::string name, decode(part.substr(0, equals)));
    BONGSU_TRY(std::string value, decode(part.substr(std::min(equals + 1, part.size()))));
    pairs.emplace_back(std::move(name), std::move(value));
  }
  return pairs;
}

}  // namespace bongsu::net
