#include "telemetry/store/store.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <zstd.h>

#include <algorithm>
#include <map>
#include <set>

#include "telemetry/store/bytes_codec.h"
#include "telemetry/store/memory_files.h"
#include "telemetry/store/segment_format.h"

namespace bongsu::telemetry {
namespace {

LineBatch batch(std::string source, std::string data, std::uint64_t offset = 0, std::uint64_t line = 1,
                TsvHeaderPtr header = nullptr) {
  return {std::make_shared<const std::string>(std::move(source)), std::move(data), offset, line, std::move(header)};
}

constexpr std::string_view kZeek =
    "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n"
    "#fields\tts\tquery\tanswers\n#types\ttime\tstring\tvector[string]\n";

TEST(Block, GivesBackRunsAsTheyWereRead) {
  TsvHeaderPtr header = parse_tsv_header(kZeek);
  ASSERT_NE(header, nullptr);
  BlockBuilder builder;
  const std::vector<LineBatch> batches = {
      batch("a.log", "one\ntwo\n", 100, 7), batch("a.log", "three\n", 108, 9),  // goes on: one run
      batch("dns.log", "1.5\tevil.example\t-\n", 4000, 30, header), batch("b.log", "last without newline", 0, 1)};
  for (const auto& one : batches) {
    BlockBuilder::Cursor cursor;
    builder.add(one, cursor, 1 << 20);
    EXPECT_EQ(cursor.at, one.data.size());
  }
  const std::vector<Cover> covers = {{"a.log", "{\"offset\":114}"}};
  const auto block = decode_block(builder.take(covers));
  ASSERT_TRUE(block) << block.error().text();
  EXPECT_TRUE(builder.empty());
  ASSERT_EQ(block->runs.size(), 3U);
  EXPECT_EQ(block->covers, covers);
  EXPECT_EQ(block->runs[0].data, "one\ntwo\nthree\n");
  EXPECT_EQ(block->runs[0].offset, 100U);
  EXPECT_EQ(block->runs[0].first_line, 7U);
  EXPECT_EQ(*block->runs[1].source, "dns.log");
  ASSERT_NE(block->runs[1].header, nullptr);
  EXPECT_EQ(tsv_header_text(*block->runs[1].header), tsv_header_text(*header));
  EXPECT_EQ(block->runs[1].header->columns[2].type, "vector[string]");
  EXPECT_TRUE(block->runs[1].header->columns[2].list);
  EXPECT_EQ(block->runs[2].data, "last without newline");
}

TEST(Block, ALineIsNeverCutAndAHeaderInTheMiddleHoldsForWhatFollows) {
  const LineBatch whole = batch("dns.log", std::string(kZeek) + "1.5\ta.example\tx\n2.5\tb.example\ty\n", 50, 11);
  BlockBuilder::Cursor cursor;
  std::string together;
  std::vector<LineBatch> runs;
  while (cursor.at < whole.data.size()) {
    BlockBuilder builder;
    builder.add(whole, cursor, 1);  // a line each
    auto block = decode_block(builder.take());
    ASSERT_TRUE(block);
    ASSERT_EQ(block->runs.size(), 1U);
    EXPECT_EQ(block->runs[0].offset, 50 + together.size());
    EXPECT_EQ(block->runs[0].first_line, 11 + runs.size());
    together += block->runs[0].data;
    runs.push_back(std::move(block->runs[0]));
  }
  EXPECT_EQ(together, whole.data);
  ASSERT_EQ(runs.size(), 9U);
  BadLines bad;
  EventParser parser(bad);
  parser.start(runs[8]);
  const EventView* event = parser.next();
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(event->format, Format::kZeekTsv);
  EXPECT_EQ(bad.count(), 0U);
}

// The twin is a map.
TEST(Dictionary, FindsWhatAMapFinds) {
  SeededRandom random(7);
  for (const std::uint32_t blocks : {1U, 3U, 64U, 5000U}) {
    for (const int size : {0, 1, 5, 400, 20'000}) {
      std::map<std::uint64_t, std::set<std::uint32_t>> hashes, ordered;
      DictionaryBuilder builder;
      std::vector<std::vector<std::uint64_t>> h(blocks), o(blocks);
      std::vector<std::uint64_t> known;
      for (int i = 0; i < size; ++i) {
        // Some keys stand in many blocks, most in one.
        if (known.empty() || random.below(3) > 0) known.push_back(random.next() & ~0xffffULL);
        const std::uint64_t key =
            known[random.below(random.below(4) == 0 ? std::min<std::size_t>(known.size(), 4) : known.size())];
        const auto block = static_cast<std::uint32_t>(random.below(blocks));
        hashes[key].insert(block);
        h[block].push_back(key);
        const std::uint64_t value = random.below(1000);
        ordered[value].insert(block);
        o[block].push_back(value);
      }
      for (std::uint32_t b = 0; b < blocks; ++b) builder.add(b, h[b], o[b]);
      auto dictionary = KeyDictionary::open(builder.finish(blocks), blocks);
      ASSERT_TRUE(dictionary) << dictionary.error().text();
      EXPECT_EQ(dictionary->keys(), hashes.size());
      EXPECT_EQ(dictionary->ordered_keys(), ordered.size());
      std::vector<std::uint64_t> asked;
      for (const auto& [key, in] : hashes) asked.push_back(key | random.below(65536));  // bits that are not kept
      for (int i = 0; i < 200; ++i) asked.push_back(random.next());
      std::ranges::sort(asked);
      std::map<std::uint64_t, std::set<std::uint32_t>> found;
      dictionary->find(asked, [&](std::size_t i, std::span<const std::uint32_t> in) {
        EXPECT_TRUE(std::ranges::is_sorted(in));
        found[asked[i] & ~0xffffULL] = {in.begin(), in.end()};
      });
      EXPECT_EQ(found, hashes) << blocks << " blocks, " << size << " keys";
      for (int i = 0; i < 50; ++i) {
        const std::uint64_t low = random.below(1000), high = low + random.below(50);
        std::set<std::uint32_t> expected, got;
        for (auto at = ordered.lower_bound(low); at != ordered.end() && at->first <= high; ++at)
          expected.insert(at->second.begin(), at->second.end());
        dictionary->find_range(low, high, [&](std::span<const std::uint32_t> in) { got.insert(in.begin(), in.end()); });
        EXPECT_EQ(got, expected);
      }
    }
  }
}

// Blocks of one line each; the line's number is its key.
std::string line_of(int i) { return fmt::format("line {} of telemetry\n", i); }
std::uint64_t key_of(int i) { return static_cast<std::uint64_t>(i + 1) * 0x9e3779b97f4a7c15; }

void write_segment(MemoryFiles& files, const std::string& name, int blocks) {
  auto writer = SegmentWriter::create(files, name, {.seed = 5});
  ASSERT_TRUE(writer);
  for (int i = 0; i < blocks; ++i) {
    BlockBuilder builder;
    BlockBuilder::Cursor cursor;
    builder.add(batch("s.log", line_of(i), static_cast<std::uint64_t>(i) * 100, static_cast<std::uint64_t>(i) + 1),
                cursor, 1 << 20);
    const std::uint64_t key = key_of(i), ordered = static_cast<std::uint64_t>(i);
    const std::size_t bytes = builder.bytes();
    ASSERT_TRUE((*writer)->add(builder.take(),
                               {.lines_bytes = bytes, .events = 1, .untimed = false, .first_s = i, .last_s = i},
                               {&key, 1}, {&ordered, 1}));
  }
  ASSERT_TRUE(
      (*writer)->finish({.created = {1000, 0}, .keyed_by = 42, .sources = {"s.log"}, .covers = {{"s.log", "end"}}}));
}

TEST(Segment, IsReadAsItWasWritten) {
  MemoryFiles files;
  write_segment(files, "a.seg", 6);
  EXPECT_EQ(files.list()->size(), 1U) << "the temporary file is gone";
  auto segment = SegmentFile::open(files, "a.seg");
  ASSERT_TRUE(segment) << segment.error().text();
  EXPECT_TRUE((*segment)->verify().empty());
  EXPECT_EQ((*segment)->seed(), 5U);
  EXPECT_EQ((*segment)->facts().keyed_by, 42U);
  EXPECT_EQ((*segment)->facts().sources, std::vector<std::string>{"s.log"});
  EXPECT_EQ((*segment)->events(), 6U);
  ASSERT_EQ((*segment)->blocks().size(), 6U);
  EXPECT_EQ((*segment)->blocks()[4].facts.first_s, 4);
  EXPECT_EQ((*segment)->read(4)->runs.at(0).data, line_of(4));
  const std::uint64_t key = key_of(2);
  std::vector<std::uint32_t> in;
  (*(*segment)->dictionary())->find({&key, 1}, [&](std::size_t, auto blocks) {
    in.assign(blocks.begin(), blocks.end());
  });
  EXPECT_EQ(in, std::vector<std::uint32_t>{2});
}

// Every byte is under a checksum; what is damaged is named, and everything else can be read.
TEST(Segment, GivesTheRunsOfSomeOfItsParts) {
  MemoryFiles files;
  auto writer = SegmentWriter::create(files, "a.seg", {.seed = 5});
  ASSERT_TRUE(writer);
  std::string lines;
  for (int i = 0; i < 40; ++i) lines += line_of(i);
  BlockBuilder builder(50);  // two lines and a bit: three lines a part
  BlockBuilder::Cursor cursor;
  std::vector<LineBatch> runs;  // one a part
  while (cursor.at < lines.size()) {
    builder.add(batch("s.log", lines, 1000, 7), cursor, 400);
    const auto in_block = builder.runs();
    ASSERT_EQ(in_block.size(), builder.parts().size()) << "one stream: one run a part";
    for (const LineBatch& run : in_block) {
      const std::uint64_t key = key_of(static_cast<int>(runs.size()));
      ASSERT_TRUE((*writer)->part(1, {&key, 1}, {}));
      runs.push_back(run);
    }
    ASSERT_TRUE((*writer)->add(builder.take(), {.lines_bytes = 400}));
  }
  ASSERT_TRUE((*writer)->finish({.created = {1, 0}, .sources = {}, .covers = {}}));

  const auto segment = SegmentFile::open(files, "a.seg");
  ASSERT_TRUE(segment) << segment.error().text();
  ASSERT_EQ((*segment)->parts(), runs.size());
  ASSERT_GT((*segment)->blocks().size(), 1U);
  std::string together;
  for (std::size_t number = 0; number < (*segment)->blocks().size(); ++number) {
    const BlockInfo& info = (*segment)->blocks()[number];
    ASSERT_GT(info.parts, 2U);
    const auto all = (*segment)->read(number);
    ASSERT_TRUE(all);
    ASSERT_EQ(all->runs.size(), 1U) << "runs that go on are one";
    EXPECT_EQ(all->runs[0].first_line, runs[info.first_part].first_line);
    together += all->runs[0].data;
    for (std::uint32_t part = info.first_part; part < info.first_part + info.parts; ++part) {
      const std::uint32_t last = info.first_part + info.parts - 1;
      const std::vector<std::uint32_t> wanted = part == last ? std::vector{part} : std::vector{part, last};
      const auto some = (*segment)->read(number, wanted);
      ASSERT_TRUE(some);
      ASSERT_EQ(some->runs.size(), wanted.size());
      for (std::size_t i = 0; i < wanted.size(); ++i) {
        EXPECT_EQ(some->runs[i].data, runs[wanted[i]].data);
        EXPECT_EQ(some->runs[i].offset, runs[wanted[i]].offset);
        EXPECT_EQ(some->runs[i].first_line, runs[wanted[i]].first_line);
      }
      const std::uint64_t key = key_of(static_cast<int>(part));
      std::vector<std::uint32_t> found;
      (*(*segment)->dictionary())->find({&key, 1}, [&](std::size_t, auto parts) {
        found.assign(parts.begin(), parts.end());
      });
      EXPECT_EQ(found, std::vector{part});
    }
  }
  EXPECT_EQ(together, lines);
}

// What version 1 wrote: two blocks of a line each, a key in both and one in each, an ordered key in each.
TEST(Segment, OfTheFirstVersionIsReadAsItWasWritten) {
  constexpr std::string_view kHex =
      "42475355534547310100000000000000050000000000000037c9d8a709f2b93647424c4b000000001f00000016000000070000000000"
      "0000010000000000000064000000000000006400000000000000f4733c59ff2ce88d0000000000000000fffa9bbfc4e59c1b28b52ffd"
      "2016b100000105732e6c6f6700000100000001076c696e6520300a47424c4b010000001f000000160000000700000000000000010000"
      "0000000000650000000000000065000000000000007ada7f2087c3066300000000000000006875a5f00752282328b52ffd2016b10000"
      "0105732e6c6f6700000100000702076c696e6520310a3000000000000000030000000000000002000000000000000500000000000000"
      "0000000000000000030000000300000000000000341200000001341200000000cdab00000000000000000100000affffffff0200000a"
      "ffffffff030000000400000000040300048094ebdc032a000000000000000105732e6c6f670105732e6c6f6703656e6402201f160701"
      "006400000000000000640000000000000087011f1607010065000000000000006500000000000000ee00000000000000670000000000"
      "000024706536ac94479655010000000000004d00000000000000ab1be86d636da3d1020000000000000042475355454e4431e8d1b8e2"
      "4454a3fd";
  std::string bytes;
  for (std::size_t i = 0; i < kHex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(kHex.substr(i, 2)), nullptr, 16));
  MemoryFiles files;
  ASSERT_TRUE(files.create("v1.seg"));
  files.bytes("v1.seg") = bytes;
  const auto segment = SegmentFile::open(files, "v1.seg");
  ASSERT_TRUE(segment) << segment.error().text();
  EXPECT_EQ((*segment)->verify().size(), 0U);
  EXPECT_EQ((*segment)->facts().keyed_by, 42U);
  EXPECT_EQ((*segment)->facts().covers, (std::vector<Cover>{{"s.log", "end"}}));
  ASSERT_EQ((*segment)->blocks().size(), 2U);
  EXPECT_EQ((*segment)->parts(), 2U);
  const auto dictionary = (*segment)->dictionary();
  ASSERT_TRUE(dictionary);
  std::vector<std::vector<std::uint32_t>> found;
  const auto take = [&](auto parts) { found.emplace_back(parts.begin(), parts.end()); };
  const std::uint64_t keys[] = {0x1234'0000'0000'0000, 0x1234'0100'0000'0000, 0xabcd'0000'0000'0000};
  (*dictionary)->find(keys, [&](std::size_t, auto parts) { take(parts); });
  (*dictionary)->find_range(0xffff'ffff'0a00'0002, 0xffff'ffff'0a00'00ff, take);
  EXPECT_EQ(found, (std::vector<std::vector<std::uint32_t>>{{0}, {1}, {0, 1}, {1}}));
  const std::uint32_t second = 1;
  for (const auto& block : {(*segment)->read(1), (*segment)->read(1, {&second, 1})}) {
    ASSERT_TRUE(block);
    ASSERT_EQ(block->runs.size(), 1U);
    EXPECT_EQ(block->runs[0].data, "line 1\n");
    EXPECT_EQ(block->runs[0].offset, 7U);
    EXPECT_EQ(block->runs[0].first_line, 2U);
  }
}

TEST(Segment, AFlippedBitInAnyByteIsNamedAndCostsOnlyWhatItHit) {
  constexpr int kBlocks = 4;
  MemoryFiles good;
  write_segment(good, "a.seg", kBlocks);
  const std::string bytes = good.bytes("a.seg");
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    MemoryFiles files;
    ASSERT_TRUE(files.create("a.seg"));
    files.bytes("a.seg") = bytes;
    files.bytes("a.seg")[at] = static_cast<char>(files.bytes("a.seg")[at] ^ 1 << at % 8);
    auto segment = SegmentFile::open(files, "a.seg");
    if (!segment) {
      EXPECT_LT(at, segment_format::kHeadBytes) << segment.error().text();
      EXPECT_EQ(segment.error().where.source, "memory/a.seg");
      continue;
    }
    const auto damage = (*segment)->verify();
    ASSERT_FALSE(damage.empty()) << "byte " << at << " of " << bytes.size() << " stands under no checksum";
    for (const Error& error : damage) EXPECT_TRUE(error.where.has_offset) << error.text();
    std::set<std::string> lines;
    for (std::size_t i = 0; i < (*segment)->blocks().size(); ++i)
      if (auto block = (*segment)->read(i)) lines.insert(block->runs.at(0).data);
    EXPECT_GE(lines.size(), static_cast<std::size_t>(kBlocks - 1)) << "byte " << at;
  }
}

TEST(Segment, CutOffAnywhereGivesTheBlocksThatAreWhole) {
  MemoryFiles good;
  write_segment(good, "a.seg", 4);
  const std::string bytes = good.bytes("a.seg");
  const auto whole = SegmentFile::open(good, "a.seg");
  std::vector<std::uint64_t> ends;
  for (const auto& block : (*whole)->blocks())
    ends.push_back(block.offset + segment_format::kBlockHeadBytes + block.stored_bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    MemoryFiles files;
    ASSERT_TRUE(files.create("a.seg"));
    files.bytes("a.seg") = bytes.substr(0, size);
    auto segment = SegmentFile::open(files, "a.seg");
    if (!segment) {
      EXPECT_LT(size, segment_format::kHeadBytes);
      continue;
    }
    EXPECT_FALSE((*segment)->damage().empty());
    EXPECT_EQ((*segment)->dictionary().error().code, ErrorCode::kNotFound);
    const auto expected = std::ranges::count_if(ends, [&](std::uint64_t end) { return end <= size; });
    EXPECT_EQ((*segment)->blocks().size(), static_cast<std::size_t>(expected)) << size;
    for (std::size_t i = 0; i < (*segment)->blocks().size(); ++i) EXPECT_TRUE((*segment)->read(i));
  }
}

// A file by somebody who can compute checksums.
std::string forged(std::uint32_t raw_bytes, const std::string& stored) {
  using namespace segment_format;
  std::string out;
  put_fixed(out, kMagic);
  put_fixed(out, kVersion);
  put_fixed(out, std::uint32_t{0});
  put_fixed(out, std::uint64_t{1});
  put_fixed(out, checksum(out, 0));
  std::string head;
  put_fixed(head, kBlockMagic);
  put_fixed(head, std::uint32_t{0});
  put_fixed(head, static_cast<std::uint32_t>(stored.size()));
  put_fixed(head, raw_bytes);
  head.append(32, '\0');
  put_fixed(head, checksum(stored, kHeadBytes));
  put_fixed(head, std::uint64_t{0});
  put_fixed(head, checksum(head, kHeadBytes));
  return out + head + stored;
}

TEST(Segment, ABombIsNotUnpacked) {
  const std::string zeros(64 << 20, '\0');
  std::string stored(ZSTD_compressBound(zeros.size()), '\0');
  stored.resize(ZSTD_compress(stored.data(), stored.size(), zeros.data(), zeros.size(), 1));
  struct Case {
    std::uint32_t says;
    const char* error;
  };
  for (const Case& c : {Case{64 << 20, ""}, Case{0xffffffff, ""}, Case{1 << 20, "Destination buffer is too small"},
                        Case{0, "Destination"}}) {
    MemoryFiles files;
    ASSERT_TRUE(files.create("a.spool"));
    files.bytes("a.spool") = forged(c.says, stored);
    const auto spool = SegmentFile::open_spool(files, "a.spool");
    ASSERT_TRUE(spool);
    EXPECT_TRUE((*spool)->blocks().empty()) << "says " << c.says;
    const auto segment = SegmentFile::open(files, "a.spool");
    ASSERT_TRUE(segment);
    if (c.says > kMaxBlockBytes) {
      EXPECT_TRUE((*segment)->blocks().empty());
    } else {
      ASSERT_EQ((*segment)->blocks().size(), 1U);
      const auto block = (*segment)->read(0);
      ASSERT_FALSE(block);
      EXPECT_NE(block.error().message.find(c.error), std::string::npos) << block.error().text();
    }
  }
}

// ---- the store

struct Run {
  std::unique_ptr<TelemetryStore> store;
  FakeClock clock;
  SeededRandom random{3};
};

// The files outlive the store: a view that hands on.
class Borrowed final : public Files {
 public:
  explicit Borrowed(Files& files) : files_(files) {}
  Result<std::vector<Entry>> list() const override { return files_.list(); }
  Result<std::unique_ptr<AppendFile>> create(const std::string& name) override { return files_.create(name); }
  Result<std::unique_ptr<ReadFile>> open(const std::string& name) const override { return files_.open(name); }
  Result<void> rename(const std::string& from, const std::string& to) override { return files_.rename(from, to); }
  Result<void> remove(const std::string& name) override { return files_.remove(name); }
  Result<void> sync_directory() override { return files_.sync_directory(); }
  std::string path(const std::string& name) const override { return files_.path(name); }

