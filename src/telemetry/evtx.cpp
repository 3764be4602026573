#include "telemetry/evtx.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "telemetry/event.h"

namespace bongsu::telemetry {
namespace {

constexpr std::string_view kChunkMagic{"ElfChnk\0", 8};
constexpr std::string_view kRecordMagic{"**\0\0", 4};
constexpr std::size_t kChunkHeaderBytes = 512;
constexpr std::size_t kRecordHeaderBytes = 24;
constexpr std::size_t kFreeSpaceAt = 48;
constexpr std::size_t kMaxTroublesPerChunk = 100;

template <class T>
T load(std::string_view bytes, std::size_t at) {
  T out{};
  std::memcpy(&out, bytes.data() + at, sizeof out);
  return out;
}

void append_utf16(std::string& out, std::string_view bytes) {
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    std::uint32_t c = load<std::uint16_t>(bytes, i);
    if (c >= 0xd800 && c < 0xdc00 && i + 3 < bytes.size()) {
      const std::uint32_t low = load<std::uint16_t>(bytes, i + 2);
      if (low >= 0xdc00 && low < 0xe000) {
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        i += 2;
      }
    }
    append_utf8(out, c >= 0xd800 && c < 0xe000 ? 0xfffd : c);
  }
}

// 100-nanosecond steps since 1601.
std::string filetime_text(std::uint64_t ticks) {
  constexpr std::uint64_t kTo1970 = 11'644'473'600;
  const auto seconds = static_cast<std::int64_t>(ticks / 10'000'000) - static_cast<std::int64_t>(kTo1970);
  if (seconds > 253'402'300'799) return fmt::format("{}", ticks);
  return Instant{.seconds = seconds, .nanos = static_cast<std::int32_t>(ticks % 10'000'000 * 100)}.text(7);
}

std::string guid_text(std::string_view b) {
  std::string out = fmt::format("{{{:08x}-{:04x}-{:04x}-", load<std::uint32_t>(b, 0), load<std::uint16_t>(b, 4),
                                load<std::uint16_t>(b, 6));
  for (std::size_t i = 8; i < 16; ++i) {
    if (i == 10) out += '-';
    fmt::format_to(std::back_inserter(out), "{:02x}", static_cast<unsigned char>(b[i]));
  }
  out += '}';
  return out;
}

std::string sid_text(std::string_view b) {
  if (b.size() < 8) return {};
  const std::size_t parts = static_cast<unsigned char>(b[1]);
  if (b.size() < 8 + parts * 4) return {};
  std::uint64_t authority = 0;
  for (std::size_t i = 2; i < 8; ++i) authority = authority << 8 | static_cast<unsigned char>(b[i]);
  std::string out = fmt::format("S-{}-{}", static_cast<unsigned char>(b[0]), authority);
  for (std::size_t i = 0; i < parts; ++i)
    fmt::format_to(std::back_inserter(out), "-{}", load<std::uint32_t>(b, 8 + i * 4));
  return out;
}

// What is open while a record is written out, and the fields that came of it.
class Builder {
 public:
  const char* open(std::string name) {
    if (stack_.size() >= kMaxEvtxDepth) return "elements are nested too deeply";
    if (!stack_.empty()) stack_.back().children = true;
    stack_.push_back({.name = std::move(name)});
    return nullptr;
  }
  // The attribute's text follows; any other token ends it.
  void attribute(std::string name) {
    end_attribute();
    attribute_ = std::move(name);
    in_attribute_ = true;
  }
  void end_attribute() {
    if (!in_attribute_) return;
    in_attribute_ = false;
    if (stack_.empty() || attribute_.starts_with("xmlns")) return attribute_text_.clear();
    Element& element = stack_.back();
    if (attribute_ == "Name" && (element.name == "Data" || element.name == "ComplexData")) {
      element.data_name = std::exchange(attribute_text_, {});
      return;
    }
    if (!attribute_text_.empty() && stack_.size() >= 2) {
      const bool time = element.name == "TimeCreated" && attribute_ == "SystemTime";
      add(time ? element.name : element.name + "_" + attribute_, std::exchange(attribute_text_, {}));
    }
    attribute_text_.clear();
  }
  void text(std::string_view text) {
    bytes_ += text.size();
    if (in_attribute_) {
      attribute_text_ += text;
    } else if (!stack_.empty()) {
      Element& element = stack_.back();
      if (element.texts.empty()) element.texts.emplace_back();
      element.texts.back() += text;
    }
  }
  // An array: the element once for each.
  void texts(std::vector<std::string> all) {
    for (const std::string& one : all) bytes_ += one.size() + 3;
    if (in_attribute_ || stack_.empty()) {
      for (const std::string& one : all) attribute_text_ += one;
      return;
    }
    stack_.back().texts = std::move(all);
  }
  void close() {
    end_attribute();
    if (stack_.empty()) return;
    Element element = std::move(stack_.back());
    stack_.pop_back();
    if (element.children || stack_.empty()) return;
    const std::string& key = element.data_name.empty() ? element.name : element.data_name;
    if (element.texts.empty() && !element.data_name.empty()) element.texts.emplace_back();  // <Data Name="Image"/>
    for (std::string& text : element.texts)
      if (!text.empty() || !element.data_name.empty()) add(key, std::move(text));
  }
  // Of text that was made and is not written out, or not in every case.
  void count(std::size_t bytes) { bytes_ += bytes; }
  std::size_t bytes() const { return bytes_; }
  bool empty() const { return fields_.empty(); }

  // False: `lines` would be longer than `limit`; it ends somewhere within the event then.
  bool write(std::string& line, std::size_t limit) const {
    line += '{';
    bool first = true;
    for (const auto& [key, values] : fields_) {
      if (!first) line += ',';
      first = false;
      append_json_string(line, key);
      line += ':';
      if (values.size() > 1) line += '[';
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (i > 0) line += ',';
        if (is_number(key, values[i]))
          line += values[i];
        else
          append_json_string(line, values[i]);
        if (line.size() > limit) return false;
      }
      if (values.size() > 1) line += ']';
    }
    line += "}\n";
    return line.size() <= limit;
  }

 private:
  struct Element {
    std::string name, data_name;
    std::vector<std::string> texts;
    bool children = false;
  };

  // Those of System's values that are numbers in every other JSON form, too.
  static bool is_number(std::string_view key, std::string_view text) {
    constexpr std::string_view kNumbers[] = {"EventID", "Version", "Level", "Task", "Opcode", "EventRecordID"};
    return std::find(std::begin(kNumbers), std::end(kNumbers), key) != std::end(kNumbers) && !text.empty() &&
           text.size() < 20 && std::all_of(text.begin(), text.end(), is_digit) && (text[0] != '0' || text.size() == 1);
  }

  void add(const std::string& key, std::string value) {
    bytes_ += key.size() + 8;
    for (auto& [name, values] : fields_)
      if (name == key) return values.push_back(std::move(value));
    fields_.emplace_back(key, std::vector<std::string>{}).second.push_back(std::move(value));
  }

  std::vector<Element> stack_;
  std::string attribute_, attribute_text_;
  bool in_attribute_ = false;
  std::vector<std::pair<std::string, std::vector<std::string>>> fields_;
  std::size_t bytes_ = 0;
};

struct Substitution {
  std::string_view bytes;
  std::size_t at = 0;  // in the chunk
  std::uint8_t type = 0;
};

// Binary XML of one chunk; offsets are the chunk's. Every read is checked against the bounds of what it belongs to.
class BinaryXml {
 public:
  // `limit`: of bytes.
  BinaryXml(std::string_view chunk, Builder& out, std::size_t limit) : chunk_(chunk), out_(out), limit_(limit) {}

