#include "stix/envelope.h"

#include <bitset>
#include <cstring>
#include <set>

#include "base/json.h"

namespace bongsu::stix {
namespace {

std::unexpected<Error> broken(std::string message, std::size_t at) {
  return fail(ErrorCode::kInvalid, std::move(message), {.offset = at, .has_offset = true});
}

// A cursor over JSON text that finds where values end. It checks structure (brackets, strings closed), not scalars.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t'))
      ++at_;
  }
  bool take(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool next_is(char c) {
    skip_space();
    return at_ < text_.size() && text_[at_] == c;
  }
  bool at_end() {
    skip_space();
    return at_ == text_.size();
  }
  std::size_t at() const { return at_; }

  // From the opening quote to behind the closing one.
  Result<std::string_view> string() {
    skip_space();
    const std::size_t begin = at_;
    if (at_ >= text_.size() || text_[at_] != '"') return broken("a string is expected", at_);
    if (!skip_string()) return broken("a string does not end", begin);
    return text_.substr(begin, at_ - begin);
  }

  Result<std::string_view> value() {
    skip_space();
    const std::size_t begin = at_;
    if (at_ >= text_.size()) return broken("a value is expected", at_);
    const char c = text_[at_];
    if (c == '"') return string();
    if (c == '{' || c == '[') {
      BONGSU_TRY_VOID(skip_container());
      return text_.substr(begin, at_ - begin);
    }
    while (at_ < text_.size() && !is_delimiter(text_[at_])) ++at_;
    if (at_ == begin) return broken("a value is expected", at_);
    return text_.substr(begin, at_ - begin);
  }

 private:
  static bool is_delimiter(char c) {
    return c == ',' || c == '}' || c == ']' || c == ':' || c == '"' || c == '{' || c == '[' || c == ' ' || c == '\n' ||
           c == '\r' || c == '\t';
  }

  // Most of an object is inside strings: the library's search for a byte is many times faster than a loop.
  bool skip_string() {
    const char* const begin = text_.data() + at_ + 1;
    const char* const end = text_.data() + text_.size();
    for (const char* from = begin; from < end;) {
      const auto* quote = static_cast<const char*>(std::memchr(from, '"', static_cast<std::size_t>(end - from)));
      if (quote == nullptr) break;
      const char* escape = quote;
      while (escape > from && escape[-1] == '\\') --escape;
      if ((quote - escape) % 2 == 0) {
        at_ = static_cast<std::size_t>(quote + 1 - text_.data());
        return true;
      }
      from = quote + 1;  // an escaped quote
    }
    at_ = text_.size();
    return false;
  }

  Result<void> skip_container() {
    std::bitset<kJsonMaxDepth> is_object;
    std::size_t depth = 0;
    const std::size_t begin = at_;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        const std::size_t open = at_;
        if (!skip_string()) return broken("a string does not end", open);
        continue;
      }
      if (c == '{' || c == '[') {
        if (depth == kJsonMaxDepth)
          return fail(ErrorCode::kTooLarge, "nested too deeply", {.offset = at_, .has_offset = true});
        is_object[depth++] = c == '{';
      } else if (c == '}' || c == ']') {
        if (is_object[depth - 1] != (c == '}')) return broken("brackets do not match", at_);
        if (--depth == 0) {
          ++at_;
          return {};
        }
      }
      ++at_;
    }
    return broken("a list or an object does not end", begin);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

Result<void> read_elements(Scanner& scanner, EnvelopeFrame& frame, const EnvelopeElement& on_element) {
  if (!scanner.take('[')) return broken("\"objects\" is a list (TAXII 2.1 §3.7)", scanner.at());
  if (scanner.take(']')) return {};
  do {
    BONGSU_TRY(const std::string_view element, scanner.value());
    ++frame.count;
    if (!on_element(element)) return fail(ErrorCode::kCancelled, "stopped on request");
  } while (scanner.take(','));
  if (!scanner.take(']')) return broken("',' or ']' is expected", scanner.at());
  return {};
}

Result<void> read_member(Scanner& scanner, std::string_view key, EnvelopeFrame& frame) {
  BONGSU_TRY(const std::string_view raw, scanner.value());
  const std::size_t begin = scanner.at() - raw.size();
  if (raw.size() > kMaxEnvelopeMemberBytes)
    return fail(ErrorCode::kTooLarge, "a member of the envelope is too long", {.field = std::string(key)});
  const auto value = parse_json(raw);
  if (!value) return broken("a member of the envelope is not JSON: " + value.error().message, begin);
  if (key == "more") {
    if (!value->is_bool()) return broken("\"more\" is true or false (TAXII 2.1 §3.7)", begin);
    frame.more = value->get_bool();
  } else if (key == "next") {
    if (!value->is_string()) return broken("\"next\" is a string (TAXII 2.1 §3.7)", begin);
    frame.next = value->get_string();
  }
  return {};
}

}  // namespace

Result<EnvelopeFrame> read_envelope(std::string_view text, const EnvelopeElement& on_element) {
  Scanner scanner(text);
  EnvelopeFrame frame;
  std::set<std::string> seen;
  if (!scanner.take('{')) return broken("an envelope is a JSON object (TAXII 2.1 §3.7)", scanner.at());
  if (!scanner.take('}')) {
    do {
      BONGSU_TRY(const std::string_view quoted, scanner.string());
      const auto key = parse_json(quoted);
      if (!key) return broken("a member's name is not a JSON string", scanner.at() - quoted.size());
      std::string name(key->get_string());
      if (!scanner.take(':')) return broken("':' is expected", scanner.at());
      if (name == "objects" && !seen.contains(name)) {
        frame.has_objects = true;
        BONGSU_TRY_VOID(read_elements(scanner, frame, on_element));
      } else if (!seen.contains(name)) {
        BONGSU_TRY_VOID(read_member(scanner, name, frame));
      } else {
        return broken("a member is given twice", scanner.at());
      }
      seen.insert(std::move(name));
    } while (scanner.take(','));
    if (!scanner.take('}')) return broken("',' or '}' is expected", scanner.at());
  }
  if (!scanner.at_end()) return broken("something follows the envelope", scanner.at());
  return frame;
}

}  // namespace bongsu::stix
