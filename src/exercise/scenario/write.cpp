#include "exercise/scenario/write.h"

#include <charconv>

#include "base/json.h"
#include "base/text.h"
#include "exercise/scenario/fields.h"
#include "exercise/scenario/vocabulary.h"
#include "formats/yaml.h"

namespace bongsu::exercise::scenario {
namespace {

std::string number_text(double value) {
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return {buffer, end};
}

// May it stand without quotes, here and in a flow list? Only what no reader takes for something else.
bool is_plain(const std::string& text) {
  if (text.empty() || text.size() > 100) return false;
  const auto safe = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.' || c == '/' || c == '+';
  };
  const char first = text[0];
  if (!((first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z') || (first >= '0' && first <= '9')))
    return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool inner_blank = text[i] == ' ' && i + 1 < text.size() && text[i + 1] != ' ';
    const bool inner_colon = text[i] == ':' && i + 1 < text.size() && text[i + 1] != ' ';
    if (!safe(text[i]) && !inner_blank && !inner_colon) return false;
  }
  for (const char* word : {"true", "True", "TRUE", "false", "False", "FALSE", "null", "Null", "NULL", "yes", "Yes",
                           "no", "No", "on", "On", "off", "Off", "y", "n"})
    if (text == word) return false;
  return true;
}

std::string double_quoted(const std::string& text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

// Lines that a block keeps as they are: printable UTF-8, nothing before or after them that YAML would take away.
bool is_block(const std::string& text) {
  if (text.find('\n') == std::string::npos || text.front() == '\n' || text.front() == ' ' || text.ends_with("\n\n"))
    return false;
  for (const char* mark : {"\ufeff", "\u0085", "\u2028", "\u2029"})  // YAML takes them for something else
    if (text.find(mark) != std::string::npos) return false;
  std::string beyond_ascii;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    if (end > begin && text[end - 1] == ' ') return false;
    for (const char c : text.substr(begin, end - begin)) {
      const auto u = static_cast<unsigned char>(c);
      if (u < 0x20 || u == 0x7f) return false;
      beyond_ascii += u < 0x80 ? ' ' : c;
    }
    begin = end + 1;
  }
  return double_quoted(beyond_ascii) == '"' + beyond_ascii + '"';  // quoting changes what is not UTF-8
}

std::string scalar(const std::string& text) { return is_plain(text) ? text : double_quoted(text); }
std::string scalar(bool value) { return value ? "true" : "false"; }
std::string scalar(double value) { return number_text(value); }
std::string scalar(std::uint32_t value) { return std::to_string(value); }
std::string scalar(std::uint64_t value) { return std::to_string(value); }
std::string scalar(Duration value) { return text_of(value); }
std::string scalar(Instant value) { return value.text(value.nanos == 0 ? 0 : 9); }
std::string scalar(const policy::Label& value) { return scalar(text_of(value)); }
template <class E>
  requires std::is_enum_v<E>
std::string scalar(E value) {
  return std::string(to_string(value));
}

template <class T>
concept Scalar = requires(const T& value) { scalar(value); };

class Text {
 public:
  void line(std::size_t depth, const std::string& text) {
    out_ += dash_ ? std::string(2 * depth - 2, ' ') + "- " : std::string(2 * depth, ' ');
    dash_ = false;
    out_ += text;
    out_ += '\n';
  }
  void dash() { dash_ = true; }  // the next line begins an item of a list
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
  bool dash_ = false;
};

template <class T>
bool is_empty(const T& object);
template <class T>
void write_block(Text& out, std::size_t depth, const T& object);
template <class T>
void write_named(Text& out, std::size_t depth, const T& thing);
void write_entities(Text& out, std::size_t depth, const std::vector<Entity>& all);

void write_value(Text& out, std::size_t depth, const std::string& key, const std::string& text) {
  if (!is_block(text)) return out.line(depth, key + ": " + scalar(text));
  out.line(depth, key + (text.back() == '\n' ? ": |" : ": |-"));
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line(text.data() + begin, end - begin);
    out.line(line.empty() ? 0 : depth + 1, std::string(line));
    begin = end + 1;
  }
}
template <Scalar T>
void write_value(Text& out, std::size_t depth, const std::string& key, const T& value) {
  out.line(depth, key + ": " + scalar(value));
}
template <class T>
void write_value(Text& out, std::size_t depth, const std::string& key, const std::optional<T>& value) {
  write_value(out, depth, key, *value);
}
void write_value(Text& out, std::size_t depth, const std::string& key,
                 const std::map<std::string, std::string>& texts) {
  out.line(depth, key + ":");
  for (const auto& [name, text] : texts) write_value(out, depth + 1, scalar(name), text);
}
void write_value(Text& out, std::size_t depth, const std::string& key, const std::vector<EventTime>& times) {
  if (times.empty()) return out.line(depth, key + ": {}");
  out.line(depth, key + ":");
  for (const auto& [event, at] : times) out.line(depth + 1, scalar(event) + ": " + text_of(at));
}
void write_value(Text& out, std::size_t depth, const std::string& key, const MinScore& score) {
  out.line(depth, key + (score.percentage ? ": " + scalar(score.value) : ": {absolute: " + scalar(score.value) + "}"));
}
template <class T>
void write_value(Text& out, std::size_t depth, const std::string& key, const std::vector<T>& things) {
  if constexpr (Scalar<T>) {
    std::string all;
    for (const T& thing : things) all += (all.empty() ? "" : ", ") + scalar(thing);
    out.line(depth, key + ": [" + all + "]");
  } else if constexpr (kNamed<T>) {
    if (things.empty()) return out.line(depth, key + ": {}");
    out.line(depth, key + ":");
    if constexpr (std::is_same_v<T, Entity>) {
      write_entities(out, depth + 1, things);
    } else {
      for (const T& thing : things) write_named(out, depth + 1, thing);
    }
  } else {
    if (things.empty()) return out.line(depth, key + ": []");
    out.line(depth, key + ":");
    for (const T& thing : things) {
      out.dash();
      write_block(out, depth + 2, thing);
    }
  }
}
template <class T>
void write_value(Text& out, std::size_t depth, const std::string& key, const T& block) {
  out.line(depth, key + (is_empty(block) ? ": {}" : ":"));
  write_block(out, depth + 1, block);
}

template <class T>
struct BlockWriter {
  Text& out;
  std::size_t depth;
  const T& object;
  const T usual = {};

