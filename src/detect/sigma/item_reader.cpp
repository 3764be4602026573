// `field|modifier|…: value` (modifiers appendix 2.1). Modifiers are applied in the order in which they stand.
#include <unicode/uchar.h>

#include <algorithm>

#include "base/text.h"
#include "detect/address.h"
#include "detect/sigma/fold.h"
#include "detect/sigma/rule.h"

namespace bongsu::detect::sigma {
namespace {

using enum Test::Kind;
using Compare = Test::Compare;
using TimePart = Test::TimePart;

constexpr std::size_t kMaxModifiers = 16;

std::optional<Compare> compare_of(std::string_view name) {
  if (name == "lt") return Compare::kLess;
  if (name == "lte") return Compare::kLessEqual;
  if (name == "gt") return Compare::kGreater;
  if (name == "gte") return Compare::kGreaterEqual;
  return std::nullopt;
}

std::optional<TimePart> time_part_of(std::string_view name) {
  constexpr std::string_view kNames[] = {"minute", "hour", "day", "week", "month", "year"};
  for (std::size_t i = 0; i < std::size(kNames); ++i)
    if (kNames[i] == name) return static_cast<TimePart>(i);
  return std::nullopt;
}

// Bytes of the dash that begins text[at]: - / – — ―. 0: none.
std::size_t dash_size(std::string_view text, std::size_t at) {
  if (text[at] == '-' || text[at] == '/') return 1;
  const std::string_view three = text.substr(at, 3);
  return three == "\u2013" || three == "\u2014" || three == "\u2015" ? 3 : 0;
}

// Does a letter, a digit or "_" stand before text[at]? Quotes and dashes beyond ASCII are none.
bool word_ends_at(std::string_view text, std::size_t at) {
  std::size_t begin = at - 1;
  while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xc0) == 0x80) --begin;
  const std::size_t size = character_size(text, begin);
  return size == 1 ? is_word_character(text[begin])
                   : u_isalnum(static_cast<UChar32>(code_of(text.substr(begin, size)))) != 0;
}

// A dash that may introduce a flag: no letter before it, one behind it.
Pattern with_dashes(const Pattern& pattern) {
  Pattern out;
  for (const Part& part : pattern.parts) {
    if (part.kind != Part::Kind::kText) {
      out.add(part);
      continue;
    }
    std::string plain;
    for (std::size_t i = 0; i < part.text.size();) {
      const std::size_t size = dash_size(part.text, i);
      const bool dash_before = i >= 3 && dash_size(part.text, i - 3) == 3;
      const bool flag = size > 0 && (i == 0 || dash_before || !word_ends_at(part.text, i)) &&
                        i + size < part.text.size() && dash_size(part.text, i + size) == 0 &&
                        is_word_character(part.text[i + size]);
      if (flag) {
        out.add({Part::Kind::kText, std::move(plain)});
        plain.clear();
        out.add({Part::Kind::kDash, {}});
        i += size;
      } else {
        plain += part.text[i++];
      }
    }
    out.add({Part::Kind::kText, std::move(plain)});
  }
  return out;
}

// Where the modifiers of one key stand, and what they have come to.
struct Chain {
  const Item& item;
  const std::string& source;
  Place place;

  std::unexpected<Error> wrong(std::string message, ErrorCode code = ErrorCode::kInvalid) const {
    return fail(code, std::move(message), at(source, place, item.key));
  }
  std::unexpected<Error> not_for(std::string_view modifier, std::string_view what) const {
    return wrong("the modifier \"" + std::string(modifier) + "\" cannot be applied to " + std::string(what));
  }
};

std::string_view name_of(const Test& test) {
  switch (test.kind) {
    case kPattern:
      return "a string";
    case kNumber:
      return "a number";
    case kNull:
      return "null";
    case kExists:
      return "exists";
    case kRegex:
      return "a regular expression";
    case kCidr:
      return "a network";
    case kFieldRef:
      return "a field's name";
    case kTimePart:
      return "a part of a time";
  }
  return "this value";
}

Result<std::string> encodable(const Chain& chain, std::string_view modifier, const Test& test) {
  if (test.kind != kPattern) return chain.not_for(modifier, name_of(test));
  if (test.pattern.special()) return chain.not_for(modifier, "a string with wildcards, dashes or placeholders");
  return test.pattern.text();
}

