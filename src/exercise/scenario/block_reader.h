// YAML into values along their `fields` (fields.h), every mistake with its path: what scenarios and courses are read
// by.
//
//   const auto root = one_document(text, "winter.yaml", "a scenario");
//   Reading reading{.foreign = kForeign};
//   read_block(*root, "", scenario, reading);
//   if (reading.problems.count > 0) return located(std::move(reading), where);
//
// A key that is not known names the nearest one. Types of another namespace bring their own `fields` and `words`, and
// say by `kNamed` which of them are entries of a map.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <expected>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/config.h"
#include "base/text.h"
#include "exercise/scenario/check.h"
#include "exercise/scenario/fields.h"
#include "exercise/scenario/problems.h"
#include "exercise/scenario/read_tree.h"
#include "exercise/scenario/vocabulary.h"
#include "exercise/scenario/write.h"
#include "formats/yaml.h"

namespace bongsu::exercise::scenario {

// Where each path stands, and what was wrong.
struct Reading {
  Problems problems;
  std::span<const Foreign> foreign;  // words of other languages, and why they mean nothing here
  std::unordered_map<std::string, formats::Place> places;
};

inline std::string joined(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

inline std::string clipped(std::string_view text) {
  constexpr std::size_t kMost = 60;
  return text.size() <= kMost ? std::string(text) : std::string(text.substr(0, kMost)) + "…";
}

inline std::string_view kind_of(const formats::Yaml& node) {
  if (node.is_map()) return "a map";
  if (node.is_list()) return "a list";
  return node.is_null() ? "nothing" : "text";
}

template <class T>
void read_block(const formats::Yaml& node, const std::string& path, T& object, Reading& reading);

template <class>
inline constexpr bool kIsVector = false;
template <class T>
inline constexpr bool kIsVector<std::vector<T>> = true;
template <class>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

class ValueReader {
 public:
  ValueReader(const formats::Yaml& node, std::string path, Reading& reading)
      : node_(node), path_(std::move(path)), r_(reading) {
    r_.places.emplace(path_, node.place);
  }

  template <class T>
  void read(T& out) {
    if constexpr (std::is_same_v<T, std::string>) {
      if (const std::string* text = node_.string())
        out = *text;
      else
        wanted("text");
    } else if constexpr (std::is_same_v<T, bool>) {
      if (const auto value = node_.boolean())
        out = *value;
      else
        wanted("true or false");
    } else if constexpr (std::is_same_v<T, double>) {
      const auto value = node_.number() ? finite_number(node_.text) : std::nullopt;
      if (value)
        out = *value;
      else
        wanted("a number");
    } else if constexpr (std::is_same_v<T, std::uint32_t> || std::is_same_v<T, std::uint64_t>) {
      const auto number = node_.number();
      if (!number || !parse_whole(*number, out))
        wanted(fmt::format("a whole number from 0 to {}", std::numeric_limits<T>::max()));
    } else if constexpr (std::is_same_v<T, Duration>) {
      read_duration(out);
    } else if constexpr (std::is_same_v<T, Instant>) {
      const std::string* text = node_.string();
      const auto value = text != nullptr ? Instant::parse(*text) : std::nullopt;
      if (value)
        out = *value;
      else
        wanted("a time as 2027-01-19T07:00:00Z");
    } else if constexpr (std::is_same_v<T, policy::Label>) {
      read_label(out);
    } else if constexpr (std::is_enum_v<T>) {
      read_word(out);
    } else if constexpr (kIsOptional<T>) {
      out.emplace();
      read(*out);
    } else if constexpr (std::is_same_v<T, std::map<std::string, std::string>>) {
      read_texts(out);
    } else if constexpr (std::is_same_v<T, std::vector<EventTime>>) {
      read_times(out);
    } else if constexpr (std::is_same_v<T, MinScore>) {
      read_min_score(out);
    } else if constexpr (kIsVector<T>) {
      if constexpr (kNamed<typename T::value_type>)
        read_named(out, "");
      else
        read_list(out);
    } else {
      read_block(node_, path_, out, r_);
    }
  }

 private:
  void wanted(std::string_view what) {
    r_.problems.add(path_, node_.is_scalar() && !node_.is_null()
                               ? fmt::format("\"{}\" is not {}", clipped(node_.text), what)
                               : fmt::format("{} is expected here, not {}", what, kind_of(node_)));
  }
  template <class T>
  static bool parse_whole(std::string_view text, T& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc{} && end == text.data() + text.size();
  }
  void read_duration(Duration& out) {
    const std::string* text = node_.string();
    const auto value = text != nullptr ? parse_duration(*text) : std::nullopt;
    if (value)
      out = *value;
    else if (node_.number())
      r_.problems.add(path_, fmt::format("a duration needs a unit: {0}s, {0}min or {0}h?", clipped(node_.text)));
    else
      wanted("a duration as 90s, 20min or 1h 30min");
  }
  void read_label(policy::Label& out) {
    const std::string* text = node_.string();
    if (text == nullptr) return wanted("a label as TLP:AMBER");
    if (auto label = parse_label(*text))
      out = std::move(*label);
    else
      r_.problems.add(path_, fmt::format("\"{}\" is no label: {}", clipped(*text), label.error().message));
  }
  template <class E>
  void read_word(E& out) {
    std::vector<std::string> all;
    for (const auto& [value, word] : words(E{})) {
      if (node_.is_scalar() && lowered(node_.text) == lowered(word)) {
        out = value;
        return;
      }
      all.emplace_back(word);
    }
    wanted(fmt::format("one of {}", fmt::join(all, ", ")));
  }
  void read_texts(std::map<std::string, std::string>& out) {
    if (!node_.is_map()) return wanted("a map of names and texts");
    for (std::size_t i = 0; i < node_.items.size(); ++i) {
      const std::string& key = node_.keys[i].first;
      if (key.empty() || key.size() > kMaxIdBytes) {
        key_problem(i, key);
        continue;
      }
      ValueReader(node_.items[i], joined(path_, key), r_).read(out[key]);
    }
  }
  void read_times(std::vector<EventTime>& out) {
    if (!node_.is_map()) return wanted("a map of events and their times");
    for (std::size_t i = 0; i < node_.items.size(); ++i) {
      const std::string& key = node_.keys[i].first;
      if (!is_id(key)) {
        key_problem(i, key);
        continue;
      }
      ValueReader(node_.items[i], joined(path_, key), r_).read(out.emplace_back(EventTime{key, {}}).at);
    }
  }
  void read_min_score(MinScore& out) {  // SDL: 50 is 50 %, or {absolute: 50}, or {percentage: 50}
    if (node_.is_scalar()) return read(out.value);
    if (!node_.is_map()) return wanted("a percentage, or absolute or percentage with a number");
    if (node_.items.size() != 1 || (node_.keys[0].first != "absolute" && node_.keys[0].first != "percentage")) {
      r_.problems.add(path_, "one of `absolute` and `percentage` is expected here");
      return;
    }
    out.percentage = node_.keys[0].first == "percentage";
    ValueReader(node_.items[0], joined(path_, node_.keys[0].first), r_).read(out.value);
  }
  template <class T>
  void read_list(std::vector<T>& out) {
    if (!node_.is_list()) return wanted("a list");
    for (std::size_t i = 0; i < node_.items.size(); ++i)
      ValueReader(node_.items[i], fmt::format("{}[{}]", path_, i), r_).read(out.emplace_back());
  }
  // Entities stand within entities; all come into one list, named by their way: "lt-blue.soc".
  template <class T>
  void read_named(std::vector<T>& out, const std::string& above) {
    if (!node_.is_map()) return wanted("a map of names");
    for (std::size_t i = 0; i < node_.items.size(); ++i) {
      const auto& [key, place] = node_.keys[i];
      if (out.size() >= kMaxThings) {
        r_.problems.add(path_, fmt::format("more than {} of one kind", kMaxThings), ErrorCode::kTooLarge);
        return;
      }
      if (!is_id(key)) {
        key_problem(i, key);
        continue;
      }
      const std::string path = joined(path_, key);
      r_.places.emplace(path, place);
      T& thing = out.emplace_back();
      thing.id = joined(above, key);
      const std::string id = thing.id;
      read_block(node_.items[i], path, thing, r_);
      if constexpr (std::is_same_v<T, Entity>)
        if (const formats::Yaml* inner = node_.items[i].find("entities"))
          ValueReader(*inner, joined(path, "entities"), r_).read_named(out, id);
    }
  }
  void key_problem(std::size_t i, const std::string& key) {
    const std::string path = joined(path_, clipped(key));
    r_.places.emplace(path, node_.keys[i].second);
    r_.problems.add(
        path, fmt::format("a name has letters, digits, - and _, at most {}, a letter or digit first", kMaxIdBytes));
  }

  const formats::Yaml& node_;
  std::string path_;
  Reading& r_;
};

template <class T>
struct BlockReader {
  const formats::Yaml& node;
  const std::string& path;
  T& object;
  Reading& reading;
  std::vector<std::string> known = {};

  template <class M>
  void field(std::string_view key, M T::* member, Need need) {
    known.emplace_back(key);
    const std::string at = joined(path, key);
    const formats::Yaml* value = node.find(key);
    if (value != nullptr && (need == Need::kRequired || !value->is_null())) {
      ValueReader(*value, at, reading).read(object.*member);
    } else if (need == Need::kRequired) {
      reading.problems.add(at, fmt::format("`{}` is missing", key));
    }
  }
};

template <class T>
void read_block(const formats::Yaml& node, const std::string& path, T& object, Reading& reading) {
  if (!node.is_map()) {
    reading.problems.add(path, fmt::format("a map is expected here, not {}", kind_of(node)));
    return;
  }
  BlockReader<T> reader{node, path, object, reading};
  fields(reader, std::type_identity<T>());
  if constexpr (std::is_same_v<T, Entity>) reader.known.emplace_back("entities");
  for (const auto& [key, place] : node.keys) {
    if (std::ranges::find(reader.known, key) != reader.known.end()) continue;
    const std::string at = joined(path, clipped(key));
    reading.places.emplace(at, place);
    const auto foreign = std::ranges::find(reading.foreign, std::string_view(key), &Foreign::key);
    if (foreign != reading.foreign.end()) {
      reading.problems.add(at, fmt::format("`{}` of SDL has no meaning here: {}", key, foreign->why),
                           ErrorCode::kUnsupported);
      continue;
    }
    const std::string near = nearest(clipped(key), reader.known);
    reading.problems.add(at, near.empty()
                                 ? fmt::format("there is no such key; there are {}", fmt::join(reader.known, ", "))
                                 : fmt::format("there is no such key; the nearest is `{}`", near));
  }
}

// The text's only YAML document. `what`: "a scenario".
std::expected<formats::Yaml, Problems> one_document(std::string_view text, const std::string& source,
                                                    std::string_view what);
// The problems with the places of their paths (or of what these are in), in order of the text.
Problems located(Reading reading, const WhereOf& where);

}  // namespace bongsu::exercise::scenario
