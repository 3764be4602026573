#include "stix/bundle_reader.h"

#include <fmt/format.h>

#include "base/json.h"

namespace bongsu::stix {
namespace {

constexpr std::size_t kMaxIdBytes = 300;                 // of an id quoted in a message
constexpr std::size_t kBeginningBytes = 4096;            // kept of an object that is too large, to find its id in
constexpr std::size_t kMaxContainerBytes = 1024 * 1024;  // of a container's own members before, and after, its objects
constexpr std::size_t kMaxKeyBytes = 64;                 // "objects" with every letter escaped is shorter
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// The value of the first "id" in a text that need not be JSON; empty when there is none to be seen.
std::string id_in(std::string_view text) {
  std::size_t at = text.find("\"id\"");
  if (at == std::string_view::npos) return {};
  at = text.find_first_not_of(" \t\r\n", at + 4);
  if (at == std::string_view::npos || text[at] != ':') return {};
  at = text.find_first_not_of(" \t\r\n", at + 1);
  if (at == std::string_view::npos || text[at] != '"') return {};
  const std::size_t end = std::min(text.find_first_of("\"\\\r\n", at + 1), text.size());
  return std::string(text.substr(at + 1, std::min(end - at - 1, kMaxIdBytes)));
}

// A bundle or an envelope ({} or {"more":…,"next":…}, TAXII 2.1 §3.7) that holds no objects.
bool is_empty_container(std::string_view text) {
  const auto members = parse_json(text);
  if (!members || !members->is_object()) return false;
  if (const auto type = string_at(*members, "type")) return *type == "bundle" && find(*members, "objects") == nullptr;
  for (const auto& member : members->get_object())
    if (member.key() != "more" && member.key() != "next") return false;
  return true;
}

// Which brackets are open, with strings skipped. Feeds on one byte at a time.
class Nesting {
 public:
  void begin(char bracket) {
    open_ = bracket;
    uncounted_ = 0;
    in_string_ = escaped_ = false;
    broken = false;
  }

  std::size_t depth() const { return open_.size() + uncounted_; }
  bool in_string() const { return in_string_; }
  bool in_plain_string() const { return in_string_ && !escaped_; }
  bool has_open_list() const { return open_.find('[') != std::string::npos; }

  // Inside a string only. No string goes over the end of a line in JSON: where one does, a quote is missing.
  void string_byte(char c) {
    if (escaped_) {
      escaped_ = false;
    } else if (c == '\\') {
      escaped_ = true;
    } else if (c == '"') {
      in_string_ = false;
    } else if (c == '\n') {
      in_string_ = false;
      broken = true;
    }
  }

  // Outside strings. True when the bracket that began it all is closed. A closing bracket of the wrong kind closes down
  // to its own kind.
  bool byte(char c) {
    if (c == '"') {
      in_string_ = true;
    } else if (c == '{' || c == '[') {
      // Beyond what a parser takes the kinds no longer matter, only that the end is found.
      if (open_.size() <= kJsonMaxDepth)
        open_ += c;
      else
        ++uncounted_;
    } else if (c == '}' || c == ']') {
      return close(c == '}' ? '{' : '[');
    }
    return false;
  }

  bool broken = false;  // surely not JSON; where it ends is a guess

 private:
  bool close(char kind) {
    if (uncounted_ > 0) {
      --uncounted_;
      return false;
    }
    if (open_.find(kind) == std::string::npos) {
      broken = true;
      return false;
    }
    while (open_.back() != kind) {
      broken = true;
      open_.pop_back();
    }
    open_.pop_back();
    return open_.empty();
  }

  std::string open_;
  std::uint64_t uncounted_ = 0;
  bool in_string_ = false, escaped_ = false;
};

}  // namespace

// A string-aware bracket scanner. It does not parse objects: it finds where each begins and ends, and hands the slice
// to Object::parse. Around the objects stands little, and that little is kept and parsed.
//
// What is buffered: the object being read (up to kMaxObjectBytes, beyond which only its end is looked for), and the
// members of a container that stand before and after "objects" (up to kMaxContainerBytes each; more are skipped).
struct BundleReader::Impl {
  explicit Impl(std::string source) : source_name(std::move(source)) {}

  enum class State {
    kBetween,       // between top-level values
    kObject,        // inside a top-level object, which may turn out to be a container
    kElement,       // inside an element of a list
    kScalar,        // inside an element of a list that is neither object nor list
    kList,          // inside "objects" or a bare list: an element or the end follows
    kAfterElement,  // a comma or the end of the list follows
    kTail,          // inside a container, after its "objects"
    kStopped,
  };
  State state = State::kBetween;