// One modifier on one value; more than one result is an expansion.
Result<std::vector<Test>> apply(const Chain& chain, std::string_view modifier, std::size_t position, Test test,
                                const Yaml& written) {
  std::vector<Test> out;
  const bool bare = position == 0;
  // What looks like a number and is asked for as a string (`Details|contains: 00000429`) is the string that was
  // written.
  constexpr std::string_view kOfStrings[] = {"contains", "startswith",   "endswith", "cased", "windash",
                                             "base64",   "base64offset", "wide",     "utf16", "utf16le",
                                             "utf16be",  "cidr",         "fieldref", "expand"};
  if (test.kind == kNumber && test.compare == Compare::kEqual &&
      std::ranges::find(kOfStrings, modifier) != std::end(kOfStrings)) {
    test = {};
    test.pattern = Pattern::plain(written.text);
  }
  if (modifier == "contains" || modifier == "startswith" || modifier == "endswith") {
    const bool start = modifier == "startswith", end = modifier == "endswith";
    if (test.kind == kPattern) {
      Pattern pattern;
      if (!start) pattern.add({Part::Kind::kMany, {}});
      pattern.append(test.pattern);
      if (!end) pattern.add({Part::Kind::kMany, {}});
      test.pattern = std::move(pattern);
    } else if (test.kind == kRegex) {
      if (start) test.text = "\\A(?:" + test.text + ")";
      if (end) test.text = "(?:" + test.text + ")\\z";
    } else if (test.kind == kFieldRef) {
      test.at_start = !end;
      test.at_end = !start;
    } else {
      return chain.not_for(modifier, name_of(test));
    }
  } else if (modifier == "cased") {
    if (test.kind != kPattern) return chain.not_for(modifier, name_of(test));
    test.cased = true;
  } else if (modifier == "windash") {
    if (test.kind != kPattern) return chain.not_for(modifier, name_of(test));
    test.pattern = with_dashes(test.pattern);
  } else if (modifier == "base64") {
    BONGSU_TRY(const std::string bytes, encodable(chain, modifier, test));
    test.pattern = Pattern::plain(base64(bytes));
  } else if (modifier == "base64offset") {
    BONGSU_TRY(const std::string bytes, encodable(chain, modifier, test));
    for (std::string& part : base64_offsets(bytes)) {
      if (part.empty())
        return chain.wrong("the value is too short for \"base64offset\": nothing of it would be left at some offset");
      test.pattern = Pattern::plain(std::move(part));
      out.push_back(test);
    }
    return out;
  } else if (modifier == "wide" || modifier == "utf16le" || modifier == "utf16be" || modifier == "utf16") {
    if (test.kind != kPattern) return chain.not_for(modifier, name_of(test));
    if (test.pattern.has(Part::Kind::kDash)) return chain.not_for(modifier, "a string with dashes of \"windash\"");
    Pattern encoded;
    if (modifier == "utf16") encoded.add({Part::Kind::kText, "\xff\xfe"});
    for (const Part& part : test.pattern.parts) {
      Part one = part;
      if (part.kind == Part::Kind::kText) {
        auto bytes = utf16(part.text, modifier == "utf16be");
        if (!bytes) return chain.wrong(bytes.error().message);
        one.text = std::move(*bytes);
      } else if (part.kind == Part::Kind::kPlaceholder) {
        return chain.not_for(modifier, "a placeholder, whose value is not known yet");
      }
      encoded.add(std::move(one));
    }
    test.pattern = std::move(encoded);
  } else if (modifier == "re") {
    if (!bare) return chain.wrong("the modifier \"re\" must be the first: it takes the value as it is written");
    if (!written.is_scalar() || written.is_null()) return chain.not_for(modifier, "null");
    test = {};
    test.kind = kRegex;
    test.text = written.text;
  } else if (modifier == "i" || modifier == "ignorecase" || modifier == "m" || modifier == "multiline" ||
             modifier == "s" || modifier == "dotall") {
    if (test.kind != kRegex) return chain.wrong("the modifier \"" + std::string(modifier) + "\" follows \"re\"");
    (modifier[0] == 'i' ? test.ignore_case : modifier[0] == 'm' ? test.multi_line : test.dot_all) = true;
  } else if (modifier == "cidr") {
    if (!bare) return chain.wrong("the modifier \"cidr\" must be the first");
    if (test.kind != kPattern || test.pattern.special())
      return chain.not_for(modifier, test.kind == kPattern ? "a string with wildcards" : name_of(test));
    test.text = test.pattern.text();
    test.pattern = {};
    if (!parse_cidr(test.text)) return chain.wrong("\"" + test.text + "\" is no network in CIDR notation");
    test.kind = kCidr;
  } else if (modifier == "fieldref") {
    if (test.kind != kPattern || test.cased || test.pattern.empty() || test.pattern.special())
      return chain.not_for(modifier, test.kind == kPattern ? "anything but a plain field name" : name_of(test));
    test.kind = kFieldRef;
    test.text = test.pattern.text();
    test.pattern = {};
    test.other_fields = {test.text};
  } else if (modifier == "exists") {
    const auto flag = written.boolean();
    if (!bare || !flag)
      return chain.wrong("the modifier \"exists\" takes true or false, and no other modifier before it");
    if (!chain.item.field) return chain.wrong("the modifier \"exists\" needs a field");
    test = {};
    test.kind = kExists;
    test.flag = *flag;
  } else if (const auto compare = compare_of(modifier)) {
    if ((test.kind != kNumber && test.kind != kTimePart) || test.compare != Compare::kEqual)
      return chain.not_for(modifier, test.kind == kPattern ? "a string; it takes a number" : name_of(test));
    test.compare = *compare;
  } else if (const auto part = time_part_of(modifier)) {
    if (test.kind != kNumber || test.compare != Compare::kEqual)
      return chain.not_for(modifier, test.kind == kPattern ? "a string; it takes a number" : name_of(test));
    test.kind = kTimePart;
    test.part = *part;
  } else if (modifier == "expand") {
    if (test.kind != kPattern) return chain.not_for(modifier, name_of(test));
    test.pattern = test.pattern.with_placeholders();
  } else {
    return chain.wrong("the modifier \"" + std::string(modifier) + "\" is not part of Sigma 2.1",
                       ErrorCode::kUnsupported);
  }
  if (test.pattern.parts.size() > kMaxPatternParts)
    return chain.wrong("a value has too many wildcards", ErrorCode::kTooLarge);
  out.push_back(std::move(test));
  return out;
}

