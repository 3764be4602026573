#include "detect/sigma/slow_sigma_test_support.h"

#include <arpa/inet.h>
#include <re2/re2.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <functional>

#include "base/text.h"

namespace bongsu::detect::sigma {
namespace {

using telemetry::FieldMap;
using telemetry::Format;
using telemetry::LogSource;

// Of the character that begins there; bytes that are not UTF-8 are one each.
std::size_t character_size(std::string_view text, std::size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  std::size_t size = byte >= 0xc2 && byte <= 0xdf   ? 2
                     : byte >= 0xe0 && byte <= 0xef ? 3
                     : byte >= 0xf0 && byte <= 0xf4 ? 4
                                                    : 1;
  for (std::size_t k = 1; k < size; ++k)
    if (at + k >= text.size() || (text[at + k] & '\xc0') != '\x80') size = 1;
  return size;
}

std::vector<std::string> characters(std::string_view text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size(); at += out.back().size())
    out.emplace_back(text.substr(at, character_size(text, at)));
  return out;
}

std::uint32_t code_of(const std::string& character) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(character[i])); };
  if (character.size() == 1) return byte(0);
  if (character.size() == 2) return (byte(0) & 31) << 6 | (byte(1) & 63);
  if (character.size() == 3) return (byte(0) & 15) << 12 | (byte(1) & 63) << 6 | (byte(2) & 63);
  return (byte(0) & 7) << 18 | (byte(1) & 63) << 12 | (byte(2) & 63) << 6 | (byte(3) & 63);
}

// One character for one, as ICU folds it; two that would grow stay.
std::string lower_character(const std::string& character) {
  if (character.size() == 1) {
    const auto c = static_cast<unsigned char>(character[0]);
    return std::string(1, c < 0x80 ? static_cast<char>(std::tolower(c)) : character[0]);
  }
  constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code_of(character) < kLeast[character.size()]) return character;  // longer than need be: no character
  const UChar32 low = u_foldCase(static_cast<UChar32>(code_of(character)), U_FOLD_CASE_DEFAULT);
  char out[U8_MAX_LENGTH];
  std::int32_t size = 0;
  U8_APPEND_UNSAFE(out, size, low);
  return static_cast<std::size_t>(size) > character.size() ? character
                                                           : std::string(out, static_cast<std::size_t>(size));
}

// A decimal number, exactly as far as long double goes.
std::optional<long double> number_of(const std::string& text) {
  static const re2::RE2 kForm("[-+]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([eE][-+]?[0-9]+)?");
  if (!re2::RE2::FullMatch(text, kForm)) return std::nullopt;
  const long double value = std::strtold(text.c_str(), nullptr);
  if (!std::isfinite(static_cast<double>(value))) return std::nullopt;
  return value;
}

bool compares(Test::Compare how, long double a, long double b) {
  switch (how) {
    case Test::Compare::kEqual:
      return a == b;
    case Test::Compare::kLess:
      return a < b;
    case Test::Compare::kLessEqual:
      return a <= b;
    case Test::Compare::kGreater:
      return a > b;
    case Test::Compare::kGreaterEqual:
      return a >= b;
  }
  return false;
}

// (address, bits) with ::ffff:a.b.c.d as IPv4.
std::optional<std::vector<bool>> address_bits(std::string text) {
  // An IPv6 address may name a zone; what cannot be one makes it no address.
  static const re2::RE2 kZone("([^%]*:[^%]*)%[-._0-9A-Za-z]{1,15}");
  std::string bare;
  if (re2::RE2::FullMatch(text, kZone, &bare)) text = bare;
  unsigned char bytes[16];
  std::size_t size = 0;
  if (inet_pton(AF_INET, text.c_str(), bytes) == 1)
    size = 4;
  else if (inet_pton(AF_INET6, text.c_str(), bytes) == 1)
    size = 16;
  else
    return std::nullopt;
  static const unsigned char kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  std::size_t first = 0;
  if (size == 16 && std::equal(kMapped, kMapped + 12, bytes)) first = 12;
  std::vector<bool> out;
  for (std::size_t i = first; i < size; ++i)
    for (int b = 7; b >= 0; --b) out.push_back((bytes[i] >> b & 1) != 0);
  return out;
}