  std::string source_name;
  std::uint64_t offset = 0;  // of the byte looked at
  std::uint64_t line = 1;
  std::uint64_t line_start = 0;
  bool line_is_blank = true;  // so far
  std::uint64_t count = 0;    // items handed over
  bool anything = false;

  // The value being read.
  std::uint64_t value_offset = 0, value_line = 0, value_column = 0;
  std::string kept;      // its bytes from earlier pieces
  std::size_t from = 0;  // where its bytes begin in this piece
  bool oversized = false;
  Nesting nesting;

  // Of a top-level object: the member being read.
  bool expect_key = false, key_is_open = false, after_colon = false;
  std::string key;

  bool in_container = false, container_has_type = false, container_has_id = false;
  bool comma_pending = false;
  bool after_broken = false;  // the last value ended by a guess: what follows it may still be its own
  std::string tail;

  std::string_view piece;
  const Callback* callback = nullptr;
  std::optional<Error> stop;  // why reading ended
  std::optional<Error> flaw;  // of a list that could be read nevertheless
  std::vector<Error> remarks;

  // ---- telling

  Where here() const {
    return {.source = source_name, .line = line, .offset = offset, .has_offset = true, .field = {}};
  }

  void give_up(ErrorCode code, std::string message) {
    if (!stop) stop = Error{code, std::move(message), here()};
    state = State::kStopped;
  }
  void note_flaw(std::string message) {
    if (!flaw) flaw = Error{ErrorCode::kInvalid, std::move(message), here()};
  }

  void deliver(Result<Object> object, std::string raw_id, std::string_view raw = {}) {
    BundleItem item{count++, value_offset, value_line, std::move(object), {}, std::move(raw_id)};
    if (!item.object) {
      item.raw = raw.substr(0, kMaxRawBytes);
      Where& where = item.object.error().where;
      where.source = source_name;
      where.line = value_line;
      where.offset =
          value_offset + (where.has_offset ? where.offset : 0);  // the parser counts from the object's first byte
      where.has_offset = true;
    }
    if (!(*callback)(std::move(item))) give_up(ErrorCode::kCancelled, "stopped by the caller");
  }

  // ---- the bytes of the value

  void begin_value(std::size_t at, State next) {
    value_offset = offset;
    value_line = line;
    value_column = offset - line_start;
    kept.clear();
    from = at;
    oversized = false;
    nesting.begin(piece[at]);
    after_broken = false;
    state = next;
  }

  // Up to, not including, `end` of this piece.
  std::string_view value_text(std::size_t end) {
    const std::string_view latest = piece.substr(from, end - from);
    if (kept.empty()) return latest;
    keep(latest);
    from = end;
    return kept;
  }

  void keep(std::string_view more) {
    if (!oversized && kept.size() + more.size() <= kMaxObjectBytes) {
      kept += more;
      return;
    }
    oversized = true;
    if (kept.size() < kBeginningBytes) kept += more.substr(0, kBeginningBytes - kept.size());
    if (kept.size() > kBeginningBytes) {
      kept.resize(kBeginningBytes);
      kept.shrink_to_fit();
    }
  }

  void forget_value() {
    if (kept.capacity() > kMaxContainerBytes) std::string().swap(kept);
    kept.clear();
  }

  // ---- one piece

  void run(std::string_view bytes) {
    piece = bytes;
    from = 0;
    std::size_t i = 0;
    while (i < bytes.size() && state != State::kStopped) {
      switch (state) {
        case State::kBetween:
          i = between(i);
          break;
        case State::kObject:
        case State::kElement:
          i = value(i);
          break;
        case State::kScalar:
          i = scalar(i);
          break;
        case State::kList:
          i = list(i);
          break;
        case State::kAfterElement:
          i = after_element(i);
          break;
        case State::kTail:
          i = tail_byte(i);
          break;
        case State::kStopped:
          break;
      }
    }
    if (state == State::kObject || state == State::kElement) keep(bytes.substr(from));
    piece = {};
  }

  // Goes past the byte at i.
  std::size_t pass(std::size_t i) {
    const char c = piece[i];
    ++offset;
    if (c == '\n') {
      ++line;
      line_start = offset;
      line_is_blank = true;
    } else if (!is_space(c)) {
      line_is_blank = false;
    }
    return i + 1;
  }

  std::size_t between(std::size_t i) {
    const char c = piece[i];
    if (is_space(c)) {
      after_broken = after_broken && c != '\n';
      return pass(i);
    }
    if (after_broken) return pass(i);
    if (!anything && offset < kByteOrderMark.size() && c == kByteOrderMark[offset]) return pass(i);
    anything = true;
    if (c == '{') {
      begin_value(i, State::kObject);
      expect_key = true;
      key_is_open = after_colon = false;
      key.clear();
    } else if (c == '[') {
      in_container = comma_pending = false;
      state = State::kList;
    } else {
      give_up(ErrorCode::kInvalid, "neither a JSON object nor a list of them");
      return i;
    }
    return pass(i);
  }