  // Reads up to the end-of-stream token or `end`. nullptr, or what is wrong.
  const char* read(std::size_t at, std::size_t end, const std::vector<Substitution>* values, std::size_t depth) {
    if (depth > kMaxEvtxDepth) return "templates are nested too deeply";
    while (at < end) {
      if (++tokens_ > kMaxEvtxTokens || out_.bytes() > limit_) return "too large once its templates are written out";
      const auto token = static_cast<unsigned char>(chunk_[at++]);
      switch (token & 0xbf) {
        case 0x00:  // end of stream
          return nullptr;
        case 0x01: {  // an element: dependency (only in a template's definition), size, name, size of the attributes
          const std::size_t fixed = (values != nullptr ? 2U : 0U) + 4;
          if (!has(at, fixed, end)) return kCut;
          at += fixed;
          std::string name;
          if (const char* wrong = name_at(at, end, name)) return wrong;
          if ((token & 0x40) != 0) {
            if (!has(at, 4, end)) return kCut;
            at += 4;
          }
          out_.end_attribute();
          if (const char* wrong = out_.open(std::move(name))) return wrong;
          break;
        }
        case 0x02:  // the start tag ends
          out_.end_attribute();
          break;
        case 0x03:  // … of an empty element
        case 0x04:  // an end tag
          out_.close();
          break;
        case 0x05: {  // text
          if (!has(at, 3, end)) return kCut;
          if (chunk_[at] != 1) return "text of an unknown type";
          const std::size_t size = load<std::uint16_t>(chunk_, at + 1) * std::size_t{2};
          at += 3;
          if (!has(at, size, end)) return kCut;
          utf16(chunk_.substr(at, size));
          at += size;
          break;
        }
        case 0x06: {  // an attribute
          std::string name;
          if (const char* wrong = name_at(at, end, name)) return wrong;
          out_.attribute(std::move(name));
          break;
        }
        case 0x07:    // CDATA
        case 0x0b: {  // a processing instruction's data
          if (!has(at, 2, end)) return kCut;
          const std::size_t size = load<std::uint16_t>(chunk_, at) * std::size_t{2};
          at += 2;
          if (!has(at, size, end)) return kCut;
          if ((token & 0xbf) == 0x07) utf16(chunk_.substr(at, size));
          at += size;
          break;
        }
        case 0x08: {  // a character
          if (!has(at, 2, end)) return kCut;
          utf16(chunk_.substr(at, 2));
          at += 2;
          break;
        }
        case 0x09: {  // an entity
          std::string name;
          if (const char* wrong = name_at(at, end, name)) return wrong;
          constexpr std::pair<const char*, const char*> kEntities[] = {
              {"amp", "&"}, {"lt", "<"}, {"gt", ">"}, {"quot", "\""}, {"apos", "'"}};
          for (const auto& [entity, text] : kEntities)
            if (name == entity) out_.text(text);
          break;
        }
        case 0x0a: {  // a processing instruction
          std::string name;
          if (const char* wrong = name_at(at, end, name)) return wrong;
          break;
        }
        case 0x0c:
          if (const char* wrong = read_template(at, end, depth)) return wrong;
          break;
        case 0x0d:    // a value of the template
        case 0x0e: {  // one that may be absent
          if (!has(at, 3, end)) return kCut;
          const std::size_t id = load<std::uint16_t>(chunk_, at);
          at += 3;
          if (values == nullptr || id >= values->size()) return "a value that its template does not have";
          if (const char* wrong = write((*values)[id], depth)) return wrong;
          break;
        }
        case 0x0f:  // version of what follows
          if (!has(at, 3, end)) return kCut;
          at += 3;
          break;
        default:
          return "binary XML of an unknown kind";
      }
    }
    return nullptr;
  }