bool in_network(const std::string& address, const std::string& network) {
  const auto slash = network.find('/');
  const auto a = address_bits(address), n = address_bits(network.substr(0, slash));
  if (!a || !n || a->size() != n->size()) return false;
  const std::size_t prefix =
      slash == network.npos ? n->size() : static_cast<std::size_t>(std::atoi(network.c_str() + slash + 1));
  return std::equal(n->begin(), n->begin() + static_cast<std::ptrdiff_t>(prefix), a->begin());
}

std::optional<int> part_of_time(const std::string& text, Test::TimePart part) {
  static const re2::RE2 kForm("([0-9]{4})-([0-9]{2})-([0-9]{2})(?s:[Tt ]([0-9]{2}):([0-9]{2}).*)?");
  int y = 0, mo = 0, d = 0;
  std::string hs, ms;
  std::tm tm{};
  if (re2::RE2::FullMatch(text, kForm, &y, &mo, &d, &hs, &ms)) {
    tm.tm_year = y - 1900;
    tm.tm_mon = mo - 1;
    tm.tm_mday = d;
    tm.tm_hour = hs.empty() ? 0 : std::atoi(hs.c_str());
    tm.tm_min = ms.empty() ? 0 : std::atoi(ms.c_str());
    if (tm.tm_hour > 23 || tm.tm_min > 59) return std::nullopt;
  } else {
    const auto instant = telemetry::parse_event_time(text);
    if (!instant || text.find('-') != text.npos) return std::nullopt;
    const std::time_t seconds = instant->seconds;
    gmtime_r(&seconds, &tm);
  }
  const std::tm before = tm;
  timegm(&tm);  // fills in the day of the week, and shows days that no month has
  if (before.tm_mday != tm.tm_mday || before.tm_mon != tm.tm_mon) return std::nullopt;
  char week[8];
  std::strftime(week, sizeof week, "%V", &tm);
  switch (part) {
    case Test::TimePart::kMinute:
      return tm.tm_min;
    case Test::TimePart::kHour:
      return tm.tm_hour;
    case Test::TimePart::kDay:
      return tm.tm_mday;
    case Test::TimePart::kWeek:
      return std::atoi(week);
    case Test::TimePart::kMonth:
      return tm.tm_mon + 1;
    case Test::TimePart::kYear:
      return tm.tm_year + 1900;
  }
  return std::nullopt;
}

// Where a field of that name may stand, unless the log source says otherwise. Kept by name: the map does not change.
const std::vector<std::string>& paths_for(const std::string& field, const FieldMap& map) {
  static std::map<std::pair<const FieldMap*, std::string>, std::vector<std::string>> known;
  auto [at, fresh] = known.try_emplace({&map, field});
  if (fresh) {
    at->second.push_back(field);
    for (const auto& row : map.rows())
      if (row.path != field && std::ranges::count(row.sigma, field) > 0) at->second.push_back(row.path);
  }
  return at->second;
}

struct Evaluation {
  const Rule& rule;
  const SlowEvent& event;
  const FieldMap& map;
  const LogSource* source;

  std::vector<const std::optional<SlowText>*> values(const std::string& field) const {
    const bool own = source != nullptr && source->fields.contains(field);
    const std::vector<std::string>& paths = own ? source->fields.find(field)->second : paths_for(field, map);
    std::vector<const std::optional<SlowText>*> out;
    for (const std::string& path : paths) {
      const auto [first, last] = event.fields.equal_range(path);
      for (auto one = first; one != last; ++one) out.push_back(&one->second);
    }
    return out;
  }

  bool text_matches(const Test& test, const SlowText& slow, bool keyword) const {
    const std::string& text = slow.text;
    switch (test.kind) {
      case Test::Kind::kPattern: {
        std::vector<Part> parts = test.pattern.parts;
        if (keyword) {
          parts.insert(parts.begin(), {Part::Kind::kMany, {}});
          parts.push_back({Part::Kind::kMany, {}});
        }
        if (test.cased) return slow_glob(parts, text);
        for (Part& part : parts) part.text = slow_fold(part.text);
        return slow_glob(parts, slow.folded);
      }
      case Test::Kind::kNumber: {
        if (keyword) return slow.folded.find(test.text) != std::string::npos;
        const auto have = number_of(text), want = number_of(test.text);
        return have && want && compares(test.compare, *have, *want);
      }
      case Test::Kind::kRegex: {
        re2::RE2::Options options(re2::RE2::Quiet);
        options.set_case_sensitive(!test.ignore_case);
        options.set_dot_nl(test.dot_all);
        static std::map<std::string, std::unique_ptr<re2::RE2>> known;
        const std::string source_text = (test.multi_line ? "(?m)" : "") + test.text;
        auto& regex = known[source_text + (test.ignore_case ? "i" : "c") + (test.dot_all ? "s" : "-")];
        if (regex == nullptr) regex = std::make_unique<re2::RE2>(source_text, options);
        return re2::RE2::PartialMatch(text, *regex);
      }
      case Test::Kind::kCidr:
        return in_network(text, test.text);
      case Test::Kind::kTimePart: {
        const auto part = part_of_time(text, test.part);
        return part && compares(test.compare, *part, *number_of(test.text));
      }
      default:
        return false;
    }
  }