  std::size_t list(std::size_t i) {
    const char c = piece[i];
    if (is_space(c)) return pass(i);
    if (c == ']') {
      if (comma_pending) note_flaw("a comma with no object after it");
      end_list();
    } else if (c == ',') {
      note_flaw("a comma with no object before it");
    } else {
      begin_value(i, c == '{' || c == '[' ? State::kElement : State::kScalar);
      if (state == State::kScalar && c == '"') nesting.byte(c);
    }
    comma_pending = false;
    return pass(i);
  }

  std::size_t after_element(std::size_t i) {
    const char c = piece[i];
    if (is_space(c)) return pass(i);
    if (c == ',') {
      comma_pending = true;
      state = State::kList;
      return pass(i);
    }
    if (c == ']') {
      end_list();
      return pass(i);
    }
    if (c == '{') {
      if (!after_broken) note_flaw("a comma is missing between two objects");
      state = State::kList;
      return i;
    }
    if (after_broken) return pass(i);
    give_up(ErrorCode::kInvalid, "a comma or ] expected after an object");
    return i;
  }

  void end_list() {
    state = in_container ? State::kTail : State::kBetween;
    if (in_container) {
      tail.clear();
      nesting.begin('{');
    }
  }

  // Up to the comma, ] or end of line after it.
  std::size_t scalar(std::size_t i) {
    const char c = piece[i];
    if (nesting.in_string()) {
      nesting.string_byte(c);
      return pass(i);
    }
    if (c != ',' && c != ']' && c != '\n') return pass(i);
    state = State::kAfterElement;
    deliver(fail(ErrorCode::kInvalid, "an element of the list is not an object"), {});
    return i;
  }

  std::size_t value(std::size_t i) {
    while (i < piece.size()) {
      const char c = piece[i];
      if (nesting.in_plain_string() && !key_is_open) {
        // Most of a bundle is strings: up to the next byte that means something in one.
        std::size_t end = i;
        while (end < piece.size() && piece[end] != '"' && piece[end] != '\\' && piece[end] != '\n') ++end;
        if (end > i) {
          offset += end - i;
          line_is_blank = false;
          i = end;
          continue;
        }
      }
      if (nesting.in_string()) {
        nesting.string_byte(c);
        if (key_is_open) {
          key_is_open = nesting.in_string();
          if (key_is_open && key.size() < kMaxKeyBytes) key += c;
        }
        i = pass(i);
        continue;
      }
      if (is_space(c)) {
        i = pass(i);
        continue;
      }
      // A broken value is open, and an object begins at the column where the broken one began: that one ended before.
      if (nesting.broken && c == '{' && line_is_blank && offset - line_start == value_column) {
        const State next = state == State::kObject ? State::kBetween : State::kList;
        finish_value(i);
        after_broken = false;
        if (state != State::kStopped) state = next;
        return i;
      }
      // The list ends while its element is open: the element lacks a bracket, the list does not.
      if (c == ']' && state == State::kElement && !nesting.has_open_list()) {
        finish_value(i);
        return i;
      }
      if (state == State::kObject && nesting.depth() == 1) {
        if (c == '[' && after_colon && is_objects(key)) {
          const bool container = begin_container(i);
          if (state == State::kStopped) return i;
          if (container) return pass(i);
        }
        follow_member(c);
      }
      const bool complete = nesting.byte(c);
      i = pass(i);
      if (complete) {
        finish_value(i);
        return i;
      }
    }
    return i;
  }

  // Which member of a top-level object stands here.
  void follow_member(char c) {
    if (c == '"' && expect_key) {
      key.clear();
      key_is_open = true;
      expect_key = false;
    } else if (c == ':') {
      after_colon = true;
    } else if (c == ',') {
      expect_key = true;
      after_colon = false;
    } else {
      after_colon = false;
    }
  }

  static bool is_objects(const std::string& key) {
    if (key == "objects") return true;
    if (key.find('\\') == std::string::npos) return false;
    const auto decoded = parse_json('"' + key + '"');
    return decoded && decoded->is_string() && decoded->get_string() == "objects";
  }