  template <class M>
  void field(std::string_view key, M T::* member, Need need) {
    if (need == Need::kRequired || object.*member != usual.*member)
      write_value(out, depth, std::string(key), object.*member);
  }
};

template <class T>
struct FieldCounter {
  const T& object;
  const T usual = {};
  std::size_t count = 0;

  template <class M>
  void field(std::string_view, M T::* member, Need need) {
    if (need == Need::kRequired || object.*member != usual.*member) ++count;
  }
};

template <class T>
bool is_empty(const T& object) {
  FieldCounter<T> counter{object};
  fields(counter, std::type_identity<T>());
  return counter.count == 0;
}

template <class T>
void write_block(Text& out, std::size_t depth, const T& object) {
  BlockWriter<T> writer{out, depth, object};
  fields(writer, std::type_identity<T>());
}

template <class T>
void write_named(Text& out, std::size_t depth, const T& thing) {
  out.line(depth, scalar(thing.id) + (is_empty(thing) ? ": {}" : ":"));
  write_block(out, depth + 1, thing);
}

bool is_within(const std::string& id, const std::string& above) {
  return id.size() > above.size() && id.starts_with(above) && id[above.size()] == '.';
}

// Those from `i` on that are within `above`; where it ends.
std::size_t write_entities(Text& out, std::size_t depth, const std::vector<Entity>& all, std::size_t i,
                           const std::string& above) {
  while (i < all.size() && (above.empty() || is_within(all[i].id, above))) {
    const Entity& entity = all[i++];
    const bool more = i < all.size() && is_within(all[i].id, entity.id);
    const std::string name = above.empty() ? entity.id : entity.id.substr(above.size() + 1);
    out.line(depth, scalar(name) + (is_empty(entity) && !more ? ": {}" : ":"));
    write_block(out, depth + 1, entity);
    if (!more) continue;
    out.line(depth + 1, "entities:");
    i = write_entities(out, depth + 2, all, i, entity.id);
  }
  return i;
}
void write_entities(Text& out, std::size_t depth, const std::vector<Entity>& all) {
  write_entities(out, depth, all, 0, "");
}

}  // namespace

std::string text_of(const policy::Label& label) {
  if (label == policy::Label{.tlp = label.tlp, .marked = true}) return std::string(stix::to_string(label.tlp));
  return label.text();
}

Result<policy::Label> parse_label(std::string_view text) {
  // "red" alone is the text of a label without a marking.
  if (const auto tlp = stix::parse_tlp(text); tlp && lowered(text).starts_with("tlp:"))
    return policy::Label{.tlp = *tlp, .marked = true};
  return policy::Label::parse(text);
}

std::string write_scenario(const Scenario& scenario) {
  Text out;
  write_block(out, 0, scenario);
  return out.take();
}

}  // namespace bongsu::exercise::scenario