  bool test_holds(const Item& item, const Test& test) const {
    if (!item.field)
      return std::ranges::any_of(event.texts, [&](const SlowText& text) { return text_matches(test, text, true); });
    const auto there = values(*item.field);
    if (test.kind == Test::Kind::kExists) return !there.empty() == test.flag;
    if (test.kind == Test::Kind::kNull)
      return std::ranges::none_of(there, [](const auto* value) { return value->has_value(); });
    if (test.kind == Test::Kind::kFieldRef) {
      for (const std::string& other : test.other_fields)
        for (const auto* b : values(other))
          for (const auto* a : there) {
            if (!*a || !*b) continue;
            const std::string &left = (*a)->folded, &right = (*b)->folded;
            const std::size_t found = left.find(right);
            if (test.at_start && test.at_end ? found != left.npos
                : test.at_start              ? found == 0
                : test.at_end ? left.size() >= right.size() && left.substr(left.size() - right.size()) == right
                              : left == right)
              return true;
          }
      return false;
    }
    return std::ranges::any_of(there, [&](const auto* value) { return *value && text_matches(test, **value, false); });
  }

  bool item_holds(const Item& item) const {
    std::size_t good = 0;
    for (const std::vector<Test>& value : item.values)
      if (std::ranges::any_of(value, [&](const Test& test) { return test_holds(item, test); })) ++good;
    const bool out = item.all ? good == item.values.size() : good > 0;
    return out != item.negated;
  }
  bool detection_holds(const Detection& detection) const {
    std::size_t good = 0;
    for (const auto& child : detection.children)
      if (const Item* item = std::get_if<Item>(&child);
          item != nullptr ? item_holds(*item) : detection_holds(std::get<Detection>(child)))
        ++good;
    return detection.any ? good > 0 : good == detection.children.size();
  }
  bool condition_holds(const Condition& condition) const {
    using Kind = Condition::Kind;
    switch (condition.kind) {
      case Kind::kName:
        return detection_holds(*rule.detection(condition.name));
      case Kind::kNot:
        return !condition_holds(condition.children[0]);
      case Kind::kAnd:
        return std::ranges::all_of(condition.children, [&](const Condition& c) { return condition_holds(c); });
      case Kind::kOr:
        return std::ranges::any_of(condition.children, [&](const Condition& c) { return condition_holds(c); });
      case Kind::kOneOf:
      case Kind::kAllOf: {
        std::size_t named = 0, good = 0;
        for (const auto& [name, detection] : rule.detections) {
          if (!pattern_names(condition.name, name)) continue;
          ++named;
          if (detection_holds(detection)) ++good;
        }
        return condition.kind == Kind::kOneOf ? good > 0 : good == named;
      }
    }
    return false;
  }
};

bool formats_agree(Format a, Format b) {
  if (a == b) return true;
  const auto zeek = [](Format f) { return f == Format::kZeekJson || f == Format::kZeekTsv; };
  return zeek(a) && zeek(b);
}

}  // namespace

std::string slow_fold(std::string_view text) {
  std::string out;
  for (const std::string& character : characters(text)) out += lower_character(character);
  return out;
}

SlowText::SlowText(std::string value) : text(std::move(value)), folded(slow_fold(text)) {}