  // A list named "objects" in a top-level object: a container, unless the type before it says otherwise.
  bool begin_container(std::size_t i) {
    std::string head(value_text(i));
    container_has_type = container_has_id = false;
    if (!oversized && head.size() <= kMaxContainerBytes) {
      head += "[]}";
      const auto members = parse_json(head);
      if (!members) {
        stop = members.error();
        stop->where.source = source_name;
        stop->where.line = value_line;
        stop->where.offset += value_offset;
        state = State::kStopped;
        return false;
      }
      const auto type = string_at(*members, "type");
      if (type && *type != "bundle") return false;
      container_has_type = type.has_value();
      check_bundle_id(*members);
      container_has_id = find(*members, "id") != nullptr;
    }
    in_container = true;
    comma_pending = false;
    forget_value();
    state = State::kList;
    return true;
  }

  std::size_t tail_byte(std::size_t i) {
    const char c = piece[i];
    if (tail.size() < kMaxContainerBytes) tail += c;
    i = pass(i);
    if (nesting.in_string())
      nesting.string_byte(c);
    else if (nesting.byte(c))
      end_container();
    return i;
  }

  void end_container() {
    in_container = false;
    state = State::kBetween;
    if (tail.size() >= kMaxContainerBytes) return;
    const auto members = parse_json("{\"objects\":[]" + tail);
    if (!members) {
      give_up(ErrorCode::kInvalid, "after the list of objects: " + members.error().message);
      return;
    }
    const auto type = string_at(*members, "type");
    if (type && *type != "bundle")
      note_flaw(fmt::format("a {} has a list named objects before its type; its elements were read as objects", *type));
    if ((container_has_type || (type && *type == "bundle")) && !container_has_id && find(*members, "id") == nullptr)
      remark("a bundle needs an id (STIX 2.1 §8.1)");
    check_bundle_id(*members);
  }

  void check_bundle_id(const Json& members) {
    const Json* id = find(members, "id");
    if (id == nullptr) return;
    const auto parsed = id->is_string() ? Id::parse(std::string_view(id->get_string())) : std::nullopt;
    if (!parsed || parsed->type != "bundle") remark("the id of a bundle is bundle--UUID (STIX 2.1 §8.1)");
  }

  void remark(std::string message) {
    if (remarks.size() >= kMaxRemarks) return;
    Error error{ErrorCode::kInvalid, std::move(message), here()};
    error.where.line = value_line;
    error.where.field = "id";
    remarks.push_back(std::move(error));
  }

  // The value ends before `end`.
  void finish_value(std::size_t end) {
    const std::string_view text = value_text(end);
    const bool element = state == State::kElement;
    state = element ? State::kAfterElement : State::kBetween;
    after_broken = nesting.broken;
    if (oversized || text.size() > kMaxObjectBytes) {
      deliver(fail(ErrorCode::kTooLarge, fmt::format("an object beyond the limit of {} bytes", kMaxObjectBytes)),
              id_in(text.substr(0, kBeginningBytes)));
    } else if (text.starts_with('[')) {
      deliver(fail(ErrorCode::kInvalid, "an element of the list is a list, not an object"), {});
    } else {
      auto object = Object::parse(text);
      if (!object && !element && is_empty_container(text)) {
        forget_value();
        return;
      }
      std::string raw_id = object ? object->id_text() : id_in(text);
      deliver(std::move(object), std::move(raw_id), text);
    }
    forget_value();
  }

  Result<void> finish() const {
    if (stop) return std::unexpected(*stop);
    switch (state) {
      case State::kBetween:
        if (!anything) return fail(ErrorCode::kInvalid, "the input is empty", here());
        if (flaw) return std::unexpected(*flaw);
        return {};
      case State::kObject:
      case State::kElement: {
        const std::string id = id_in(kept);
        return fail(ErrorCode::kInvalid,
                    fmt::format("the input ends inside an object that began at offset {} (line {}){}", value_offset,
                                value_line, id.empty() ? "" : ": " + id),
                    here());
      }
      case State::kScalar:
      case State::kList:
      case State::kAfterElement:
        return fail(ErrorCode::kInvalid, "the input ends inside the list of objects", here());
      case State::kTail:
        return fail(ErrorCode::kInvalid, "the input ends inside a bundle, after its objects", here());
      case State::kStopped:
        break;
    }
    return {};
  }
};

BundleReader::BundleReader(std::string source_name) : impl_(std::make_unique<Impl>(std::move(source_name))) {}
BundleReader::~BundleReader() = default;

Result<void> BundleReader::feed(std::string_view piece, const Callback& callback) {
  if (impl_->stop) return std::unexpected(*impl_->stop);
  impl_->callback = &callback;
  impl_->run(piece);
  impl_->callback = nullptr;
  if (impl_->stop) return std::unexpected(*impl_->stop);
  return {};
}

Result<void> BundleReader::finish(const Callback&) { return impl_->finish(); }

const std::vector<Error>& BundleReader::remarks() const { return impl_->remarks; }

}  // namespace bongsu::stix