 private:
  static constexpr const char* kCut = "binary XML that ends in the middle";

  static bool has(std::size_t at, std::size_t size, std::size_t end) { return at <= end && size <= end - at; }

  // Names stand where they are used first, and are pointed to later.
  const char* name_at(std::size_t& at, std::size_t end, std::string& name) {
    if (!has(at, 4, end)) return kCut;
    const std::size_t offset = load<std::uint32_t>(chunk_, at);
    at += 4;
    if (!has(offset, 8, chunk_.size())) return "a name outside its chunk";
    const std::size_t size = load<std::uint16_t>(chunk_, offset + 6) * std::size_t{2};
    if (!has(offset + 8, size, chunk_.size())) return "a name outside its chunk";
    append_utf16(name, chunk_.substr(offset + 8, size));
    out_.count(name.size());
    if (offset == at) {
      if (!has(at, 8 + size + 2, end)) return kCut;
      at += 8 + size + 2;
    }
    return nullptr;
  }

  // 0x0c: one byte, template's number, where it is defined (perhaps here), the values.
  const char* read_template(std::size_t& at, std::size_t end, std::size_t depth) {
    if (!has(at, 9, end)) return kCut;
    const std::size_t definition = load<std::uint32_t>(chunk_, at + 5);
    at += 9;
    if (!has(definition, 24, chunk_.size())) return "a template outside its chunk";
    const std::size_t size = load<std::uint32_t>(chunk_, definition + 20);
    if (!has(definition + 24, size, chunk_.size())) return "a template outside its chunk";
    if (definition == at) at += 24 + size;
    if (!has(at, 4, end)) return kCut;
    const std::size_t count = load<std::uint32_t>(chunk_, at);
    at += 4;
    if (count > chunk_.size() / 4 || !has(at, count * 4, end)) return kCut;
    std::vector<Substitution> values(count);
    std::size_t value_at = at + count * 4;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t value_size = load<std::uint16_t>(chunk_, at + i * 4);
      if (!has(value_at, value_size, end)) return kCut;
      values[i] = {chunk_.substr(value_at, value_size), value_at, static_cast<std::uint8_t>(chunk_[at + i * 4 + 2])};
      value_at += value_size;
    }
    at = value_at;
    return read(definition + 24, definition + 24 + size, &values, depth + 1);
  }

