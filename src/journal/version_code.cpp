#include "journal/version_code.h"

#include <array>
#include <chrono>

#include "base/clock.h"

namespace bongsu::journal {
namespace {

constexpr std::int64_t kSecondsFromYearZero = 62'167'219'200;  // 0000-01-01 to 1970-01-01
constexpr std::size_t kSecondBytes = 5;
constexpr std::size_t kWholeSeconds = 19;  // "YYYY-MM-DDThh:mm:ss"

int number(std::string_view text, std::size_t at, std::size_t count) {
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

void put(char* at, unsigned value, int width) {
  for (int i = width - 1; i >= 0; --i) {
    at[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

// Empty when the key is not a timestamp that decodes to the same text.
std::string encode_timestamp(std::string_view key) {
  if (key.size() < kWholeSeconds || key[4] != '-' || key[7] != '-' || key[10] != 'T' || key[13] != ':' ||
      key[16] != ':')
    return {};
  const int year = number(key, 0, 4), month = number(key, 5, 2), day = number(key, 8, 2);
  const int hour = number(key, 11, 2), minute = number(key, 14, 2), second = number(key, 17, 2);
  if (year < 0 || month < 1 || day < 1 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
      second > 59)
    return {};
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return {};
  const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
  const auto seconds =
      static_cast<std::uint64_t>(days * 86400 + hour * 3600 + minute * 60 + second + kSecondsFromYearZero);
  std::string code(kSecondBytes, '\0');
  for (std::size_t i = 0; i < kSecondBytes; ++i) code[i] = static_cast<char>(seconds >> (8 * (kSecondBytes - 1 - i)));
  if (key.size() == kWholeSeconds) return code;
  if (key[kWholeSeconds] != '.' || key.size() == kWholeSeconds + 1 || key.back() == '0') return {};
  for (std::size_t i = kWholeSeconds + 1; i < key.size(); i += 2) {
    const bool pair = i + 1 < key.size();
    const int value = pair ? number(key, i, 2) : number(key, i, 1) * 10;
    if (value < 0) return {};
    code += static_cast<char>(value);
  }
  return code;
}

}  // namespace

std::string encode_version_key(std::string_view key) {
  if (key.empty()) return {};
  std::string code = encode_timestamp(key);
  if (!code.empty()) return code;
  code.reserve(key.size() + 1);
  code += kRawVersionMark;
  code += key;
  return code;
}

std::string decode_version_key(std::string_view code) {
  if (code.empty()) return {};
  if (code[0] == kRawVersionMark) return std::string(code.substr(1));
  if (code.size() < kSecondBytes) return {};
  std::uint64_t seconds = 0;
  for (std::size_t i = 0; i < kSecondBytes; ++i) seconds = seconds << 8 | static_cast<unsigned char>(code[i]);
  const std::int64_t since_epoch = static_cast<std::int64_t>(seconds) - kSecondsFromYearZero;
  const std::chrono::sys_seconds at{std::chrono::seconds{since_epoch}};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date{day};
  const auto rest = static_cast<unsigned>((at - day).count());
  std::string key("0000-00-00T00:00:00");
  put(key.data(), static_cast<unsigned>(static_cast<int>(date.year())) % 10000, 4);
  put(key.data() + 5, static_cast<unsigned>(date.month()), 2);
  put(key.data() + 8, static_cast<unsigned>(date.day()), 2);
  put(key.data() + 11, rest / 3600, 2);
  put(key.data() + 14, rest / 60 % 60, 2);
  put(key.data() + 17, rest % 60, 2);
  if (code.size() == kSecondBytes) return key;
  key += '.';
  for (const char c : code.substr(kSecondBytes)) {
    std::array<char, 2> pair{};
    put(pair.data(), static_cast<unsigned char>(c) % 100, 2);
    key.append(pair.data(), 2);
  }
  if (key.back() == '0') key.pop_back();  // an odd number of digits was padded
  return key;
}

std::string version_text(std::string_view key, int digits) {
  std::string text(key);
  const auto wanted = static_cast<std::size_t>(digits);
  std::size_t have = 0;
  if (const auto dot = key.find('.'); dot != std::string_view::npos) {
    have = key.size() - dot - 1;
  } else if (wanted > 0) {
    text += '.';
  }
  if (wanted > have) text.append(wanted - have, '0');
  text += 'Z';
  return text;
}

std::optional<int> version_digits(std::string_view key, std::string_view text) {
  constexpr std::size_t kMostDigits = 100;
  const auto dot = text.find('.');
  const std::size_t digits = dot == std::string_view::npos ? 0 : text.size() - dot - 2;
  if (digits > kMostDigits || text.empty()) return std::nullopt;
  if (version_text(key, static_cast<int>(digits)) != text) return std::nullopt;
  return static_cast<int>(digits);
}

AddedVersion added_version(std::int64_t added_us) {
  AddedVersion out;
  out.text = Instant::from_micros(added_us).text(6);
  out.key = out.text.substr(0, out.text.size() - 1);
  while (out.key.back() == '0') out.key.pop_back();
  if (out.key.back() == '.') out.key.pop_back();
  return out;
}

ObjectCode split_object_id(std::string_view id) {
  ObjectCode code;
  const auto dashes = id.find("--");
  if (dashes == std::string_view::npos || dashes == 0) {
    code.rest = id;
    return code;
  }
  code.type = id.substr(0, dashes);
  code.rest = id.substr(dashes + 2);
  // Upper case would not come back as it was: such an id stays text.
  for (const char c : code.rest)
    if (c >= 'A' && c <= 'Z') return code;
  code.uuid = Uuid::parse(code.rest);
  return code;
}

std::string join_object_id(std::string_view type, const std::optional<Uuid>& uuid, std::string_view rest) {
  std::string id;
  id.reserve(type.size() + 38);
  if (!type.empty()) {
    id += type;
    id += "--";
  }
  if (uuid) {
    id += uuid->text();
  } else {
    id += rest;
  }
  return id;
}

}  // namespace bongsu::journal
