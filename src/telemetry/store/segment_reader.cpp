#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>

#include "telemetry/store/bytes_codec.h"
#include "telemetry/store/segment.h"
#include "telemetry/store/segment_format.h"

namespace bongsu::telemetry {

using namespace segment_format;

namespace {

constexpr std::size_t kSearchBytes = 1024 * 1024;  // read at a time while looking for the next block

struct Decompressor {
  ZSTD_DCtx* context = ZSTD_createDCtx();
  Decompressor() { BONGSU_CHECK(context != nullptr); }
  ~Decompressor() { ZSTD_freeDCtx(context); }
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;
};

}  // namespace

std::unexpected<Error> SegmentFile::broken(std::string message, std::uint64_t offset) const {
  return fail(ErrorCode::kCorrupt, std::move(message), {.source = path_, .offset = offset, .has_offset = true});
}

Result<std::shared_ptr<SegmentFile>> SegmentFile::open_head(const Files& files, const std::string& name) {
  std::shared_ptr<SegmentFile> out(new SegmentFile);
  out->name_ = name;
  out->path_ = files.path(name);
  out->files_ = &files;
  BONGSU_TRY(const auto file, files.open(name));
  out->size_ = file->size();
  if (out->size_ < kHeadBytes) return out->broken("the file is shorter than a segment's head", 0);
  BONGSU_TRY(const std::string head, file->read(0, kHeadBytes));
  ByteTaker in(head);
  const auto magic = in.fixed<std::uint64_t>();
  const auto version = in.fixed<std::uint32_t>();
  in.fixed<std::uint32_t>();
  out->seed_ = in.fixed<std::uint64_t>();
  out->version_ = version;
  if (magic != kMagic) return out->broken("not a file of stored telemetry", 0);
  if (in.fixed<std::uint64_t>() != checksum(std::string_view(head).substr(0, kHeadBytes - 8), 0))
    return out->broken("the head of the file is damaged", 0);
  if (version < kOldestVersion || version > kVersion)
    return fail(ErrorCode::kUnsupported, fmt::format("version {} of stored telemetry is not known here", version),
                {.source = out->path_});
  return out;
}

Result<SegmentFilePtr> SegmentFile::open(const Files& files, const std::string& name) {
  BONGSU_TRY(auto out, open_head(files, name));
  if (auto read = out->read_manifest(); !read) {
    if (read.error().code != ErrorCode::kCorrupt) return std::unexpected(read.error());
    out->damage_.push_back(std::move(read).error());
    out->facts_ = {};
    out->blocks_.clear();
    out->part_runs_.clear();
    out->walk_blocks();
  }
  return SegmentFilePtr(std::move(out));
}

Result<SegmentFilePtr> SegmentFile::open_spool(const Files& files, const std::string& name) {
  BONGSU_TRY(auto out, open_head(files, name));
  out->spool_ = true;
  out->walk_blocks();
  // What was written behind the last commit was never acknowledged: whoever wrote it will read it again.
  while (!out->blocks_.empty() && !out->blocks_.back().facts.commit) out->blocks_.pop_back();
  return SegmentFilePtr(std::move(out));
}

Result<std::string> SegmentFile::read_bytes(std::uint64_t offset, std::size_t size) const {
  BONGSU_TRY(const auto file, files_->open(name_));
  return file->read(offset, size);
}

Result<void> SegmentFile::read_manifest() {
  const std::uint64_t size = size_;
  if (size < kHeadBytes + kFootBytes) return broken("the file is cut off: it has no end part", size);
  const std::uint64_t foot_at = size - kFootBytes;
  BONGSU_TRY(const std::string foot, read_bytes(foot_at, kFootBytes));
  ByteTaker in(foot);
  const auto dictionary_at = in.fixed<std::uint64_t>(), dictionary_size = in.fixed<std::uint64_t>(),
             dictionary_sum = in.fixed<std::uint64_t>(), manifest_at = in.fixed<std::uint64_t>(),
             manifest_size = in.fixed<std::uint64_t>(), manifest_sum = in.fixed<std::uint64_t>(),
             blocks = in.fixed<std::uint64_t>(), magic = in.fixed<std::uint64_t>(), sum = in.fixed<std::uint64_t>();
  if (magic != kEndMagic || sum != checksum(std::string_view(foot).substr(0, kFootBytes - 8), foot_at))
    return broken("the end part of the file is damaged or cut off", foot_at);
  if (manifest_size > kMaxManifestBytes || manifest_at > foot_at || manifest_size != foot_at - manifest_at ||
      dictionary_at < kHeadBytes || dictionary_at > manifest_at || dictionary_size != manifest_at - dictionary_at ||
      dictionary_size > kMaxDictionaryBytes)
    return broken("the end part of the file contradicts itself", foot_at);
  BONGSU_TRY(const std::string manifest, read_bytes(manifest_at, static_cast<std::size_t>(manifest_size)));
  if (manifest_sum != checksum(manifest, manifest_at)) return broken("the manifest is damaged", manifest_at);

  ByteTaker m(manifest);
  facts_.created = Instant::from_micros(static_cast<std::int64_t>(m.varint()));
  facts_.keyed_by = m.fixed<std::uint64_t>();
  facts_.sources.resize(m.count());
  for (auto& source : facts_.sources) source = m.text();
  facts_.covers.resize(m.count());
  for (auto& cover : facts_.covers) {
    cover.stream = m.text();
    cover.position = m.text();
  }
  blocks_.resize(m.count());
  std::uint64_t next = kHeadBytes;
  for (auto& block : blocks_) {
    block.offset = m.varint();
    block.stored_bytes = static_cast<std::uint32_t>(m.varint());
    block.raw_bytes = static_cast<std::uint32_t>(m.varint());
    block.facts.lines_bytes = m.varint();
    block.facts.events = static_cast<std::uint32_t>(m.varint());
    const std::uint64_t flags = m.varint();
    block.facts.untimed = (flags & 1) != 0;
    block.facts.commit = (flags & 2) != 0;
    block.facts.formats = static_cast<std::uint32_t>(flags >> 2);
    block.facts.first_s = m.fixed<std::int64_t>();
    block.facts.last_s = m.fixed<std::int64_t>();
    block.first_part = static_cast<std::uint32_t>(part_runs_.size());
    block.parts =
        version_ < 2 ? 1 : static_cast<std::uint32_t>(std::min<std::uint64_t>(m.varint(), kMaxSegmentParts + 1));
    if (!m.good() || block.offset != next || block.raw_bytes > kMaxBlockBytes || block.parts == 0 ||
        block.first_part + block.parts > kMaxSegmentParts)
      return broken("the manifest is malformed", manifest_at);
    for (std::uint32_t i = 0; i < block.parts; ++i) {
      const std::uint64_t runs = block.parts > 1 ? m.varint() : kMaxBlockRuns;
      if (!m.good() || runs > kMaxBlockRuns) return broken("the manifest is malformed", manifest_at);
      part_runs_.push_back(static_cast<std::uint32_t>(runs));
    }
    next = block.offset + kBlockHeadBytes + block.stored_bytes;
    if (next > dictionary_at) return broken("the manifest is malformed", manifest_at);
  }
  if (!m.good() || m.left() != 0 || blocks != blocks_.size() || next != dictionary_at)
    return broken("the manifest is malformed", manifest_at);
  dictionary_at_ = dictionary_at;
  dictionary_size_ = dictionary_size;
  dictionary_sum_ = dictionary_sum;
  has_manifest_ = true;
  return {};
}

Result<BlockInfo> SegmentFile::read_head(std::uint64_t offset, std::uint32_t number) const {
  BONGSU_TRY(const std::string head, read_bytes(offset, kBlockHeadBytes));
  ByteTaker in(head);
  BlockInfo info{.offset = offset};
  const auto magic = in.fixed<std::uint32_t>(), here = in.fixed<std::uint32_t>();
  info.stored_bytes = in.fixed<std::uint32_t>();
  info.raw_bytes = in.fixed<std::uint32_t>();
  info.facts.lines_bytes = in.fixed<std::uint64_t>();
  info.facts.events = in.fixed<std::uint32_t>();
  const auto flags = in.fixed<std::uint32_t>();
  info.facts.untimed = (flags & 1) != 0;
  info.facts.commit = (flags & 2) != 0;
  info.facts.formats = flags >> 2;
  info.facts.first_s = in.fixed<std::int64_t>();
  info.facts.last_s = in.fixed<std::int64_t>();
  if (magic != kBlockMagic) return broken(fmt::format("block {} does not begin where it should", number), offset);
  std::uint64_t sum;
  std::memcpy(&sum, head.data() + kBlockHeadBytes - 8, sizeof sum);
  if (sum != checksum(std::string_view(head).substr(0, kBlockHeadBytes - 8), offset))
    return broken(fmt::format("the head of block {} is damaged", number), offset);
  if (info.raw_bytes > kMaxBlockBytes)
    return broken(fmt::format("block {} says that it is larger than {} bytes", number, kMaxBlockBytes), offset);
  if (here != number && has_manifest_) return broken(fmt::format("block {} calls itself {}", number, here), offset);
  return info;
}

// Without a manifest: from block to block, and over what is damaged to the next one that is whole. A spool ends at the
// first damage: nothing was acknowledged behind it.
void SegmentFile::walk_blocks() {
  const std::uint64_t size = size_;
  std::uint64_t at = kHeadBytes;
  while (at + kBlockHeadBytes <= size && blocks_.size() < kMaxSegmentParts) {
    const auto number = static_cast<std::uint32_t>(blocks_.size());
    if (auto info = read_head(at, number)) {
      info->first_part = number;
      const std::uint64_t end = at + kBlockHeadBytes + info->stored_bytes;
      bool whole = end <= size;
      if (whole && spool_) {
        blocks_.push_back(*info);
        const auto block = read(number);
        whole = block.has_value();
        if (whole)
          facts_.covers.insert(facts_.covers.end(), block->covers.begin(), block->covers.end());
        else
          blocks_.pop_back();
      } else if (whole) {
        blocks_.push_back(*info);
      }
      if (whole) {
        at = end;
        continue;
      }
    }
    if (spool_) return;
    // Look for the next head.
    std::string magic;
    put_fixed(magic, kBlockMagic);
    std::uint64_t next = 0;
    for (std::uint64_t from = at + 1; from + kBlockHeadBytes <= size && next == 0; from += kSearchBytes) {
      const std::size_t n = static_cast<std::size_t>(std::min<std::uint64_t>(kSearchBytes + 3, size - from));
      const auto bytes = read_bytes(from, n);
      if (!bytes) return;
      for (std::size_t p = bytes->find(magic); p != std::string::npos; p = bytes->find(magic, p + 1)) {
        if (from + p + kBlockHeadBytes > size) break;
        if (const auto info = read_head(from + p, number);
            info && from + p + kBlockHeadBytes + info->stored_bytes <= size) {
          next = from + p;
          break;
        }
      }
    }
    if (next == 0) return;
    damage_.push_back(broken(fmt::format("{} bytes before block {} are damaged", next - at, number), at).error());
    at = next;
  }
}

std::uint64_t SegmentFile::lines_bytes() const {
  std::uint64_t sum = 0;
  for (const BlockInfo& block : blocks_) sum += block.facts.lines_bytes;
  return sum;
}

std::uint64_t SegmentFile::events() const {
  std::uint64_t sum = 0;
  for (const BlockInfo& block : blocks_) sum += block.facts.events;
  return sum;
}

Result<Block> SegmentFile::read(std::size_t number, std::span<const std::uint32_t> parts) const {
  BONGSU_CHECK(number < blocks_.size());
  const BlockInfo& info = blocks_[number];
  std::vector<bool> wanted;
  if (info.parts > 1 && !parts.empty())
    for (std::uint32_t part = info.first_part; part < info.first_part + info.parts; ++part)
      wanted.insert(wanted.end(), part_runs_[part], std::ranges::binary_search(parts, part));
  const auto damaged = [&](std::string_view what) {
    return broken(fmt::format("block {} of {} is damaged: {}", number, blocks_.size(), what), info.offset);
  };
  BONGSU_TRY(const std::string bytes, read_bytes(info.offset, kBlockHeadBytes + info.stored_bytes));
  const std::string_view head = std::string_view(bytes).substr(0, kBlockHeadBytes);
  const std::string_view stored = std::string_view(bytes).substr(kBlockHeadBytes);
  std::uint64_t payload_sum, head_sum;
  std::memcpy(&payload_sum, head.data() + kBlockHeadBytes - 24, sizeof payload_sum);
  std::memcpy(&head_sum, head.data() + kBlockHeadBytes - 8, sizeof head_sum);
  if (head_sum != checksum(head.substr(0, kBlockHeadBytes - 8), info.offset))
    return damaged("its head does not fit its checksum");
  if (payload_sum != checksum(stored, info.offset)) return damaged("its bytes do not fit their checksum");
  thread_local Decompressor decompressor;
  std::string payload(info.raw_bytes, '\0');
  const std::size_t n =
      ZSTD_decompressDCtx(decompressor.context, payload.data(), payload.size(), stored.data(), stored.size());
  if (ZSTD_isError(n) != 0) return damaged(ZSTD_getErrorName(n));
  if (n != payload.size()) return damaged("it is shorter than it says");
  auto block = decode_block(payload, wanted.empty() ? nullptr : &wanted);
  if (!block) return damaged(block.error().message);
  return block;
}

Result<std::shared_ptr<const KeyDictionary>> SegmentFile::dictionary() const {
  const std::lock_guard lock(mutex_);
  if (dictionary_ != nullptr) return dictionary_;
  if (!has_manifest_) return fail(ErrorCode::kNotFound, "there is no dictionary", {.source = path_});
  BONGSU_TRY(std::string bytes, read_bytes(dictionary_at_, static_cast<std::size_t>(dictionary_size_)));
  if (dictionary_sum_ != checksum(bytes, dictionary_at_))
    return broken("the dictionary does not fit its checksum", dictionary_at_);
  auto opened = KeyDictionary::open(std::move(bytes), parts());
  if (!opened) return broken(opened.error().message, dictionary_at_);
  dictionary_ = std::make_shared<const KeyDictionary>(std::move(*opened));
  return dictionary_;
}

void SegmentFile::forget_dictionary() const {
  const std::lock_guard lock(mutex_);
  dictionary_.reset();
}

std::vector<Error> SegmentFile::verify() const {
  std::vector<Error> out = damage_;
  if (has_manifest_)
    if (const auto read = dictionary(); !read) out.push_back(read.error());
  for (std::size_t i = 0; i < blocks_.size(); ++i)
    if (const auto block = read(i); !block) out.push_back(block.error());
  return out;
}

}  // namespace bongsu::telemetry