  void utf16(std::string_view bytes) {
    scratch_.clear();
    append_utf16(scratch_, bytes);
    const std::size_t size = scratch_.size();
    while (scratch_.ends_with('\0')) scratch_.pop_back();
    out_.count(size - scratch_.size());
    out_.text(scratch_);
  }

  const char* write(const Substitution& value, std::size_t depth) {
    const std::uint8_t type = value.type & 0x7f;
    if (type == 0x21) return read(value.at, value.at + value.bytes.size(), nullptr, depth + 1);
    if (type == 0 || value.bytes.empty()) return nullptr;
    if ((value.type & 0x80) != 0) return write_array(value, type);
    if (type == 1) return utf16(value.bytes), nullptr;
    out_.text(scalar(type, value.bytes));
    return nullptr;
  }

  const char* write_array(const Substitution& value, std::uint8_t type) {
    std::vector<std::string> all;
    if (type == 1 || type == 2) {
      const std::size_t unit = type == 1 ? 2 : 1;
      std::size_t begin = 0;
      for (std::size_t i = 0; i + unit <= value.bytes.size(); i += unit) {
        const bool end = value.bytes[i] == '\0' && (unit == 1 || value.bytes[i + 1] == '\0');
        const bool last = i + 2 * unit > value.bytes.size();
        if (!end && !last) continue;
        const std::string_view one = value.bytes.substr(begin, (end ? i : i + unit) - begin);
        std::string& text = all.emplace_back();
        if (type == 1)
          append_utf16(text, one);
        else
          text = one;
        begin = i + unit;
      }
    } else {
      const std::size_t size = size_of(type);
      if (size == 0) return "an array of a type that has none";
      for (std::size_t i = 0; i + size <= value.bytes.size(); i += size)
        all.push_back(scalar(type, value.bytes.substr(i, size)));
    }
    out_.texts(std::move(all));
    return nullptr;
  }

  static std::size_t size_of(std::uint8_t type) {
    constexpr std::uint8_t kSizes[] = {0, 0, 0, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8, 4, 0, 16, 8, 8, 16, 0, 4, 8};
    return type < sizeof kSizes ? kSizes[type] : 0;
  }

