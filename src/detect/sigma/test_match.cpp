#include "detect/sigma/test_match.h"

#include <re2/re2.h>

#include <charconv>
#include <chrono>
#include <cstring>

#include "base/text.h"
#include "detect/sigma/fold.h"
#include "formats/yaml.h"
#include "telemetry/event.h"

namespace bongsu::detect::sigma {
namespace {

constexpr std::int64_t kMaxRegexMemory = 8 << 20;  // of one expression, its states included

bool contains(std::string_view text, std::string_view part) {
  return part.empty() || ::memmem(text.data(), text.size(), part.data(), part.size()) != nullptr;
}

// Past what parts[first, last) (no kMany among them) match at `at`; npos: they do not.
std::size_t segment_end(const std::vector<Part>& parts, std::size_t first, std::size_t last, std::string_view text,
                        std::size_t at) {
  for (std::size_t i = first; i < last; ++i) {
    switch (parts[i].kind) {
      case Part::Kind::kText:
        if (!text.substr(at).starts_with(parts[i].text)) return text.npos;
        at += parts[i].text.size();
        break;
      case Part::Kind::kOne:
        if (at >= text.size()) return text.npos;
        at += character_size(text, at);
        break;
      case Part::Kind::kDash: {
        if (at >= text.size()) return text.npos;
        const std::string_view three = text.substr(at, 3);
        if (text[at] == '-' || text[at] == '/') {
          at += 1;
        } else if (three == "\u2013" || three == "\u2014" || three == "\u2015") {
          at += 3;
        } else {
          return text.npos;
        }
        break;
      }
      default:
        return text.npos;  // a placeholder: rules that still have one are not compiled
    }
  }
  return at;
}

bool compare(Test::Compare how, int order) {
  switch (how) {
    case Test::Compare::kEqual:
      return order == 0;
    case Test::Compare::kLess:
      return order < 0;
    case Test::Compare::kLessEqual:
      return order <= 0;
    case Test::Compare::kGreater:
      return order > 0;
    case Test::Compare::kGreaterEqual:
      return order >= 0;
  }
  return false;
}

template <class T>
int order(T a, T b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

bool number_matches(const CompiledTest& test, std::string_view text) {
  if (text.empty() || !(is_digit(text[0]) || text[0] == '-' || text[0] == '+' || text[0] == '.')) return false;
  if (test.test.compare == Test::Compare::kEqual && text == test.test.text) return true;
  const auto canonical = formats::canonical_number(text);
  if (!canonical) return false;
  if (test.test.compare == Test::Compare::kEqual) return *canonical == test.test.text;
  const char* end = canonical->data() + canonical->size();
  std::int64_t whole = 0;
  if (test.integer) {
    const auto [p, ec] = std::from_chars(canonical->data(), end, whole);
    if (ec == std::errc{} && p == end) return compare(test.test.compare, order(whole, test.exact));
  }
  double value = 0;
  std::from_chars(canonical->data(), end, value);
  return compare(test.test.compare, order(value, test.number));
}

}  // namespace

bool glob_matches(const Pattern& pattern, std::string_view text) {
  const std::vector<Part>& parts = pattern.parts;
  std::size_t at = 0, i = 0;
  bool floating = false;  // a * stands before parts[i]
  while (true) {
    while (i < parts.size() && parts[i].kind == Part::Kind::kMany) {
      floating = true;
      ++i;
    }
    if (i == parts.size()) return floating || at == text.size();
    std::size_t last = i;
    while (last < parts.size() && parts[last].kind != Part::Kind::kMany) ++last;
    const bool final = last == parts.size();
    if (!floating) {
      at = segment_end(parts, i, last, text, at);
      if (at == text.npos) return false;
    } else if (final && last == i + 1 && parts[i].kind == Part::Kind::kText) {
      return text.substr(at).ends_with(parts[i].text);
    } else {
      const bool by_text = parts[i].kind == Part::Kind::kText;
      while (true) {
        if (by_text) at = text.find(parts[i].text, at);
        if (at == text.npos || at > text.size()) return false;
        const std::size_t end = segment_end(parts, i, last, text, at);
        if (end != text.npos && (!final || end == text.size())) {
          at = end;
          break;
        }
        if (at >= text.size()) return false;
        at += character_size(text, at);
      }
    }
    if (final) return at == text.size();
    i = last;
    floating = false;
  }
}

bool reference_matches(const Test& test, std::string_view text, std::string_view other) {
  if (test.at_start && test.at_end) return contains(text, other);
  if (test.at_start) return text.starts_with(other);
  if (test.at_end) return text.ends_with(other);
  return text == other;
}

std::optional<int> time_part(std::string_view text, Test::TimePart part) {
  using namespace std::chrono;
  const auto digits = [&](std::size_t first, std::size_t count) -> int {
    int out = 0;
    for (std::size_t i = first; i < first + count; ++i) {
      if (i >= text.size() || !bongsu::is_digit(text[i])) return -1;
      out = out * 10 + (text[i] - '0');
    }
    return out;
  };
  int y, mo, d, h, mi;
  if (text.size() >= 10 && text[4] == '-' && text[7] == '-') {
    y = digits(0, 4);
    mo = digits(5, 2);
    d = digits(8, 2);
    const bool clock = text.size() >= 16 && (text[10] == 'T' || text[10] == 't' || text[10] == ' ') && text[13] == ':';
    h = clock ? digits(11, 2) : 0;
    mi = clock ? digits(14, 2) : 0;
    if (text.size() > 10 && !clock) return std::nullopt;
  } else {
    const auto instant = telemetry::parse_event_time(text);
    if (!instant) return std::nullopt;
    const sys_seconds at{seconds(instant->seconds)};
    const sys_days day = floor<days>(at);
    const year_month_day date(day);
    y = static_cast<int>(date.year());
    mo = static_cast<int>(static_cast<unsigned>(date.month()));
    d = static_cast<int>(static_cast<unsigned>(date.day()));
    const auto rest = at - day;
    h = static_cast<int>(duration_cast<hours>(rest).count());
    mi = static_cast<int>(duration_cast<minutes>(rest).count() % 60);
  }
  const year_month_day date{year{y}, month{static_cast<unsigned>(mo)}, day{static_cast<unsigned>(d)}};
  if (y < 0 || mo < 0 || d < 0 || h < 0 || mi < 0 || h > 23 || mi > 59 || !date.ok()) return std::nullopt;
  switch (part) {
    case Test::TimePart::kMinute:
      return mi;
    case Test::TimePart::kHour:
      return h;
    case Test::TimePart::kDay:
      return d;
    case Test::TimePart::kMonth:
      return mo;
    case Test::TimePart::kYear:
      return y;
    case Test::TimePart::kWeek: {
      // The week of its Thursday, counted within that day's year.
      const sys_days day = sys_days(date);
      const sys_days thursday = day - (weekday(day) - Monday) + days(3);
      const year of_year = year_month_day(thursday).year();
      return static_cast<int>((thursday - sys_days(of_year / January / 1)).count() / 7 + 1);
    }
  }
  return std::nullopt;
}

Result<CompiledTest> CompiledTest::make(const Test& test, bool keyword) {
  CompiledTest out;
  out.test = test;
  out.cased = test.cased;
  switch (test.kind) {
    case Test::Kind::kNumber:
    case Test::Kind::kPattern: {
      if (test.kind == Test::Kind::kNumber && !keyword) {
        out.kind = Kind::kNumber;
        break;
      }
      Pattern pattern = test.kind == Test::Kind::kNumber ? Pattern::plain(test.text) : test.pattern;
      if (keyword) {
        Pattern around;
        around.add({Part::Kind::kMany, {}});
        around.append(pattern);
        around.add({Part::Kind::kMany, {}});
        pattern = std::move(around);
      }
      if (!test.cased)
        for (Part& part : pattern.parts)
          if (part.kind == Part::Kind::kText) part.text = folded(part.text);
      const std::vector<Part>& p = pattern.parts;
      const auto is = [&](std::size_t i, Part::Kind kind) { return i < p.size() && p[i].kind == kind; };
      using enum Part::Kind;
      if (p.empty() || (p.size() == 1 && is(0, kText))) {
        out.kind = Kind::kEquals;
        if (!p.empty()) out.text = p[0].text;
      } else if (p.size() == 1 && is(0, kMany)) {
        out.kind = Kind::kAnything;
      } else if (p.size() == 2 && is(0, kMany) && is(1, kText)) {
        out.kind = Kind::kEndsWith;
        out.text = p[1].text;
      } else if (p.size() == 2 && is(0, kText) && is(1, kMany)) {
        out.kind = Kind::kStartsWith;
        out.text = p[0].text;
      } else if (p.size() == 3 && is(0, kMany) && is(1, kText) && is(2, kMany)) {
        out.kind = Kind::kContains;
        out.text = p[1].text;
      } else {
        out.kind = Kind::kGlob;
      }
      out.test.pattern = std::move(pattern);
      break;
    }
    case Test::Kind::kRegex: {
      out.kind = Kind::kRegex;
      re2::RE2::Options options(re2::RE2::Quiet);
      options.set_max_mem(kMaxRegexMemory);
      options.set_case_sensitive(!test.ignore_case);
      options.set_dot_nl(test.dot_all);
      const std::string source = (test.multi_line ? "(?m)" : "") + test.text;
      out.regex = std::make_shared<const re2::RE2>(source, options);
      if (!out.regex->ok())
        return fail(ErrorCode::kUnsupported, "the regular expression cannot be had in linear time: " +
                                                 out.regex->error() + " in \"" + test.text.substr(0, 200) + "\"");
      break;
    }
    case Test::Kind::kCidr: {
      out.kind = Kind::kCidr;
      const auto network = parse_cidr(test.text);
      if (!network) return fail(ErrorCode::kInvalid, "\"" + test.text + "\" is no network in CIDR notation");
      out.network = *network;
      break;
    }
    case Test::Kind::kTimePart:
      out.kind = Kind::kTimePart;
      break;
    case Test::Kind::kNull:
      out.kind = Kind::kNull;
      break;
    case Test::Kind::kExists:
      out.kind = Kind::kExists;
      break;
    case Test::Kind::kFieldRef:
      out.kind = Kind::kFieldRef;
      break;
  }
  if (test.kind == Test::Kind::kNumber || test.kind == Test::Kind::kTimePart) {
    const char* end = test.text.data() + test.text.size();
    std::from_chars(test.text.data(), end, out.number);
    const auto [p, ec] = std::from_chars(test.text.data(), end, out.exact);
    out.integer = ec == std::errc{} && p == end;
  }
  return out;
}

bool CompiledTest::matches(std::string_view text_of_field, std::string_view folded_text) const {
  const std::string_view subject = cased ? text_of_field : folded_text;
  switch (kind) {
    case Kind::kAnything:
      return true;
    case Kind::kEquals:
      return subject == text;
    case Kind::kContains:
      return contains(subject, text);
    case Kind::kStartsWith:
      return subject.starts_with(text);
    case Kind::kEndsWith:
      return subject.ends_with(text);
    case Kind::kGlob:
      return glob_matches(test.pattern, subject);
    case Kind::kNumber:
      return number_matches(*this, text_of_field);
    case Kind::kRegex:
      return re2::RE2::PartialMatch(re2::StringPiece(text_of_field.data(), text_of_field.size()), *regex);
    case Kind::kCidr: {
      auto address = parse_address(text_of_field);
      if (!address || address->v6 != network.v6) return false;
      address->mask(network.prefix);
      return address->bytes == network.bytes;
    }
    case Kind::kTimePart: {
      const auto part = time_part(text_of_field, test.part);
      return part && compare(test.compare, order(static_cast<double>(*part), number));
    }
    case Kind::kNull:
    case Kind::kExists:
    case Kind::kFieldRef:
      return false;
  }
  return false;
}

}  // namespace bongsu::detect::sigma