 private:
  Files& files_;
};

Result<std::unique_ptr<TelemetryStore>> open_store(Files& files, const Clock& clock, StoreOptions options = {}) {
  SeededRandom random(3);
  options.spool_block_bytes = 8;
  return TelemetryStore::open(std::make_unique<Borrowed>(files), options, clock, random);
}

// All that is stored, spools and segments, in order.
std::vector<std::string> stored_lines(const TelemetryStore& store) {
  std::vector<std::string> out;
  const auto take = [&](const SegmentFilePtr& file) {
    for (std::size_t i = 0; i < file->blocks().size(); ++i) {
      auto block = file->read(i);
      ASSERT_TRUE(block) << block.error().text();
      for (const LineBatch& run : block->runs) {
        std::string_view data = run.data;
        while (!data.empty()) {
          const std::size_t end = data.find('\n') + 1;
          out.emplace_back(data.substr(0, end));
          data.remove_prefix(end);
        }
      }
    }
  };
  for (const auto& segment : store.segments()) take(segment);
  for (const auto& spool : store.spools()) take(spool.file);
  return out;
}

// Writes what is in the closed spools as a segment.
Result<void> seal(TelemetryStore& store, const Clock& clock) {
  const auto spools = store.spools();
  if (spools.empty()) return {};
  BONGSU_TRY(auto writer, store.new_segment(spools.back().number));
  std::vector<Cover> covers;
  for (const auto& spool : spools) {
    for (std::size_t i = 0; i < spool.file->blocks().size(); ++i) {
      BONGSU_TRY(const Block block, spool.file->read(i));
      BlockBuilder builder;
      for (const LineBatch& run : block.runs) {
        BlockBuilder::Cursor cursor;
        builder.add(run, cursor, 1 << 20);
      }
      const std::size_t bytes = builder.bytes();
      BONGSU_TRY_VOID(writer->add(builder.take(), {.lines_bytes = bytes}, {}, {}));
      covers.insert(covers.end(), block.covers.begin(), block.covers.end());
    }
  }
  BONGSU_TRY_VOID(writer->finish({.created = clock.now(), .covers = covers}));
  return store.replaced();
}

// What a node does: a few lines, a commit; now and then the spool is turned, and its segment written. Returns how many
// lines were acknowledged, and how many may be there besides (they were on their way when the power failed).
struct Written {
  int acknowledged = 0, begun = 0;
};
Written work(TelemetryStore& store, const Clock& clock, int from, int lines) {
  Written out{from, from};
  for (int i = from; i < from + lines; ++i) {
    out.begun = i + 1;
    if (!store.append(
            batch("s.log", line_of(i), static_cast<std::uint64_t>(i) * 100, static_cast<std::uint64_t>(i) + 1)))
      return out;
    if ((i - from) % 2 == 1)
      continue;  // two lines a commit; the blocks are so small that the first is on its way before
    if (!store.commit({{"s.log", std::to_string(i + 1)}})) return out;
    out.acknowledged = i + 1;
    if ((i - from) % 4 == 2 && !store.turn_spool()) return out;
    if ((i - from) % 8 == 6 && !seal(store, clock)) return out;
  }
  return out;
}

TEST(Store, LosesNothingAndDoublesNothingWhereverThePowerFails) {
  constexpr int kLines = 15;
  FakeClock clock;
  std::uint64_t steps;
  {
    MemoryFiles files;
    auto store = open_store(files, clock);
    ASSERT_TRUE(store);
    EXPECT_EQ(work(**store, clock, 0, kLines).acknowledged, kLines);
    steps = files.steps();
  }
  ASSERT_GT(steps, 60U);
  for (std::uint64_t cut = 0; cut <= steps; ++cut) {
    for (const auto unsynced :
         {MemoryFiles::Unsynced::kLost, MemoryFiles::Unsynced::kHalf, MemoryFiles::Unsynced::kKept}) {
      MemoryFiles files;
      Written written;
      {
        auto store = open_store(files, clock);
        ASSERT_TRUE(store);
        files.fail_after(cut);
        written = work(**store, clock, 0, kLines);
      }
      files.crash(unsynced);
      auto store = open_store(files, clock);
      ASSERT_TRUE(store) << store.error().text();
      EXPECT_TRUE((*store)->damage().empty()) << "cut at " << cut << ": " << (*store)->damage().front().text();
      const auto covers = (*store)->covers();
      const auto cover = covers.find("s.log");
      const int covered = cover == covers.end() ? 0 : std::stoi(cover->second);
      EXPECT_GE(covered, written.acknowledged) << "cut at " << cut;
      EXPECT_LE(covered, written.begun);
      std::vector<std::string> expected;
      for (int i = 0; i < covered; ++i) expected.push_back(line_of(i));
      EXPECT_EQ(stored_lines(**store), expected) << "cut at " << cut;
      for (const auto& segment : (*store)->segments()) EXPECT_TRUE(segment->verify().empty());
      // It goes on where it stopped.
      const Written more = work(**store, clock, covered, 7);
      EXPECT_EQ(more.acknowledged, covered + 7);
      ASSERT_TRUE((*store)->turn_spool());
      for (int i = covered; i < covered + 7; ++i) expected.push_back(line_of(i));
      EXPECT_EQ(stored_lines(**store), expected) << "cut at " << cut;
    }
  }
}

TEST(Store, AFullDiskCostsWhatCouldNotBeStoredAndIsCounted) {
  MemoryFiles files;
  FakeClock clock;
  auto store = open_store(files, clock);
  ASSERT_TRUE(store);
  ASSERT_EQ(work(**store, clock, 0, 1).acknowledged, 1);
  files.fail_after(0);
  EXPECT_FALSE((*store)->append(batch("s.log", line_of(2), 200, 3)));
  EXPECT_EQ((*store)->lost_bytes(), line_of(2).size());
  files.fail_after(1'000'000);
  ASSERT_TRUE((*store)->append(batch("s.log", line_of(3), 300, 4)));
  ASSERT_TRUE((*store)->commit({}));
  ASSERT_TRUE((*store)->turn_spool());
  EXPECT_EQ(stored_lines(**store), (std::vector<std::string>{line_of(0), line_of(3)}));
}

TEST(Store, KeepsByAgeAndBySizeTheNewestLast) {
  using namespace std::chrono_literals;
  MemoryFiles files;
  FakeClock clock;
  auto store = open_store(files, clock, {.keep_for = 100s, .keep_bytes = 1 << 20});
  ASSERT_TRUE(store);
  int line = 0;
  const auto day = [&] {
    ASSERT_TRUE((*store)->append(batch("s.log", line_of(line), 0, 1)));
    ASSERT_TRUE((*store)->commit({}));
    ASSERT_TRUE((*store)->turn_spool());
    ASSERT_TRUE(seal(**store, clock));
    ++line;
    clock.advance(40s);
  };
  for (int i = 0; i < 4; ++i) day();  // written at 0, 40, 80, 120; now 160
  auto retained = (*store)->retain();
  ASSERT_TRUE(retained);
  EXPECT_EQ(retained->segments, 2U);
  EXPECT_EQ(stored_lines(**store), (std::vector<std::string>{line_of(2), line_of(3)}));
  const std::uint64_t one = (*store)->segments().front()->size();
  store = open_store(files, clock, {.keep_for = 1h, .keep_bytes = one * 3 / 2});
  retained = (*store)->retain();
  ASSERT_TRUE(retained);
  EXPECT_EQ(retained->segments, 1U);
  EXPECT_EQ(retained->bytes, one);
  EXPECT_EQ(stored_lines(**store), std::vector<std::string>{line_of(3)});
}

TEST(Store, ADamagedSegmentIsNamedAndTheRestIsUsed) {
  MemoryFiles files;
  FakeClock clock;
  {
    auto store = open_store(files, clock);
    ASSERT_EQ(work(**store, clock, 0, 15).acknowledged, 15);  // two segments
    ASSERT_EQ((*store)->segments().size(), 2U);
  }
  files.bytes("0000000000000002.seg")[3] ^= 4;
  auto store = open_store(files, clock);
  ASSERT_TRUE(store);
  ASSERT_EQ((*store)->damage().size(), 1U);
  EXPECT_EQ((*store)->damage()[0].where.source, "memory/0000000000000002.seg");
  EXPECT_EQ((*store)->segments().size(), 1U);
  EXPECT_EQ(stored_lines(**store).size(), 8U);
}

}  // namespace
}  // namespace bongsu::telemetry
