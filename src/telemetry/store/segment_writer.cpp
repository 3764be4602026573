#include <fmt/format.h>
#include <zstd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <set>

#include "telemetry/store/bytes_codec.h"
#include "telemetry/store/segment.h"
#include "telemetry/store/segment_format.h"

namespace bongsu::telemetry {

using namespace segment_format;

namespace {

std::uint32_t flags_of(const BlockFacts& facts) {
  return facts.formats << 2 | (facts.commit ? 2U : 0U) | (facts.untimed ? 1U : 0U);
}

}  // namespace

std::uint64_t segment_format::checksum(std::string_view bytes, std::uint64_t place) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), place);
}

struct BlockFile::Compressor {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  std::string out;
  Compressor() { BONGSU_CHECK(context != nullptr); }
  ~Compressor() { ZSTD_freeCCtx(context); }
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;
};

BlockFile::BlockFile() : compressor_(std::make_shared<Compressor>()) {}

Result<BlockFile> BlockFile::create(Files& files, const std::string& name, SegmentOptions options) {
  BlockFile out;
  ZSTD_CCtx_setParameter(out.compressor_->context, ZSTD_c_compressionLevel, options.zstd_level);
  BONGSU_TRY(out.file_, files.create(name));
  std::string head;
  put_fixed(head, kMagic);
  put_fixed(head, kVersion);
  put_fixed(head, std::uint32_t{0});
  put_fixed(head, options.seed);
  put_fixed(head, checksum(head, 0));
  BONGSU_TRY_VOID(out.file_->append(head));
  out.bytes_ = head.size();
  return out;
}

Result<BlockInfo> BlockFile::add(std::string_view payload, const BlockFacts& facts) {
  if (payload.size() > kMaxBlockBytes)
    return fail(ErrorCode::kTooLarge,
                fmt::format("a block of stored telemetry holds at most {} bytes", kMaxBlockBytes));
  std::string& out = compressor_->out;
  out.resize(kBlockHeadBytes + ZSTD_compressBound(payload.size()));
  const std::size_t stored = ZSTD_compress2(compressor_->context, out.data() + kBlockHeadBytes,
                                            out.size() - kBlockHeadBytes, payload.data(), payload.size());
  if (ZSTD_isError(stored) != 0) return fail(ErrorCode::kInternal, ZSTD_getErrorName(stored));
  out.resize(kBlockHeadBytes + stored);
  BlockInfo info{.offset = bytes_,
                 .stored_bytes = static_cast<std::uint32_t>(stored),
                 .raw_bytes = static_cast<std::uint32_t>(payload.size()),
                 .facts = facts};
  std::string head;
  put_fixed(head, kBlockMagic);
  put_fixed(head, blocks_);
  put_fixed(head, info.stored_bytes);
  put_fixed(head, info.raw_bytes);
  put_fixed(head, facts.lines_bytes);
  put_fixed(head, facts.events);
  put_fixed(head, flags_of(facts));
  put_fixed(head, facts.first_s);
  put_fixed(head, facts.last_s);
  put_fixed(head, checksum(std::string_view(out).substr(kBlockHeadBytes), bytes_));
  put_fixed(head, std::uint64_t{0});
  put_fixed(head, checksum(head, bytes_));
  std::memcpy(out.data(), head.data(), kBlockHeadBytes);
  BONGSU_TRY_VOID(file_->append(out));
  bytes_ += out.size();
  ++blocks_;
  return info;
}

SegmentWriter::SegmentWriter(Files& files, std::string name, BlockFile file)
    : files_(files), name_(std::move(name)), temporary_(name_ + ".tmp"), file_(std::move(file)) {}

SegmentWriter::~SegmentWriter() {
  if (!finished_) (void)files_.remove(temporary_);  // one that stays is removed when the store is opened
}

Result<std::unique_ptr<SegmentWriter>> SegmentWriter::create(Files& files, std::string name, SegmentOptions options) {
  BONGSU_TRY(BlockFile file, BlockFile::create(files, name + ".tmp", options));
  std::unique_ptr<SegmentWriter> out(new SegmentWriter(files, std::move(name), std::move(file)));
  return out;
}