bool slow_glob(const std::vector<Part>& parts, std::string_view text) {
  // Where characters begin, and the end.
  std::vector<std::size_t> starts;
  for (std::size_t at = 0; at < text.size(); at += character_size(text, at)) starts.push_back(at);
  starts.push_back(text.size());
  const std::size_t size = starts.size() - 1;
  // state[i]: the parts so far can have taken the first i characters.
  std::vector<char> state(size + 1, 0);
  state[0] = 1;
  for (const Part& part : parts) {
    std::vector<char> next(size + 1, 0);
    for (std::size_t i = 0; i <= size; ++i) {
      if (state[i] == 0) continue;
      const std::string_view character = i < size ? text.substr(starts[i], starts[i + 1] - starts[i]) : "";
      if (part.kind == Part::Kind::kMany) {
        // Any number of characters from here on: every place behind the first that can be reached.
        std::fill(next.begin() + static_cast<std::ptrdiff_t>(i), next.end(), 1);
        break;
      }
      if (part.kind == Part::Kind::kOne) {
        if (i < size) next[i + 1] = 1;
      } else if (part.kind == Part::Kind::kDash) {
        if (character == "-" || character == "/" || character == "–" || character == "—" || character == "―")
          next[i + 1] = 1;
      } else if (text.substr(starts[i]).starts_with(part.text)) {
        // Whole characters only.
        const auto end = std::ranges::lower_bound(starts, starts[i] + part.text.size());
        if (*end == starts[i] + part.text.size()) next[static_cast<std::size_t>(end - starts.begin())] = 1;
      }
    }
    state = std::move(next);
  }
  return state[size] != 0;
}

SlowEvent SlowEvent::of(const telemetry::EventView& event, const FieldMap& map) {
  SlowEvent out;
  out.format = event.format;
  std::string scratch;
  for (const telemetry::Leaf& leaf : event.leaves) {
    const std::string path = leaf.field != telemetry::kNoField ? map.row(leaf.field).path : event.path(leaf);
    const std::string text(event.text(leaf, scratch));
    const bool null = !leaf.quoted && text == "null";
    out.fields.emplace(path, null ? std::nullopt : std::optional<SlowText>(text));
    const bool ignored = leaf.field != telemetry::kNoField && map.row(leaf.field).role == telemetry::Role::kIgnore;
    if (leaf.quoted && !ignored) out.texts.emplace_back(text);
  }
  for (const LogSource& source : map.log_sources()) {
    const auto condition_holds = [&](const auto& when) {
      for (const std::string& path : paths_for(when.first, map)) {
        const auto [first, last] = out.fields.equal_range(path);
        for (auto one = first; one != last; ++one)
          for (const std::string& value : when.second)
            if (one->second && one->second->folded == slow_fold(value)) return true;
      }
      return false;
    };
    out.sources.push_back(
        {&source, lowered(source.product), lowered(source.category), lowered(source.service),
         formats_agree(source.format, event.format) && std::ranges::all_of(source.when, condition_holds)});
  }
  return out;
}

bool slow_matches(const Rule& rule, const SlowEvent& event, const FieldMap& map) {
  using Source = SlowEvent::Source;
  const auto& sources = event.sources;
  const auto holds = [&](const LogSource* source) {
    const Evaluation evaluation{rule, event, map, source};
    return std::ranges::any_of(rule.conditions, [&](const Condition& c) { return evaluation.condition_holds(c); });
  };
  const LogSourceName& want = rule.log_source;
  const auto named_by_rule = [&](const Source& s) {
    return (want.product.empty() || s.product == want.product) &&
           (want.category.empty() || s.category == want.category) &&
           (want.service.empty() || s.service == want.service);
  };
  const auto exact = [&](const Source& s) {
    return s.product == want.product && s.category == want.category && s.service == want.service;
  };
  if (std::ranges::any_of(sources, named_by_rule)) {
    return std::ranges::any_of(sources, [&](const Source& s) {
      if (!s.belongs || !named_by_rule(s)) return false;
      if (!exact(s))
        for (const Source& whole : sources)
          if (exact(whole) && whole.source->when.empty() && formats_agree(whole.source->format, s.source->format))
            return false;
      return holds(s.source);
    });
  }
  // The nearest less special source of the rule's product.
  const auto special = [&](const Source& s) {
    if (s.product.empty() || s.product != want.product) return 0;
    if (!s.category.empty() && s.category != want.category) return 0;
    if (!s.service.empty() && s.service != want.service) return 0;
    return 1 + !s.category.empty() + !s.service.empty();
  };
  int best = 0;
  for (const Source& s : sources) best = std::max(best, special(s));
  if (best > 0)
    return std::ranges::any_of(sources,
                               [&](const Source& s) { return special(s) == best && s.belongs && holds(s.source); });
  if (std::ranges::any_of(sources, [](const Source& s) { return !s.product.empty() && s.belongs; })) return false;
  return holds(nullptr);
}

}  // namespace bongsu::detect::sigma
