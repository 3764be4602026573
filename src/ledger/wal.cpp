#include "ledger/wal.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/bytes.h"
#include "ledger/tile.h"

namespace bongsu::ledger {
namespace {

constexpr std::size_t kFrameHead = 4 + sizeof(Hash);

void put_number(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
}

void put_text(std::string& out, std::string_view text) {
  BONGSU_CHECK(text.size() <= 0xffff);
  put_number(out, text.size(), 2);
  out += text;
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  bool number(std::uint64_t& out, std::size_t width) {
    std::string_view raw;
    if (!take(raw, width)) return false;
    out = 0;
    for (const char c : raw) out = out << 8 | static_cast<std::uint8_t>(c);
    return true;
  }
  bool text(std::string& out) {
    std::uint64_t length = 0;
    std::string_view raw;
    if (!number(length, 2) || !take(raw, length)) return false;
    out = raw;
    return true;
  }
  bool take(std::string_view& out, std::size_t count) {
    if (bytes_.size() - at_ < count) return false;
    out = bytes_.substr(at_, count);
    at_ += count;
    return true;
  }
  std::size_t at() const { return at_; }
  std::size_t left() const { return bytes_.size() - at_; }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
};

Hash frame_hash(const Hash& before, std::string_view payload) {
  std::string input(as_text(before));
  input += payload;
  return sha256(input);
}

struct Frame {
  Hash hash{};
  std::string_view payload;
  std::uint64_t bytes = 0;
};
// The frame that seems to stand there, unchecked; bytes 0: none fits.
Frame frame_at(std::string_view bytes, std::uint64_t at) {
  if (bytes.size() < at || bytes.size() - at < kFrameHead) return {};
  Reader reader(bytes.substr(at));
  std::uint64_t length = 0;
  std::string_view hash, payload;
  Frame frame;
  if (!reader.number(length, 4) || !reader.take(hash, sizeof(Hash)) || !reader.take(payload, length)) return {};
  std::memcpy(frame.hash.data(), hash.data(), sizeof(Hash));
  frame.payload = payload;
  frame.bytes = kFrameHead + length;
  return frame;
}

}  // namespace

std::string encode_group(const Group& group) {
  std::string out;
  put_number(out, group.logs.size(), 2);
  for (const auto& log : group.logs) {
    put_text(out, log.log);
    put_number(out, log.first, 8);
    put_number(out, log.entries.size(), 4);
    for (const auto& entry : log.entries) {
      put_text(out, entry.leaf);
      out += encode_opening(entry.opening);
    }
  }
  put_number(out, group.cursors.size(), 2);
  for (const auto& [key, value] : group.cursors) {
    put_text(out, key);
    put_text(out, value);
  }
  return out;
}

Result<Group> decode_group(std::string_view bytes) {
  Reader reader(bytes);
  const auto corrupt = [&] { return fail(ErrorCode::kCorrupt, "a group of entries is cut short", {.offset = reader.at(), .has_offset = true}); };
  Group group;
  std::uint64_t logs = 0, cursors = 0;
  if (!reader.number(logs, 2)) return corrupt();
  for (std::uint64_t i = 0; i < logs; ++i) {
    LogAddition log;
    std::uint64_t count = 0;
    if (!reader.text(log.log) || !reader.number(log.first, 8) || !reader.number(count, 4)) return corrupt();
    for (std::uint64_t n = 0; n < count; ++n) {
      Sealed entry;
      std::uint64_t length = 0;
      if (!reader.text(entry.leaf)) return corrupt();
      const std::size_t begin = reader.at();
      std::string_view rest;
      if (!reader.number(length, 4) || !reader.take(rest, length)) return corrupt();
      auto opening = read_openings(bytes.substr(begin, 4 + length));
      if (opening.size() != 1) return corrupt();
      entry.opening = std::move(opening.front().opening);
      log.entries.push_back(std::move(entry));
    }
    group.logs.push_back(std::move(log));
  }
  if (!reader.number(cursors, 2)) return corrupt();
  for (std::uint64_t i = 0; i < cursors; ++i) {
    std::string key, value;
    if (!reader.text(key) || !reader.text(value)) return corrupt();
    group.cursors[key] = value;
  }
  if (reader.left() != 0) return corrupt();
  return group;
}

Hash segment_seed(std::uint64_t segment) { return sha256(fmt::format("bongsu ledger segment {}", segment)); }

void append_frame(std::string& out, Hash& chain, std::string_view payload) {
  BONGSU_CHECK(payload.size() <= 0xffffffff);
  chain = frame_hash(chain, payload);
  put_number(out, payload.size(), 4);
  out += as_text(chain);
  out += payload;
}

Result<SegmentContent> read_segment(std::string_view bytes, std::uint64_t segment) {
  SegmentContent content;
  content.chain = segment_seed(segment);
  while (content.good_bytes < bytes.size()) {
    const Frame frame = frame_at(bytes, content.good_bytes);
    const bool good = frame.bytes != 0 && frame_hash(content.chain, frame.payload) == frame.hash;
    const auto group = good ? decode_group(frame.payload) : Result<Group>(fail(ErrorCode::kCorrupt, ""));
    if (!group) {
      // A write that was cut off is the last thing in a file. If a whole frame follows, this one was whole once.
      const Frame next = frame.bytes == 0 ? Frame{} : frame_at(bytes, content.good_bytes + frame.bytes);
      if (good || (next.bytes != 0 && frame_hash(frame.hash, next.payload) == next.hash))
        return fail(ErrorCode::kCorrupt, "a group of entries is damaged", {.offset = content.good_bytes, .has_offset = true});
      return content;
    }
    content.groups.push_back(std::move(*group));
    content.chain = frame.hash;
    content.good_bytes += frame.bytes;
  }
  return content;
}

std::string encode_opening(const Opening& opening) {
  std::string rest;
  rest += opening.erased ? kOpeningGone : kOpeningThere;
  rest += as_text(opening.salt);
  put_text(rest, opening.row == 0 ? opening.subject : fmt::format("{}\n{}", opening.subject, opening.row));
  rest += opening.content;
  std::string out;
  put_number(out, rest.size(), 4);
  return out + rest;
}

std::vector<StoredOpening> read_openings(std::string_view bytes) {
  std::vector<StoredOpening> out;
  Reader reader(bytes);
  for (;;) {
    const std::size_t begin = reader.at();
    std::uint64_t length = 0, state = 0;
    std::string_view raw, salt;
    if (!reader.number(length, 4) || !reader.take(raw, length)) return out;
    Reader record(raw);
    StoredOpening stored{.opening = {}, .gone = false, .offset = begin, .content = 0, .bytes = 4 + length};
    std::string& subject = stored.opening.subject;
    if (!record.number(state, 1) || !record.take(salt, sizeof(Salt)) || !record.text(subject)) return out;
    stored.content = 4 + record.at();
    if (const auto line = subject.find('\n'); line != std::string::npos) {
      const std::string_view row = std::string_view(subject).substr(line + 1);
      std::from_chars(row.data(), row.data() + row.size(), stored.opening.row);
      subject.resize(line);
    }
    std::memcpy(stored.opening.salt.data(), salt.data(), sizeof(Salt));
    stored.opening.erased = state != static_cast<std::uint64_t>(kOpeningThere);
    stored.gone = state == static_cast<std::uint64_t>(kOpeningGone);
    if (std::string_view content; !stored.opening.erased && record.take(content, record.left())) stored.opening.content = content;
    out.push_back(std::move(stored));
  }
}

}  // namespace bongsu::ledger