Result<void> SegmentWriter::part(std::uint32_t runs, std::span<const std::uint64_t> hashes,
                                 std::span<const std::uint64_t> ordered) {
  if (part_runs_.size() >= kMaxSegmentParts)
    return fail(ErrorCode::kTooLarge, fmt::format("a segment has at most {} parts", kMaxSegmentParts));
  dictionary_.add(static_cast<std::uint32_t>(part_runs_.size()), hashes, ordered);
  part_runs_.push_back(runs);
  return {};
}

Result<void> SegmentWriter::add(std::string_view payload, const BlockFacts& facts,
                                std::span<const std::uint64_t> hashes, std::span<const std::uint64_t> ordered) {
  BONGSU_TRY_VOID(part(0, hashes, ordered));
  return add(payload, facts);
}

Result<void> SegmentWriter::add(std::string_view payload, const BlockFacts& facts) {
  const auto parts = static_cast<std::uint32_t>(part_runs_.size()) - first_part_;
  BONGSU_CHECK(parts > 0);
  BONGSU_TRY(BlockInfo info, file_.add(payload, facts));
  info.first_part = first_part_;
  info.parts = parts;
  first_part_ += parts;
  infos_.push_back(info);
  lines_bytes_ += facts.lines_bytes;
  return {};
}

Result<void> SegmentWriter::finish(SegmentFacts facts) {
  const std::string dictionary = dictionary_.finish(first_part_);
  if (dictionary.size() > kMaxDictionaryBytes)
    return fail(ErrorCode::kTooLarge, fmt::format("a segment's dictionary has at most {} bytes", kMaxDictionaryBytes));
  dictionary_bytes_ = dictionary.size();
  const std::uint64_t dictionary_at = file_.bytes();
  BONGSU_TRY_VOID(file_.file().append(dictionary));

  std::string manifest;
  put_varint(manifest, static_cast<std::uint64_t>(facts.created.micros()));
  put_fixed(manifest, facts.keyed_by);
  put_varint(manifest, facts.sources.size());
  for (const auto& source : facts.sources) put_text(manifest, source);
  put_varint(manifest, facts.covers.size());
  for (const Cover& cover : facts.covers) {
    put_text(manifest, cover.stream);
    put_text(manifest, cover.position);
  }
  put_varint(manifest, infos_.size());
  for (const BlockInfo& info : infos_) {
    put_varint(manifest, info.offset);
    put_varint(manifest, info.stored_bytes);
    put_varint(manifest, info.raw_bytes);
    put_varint(manifest, info.facts.lines_bytes);
    put_varint(manifest, info.facts.events);
    put_varint(manifest, flags_of(info.facts));
    put_fixed(manifest, info.facts.first_s);
    put_fixed(manifest, info.facts.last_s);
    put_varint(manifest, info.parts);
    for (std::uint32_t i = 0; info.parts > 1 && i < info.parts; ++i)
      put_varint(manifest, part_runs_[info.first_part + i]);
  }
  if (manifest.size() > kMaxManifestBytes)
    return fail(ErrorCode::kTooLarge, fmt::format("a segment's manifest has at most {} bytes", kMaxManifestBytes));
  const std::uint64_t manifest_at = dictionary_at + dictionary.size();
  BONGSU_TRY_VOID(file_.file().append(manifest));

  std::string foot;
  put_fixed(foot, dictionary_at);
  put_fixed(foot, static_cast<std::uint64_t>(dictionary.size()));
  put_fixed(foot, checksum(dictionary, dictionary_at));
  put_fixed(foot, manifest_at);
  put_fixed(foot, static_cast<std::uint64_t>(manifest.size()));
  put_fixed(foot, checksum(manifest, manifest_at));
  put_fixed(foot, static_cast<std::uint64_t>(infos_.size()));
  put_fixed(foot, kEndMagic);
  put_fixed(foot, checksum(foot, manifest_at + manifest.size()));
  BONGSU_TRY_VOID(file_.file().append(foot));
  BONGSU_TRY_VOID(file_.sync());
  BONGSU_TRY_VOID(files_.rename(temporary_, name_));
  finished_ = true;
  return files_.sync_directory();
}

}  // namespace bongsu::telemetry