  static std::string hexadecimal(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) fmt::format_to(std::back_inserter(out), "{:02X}", static_cast<unsigned char>(c));
    return out;
  }

  static std::string scalar(std::uint8_t type, std::string_view b) {
    if (type == 0x10 && b.size() == 4) type = 0x14;
    if (b.size() < size_of(type)) return hexadecimal(b);
    switch (type) {
      case 0x02:
        return std::string(b.substr(0, b.find('\0')));
      case 0x03:
        return fmt::format("{}", static_cast<int>(load<std::int8_t>(b, 0)));
      case 0x04:
        return fmt::format("{}", static_cast<unsigned>(load<std::uint8_t>(b, 0)));
      case 0x05:
        return fmt::format("{}", load<std::int16_t>(b, 0));
      case 0x06:
        return fmt::format("{}", load<std::uint16_t>(b, 0));
      case 0x07:
        return fmt::format("{}", load<std::int32_t>(b, 0));
      case 0x08:
        return fmt::format("{}", load<std::uint32_t>(b, 0));
      case 0x09:
        return fmt::format("{}", load<std::int64_t>(b, 0));
      case 0x0a:
        return fmt::format("{}", load<std::uint64_t>(b, 0));
      case 0x0b:
        return fmt::format("{}", load<float>(b, 0));
      case 0x0c:
        return fmt::format("{}", load<double>(b, 0));
      case 0x0d:
        return load<std::uint32_t>(b, 0) != 0 ? "true" : "false";
      case 0x0f:
        return guid_text(b);
      case 0x11:
        return filetime_text(load<std::uint64_t>(b, 0));
      case 0x12: {
        const auto part = [&](std::size_t i) { return load<std::uint16_t>(b, i * 2); };
        return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", part(0), part(1), part(3), part(4), part(5),
                           part(6), part(7));
      }
      case 0x13:
        return sid_text(b);
      case 0x14:
        return fmt::format("{:#x}", load<std::uint32_t>(b, 0));
      case 0x10:
      case 0x15:
        return fmt::format("{:#x}", load<std::uint64_t>(b, 0));
      default:
        return hexadecimal(b);
    }
  }

  std::string_view chunk_;
  Builder& out_;
  std::size_t limit_;
  std::string scratch_;
  std::size_t tokens_ = 0;
};

// The size of the record that begins at `at`, as written before and behind it; 0: none does.
std::size_t record_size(std::string_view chunk, std::size_t at) {
  if (chunk.size() - at < kRecordHeaderBytes + 4 || chunk.substr(at, 4) != kRecordMagic) return 0;
  const std::size_t size = load<std::uint32_t>(chunk, at + 4);
  if (size < kRecordHeaderBytes + 4 || size > chunk.size() - at) return 0;
  return load<std::uint32_t>(chunk, at + size - 4) == size ? size : 0;
}

class EvtxSource final : public ByteSource {
 public:
  explicit EvtxSource(std::unique_ptr<ByteSource> file) : file_(std::move(file)) {}

  Result<std::size_t> read(char* out, std::size_t size) override {
    while (given_ == lines_.size()) {
      lines_.clear();
      given_ = 0;
      if (ended_) return std::size_t{0};
      BONGSU_TRY_VOID(next_chunk());
    }
    const std::size_t n = std::min(size, lines_.size() - given_);
    std::memcpy(out, lines_.data() + given_, n);
    given_ += n;
    return n;
  }
  std::uint64_t consumed() const override { return file_->consumed(); }
  std::uint64_t total() const override { return file_->total(); }
  std::vector<Error> take_troubles() override {
    for (Error& error : file_->take_troubles()) troubles_.push_back(std::move(error));
    return std::exchange(troubles_, {});
  }

 private:
  Result<std::size_t> fill(std::size_t size) {
    chunk_.resize(size);
    std::size_t n = 0;
    while (n < size) {
      BONGSU_TRY(const std::size_t more, file_->read(chunk_.data() + n, size - n));
      if (more == 0) break;
      n += more;
    }
    chunk_.resize(n);
    return n;
  }

