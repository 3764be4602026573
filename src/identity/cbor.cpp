#include "identity/cbor.h"

#include <algorithm>

#include "base/utf8.h"

namespace bongsu::identity {
namespace {

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  std::size_t at() const { return at_; }

  Result<Cbor> value(std::size_t depth) {
    if (depth > kMaxCborDepth) return fail(ErrorCode::kTooLarge, "is nested too deeply", where());
    if (++items_ > kMaxCborItems) return fail(ErrorCode::kTooLarge, "has too many items", where());
    if (at_ >= bytes_.size()) return broken("ends too early");
    const std::size_t begin = at_;
    const auto head = static_cast<std::uint8_t>(bytes_[at_++]);
    const unsigned major = head >> 5, more = head & 0x1f;
    if (major == 7) return simple(more, begin);
    if (major == 6) return broken("a tag is not allowed", begin);
    BONGSU_TRY(const std::uint64_t number, argument(more, begin));
    Cbor out;
    switch (major) {
      case 0:
      case 1:
        out.kind = major == 0 ? Cbor::Kind::kUnsigned : Cbor::Kind::kNegative;
        out.number = number;
        return out;
      case 2:
      case 3:
        if (number > bytes_.size() - at_) return broken("a string goes beyond the end", begin);
        out.kind = major == 2 ? Cbor::Kind::kBytes : Cbor::Kind::kText;
        out.bytes = bytes_.substr(at_, number);
        at_ += number;
        if (major == 3 && first_bad_octet(out.bytes) != out.bytes.size()) return broken("text is not UTF-8", begin);
        return out;
      case 4:
        out.kind = Cbor::Kind::kArray;
        if (number > bytes_.size() - at_) return broken("a list goes beyond the end", begin);
        for (std::uint64_t i = 0; i < number; ++i) {
          BONGSU_TRY(Cbor item, value(depth + 1));
          out.items.push_back(std::move(item));
        }
        return out;
      default:
        out.kind = Cbor::Kind::kMap;
        if (number > (bytes_.size() - at_) / 2) return broken("a map goes beyond the end", begin);
        for (std::uint64_t i = 0; i < number; ++i) {
          const std::size_t key_at = at_;
          BONGSU_TRY(Cbor key, value(depth + 1));
          if (std::ranges::find(out.members, key, &std::pair<Cbor, Cbor>::first) != out.members.end())
            return broken("a key stands twice in a map", key_at);
          BONGSU_TRY(Cbor item, value(depth + 1));
          out.members.emplace_back(std::move(key), std::move(item));
        }
        return out;
    }
  }

 private:
  Where where() const { return {.source = {}, .offset = at_, .has_offset = true, .field = {}}; }
  std::unexpected<Error> broken(std::string_view why) const { return broken(why, at_); }
  std::unexpected<Error> broken(std::string_view why, std::size_t at) const {
    return fail(ErrorCode::kInvalid, std::string(why), {.source = {}, .offset = at, .has_offset = true, .field = {}});
  }

  Result<Cbor> simple(unsigned more, std::size_t begin) {
    Cbor out;
    if (more == 20 || more == 21) {
      out.kind = Cbor::Kind::kBool;
      out.number = more - 20;
      return out;
    }
    if (more == 22) return out;
    return broken("a simple value or number of this kind is not allowed", begin);
  }

  Result<std::uint64_t> argument(unsigned more, std::size_t begin) {
    if (more < 24) return more;
    if (more > 27) return broken("an indefinite or reserved length is not allowed", begin);
    const std::size_t size = std::size_t{1} << (more - 24);
    if (bytes_.size() - at_ < size) return broken("ends too early");
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < size; ++i) number = number << 8 | static_cast<std::uint8_t>(bytes_[at_++]);
    const std::uint64_t least = more == 24 ? 24 : std::uint64_t{1} << (8 * size / 2);
    if (number < least) return broken("a number is not in its shortest form", begin);
    return number;
  }

  std::string_view bytes_;
  std::size_t at_ = 0, items_ = 0;
};

void write_head(std::string& out, unsigned major, std::uint64_t number) {
  if (number < 24) {
    out.push_back(static_cast<char>(major << 5 | number));
    return;
  }
  unsigned more = 24;
  while (more < 27 && number >> (8 * (std::size_t{1} << (more - 24))) != 0) ++more;
  out.push_back(static_cast<char>(major << 5 | more));
  for (int i = static_cast<int>(std::size_t{1} << (more - 24)) - 1; i >= 0; --i)
    out.push_back(static_cast<char>(number >> (8 * i)));
}

void write(std::string& out, const Cbor& value) {
  using enum Cbor::Kind;
  switch (value.kind) {
    case kUnsigned:
      return write_head(out, 0, value.number);
    case kNegative:
      return write_head(out, 1, value.number);
    case kBytes:
      write_head(out, 2, value.bytes.size());
      out += value.bytes;
      return;
    case kText:
      write_head(out, 3, value.bytes.size());
      out += value.bytes;
      return;
    case kArray:
      write_head(out, 4, value.items.size());
      for (const Cbor& item : value.items) write(out, item);
      return;
    case kMap:
      write_head(out, 5, value.members.size());
      for (const auto& [key, item] : value.members) {
        write(out, key);
        write(out, item);
      }
      return;
    case kBool:
      out.push_back(static_cast<char>(0xf4 + value.number));
      return;
    case kNull:
      out.push_back(static_cast<char>(0xf6));
      return;
  }
}

}  // namespace

bool Cbor::is(std::int64_t value) const {
  if (value >= 0) return kind == Kind::kUnsigned && number == static_cast<std::uint64_t>(value);
  return kind == Kind::kNegative && number == static_cast<std::uint64_t>(-1 - value);
}

const Cbor* Cbor::find(std::string_view text_key) const {
  for (const auto& [key, value] : members)
    if (key.kind == Kind::kText && key.bytes == text_key) return &value;
  return nullptr;
}

const Cbor* Cbor::find(std::int64_t number_key) const {
  for (const auto& [key, value] : members)
    if (key.is(number_key)) return &value;
  return nullptr;
}

Result<Cbor> read_cbor_prefix(std::string_view bytes, std::size_t& used) {
  if (bytes.size() > kMaxCborBytes) return fail(ErrorCode::kTooLarge, "is too long");
  Reader reader(bytes);
  BONGSU_TRY(Cbor value, reader.value(1));
  used = reader.at();
  return value;
}

Result<Cbor> read_cbor(std::string_view bytes) {
  std::size_t used = 0;
  BONGSU_TRY(Cbor value, read_cbor_prefix(bytes, used));
  if (used != bytes.size())
    return fail(ErrorCode::kInvalid, "something follows the value",
                {.source = {}, .offset = used, .has_offset = true, .field = {}});
  return value;
}

std::string write_cbor(const Cbor& value) {
  std::string out;
  write(out, value);
  return out;
}

}  // namespace bongsu::identity
