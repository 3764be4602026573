#include "telemetry/syslog_framing.h"

#include <gtest/gtest.h>

namespace bongsu::telemetry {
namespace {

TEST(SyslogFraming, BothFramingsComeOutAsLinesHoweverTheStreamIsCut) {
  const std::string nul(1, '\0');
  const std::pair<std::string, const char*> table[] = {
      {"<13>a\n<14>b\r\n", "<13>a|<14>b|"},
      {"<13>a" + nul + "<14>b\n\n", "<13>a|<14>b|"},
      {"5 <13>a6 <14>bb", "<13>a|<14>bb|"},
      {"11 <13>a\nb\nc\n\n5 <13>d", "<13>a b c|<13>d|"},
      {"5 <13>a<14>line\n5 <15>c", "<13>a|<14>line|<15>c|"},
      {"2024-05-10 text\n", "2024-05-10 text|"},
      {"0 x\n", "0 x|"},
      {"12345678901 x\n", "12345678901 x|"},
      {"<13>without an end", "<13>without an end|"},
      {"20 <13>cut", "<13>cut|"},
      {"", ""},
      {"\n\n\n", ""},
  };
  for (const auto& [stream, expected] : table)
    for (std::size_t piece = 1; piece <= stream.size() + 1; ++piece) {
      SyslogFraming framing;
      std::string lines;
      for (std::size_t at = 0; at < stream.size(); at += piece)
        ASSERT_TRUE(framing.feed(std::string_view(stream).substr(at, piece), lines));
      framing.finish(lines);
      for (char& c : lines)
        if (c == '\n') c = '|';
      EXPECT_EQ(lines, expected) << stream << " in pieces of " << piece;
    }
}

// In time that grows with the bytes: what is held is not searched again.
TEST(SyslogFraming, LongLinesMayComeByteByByte) {
  const std::string stream =
      std::string(kMaxSyslogMessageBytes, 'x') + "\n<13>b\n" + std::string(1000, 'y') + "\n3 abc";
  SyslogFraming framing;
  std::string lines;
  for (const char& c : stream) ASSERT_TRUE(framing.feed({&c, 1}, lines));
  EXPECT_EQ(framing.held(), 0U);
  EXPECT_EQ(lines, std::string(kMaxSyslogMessageBytes, 'x') + "\n<13>b\n" + std::string(1000, 'y') + "\nabc\n");
}

TEST(SyslogFraming, AMessageBeyondTheLimitEndsTheStream) {
  for (const std::string& stream : {std::string("999999999 x"), std::string(kMaxSyslogMessageBytes + 2, 'x'),
                                    std::string(kMaxSyslogMessageBytes + 2, 'x') + "\n"}) {
    SyslogFraming framing;
    std::string lines;
    const auto fed = framing.feed(stream, lines);
    ASSERT_FALSE(fed);
    EXPECT_EQ(fed.error().code, ErrorCode::kTooLarge);
    EXPECT_EQ(lines, "");
  }
}

}  // namespace
}  // namespace bongsu::telemetry
