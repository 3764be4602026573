#include "formats/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <istream>
#include <streambuf>
#include <unordered_map>
#include <unordered_set>

#include "base/utf8.h"
#include "formats/utf8.h"

namespace bongsu::formats {
namespace {

// Thrown out of yaml-cpp's callbacks, caught in read_yaml.
struct Stop {
  ErrorCode code;
  std::string message;
  Place place;
};

Place place_of(const YAML::Mark& mark) {
  if (mark.line < 0) return {};
  return {static_cast<std::uint32_t>(mark.line + 1), static_cast<std::uint32_t>(mark.column + 1)};
}

class Builder : public YAML::EventHandler {
 public:
  explicit Builder(std::size_t& nodes) : nodes_(nodes) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Yaml node;
    node.place = place_of(mark);
    add(std::move(node), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end())
      throw Stop{ErrorCode::kInvalid, "an alias to a node that is not complete", place_of(mark)};
    count(found->second.second, place_of(mark));
    Yaml copy = found->second.first;
    sizes_.back() += found->second.second - 1;
    add(std::move(copy), YAML::NullAnchor, false);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Yaml node;
    node.place = place_of(mark);
    node.text = value;
    node.quoted = tag != "?" && !tag.ends_with(":int") && !tag.ends_with(":float") && !tag.ends_with(":bool") &&
                  !tag.ends_with(":null") && !tag.empty();
    if (tag != "?") last_quoted = mark;
    add(std::move(node), anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Yaml::Kind::kList, mark, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Yaml::Kind::kMap, mark, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

  Yaml root;
  std::optional<YAML::Mark> last_quoted;  // where the last scalar that is not plain stands, or its properties

 private:
  struct Open {
    Yaml node;
    YAML::anchor_t anchor;
    bool key_next = true;
    std::unordered_set<std::string> seen;
  };

  void count(std::size_t more, Place place) {
    nodes_ += more;
    if (nodes_ > kMaxYamlNodes)
      throw Stop{ErrorCode::kTooLarge,
                 "the file has more than " + std::to_string(kMaxYamlNodes) +
                     " values (aliases counted as what they stand for)",
                 place};
  }
  void open(Yaml::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    count(1, place_of(mark));
    if (stack_.size() >= kMaxYamlDepth)
      throw Stop{ErrorCode::kTooLarge, "nested more than " + std::to_string(kMaxYamlDepth) + " deep", place_of(mark)};
    Yaml node;
    node.kind = kind;
    node.place = place_of(mark);
    stack_.push_back({std::move(node), anchor, true, {}});
    sizes_.push_back(1);
  }
  void close() {
    Open done = std::move(stack_.back());
    stack_.pop_back();
    const std::size_t size = sizes_.back();
    sizes_.pop_back();
    if (done.anchor != YAML::NullAnchor) {
      count(size, done.node.place);  // the copy that aliases are made from
      anchors_[done.anchor] = {done.node, size};
    }
    sizes_.back() += size - 1;  // attach counts one
    attach(std::move(done.node));
  }
  void add(Yaml node, YAML::anchor_t anchor, bool counted = true) {
    if (counted) count(1, node.place);
    if (anchor != YAML::NullAnchor) anchors_[anchor] = {node, 1};
    attach(std::move(node));
  }
  void attach(Yaml node) {
    ++sizes_.back();
    if (stack_.empty()) {
      root = std::move(node);
      return;
    }
    Open& parent = stack_.back();
    if (parent.node.kind == Yaml::Kind::kList) {
      parent.node.items.push_back(std::move(node));
    } else if (parent.key_next) {
      if (!node.is_scalar()) throw Stop{ErrorCode::kInvalid, "a key of a map must be text", node.place};
      if (!parent.seen.insert(node.text).second)
        throw Stop{ErrorCode::kInvalid, "the key \"" + node.text + "\" comes twice in one map", node.place};
      parent.node.keys.emplace_back(std::move(node.text), node.place);
      parent.key_next = false;
    } else {
      parent.node.items.push_back(std::move(node));
      parent.key_next = true;
    }
  }

  std::size_t& nodes_;
  std::vector<Open> stack_;
  std::vector<std::size_t> sizes_{0};
  std::unordered_map<YAML::anchor_t, std::pair<Yaml, std::size_t>> anchors_;
};

// A stream over bytes that are there already.
struct ViewBuffer : std::streambuf {
  explicit ViewBuffer(std::string_view text) {
    char* p = const_cast<char*>(text.data());  // never written: an input stream
    setg(p, p, p + text.size());
  }
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Does the quoted scalar at `mark` end? yaml-cpp takes one whose text ends with a line end instead of its quote.
bool closed(std::string_view text, const YAML::Mark& mark) {
  std::size_t at = 0;
  for (int line = 0; line < mark.line; ++line) {
    at = text.find('\n', at);
    if (at == text.npos) return true;
    ++at;
  }
  at += static_cast<std::size_t>(mark.column);
  // Tags and anchors before it
  while (at < text.size() && (text[at] == '!' || text[at] == '&'))
    at = text.find_first_not_of(" \t\r\n", std::min(text.find_first_of(" \t\r\n", at), text.size()));
  if (at >= text.size() || (text[at] != '"' && text[at] != '\'')) return true;  // a block
  const char quote = text[at];
  for (++at; at < text.size(); ++at) {
    if (quote == '"' && text[at] == '\\')
      ++at;
    else if (text[at] == quote)
      return true;  // '' inside closes one and opens the next
  }
  return false;
}

}  // namespace

bool Yaml::is_null() const {
  return is_scalar() && !quoted && (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL");
}

std::optional<bool> Yaml::boolean() const {
  if (!is_scalar() || quoted) return std::nullopt;
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  return std::nullopt;
}

std::optional<std::string> Yaml::number() const {
  if (!is_scalar() || quoted || text.empty()) return std::nullopt;
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'o')) {
    std::uint64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [p, ec] = std::from_chars(text.data() + 2, end, value, text[1] == 'x' ? 16 : 8);
    if (ec != std::errc{} || p != end) return std::nullopt;
    return std::to_string(value);
  }
  return canonical_number(text);
}

const Yaml* Yaml::find(std::string_view key) const {
  if (!is_map()) return nullptr;
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (keys[i].first == key) return &items[i];
  return nullptr;
}

Yaml* Yaml::find(std::string_view key) { return const_cast<Yaml*>(std::as_const(*this).find(key)); }

void Yaml::set(std::string key, Yaml value) {
  if (Yaml* there = find(key)) {
    *there = std::move(value);
    return;
  }
  keys.emplace_back(std::move(key), value.place);
  items.push_back(std::move(value));
}

Where at(const std::string& source, Place place, std::string field) {
  Where where{.source = source, .line = place.line, .offset = 0, .has_offset = false, .field = std::move(field)};
  if (place.column > 0) {
    where.offset = place.column - 1;
    where.has_offset = true;
  }
  return where;
}

std::optional<std::string> canonical_number(std::string_view text) {
  if (text.empty() || text.size() > 400) return std::nullopt;
  std::size_t i = text[0] == '-' || text[0] == '+' ? 1 : 0;
  if (i == text.size()) return std::nullopt;
  const std::size_t digits = i;
  while (i < text.size() && is_digit(text[i])) ++i;
  if (i == text.size() && i > digits) {  // an integer: any number of digits stays exact
    std::size_t first = digits;
    while (first + 1 < text.size() && text[first] == '0') ++first;
    std::string out(text.substr(first));
    if (text[0] == '-' && out != "0") out.insert(0, 1, '-');
    return out;
  }
  if (i == digits && (text[i] != '.' || i + 1 == text.size() || !is_digit(text[i + 1]))) return std::nullopt;
  double value = 0;
  const char* begin = text.data() + (text[0] == '+' ? 1 : 0);
  const char* end = text.data() + text.size();
  const auto [p, ec] = std::from_chars(begin, end, value);
  if (ec != std::errc{} || p != end || !std::isfinite(value)) return std::nullopt;
  if (value == std::floor(value) && std::fabs(value) < 9007199254740992.0)
    return std::to_string(static_cast<std::int64_t>(value));
  char buffer[64];
  const auto printed = std::to_chars(buffer, buffer + sizeof buffer, value);
  return std::string(buffer, printed.ptr);
}

Result<std::vector<Yaml>> read_yaml(std::string_view text, const std::string& source) {
  if (text.size() > kMaxYamlBytes)
    return fail(ErrorCode::kTooLarge,
                "the file has " + std::to_string(text.size()) + " bytes; at most " + std::to_string(kMaxYamlBytes) +
                    " are read",
                {.source = source});
  if (!is_utf8(text)) {
    const std::size_t bad = first_bad_octet(text);
    const auto line = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(bad), '\n') + 1;
    const std::size_t begin = text.substr(0, bad).rfind('\n') + 1;  // npos + 1 is 0
    return fail(ErrorCode::kInvalid, "not YAML: the text is not UTF-8",
                at(source, {static_cast<std::uint32_t>(line), static_cast<std::uint32_t>(bad - begin + 1)}));
  }
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::vector<Yaml> out;
  std::size_t nodes = 0;
  std::optional<YAML::Mark> last_quoted;
  ViewBuffer buffer(text);
  std::istream stream(&buffer);
  try {
    YAML::Parser parser(stream);
    while (true) {
      Builder builder(nodes);
      if (!parser.HandleNextDocument(builder)) break;
      last_quoted = builder.last_quoted;
      out.push_back(std::move(builder.root));
    }
    // One that is open takes in all that follows: it is the last of the last document.
    if (last_quoted && !closed(text, *last_quoted))
      return fail(ErrorCode::kInvalid, "not YAML: the quote that opens here is never closed",
                  at(source, place_of(*last_quoted)));
  } catch (const Stop& stop) {
    return fail(stop.code, stop.message, at(source, stop.place));
  } catch (const YAML::Exception& error) {
    return fail(ErrorCode::kInvalid, "not YAML: " + error.msg, at(source, place_of(error.mark)));
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInvalid, std::string("not YAML: ") + error.what(), {.source = source});
  }
  return out;
}

}  // namespace bongsu::formats
