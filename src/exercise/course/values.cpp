#include "exercise/course/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

#include "base/hash.h"
#include "base/random.h"
#include "base/text.h"
#include "base/uuid.h"

namespace bongsu::exercise::course {
namespace {

constexpr int kTries = 64;  // for a value that no other variable has
constexpr std::size_t kMaxFilled = kMaxFileBytes;
constexpr std::size_t kMaxCalls = 100'000;  // of functions in one pattern

std::unexpected<Error> bad(std::string message) { return fail(ErrorCode::kInvalid, std::move(message)); }

std::uint64_t first_bytes(const Sha256& hash) {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < 8; ++i) out = out << 8U | hash[i];
  return out;
}

struct Network {
  std::uint32_t first = 0, count = 0;  // hosts
};
std::optional<Network> network_of(std::string_view text) {  // 198.51.100.0/24
  std::uint32_t address = 0;
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  for (int part = 0; part < 4; ++part) {
    unsigned value = 0;
    const auto [after, error] = std::from_chars(at, end, value);
    if (error != std::errc{} || value > 255 || after == end || *after != (part < 3 ? '.' : '/')) return std::nullopt;
    address = address << 8U | value;
    at = after + 1;
  }
  unsigned bits = 0;
  const auto [after, error] = std::from_chars(at, end, bits);
  if (error != std::errc{} || after != end || bits < 8 || bits > 30) return std::nullopt;
  const std::uint32_t size = 1U << (32U - bits);
  if ((address & (size - 1)) != 0) return std::nullopt;
  return Network{address + 1, size - 2};
}

std::string word_of(Random& random, std::uint32_t letters) {
  constexpr std::string_view kConsonants = "bdfgklmnprstvz", kVowels = "aeiou";
  std::string out;
  for (std::uint32_t i = 0; i < letters; ++i) {
    const std::string_view of = i % 2 == 0 ? kConsonants : kVowels;
    out += of[random.below(of.size())];
  }
  return out;
}

}  // namespace

std::uint64_t Values::number(std::string_view what) const {
  return first_bytes(sha256(fmt::format("{}\n{}", seat_, what)));
}

Result<std::string> Values::drawn(const Variable& v, std::string_view purpose) const {
  SeededRandom random(number(purpose));
  if (!v.pick.empty()) return fill(v.pick[random.below(v.pick.size())]);
  if (!v.address.empty()) {
    BONGSU_TRY(const std::string text, fill(v.address));
    const auto network = network_of(text);
    if (!network) return bad(fmt::format("\"{}\" is no IPv4 network as 198.51.100.0/24", text));
    const auto host = static_cast<std::uint32_t>(network->first + random.below(network->count));
    return fmt::format("{}.{}.{}.{}", host >> 24U, (host >> 16U) & 255U, (host >> 8U) & 255U, host & 255U);
  }
  if (!v.time.empty()) {
    BONGSU_TRY(const Instant begin, time(v.time));
    const auto seconds = static_cast<std::uint64_t>(v.within.value_or(Duration(0)).count() / 1000);
    return (begin + std::chrono::seconds(random.below(seconds + 1))).text(0);
  }
  if (v.from && v.to) {
    if (!(v.step > 0) || *v.to < *v.from || (*v.to - *v.from) / v.step > 1e9)
      return bad("goes from a number to a greater one in steps above 0");
    const auto steps = static_cast<std::uint64_t>(std::floor((*v.to - *v.from) / v.step + 1e-9));
    const double value = *v.from + v.step * static_cast<double>(random.below(steps + 1));
    return fmt::format("{:.10g}", value);
  }
  if (v.hex > 0) {
    std::string out;
    for (std::uint32_t i = 0; i < v.hex; ++i) out += "0123456789abcdef"[random.below(16)];
    return out;
  }
  if (v.word > 0) return word_of(random, v.word);
  return fill(v.value);
}

Result<Values> Values::draw(const Task& task, const Seat& seat) {
  Values out(fmt::format("{}\n{}\n{}\n{}\n{}", seat.course, task.id, seat.learner, seat.seed, seat.round));
  for (const Variable& variable : task.variables) {
    const auto taken = [&](const std::string& text) {
      return std::ranges::any_of(out.values_, [&](const auto& other) { return other.second == text; });
    };
    std::string value;
    for (int attempt = 0; attempt < kTries; ++attempt) {
      auto drawn = out.drawn(variable, fmt::format("{} {}", variable.id, attempt));
      if (!drawn) {
        drawn.error().where.field = "variables." + variable.id;
        return std::unexpected(std::move(drawn).error());
      }
      value = std::move(*drawn);
      if (!variable.value.empty() || !taken(value)) break;
    }
    out.values_[variable.id] = std::move(value);
  }
  return out;
}

Result<Instant> Values::time(std::string_view pattern) const {
  BONGSU_TRY(const std::string text, fill(pattern));
  const auto instant = Instant::parse(text);
  if (!instant) return bad(fmt::format("\"{}\" is no time as 2027-01-19T07:00:00Z", text));
  return *instant;
}

Result<std::string> Values::fill(std::string_view pattern) const {
  std::string text;
  while (!pattern.empty()) {
    const auto at = pattern.find("${");
    text += pattern.substr(0, at);
    if (at == pattern.npos) break;
    pattern.remove_prefix(at + 2);
    const auto end = pattern.find('}');
    if (end == pattern.npos) return bad("a ${ is not closed by a }");
    const std::string_view name = pattern.substr(0, end);
    const auto found = values_.find(name);
    if (found == values_.end()) return bad(fmt::format("there is no variable \"{}\" before it", name.substr(0, 60)));
    text += found->second;
    if (text.size() > kMaxFilled) return fail(ErrorCode::kTooLarge, "a text of more than 64 MiB");
    pattern.remove_prefix(end + 1);
  }
  std::size_t calls = 0;
  for (std::size_t open = text.rfind("$("); open != text.npos; open = text.rfind("$(")) {
    if (++calls > kMaxCalls) return fail(ErrorCode::kTooLarge, fmt::format("more than {} functions", kMaxCalls));
    const std::size_t close = text.find(')', open);
    if (close == text.npos) return bad("a $( is not closed by a )");
    std::vector<std::string_view> parts;
    std::string_view rest = std::string_view(text).substr(open + 2, close - open - 2);
    while (!(rest = trim(rest)).empty()) {
      const auto blank = std::min(rest.find_first_of(" \n\t"), rest.size());
      parts.push_back(rest.substr(0, blank));
      rest.remove_prefix(blank);
    }
    if (parts.empty()) return bad("$() names no function");
    const std::string_view name = parts.front();
    parts.erase(parts.begin());
    std::string result;
    if (name == "uuid" && parts.size() == 1) {
      SeededRandom random(number(fmt::format("uuid {}", parts[0])));
      result = Uuid::random(random).text();
    } else {
      BONGSU_TRY(result, call(name, parts));
    }
    text.replace(open, close - open + 1, result);
  }
  return text;
}

}  // namespace bongsu::exercise::course