Result<Test> plain_test(const Chain& chain, const Yaml& value) {
  Test test;
  if (!value.is_scalar())
    return chain.wrong(value.is_list() ? "a list inside a list of values" : "a map where a value was expected");
  if (value.is_null()) {
    if (!chain.item.field) return chain.wrong("null needs a field");
    test.kind = kNull;
  } else if (const auto number = value.number()) {
    test.kind = kNumber;
    test.text = *number;
  } else {
    if (value.text.size() > kMaxPatternBytes)
      return chain.wrong("a value is longer than " + std::to_string(kMaxPatternBytes) + " bytes", ErrorCode::kTooLarge);
    test.pattern = Pattern::parse(value.text);
  }
  return test;
}

}  // namespace

Result<Item> read_item(std::string_view key, Place key_place, const Yaml& value, const std::string& source,
                       std::size_t& values) {
  Item item;
  item.key = key;
  item.place = key_place;
  std::vector<std::string_view> modifiers;
  const std::size_t bar = std::min(key.find('|'), key.size());
  if (bar > 0) item.field = std::string(key.substr(0, bar));
  for (std::size_t begin = bar; begin < key.size();) {
    const std::size_t end = std::min(key.find('|', begin + 1), key.size());
    modifiers.push_back(key.substr(begin + 1, end - begin - 1));
    begin = end;
  }
  const Chain head{item, source, key_place};
  if (modifiers.size() > kMaxModifiers) return head.wrong("too many modifiers", ErrorCode::kTooLarge);
  for (std::size_t i = 0; i < modifiers.size(); ++i)
    if (std::ranges::count(modifiers, modifiers[i]) > 1)
      return head.wrong("the modifier \"" + std::string(modifiers[i]) + "\" comes twice");

  const std::size_t count = value.is_list() ? value.items.size() : 1;
  if (count == 0)
    return fail(ErrorCode::kInvalid, "an empty list matches nothing; write null for an absent field",
                at(source, key_place, item.key));
  values += count;
  if (values > kMaxValues)
    return head.wrong("the rule has more than " + std::to_string(kMaxValues) + " values", ErrorCode::kTooLarge);
  for (std::size_t v = 0; v < count; ++v) {
    const Yaml& written = value.is_list() ? value.items[v] : value;
    const Chain chain{item, source, written.place.line > 0 ? written.place : key_place};
    BONGSU_TRY(Test test, plain_test(chain, written));
    std::vector<Test> tests{std::move(test)};
    std::size_t position = 0;
    for (const std::string_view modifier : modifiers) {
      if (modifier == "all") {
        item.all = true;
        continue;
      }
      if (modifier == "neq") {
        item.negated = true;
        continue;
      }
      std::vector<Test> next;
      for (Test& one : tests) {
        BONGSU_TRY(std::vector<Test> more, apply(chain, modifier, position, std::move(one), written));
        for (Test& m : more) next.push_back(std::move(m));
      }
      tests = std::move(next);
      ++position;
    }
    for (const Test& one : tests)
      if (!item.field && one.kind != kPattern && one.kind != kRegex && one.kind != kNumber)
        return chain.wrong("a keyword is a string, a number or a regular expression");
    item.values.push_back(std::move(tests));
  }
  return item;
}

Result<Detection> read_detection(const Yaml& node, const std::string& source, std::size_t& values, int depth) {
  Detection out;
  out.place = node.place;
  const auto scalars_only = [](const Yaml& list) {
    return std::ranges::all_of(list.items, [](const Yaml& item) { return item.is_scalar(); });
  };
  if (node.is_map()) {
    if (node.keys.empty())
      return fail(ErrorCode::kInvalid, "an empty selection matches nothing", at(source, node.place));
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      BONGSU_TRY(Item item, read_item(node.keys[i].first, node.keys[i].second, node.items[i], source, values));
      out.children.emplace_back(std::move(item));
    }
  } else if (node.is_scalar() || scalars_only(node)) {
    BONGSU_TRY(Item item, read_item("", node.place, node, source, values));
    out.children.emplace_back(std::move(item));
  } else {
    if (depth > 8)
      return fail(ErrorCode::kTooLarge, "lists of selections are nested too deeply", at(source, node.place));
    out.any = true;
    for (const Yaml& item : node.items) {
      BONGSU_TRY(Detection inner, read_detection(item, source, values, depth + 1));
      out.children.emplace_back(std::move(inner));
    }
  }
  return out;
}

}  // namespace bongsu::detect::sigma