  Result<void> next_chunk() {
    if (offset_ == 0) {
      BONGSU_TRY(const std::size_t n, fill(kEvtxHeaderBytes));
      if (n < kEvtxHeaderBytes || !chunk_.starts_with(kEvtxMagic)) {
        ended_ = true;
        return fail(ErrorCode::kCorrupt, "a Windows event log that ends within its header");
      }
      offset_ = kEvtxHeaderBytes;
    }
    BONGSU_TRY(const std::size_t n, fill(kEvtxChunkBytes));
    if (n < kEvtxChunkBytes) ended_ = true;
    if (n > 0) render_evtx_chunk(chunk_, offset_, lines_, troubles_);
    offset_ += n;
    return {};
  }

  std::unique_ptr<ByteSource> file_;
  std::string chunk_, lines_;
  std::size_t given_ = 0;
  std::uint64_t offset_ = 0;
  bool ended_ = false;
  std::vector<Error> troubles_;
};

}  // namespace

void render_evtx_chunk(std::string_view chunk, std::uint64_t file_offset, std::string& lines,
                       std::vector<Error>& troubles) {
  const std::size_t told = troubles.size();
  const auto tell = [&](ErrorCode code, std::size_t at, std::string message) {
    troubles.push_back({code, std::move(message), {.offset = file_offset + at, .has_offset = true}});
  };
  const auto trouble = [&](std::size_t at, std::string message) {
    if (troubles.size() - told < kMaxTroublesPerChunk) tell(ErrorCode::kCorrupt, at, std::move(message));
  };
  if (chunk.find_first_not_of('\0') == chunk.npos) return;  // room that was never used
  if (chunk.size() < kChunkHeaderBytes) return trouble(0, "an event log's chunk is cut off");
  const bool damaged = !chunk.starts_with(kChunkMagic);
  if (damaged) trouble(0, "an event log's chunk has no header");
  const std::size_t free_space = load<std::uint32_t>(chunk, kFreeSpaceAt);
  const std::size_t end =
      damaged || free_space < kChunkHeaderBytes ? chunk.size() : std::min<std::size_t>(free_space, chunk.size());
  std::uint64_t last = 0;
  std::size_t at = kChunkHeaderBytes, text = 0;
  while (at < chunk.size()) {
    const std::size_t size = record_size(chunk, at);
    if (size == 0) {
      if (at >= end) break;
      trouble(at, "an event log's record is damaged");
      at = chunk.find(kRecordMagic, at + 1);
      while (at != chunk.npos && record_size(chunk, at) == 0) at = chunk.find(kRecordMagic, at + 1);
      if (at == chunk.npos) break;
      continue;
    }
    const auto number = load<std::uint64_t>(chunk, at + 8);
    // Behind the free space's beginning stand records only if the log was not closed; older ones may lie there, too.
    if (at >= end && last != 0 && number != last + 1) break;
    last = number;
    Builder event;
    const std::size_t begin = lines.size(), room = kMaxEvtxChunkText - text;
    BinaryXml xml(chunk, event, std::min(room, kMaxEvtxEventBytes));
    const char* wrong = xml.read(at + kRecordHeaderBytes, at + size - 4, nullptr, 0);
    const bool written = wrong != nullptr || event.empty() || event.write(lines, begin + room);
    // What a record without a line took counts, too: it was written out until then.
    const std::size_t took = std::max(event.bytes(), lines.size() - begin);
    if (!written || took > room) {
      lines.resize(begin);
      tell(ErrorCode::kTooLarge, 0,
           fmt::format(
               "an event log's chunk holds more than {} bytes of text once its templates are written out; the rest "
               "of it was dropped",
               kMaxEvtxChunkText));
      break;
    }
    text += took;
    if (wrong != nullptr) trouble(at, fmt::format("an event log's record cannot be read: {}", wrong));
    at += size;
  }
  if (end > chunk.size() || (chunk.size() < kEvtxChunkBytes && end == chunk.size()))
    trouble(chunk.size(), "an event log's last chunk is cut off");
}

std::unique_ptr<ByteSource> open_evtx(std::unique_ptr<ByteSource> file) {
  return std::make_unique<EvtxSource>(std::move(file));
}

}  // namespace bongsu::telemetry
