// The rules of a connection, as conversations: "> hex" comes from the other end, "< hex" is what we say then, "+ n" are
// seconds that pass, "send" hands an ASDU of one octet over, "! text" is the error that ends it, "= yes/no" whether
// more may be sent.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "exercise/wire/capture_test_support.h"
#include "exercise/wire/iec104/link.h"

namespace bongsu::exercise::wire::iec104 {
namespace {

std::string hex_of(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) out += fmt::format("{:02X}", static_cast<unsigned char>(c));
  return out;
}

void converse(Role role, const LinkSettings& settings, const std::vector<std::string>& lines) {
  FakeClock clock;
  Link link(role, settings, clock);
  if (role == Role::kControlling) link.start();
  std::optional<Error> error;
  const auto note = [&](Result<void> result) {
    if (!result) error = result.error();
  };
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string &line = lines[i], rest = line.size() > 2 ? line.substr(2) : "";
    SCOPED_TRACE(fmt::format("line {}: {}", i, line));
    if (line[0] == '>') {
      note(link.receive(bytes_of_hex(rest), [](std::string_view) -> Result<void> { return {}; }));
    } else if (line[0] == '<') {
      ASSERT_EQ(hex_of(link.take_output()), hex_of(bytes_of_hex(rest)));
    } else if (line[0] == '+') {
      // At each time that the link asked for, as a loop would.
      const auto end = clock.monotonic() + std::chrono::seconds(std::stoi(rest));
      while (!error && link.wake_at() <= end) {
        clock.advance(std::max(link.wake_at() - clock.monotonic(), std::chrono::nanoseconds(0)));
        note(link.tick());
      }
      clock.advance(end - clock.monotonic());
    } else if (line == "send") {
      ASSERT_TRUE(link.can_send());
      link.send("\x64");
    } else if (line[0] == '=') {
      ASSERT_EQ(link.can_send(), rest == "yes");
    } else if (line == "stop") {
      link.stop();
    } else if (line[0] == '!') {
      ASSERT_TRUE(error) << "no error";
      ASSERT_NE(error->message.find(rest), std::string::npos) << error->message;
      ASSERT_EQ(i + 1, lines.size());
      return;
    }
    // The next line names the error.
    if (error && (i + 1 == lines.size() || lines[i + 1][0] != '!')) FAIL() << error->text();
  }
}

const char* const kStart = "> 68 04 07 00 00 00";
const char* const kStarted = "< 68 04 0B 00 00 00";

TEST(Iec104Link, AStationStartsWhenItIsToldTo) {
  converse(Role::kControlled, {},
           {"= no", kStart, kStarted, "= yes", "send", "< 68 05 00 00 00 00 64", kStart, kStarted, "= yes"});
  converse(Role::kControlled, {}, {"> 68 05 00 00 00 00 64", "! isn't started"});
  converse(Role::kControlled, {}, {"> 68 04 0B 00 00 00", "! nobody asked"});
  converse(Role::kControlled, {}, {"> 68 04 23 00 00 00", "! nobody asked"});
  converse(Role::kControlled, {}, {"> 68 04 83 00 00 00", "! without a test"});
  converse(Role::kControlling, {}, {"< 68 04 07 00 00 00", "= no", "> 68 04 0B 00 00 00", "= yes"});
  converse(Role::kControlling, {}, {"< 68 04 07 00 00 00", "> 68 04 07 00 00 00", "! from a controlled station"});
  converse(Role::kControlling, {}, {"< 68 04 07 00 00 00", "> 68 05 00 00 00 00 64", "! isn't started"});
}

TEST(Iec104Link, FramesComeInPieces) {
  converse(Role::kControlled, {},
           {"> 68 04", "<", "> 07 00 00", "<", "> 00 68 04 43 00 00 00 68", "< 68 04 0B 00 00 00 68 04 83 00 00 00"});
}

TEST(Iec104Link, NumbersMustFollow) {
  converse(Role::kControlled, {}, {kStart, kStarted, "> 68 05 02 00 00 00 64", "! has the number 1, 0 was to come"});
  converse(Role::kControlled, {},
           {kStart, kStarted, "> 68 05 00 00 00 00 64", "> 68 05 00 00 00 00 64", "! has the number 0, 1 was to come"});
  converse(Role::kControlled, {},
           {kStart, kStarted, "> 68 04 01 00 02 00", "! 1 is acknowledged, but 0 to 0 wait for it"});
  converse(Role::kControlled, {},
           {kStart, kStarted, "send", "send", "< 68 05 00 00 00 00 64 68 05 02 00 00 00 64", "> 68 04 01 00 04 00",
            "> 68 04 01 00 02 00", "! 1 is acknowledged, but 2 to 2 wait for it"});
}

