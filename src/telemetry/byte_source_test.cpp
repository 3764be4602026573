#include "telemetry/byte_source.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <zlib.h>
#include <zstd.h>

#include <fstream>
#include <vector>

namespace bongsu::telemetry {
namespace {

std::string zstd_frame(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

std::string gzip_member(const std::string& text) {
  z_stream z{};
  EXPECT_EQ(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&z, text.size()), '\0');
  z.next_in = reinterpret_cast<unsigned char*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<unsigned>(text.size());
  z.next_out = reinterpret_cast<unsigned char*>(out.data());
  z.avail_out = static_cast<unsigned>(out.size());
  EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

Result<std::string> all(const std::string& bytes) { return read_all(*open_memory(bytes, "memory"), 1 << 24); }

std::string long_text() {
  std::string out;
  std::uint32_t x = 1;
  for (int i = 0; i < 100'000; ++i) out += "line " + std::to_string(x = x * 1664525 + 1013904223) + "\n";
  return out;
}

TEST(ByteSource, GivesPlainBytesAsTheyAre) {
  EXPECT_EQ(*all(""), "");
  EXPECT_EQ(*all("x"), "x");
  EXPECT_EQ(*all(long_text()), long_text());
}

TEST(ByteSource, ReadsGzipWithSeveralMembersAndPadding) {
  EXPECT_EQ(*all(gzip_member(long_text())), long_text());
  EXPECT_EQ(*all(gzip_member("a") + gzip_member("") + gzip_member("b")), "ab");
  EXPECT_EQ(*all(gzip_member("a") + std::string(100, '\0')), "a");
}

TEST(ByteSource, OnlyDecompressesWhatOthersSend) {
  const std::string log = std::string("ElfFile\0", 8) + std::string(100, 'x');
  for (const std::string& bytes : {gzip_member(log), zstd_frame(log), log}) {
    EXPECT_EQ(*read_all(*open_compressed_memory(bytes, "body"), 1 << 24), log);
    EXPECT_FALSE(all(bytes));  // a Windows event log that is cut off
  }
  EXPECT_EQ(*read_all(*open_compressed_memory(gzip_member(gzip_member("a")), "body"), 1 << 24), gzip_member("a"));
}

TEST(ByteSource, RefusesAPacketCaptureAndSaysWhatToDo) {
  const std::string rest(1000, 'x'), pcapng_order("\x4d\x3c\x2b\x1a"), size("\x1c\0\0\0", 4);
  const std::string captures[] = {"\xd4\xc3\xb2\xa1" + rest, "\xa1\xb2\xc3\xd4" + rest, "\x4d\x3c\xb2\xa1" + rest, "\xa1\xb2\x3c\x4d", "\n\r\r\n" + size + pcapng_order + rest,
                                  "\n\r\r\n" + size + "\x1a\x2b\x3c\x4d"};
  for (const std::string& capture : captures)
    for (const std::string& bytes : {capture, gzip_member(capture), zstd_frame(capture)}) {
      const auto read = read_all(*open_memory(bytes, "day.pcap"), 1 << 24);
      ASSERT_FALSE(read);
      EXPECT_EQ(read.error().code, ErrorCode::kUnsupported);
      EXPECT_NE(read.error().message.find("tshark"), std::string::npos);
      EXPECT_EQ(read.error().where.source, "day.pcap");
    }
  for (const std::string& text : {std::string("\n\r\r\n"), "\n\r\r\n" + rest, "\n\r\r\n" + size + "\x4d\x3c\x2b", std::string("\xd4\xc3\xb2"), "x\xd4\xc3\xb2\xa1" + rest, std::string("ElfFil")})
    EXPECT_EQ(*all(text), text);
}

TEST(ByteSource, ReadsZstdWithSeveralFramesAndSkippableOnes) {
  EXPECT_EQ(*all(zstd_frame(long_text())), long_text());
  const std::string skippable("\x50\x2a\x4d\x18\x03\0\0\0abc", 11);
  EXPECT_EQ(*all(skippable + zstd_frame("a") + skippable + zstd_frame("") + zstd_frame("b")), "ab");
}

TEST(ByteSource, DeliversWhatIsThereBeforeItNamesACut) {
  for (const std::string& whole : {zstd_frame(long_text()), gzip_member(long_text())}) {
    const auto source = open_memory(whole.substr(0, whole.size() / 2), "cut");
    std::string got;
    std::vector<char> buffer(1000);
    while (true) {
      const auto n = source->read(buffer.data(), buffer.size());
      if (!n) {
        EXPECT_EQ(n.error().code, ErrorCode::kCorrupt);
        EXPECT_NE(n.error().message.find("ends in the middle"), std::string::npos) << n.error().message;
        EXPECT_EQ(n.error().where.source, "cut");
        break;
      }
      ASSERT_NE(*n, 0U) << "a cut stream must not end quietly";
      got.append(buffer.data(), *n);
    }
    EXPECT_GT(got.size(), 100'000U);
    EXPECT_TRUE(long_text().starts_with(got));
  }
}

TEST(ByteSource, NamesDamage) {
  std::string gzip = gzip_member(long_text());
  gzip[gzip.size() / 2] = static_cast<char>(gzip[gzip.size() / 2] ^ 0x55);
  gzip[gzip.size() / 2 + 1] = static_cast<char>(gzip[gzip.size() / 2 + 1] ^ 0xff);
  EXPECT_EQ(all(gzip).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(all(std::string("\x28\xb5\x2f\xfd\xff\xff\xff\xff\xff\xff\xff\xff", 12)).error().code, ErrorCode::kCorrupt);
}

TEST(ByteSource, ABombCostsTimeNotMemory) {
  std::string bomb;
  const std::string frame = zstd_frame(std::string(64 << 20, 'a'));
  for (int i = 0; i < 8; ++i) bomb += frame;  // 512 MiB in 50 kB
  ASSERT_LT(bomb.size(), 100'000U);
  rusage before{};
  getrusage(RUSAGE_SELF, &before);
  const auto source = open_memory(bomb, "bomb");
  std::vector<char> buffer(65536);
  std::uint64_t total = 0;
  while (true) {
    const auto n = source->read(buffer.data(), buffer.size());
    ASSERT_TRUE(n);
    if (*n == 0) break;
    total += *n;
  }
  EXPECT_EQ(total, 8ULL * (64 << 20));
#ifndef BONGSU_SANITIZED
  rusage after{};
  getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 140'000) << "kB";  // a window is at most 128 MiB
#endif
}

TEST(ByteSource, SaysWhyAFileCannotBeOpened) {
  EXPECT_EQ(open_source("/nonexistent/file").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(open_source("/").error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace bongsu::telemetry
