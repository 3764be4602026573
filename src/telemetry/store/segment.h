// A segment: a file of stored telemetry that never changes. Blocks of lines, a dictionary of the keys in them, and a
// manifest.
//
//   BONGSU_TRY(auto writer, SegmentWriter::create(files, "0000000000000001.seg", {.seed = seed}));
//   writer->part(runs, hashes, ordered);                   // the keys in each of its parts
//   writer->add(payload, facts);                           // block by block
//   writer->finish({.created = clock.now()});              // now it is there, whole; before it was not there at all
//
//   BONGSU_TRY(auto segment, SegmentFile::open(files, "0000000000000001.seg"));
//   for (const Error& damage : segment->damage()) …        // what of it cannot be used
//   BONGSU_TRY(Block block, segment->read(3));             // all of it
//   BONGSU_TRY(Block some, segment->read(3, parts));       // the runs of some of its parts
//
// A dictionary's numbers are those of *parts*: pieces of a block of a few lines each, counted through the segment. A
// block is decompressed as a whole; of its lines only those need to be looked at that may hold a key.
//
// Everything in the file is under a checksum (XXH3), compressed bytes before they are decompressed. Damage costs what
// it hit: a block that block, the dictionary that every block has to be looked at, the manifest that the blocks are
// found by walking over their heads. README.md has the bytes.
//
// A SegmentFile is safe from several threads, and good as long as its Files. One that was removed meanwhile (retention)
// is kNotFound when it is read. A SegmentWriter belongs to one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "telemetry/store/block.h"
#include "telemetry/store/dictionary.h"
#include "telemetry/store/files.h"

namespace bongsu::telemetry {

inline constexpr std::size_t kMaxBlockBytes = 16 * 1024 * 1024;      // decompressed; the size is declared and held to
inline constexpr std::size_t kMaxManifestBytes = 256 * 1024 * 1024;  // as stored
inline constexpr int kSegmentZstdLevel = 3;

// What is known of a block without reading it.
struct BlockFacts {
  std::uint64_t lines_bytes = 0;  // of the lines alone
  std::uint32_t events = 0;
  std::uint32_t formats = 0;  // bit of each Format that is in it
  // Of the events' own times, in seconds since 1970. `untimed`: some event has none, or nobody looked.
  bool untimed = true;
  std::int64_t first_s = 0, last_s = 0;  // first > last: no event has a time
  // Of a spool: with this block everything before it became durable together.
  bool commit = false;
  bool operator==(const BlockFacts&) const = default;
};

struct BlockInfo {
  std::uint64_t offset = 0;  // of its head in the file
  std::uint32_t stored_bytes = 0, raw_bytes = 0;
  std::uint32_t first_part = 0, parts = 1;  // numbers of its parts in the segment; 1: the block as a whole
  BlockFacts facts;
};

// Of the segment as a whole.
struct SegmentFacts {
  Instant created;                   // when it was written
  std::uint64_t keyed_by = 0;        // which rules made the dictionary's keys; opaque
  std::vector<std::string> sources;  // names of the streams in it
  std::vector<Cover> covers;         // how far streams are stored with it; the last one of a stream counts
};

struct SegmentOptions {
  std::uint64_t seed = 0;  // of the keys' hashes; the same in all segments of a store
  int zstd_level = kSegmentZstdLevel;
};

// Blocks behind a head, one after the other: a segment in the making, or a spool (store.h), which stays like that.
class BlockFile {
 public:
  static Result<BlockFile> create(Files& files, const std::string& name, SegmentOptions options);
  Result<BlockInfo> add(std::string_view payload, const BlockFacts& facts);
  Result<void> sync() { return file_->sync(); }
  std::uint64_t bytes() const { return bytes_; }
  AppendFile& file() { return *file_; }

 private:
  struct Compressor;
  BlockFile();

  std::unique_ptr<AppendFile> file_;
  std::shared_ptr<Compressor> compressor_;
  std::uint64_t bytes_ = 0;
  std::uint32_t blocks_ = 0;
};

class SegmentWriter {
 public:
  static Result<std::unique_ptr<SegmentWriter>> create(Files& files, std::string name, SegmentOptions options);
  // Removes the temporary file unless finish() was reached.
  ~SegmentWriter();
  SegmentWriter(const SegmentWriter&) = delete;
  SegmentWriter& operator=(const SegmentWriter&) = delete;