TEST(Iec104Link, AtMostKWaitAndWIsAcknowledgedAtOnce) {
  converse(Role::kControlled, {.k = 2, .w = 1},
           {kStart, kStarted, "send", "= yes", "send", "= no", "> 68 04 01 00 02 00", "= yes", "send", "= no",
            "< 68 05 00 00 00 00 64 68 05 02 00 00 00 64 68 05 04 00 00 00 64", "> 68 05 00 00 06 00 64",
            "< 68 04 01 00 02 00", "= yes"});
  converse(Role::kControlled, {.k = 12, .w = 3},
           {kStart, kStarted, "> 68 05 00 00 00 00 64 68 05 02 00 00 00 64", "<", "> 68 05 04 00 00 00 64",
            "< 68 04 01 00 06 00"});
  // An I frame of our own acknowledges, too.
  converse(
      Role::kControlled, {.k = 12, .w = 2},
      {kStart, kStarted, "> 68 05 00 00 00 00 64", "send", "< 68 05 00 00 02 00 64", "> 68 05 02 00 02 00 64", "<"});
}

TEST(Iec104Link, T1EndsAConnectionThatDoesNotAcknowledge) {
  converse(Role::kControlled, {},
           {kStart, kStarted, "send", "< 68 05 00 00 00 00 64", "+ 14", "+ 1", "! not acknowledged within t1 (15 s)"});
  converse(Role::kControlled, {},
           {kStart, kStarted, "send", "< 68 05 00 00 00 00 64", "+ 14", "> 68 04 01 00 02 00", "+ 5", "<"});
  converse(Role::kControlling, {}, {"< 68 04 07 00 00 00", "+ 15", "! STARTDT was not confirmed"});
  // The oldest counts, not the last.
  converse(Role::kControlled, {}, {kStart, kStarted, "send", "+ 10", "send", "+ 5", "! not acknowledged"});
}

TEST(Iec104Link, T2AcknowledgesAndT3Tests) {
  converse(Role::kControlled, {},
           {kStart,
            kStarted,
            "> 68 05 00 00 00 00 64",
            "+ 9",
            "<",
            "+ 1",
            "< 68 04 01 00 02 00",
            "+ 19",
            "<",
            "+ 1",
            "< 68 04 43 00 00 00",
            "> 68 04 83 00 00 00",
            "+ 19",
            "<",
            "+ 1",
            "< 68 04 43 00 00 00",
            "+ 14",
            "<",
            "+ 1",
            "! TESTFR was not confirmed within t1"});
  // t2 runs from the first that isn't acknowledged.
  converse(Role::kControlled, {},
           {kStart, kStarted, "> 68 05 00 00 00 00 64", "+ 6", "> 68 05 02 00 00 00 64", "+ 4", "< 68 04 01 00 04 00"});
}

TEST(Iec104Link, AStopIsConfirmedWhenEverythingIsAcknowledged) {
  converse(Role::kControlled, {},
           {kStart, kStarted, "> 68 04 13 00 00 00", "< 68 04 23 00 00 00", "= no", kStart, kStarted, "= yes"});
  converse(Role::kControlled, {},
           {kStart, kStarted, "send", "< 68 05 00 00 00 00 64", "> 68 05 00 00 00 00 64 68 04 13 00 00 00",
            "< 68 04 01 00 02 00", "= no", kStart, "<", "> 68 04 01 00 02 00", "< 68 04 23 00 00 00",
            "> 68 05 02 00 02 00 64", "! isn't started"});
  converse(Role::kControlling, {},
           {"< 68 04 07 00 00 00", "> 68 04 0B 00 00 00", "> 68 05 00 00 00 00 64", "stop",
            "< 68 04 01 00 02 00 68 04 13 00 00 00", "> 68 05 02 00 00 00 64", "< 68 04 01 00 04 00", "= no",
            "> 68 04 23 00 00 00", "= no", "> 68 05 04 00 00 00 64", "! isn't started"});
}

TEST(Iec104Link, NumbersGoRoundAt32768) {
  FakeClock clock;
  Link station(Role::kControlled, {}, clock), master(Role::kControlling, {}, clock);
  master.start();
  std::size_t came = 0;
  const auto pass = [&] {
    ASSERT_TRUE(station.receive(master.take_output(), [](std::string_view) -> Result<void> { return {}; }));
    ASSERT_TRUE(master.receive(station.take_output(), [&](std::string_view) -> Result<void> {
      ++came;
      return {};
    }));
  };
  pass();
  pass();
  for (int i = 0; i < 40'000; ++i) {
    if (!station.can_send()) pass(), pass();
    ASSERT_TRUE(station.can_send()) << i;
    station.send("x");
  }
  pass();
  EXPECT_EQ(came, 40'000u);
  EXPECT_EQ(station.sent(), 40'000u);
}

TEST(Iec104Link, SettingsAreChecked) {
  const auto field = [](LinkSettings s) {
    const auto checked = check(s);
    return checked ? "good" : checked.error().where.field;
  };
  using std::chrono::seconds;
  EXPECT_EQ(field({}), "good");
  EXPECT_EQ(field({.k = 0}), "k");
  EXPECT_EQ(field({.k = 32768}), "k");
  EXPECT_EQ(field({.k = 4, .w = 5}), "w");
  EXPECT_EQ(field({.t1 = seconds(256)}), "t1");
  EXPECT_EQ(field({.t1 = seconds(10), .t2 = seconds(10)}), "t2");
  EXPECT_EQ(field({.t3 = seconds(0)}), "t3");
  EXPECT_EQ(field({.k = 32767, .w = 32767, .t3 = seconds(172'800)}), "good");
}

}  // namespace
}  // namespace bongsu::exercise::wire::iec104
