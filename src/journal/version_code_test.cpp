#include "journal/version_code.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"

namespace bongsu::journal {
namespace {

TEST(VersionCode, GivesTheKeyBackForEveryFormOfIt) {
  for (const std::string key :
       {"", "2024-01-31T10:00:00", "2024-01-31T10:00:00.1", "2024-01-31T10:00:00.12", "2024-01-31T10:00:00.123",
        "2024-01-31T10:00:00.000001", "0000-01-01T00:00:00", "9999-12-31T23:59:59.999999999999", "2024-02-30T00:00:00",
        "2024-01-31T10:00:60", "2024-01-31T10:00:00.", "2024-01-31T10:00:00.10", "2024-01-31T10:00:00.1x", "7",
        "not a timestamp", "2024-01-31 10:00:00"}) {
    EXPECT_EQ(decode_version_key(encode_version_key(key)), key);
  }
}

TEST(VersionCode, SortsAsTheInstantsDo) {
  SeededRandom random(7);
  std::vector<std::string> keys;
  for (int i = 0; i < 5000; ++i) {
    // Few distinct seconds and digits, so that neighbours and prefixes occur.
    std::string key = "2024-01-0" + std::to_string(1 + random.below(9)) + "T00:00:0" + std::to_string(random.below(3));
    const auto digits = random.below(6);
    if (digits > 0) key += '.';
    for (std::uint64_t d = 0; d < digits; ++d)
      key +=
          static_cast<char>((d + 1 == digits ? '1' : '0') + static_cast<char>(random.below(d + 1 == digits ? 9 : 3)));
    keys.push_back(key);
  }
  for (std::size_t i = 1; i < keys.size(); ++i)
    EXPECT_EQ(keys[i - 1] < keys[i], encode_version_key(keys[i - 1]) < encode_version_key(keys[i]))
        << keys[i - 1] << " " << keys[i];
}

TEST(VersionCode, TakesSevenBytesForMilliseconds) {
  EXPECT_EQ(encode_version_key("2024-01-31T10:00:00.123").size(), 7U);
}

TEST(VersionCode, DecodesAnyBytesWithoutHarm) {
  SeededRandom random(8);
  for (int i = 0; i < 10000; ++i) {
    std::string code(random.below(12), '\0');
    random.fill({reinterpret_cast<std::uint8_t*>(code.data()), code.size()});
    (void)decode_version_key(code);
  }
}

TEST(VersionText, IsFoundAgainFromItsDigits) {
  EXPECT_EQ(version_digits("2024-01-31T10:00:00", "2024-01-31T10:00:00.000Z"), 3);
  EXPECT_EQ(version_digits("2024-01-31T10:00:00", "2024-01-31T10:00:00Z"), 0);
  EXPECT_EQ(version_digits("2024-01-31T10:00:00.12", "2024-01-31T10:00:00.120Z"), 3);
  EXPECT_EQ(version_digits("2024-01-31T10:00:00.12", "2024-01-31T10:00:00.13Z"), std::nullopt);
  EXPECT_EQ(version_digits("2024-01-31T10:00:00", ""), std::nullopt);
  EXPECT_EQ(version_text("2024-01-31T10:00:00.12", 6), "2024-01-31T10:00:00.120000Z");
}

TEST(ObjectId, SplitsAndJoinsWithoutLoss) {
  for (const std::string id :
       {"indicator--2a1b0c3d-0000-4000-8000-000000000001", "indicator--2A1B0C3D-0000-4000-8000-000000000001",
        "indicator--x", "alert", "", "--x", "a--b--c", "x-y--"}) {
    const ObjectCode code = split_object_id(id);
    EXPECT_EQ(join_object_id(code.type, code.uuid, code.rest), id);
  }
  EXPECT_TRUE(split_object_id("indicator--2a1b0c3d-0000-4000-8000-000000000001").uuid.has_value());
}

TEST(AddedVersion, HasSixDigitsAndASortableKey) {
  EXPECT_EQ(added_version(1'767'225'600'000'000).text, "2026-01-01T00:00:00.000000Z");
  EXPECT_EQ(added_version(1'767'225'600'000'000).key, "2026-01-01T00:00:00");
  EXPECT_EQ(added_version(1'767'225'600'120'000).key, "2026-01-01T00:00:00.12");
}

}  // namespace
}  // namespace bongsu::journal