  // The keys in the next `runs` runs of the block that add() writes. kTooLarge: kMaxSegmentParts.
  Result<void> part(std::uint32_t runs, std::span<const std::uint64_t> hashes, std::span<const std::uint64_t> ordered);
  // The block of the parts that were told since the last one. kTooLarge: kMaxBlockBytes.
  Result<void> add(std::string_view payload, const BlockFacts& facts);
  // A block of one part.
  Result<void> add(std::string_view payload, const BlockFacts& facts, std::span<const std::uint64_t> hashes,
                   std::span<const std::uint64_t> ordered);
  // Dictionary and manifest, fsync, rename, fsync of the directory.
  Result<void> finish(SegmentFacts facts);

  std::size_t blocks() const { return infos_.size(); }
  std::uint64_t lines_bytes() const { return lines_bytes_; }
  std::uint64_t dictionary_bytes() const { return dictionary_bytes_; }

 private:
  SegmentWriter(Files& files, std::string name, BlockFile file);
  Files& files_;
  std::string name_, temporary_;
  BlockFile file_;
  std::vector<BlockInfo> infos_;
  std::vector<std::uint32_t> part_runs_;  // of all parts
  std::uint32_t first_part_ = 0;          // of the block that comes next
  DictionaryBuilder dictionary_;
  std::uint64_t lines_bytes_ = 0, dictionary_bytes_ = 0;
  bool finished_ = false;
};

class SegmentFile {
 public:
  // kNotFound, kIo; kCorrupt when not even its head can be used. Lesser damage is in damage().
  static Result<std::shared_ptr<const SegmentFile>> open(const Files& files, const std::string& name);
  // A file of blocks without dictionary and manifest: what is there up to the first block that is not whole.
  static Result<std::shared_ptr<const SegmentFile>> open_spool(const Files& files, const std::string& name);

  const std::string& name() const { return name_; }
  const std::string& path() const { return path_; }
  std::uint64_t seed() const { return seed_; }
  std::uint64_t size() const { return size_; }
  std::span<const BlockInfo> blocks() const { return blocks_; }
  const SegmentFacts& facts() const { return facts_; }
  bool has_manifest() const { return has_manifest_; }
  std::uint64_t dictionary_bytes() const { return dictionary_size_; }
  std::uint64_t lines_bytes() const;
  std::uint64_t events() const;

  // What was wrong at opening, each with its place.
  const std::vector<Error>& damage() const { return damage_; }

  std::uint32_t parts() const { return blocks_.empty() ? 0 : blocks_.back().first_part + blocks_.back().parts; }

  // kCorrupt names the block. `parts`, rising: of which of its parts the runs are wanted, numbered within the segment;
  // all of them when it is empty.
  Result<Block> read(std::size_t block, std::span<const std::uint32_t> parts = {}) const;
  // Read and checked the first time, then kept until forget_dictionary(). kCorrupt; kNotFound for a spool.
  Result<std::shared_ptr<const KeyDictionary>> dictionary() const;
  void forget_dictionary() const;

  // Reads everything. Empty: all is well.
  std::vector<Error> verify() const;

 private:
  SegmentFile() = default;
  static Result<std::shared_ptr<SegmentFile>> open_head(const Files& files, const std::string& name);
  Result<void> read_manifest();
  void walk_blocks();
  std::unexpected<Error> broken(std::string message, std::uint64_t offset) const;
  Result<std::string> read_bytes(std::uint64_t offset, std::size_t size) const;
  Result<BlockInfo> read_head(std::uint64_t offset, std::uint32_t number) const;

  std::string name_, path_;
  // Opened for each read: there may be more segments than descriptors.
  const Files* files_ = nullptr;
  std::uint64_t size_ = 0;
  std::uint64_t seed_ = 0;
  std::uint32_t version_ = 0;
  std::vector<BlockInfo> blocks_;
  std::vector<std::uint32_t> part_runs_;  // of all parts; empty: each block is one
  SegmentFacts facts_;
  bool has_manifest_ = false, spool_ = false;
  std::uint64_t dictionary_at_ = 0, dictionary_size_ = 0, dictionary_sum_ = 0;
  std::vector<Error> damage_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const KeyDictionary> dictionary_;
};
using SegmentFilePtr = std::shared_ptr<const SegmentFile>;

}  // namespace bongsu::telemetry
