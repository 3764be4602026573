#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"
#include "base/uuid.h"

namespace bongsu {
namespace {

TEST(Bytes, RoundTripsAndRefusesWhatIsNotBase64) {
  SeededRandom random(1);
  for (std::size_t n = 0; n < 70; ++n) {
    std::string data(n, '\0');
    random.fill({reinterpret_cast<std::uint8_t*>(data.data()), n});
    EXPECT_EQ(from_base64(to_base64(as_bytes(data))), data);
    EXPECT_EQ(from_base64url(to_base64url(as_bytes(data))), data);
    EXPECT_EQ(from_hex(to_hex(as_bytes(data))), data);
  }
  for (const char* bad : {"a", "a===", "ab=", "ab==c", "a b=", "AB==AB=="}) EXPECT_FALSE(from_base64(bad)) << bad;
  EXPECT_FALSE(from_base64("AB=="));  // stray bits
  EXPECT_TRUE(from_base64("AA=="));
}

TEST(Files, ReadsFilesAndPipesAndRefusesDirectories) {
  std::string form = (std::filesystem::temp_directory_path() / "bongsu-files-XXXXXX").string();
  const std::filesystem::path dir = mkdtemp(form.data());
  ASSERT_TRUE(write_file_atomically(dir / "file", "content"));
  EXPECT_EQ(read_small_file(dir / "file"), "content");
  EXPECT_EQ(read_small_file(dir / "file", 3).error().code, ErrorCode::kTooLarge);
  ASSERT_EQ(mkfifo((dir / "pipe").c_str(), 0600), 0);
  std::jthread writer([&] { std::ofstream(dir / "pipe") << "through a pipe"; });
  EXPECT_EQ(read_small_file(dir / "pipe"), "through a pipe");
  const auto directory = read_small_file(dir);
  ASSERT_FALSE(directory);
  EXPECT_EQ(directory.error().text(), dir.string() + ": cannot be read: it is a directory");
  writer.join();
  std::filesystem::remove_all(dir);
}

TEST(Text, TrimsBlanksAndControlCharactersAndNothingElse) {
  EXPECT_EQ(trim(" \t\r\n evil.example \r\n"), "evil.example");
  EXPECT_EQ(trim(std::string_view("\0a b\0", 5)), "a b");
  EXPECT_EQ(trim("\xc2\xa0x\xff"), "\xc2\xa0x\xff");
  EXPECT_EQ(trim(" \n "), "");
  EXPECT_EQ(trim(""), "");
}

TEST(Text, LettersAndDigitsAreAsciiOnly) {
  EXPECT_EQ(lowered("SHA-256 \xc3\x84@[`{"), "sha-256 \xc3\x84@[`{");
  int sum = 0, digits = 0;
  for (int c = 0; c < 256; ++c) {
    if (const int worth = hex_digit(static_cast<char>(c)); worth >= 0) sum += worth;
    digits += is_digit(static_cast<char>(c));
  }
  EXPECT_EQ(sum, 45 + 2 * (10 + 11 + 12 + 13 + 14 + 15));
  EXPECT_EQ(digits, 10);
}

TEST(Instant, ReadsRfc3339AndKeepsFarDates) {
  EXPECT_EQ(Instant::parse("1970-01-01T00:00:00Z"), (Instant{0, 0}));
  EXPECT_EQ(Instant::parse("9999-12-31T23:59:59.999999999Z")->text(9), "9999-12-31T23:59:59.999999999Z");
  EXPECT_EQ(Instant::parse("2026-11-21T21:00:00.1234567891Z")->nanos, 123456789);
  EXPECT_EQ(Instant::parse("2026-11-21T21:00:00+02:00"), Instant::parse("2026-11-21T19:00:00Z"));
  EXPECT_EQ(Instant::parse("0001-01-01T00:00:00Z")->text(0), "0001-01-01T00:00:00Z");
  for (const char* bad : {"", "2026-02-30T00:00:00Z", "2026-11-21", "2026-11-21T25:00:00Z", "2026-11-21T00:00:00",
                          "2026-11-21T00:00:00.Z", "2026-11-21T00:00:00Zx", "2026-11-21 00:00:00Z"})
    EXPECT_FALSE(Instant::parse(bad)) << bad;
}

TEST(Instant, AddsAcrossSecondsAndKeepsMicrosBeforeTheEpoch) {
  using std::chrono::nanoseconds;
  EXPECT_EQ((Instant{10, 999'999'999} + nanoseconds{1}), (Instant{11, 0}));
  EXPECT_EQ((Instant{10, 0} - nanoseconds{1}), (Instant{9, 999'999'999}));
  for (const std::int64_t us : {-1'500'001LL, -1LL, 0LL, 1'700'000'000'123'456LL})
    EXPECT_EQ(Instant::from_micros(us).micros(), us);
}

TEST(Json, RefusesDuplicateKeysDepthAndTrailingText) {
  EXPECT_TRUE(parse_json(R"({"a":{"b":1},"b":[{"a":1},{"a":2}]})"));
  const auto duplicate = parse_json(R"({"a":{"id":1,"i\u0064":2}})");
  ASSERT_FALSE(duplicate);
  EXPECT_NE(duplicate.error().message.find("\"id\" twice"), std::string::npos);
  EXPECT_FALSE(parse_json("{} x"));
  EXPECT_FALSE(parse_json("2.449e99444"));
  EXPECT_TRUE(parse_json("2.449e-99444"));
  EXPECT_TRUE(parse_json(" {} \n"));
  EXPECT_FALSE(parse_json(""));
  EXPECT_FALSE(parse_json(std::string(200, '[') + std::string(200, ']')));
}

// RFC 8785, appendix B and §3.2.3.
TEST(Json, CanonicalTextFollowsRfc8785) {
  const auto canonical = [](std::string_view text) { return to_canonical_text(parse_json(text).value()).value(); };
  EXPECT_EQ(canonical("[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001]"),
            "[333333333.3333333,1e+30,4.5,0.002,1e-27]");
  EXPECT_EQ(canonical("[-0.0,1e21,1e20,5e-324,-1.7976931348623157e308,9007199254740992]"),
            "[0,1e+21,100000000000000000000,5e-324,-1.7976931348623157e+308,9007199254740992]");
  EXPECT_EQ(
      canonical("{\"\\u20ac\":1,\"\\r\":2,\"\\ufb33\":3,\"1\":4,\"\\ud83d\\ude00\":5,\"\\u0080\":6,\"\\u00f6\":7}"),
      "{\"\\r\":2,\"1\":4,\"\xc2\x80\":6,\"\xc3\xb6\":7,\"\xe2\x82\xac\":1,\"\xf0\x9f\x98\x80\":5,\"\xef\xac\xb3\":3}");
  EXPECT_FALSE(to_canonical_text(Json(9007199254740993)));
  EXPECT_FALSE(to_canonical_text(Json(std::uint64_t{9007199254740993})));
  EXPECT_EQ(to_canonical_text(Json(std::uint64_t{7})), "7") << "unsigned or not, the same number";
}

TEST(Json, StringsThatAreNotUtf8BecomeReplacementCharacters) {
  std::string out;
  append_json_string(out, "a\xff\"\n\xed\xa0\x80\xc3\xa9");
  EXPECT_EQ(out, "\"a\xef\xbf\xbd\\\"\\n\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xc3\xa9\"");
  EXPECT_TRUE(parse_json(out));
}

TEST(Uuid, NamesAreDeterministicAndTextRoundTrips) {
  const Uuid dns = *Uuid::parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8");
  EXPECT_EQ(Uuid::from_name(dns, "www.example.com").text(), "2ed6657d-e927-568b-95e1-2665a8aea6a2");  // RFC 9562 A.4
  EXPECT_FALSE(Uuid::parse("6ba7b810-9dad-11d1-80b4-00c04fd430cg"));
  SeededRandom random(7);
  const Uuid uuid = Uuid::random(random);
  EXPECT_EQ(uuid.version(), 4);
  EXPECT_EQ(Uuid::parse(uuid.text()), uuid);
}

TEST(Hash, KnownDigests) {
  EXPECT_EQ(to_hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha1("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_NE(hash64("a"), hash64(std::string_view("a\0", 2)));
}

}  // namespace
}  // namespace bongsu
