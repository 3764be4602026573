#include "cli/range_wire_io.h"

#include <gtest/gtest.h>

#include <limits>

namespace bongsu::cli {
namespace {

using namespace exercise::wire;

TEST(RangeWire, AddressesAreHostAndPort) {
  const std::tuple<const char*, const char*, int> good[] = {{"127.0.0.1:2404", "127.0.0.1", 2404},
                                                            {"[::1]:502", "::1", 502},
                                                            {"plc.example:65535", "plc.example", 65535},
                                                            {"h:0", "h", 0}};
  for (const auto& [text, address, port] : good) {
    const auto endpoint = parse_endpoint(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(endpoint->address, address);
    EXPECT_EQ(endpoint->port, port);
  }
  for (const char* bad :
       {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:1 ", ":1", "::1:502", "[]:1"})
    EXPECT_FALSE(parse_endpoint(bad)) << bad;
}

TEST(RangeWire, AValueIsAJsonNumberOrNull) {
  const std::pair<double, const char*> rows[] = {{2, "2"},
                                                 {-0.5, "-5E-1"},
                                                 {9e15, "9E15"},
                                                 {std::numeric_limits<double>::quiet_NaN(), "null"},
                                                 {-std::numeric_limits<double>::infinity(), "null"}};
  for (const auto& [value, text] : rows) {
    JsonObject out;
    put_value(out, value);
    EXPECT_EQ(to_text(out["value"]), text);
  }
}

TEST(RangeWire, LinesSetPointsOrSayWhyNot) {
  FakeClock clock;
  Points points(
      {{.name = "u", .kind = PointKind::kReal, .value = 1}, {.name = "cb", .kind = PointKind::kDouble, .value = 2}});
  ASSERT_TRUE(set_point(R"({"point":"u","value":110.5,"quality":["invalid","overflow"]})", points, clock));
  EXPECT_EQ(points.read(0).value, 110.5);
  EXPECT_EQ(quality_words(points.read(0).quality), "invalid overflow");
  EXPECT_EQ(points.read(0).time, clock.now());
  ASSERT_TRUE(set_point(R"({"point":"u","quality":[]})", points, clock));
  EXPECT_EQ(points.read(0).value, 110.5);
  EXPECT_TRUE(points.read(0).quality.good());
  const std::pair<const char*, const char*> bad[] = {
      {"u=1", ""},
      {R"({"value":1})", "\"point\" names a point"},
      {R"({"point":"v","value":1})", "v is not a point of the list"},
      {R"({"point":"u","value":"1"})", "\"value\" is a number"},
      {R"({"point":"cb","value":4})", "a double can't be 4"},
      {R"({"point":"u","quality":"invalid"})", "a list of words"},
      {R"({"point":"u","quality":["bad"]})", "a quality is invalid"},
  };
  for (const auto& [line, expected] : bad) {
    const auto done = set_point(line, points, clock);
    ASSERT_FALSE(done) << line;
    EXPECT_NE(done.error().message.find(expected), std::string::npos) << done.error().message;
  }
  EXPECT_EQ(points.read(0).value, 110.5);
}

}  // namespace
}  // namespace bongsu::cli
