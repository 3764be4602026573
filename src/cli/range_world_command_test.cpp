#include "cli/range_world_command.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "base/places_test_support.h"
#include "cli/command_test_support.h"
#include "cli/terminal.h"

namespace bongsu::cli {
namespace {

class RangeWorldTest : public CommandTest {
 protected:
  static std::string sample(const std::string& name) { return source_dir() + "/samples/exercise/" + name; }
  Json last_line() const {
    const std::string lines = out_.substr(0, out_.size() - 1);
    auto json = parse_json(lines.substr(lines.rfind('\n') + 1));
    EXPECT_TRUE(json) << lines;
    return json ? *json : Json{};
  }
};

TEST_F(RangeWorldTest, AnAttackIsToldWithItsCausesAndWhatItCameTo) {
  const RangeWorldCommand attack{.file = sample("world-sample/world.toml"),
                                 .data = "",
                                 .orders = sample("world-sample/attack.csv"),
                                 .until = "12h",
                                 .seed = 7,
                                 .json = true,
                                 .quiet = true};
  ASSERT_EQ(run(run_range_world, attack), kExitNo) << err_;
  const std::string first = out_;
  EXPECT_NE(out_.find(R"("kind":"circuit-down")"), std::string::npos);
  EXPECT_NE(out_.find("cannot be reached: lt.circuit.klaipeda is down since 05:45:00"), std::string::npos);
  const Json end = last_line();
  EXPECT_EQ(string_at(end, "kind"), "consequences");
  EXPECT_GT(find(end, "uncontrolled_mwh")->to_number<double>(), 100);
  EXPECT_GT(find(end, "train_minutes")->to_number<double>(), 60);
  ASSERT_EQ(run(run_range_world, attack), kExitNo);
  EXPECT_EQ(out_, first) << "the same seed and orders, the same bytes";
}

TEST_F(RangeWorldTest, AQuietWorldLosesNothingAndAGridAloneIsAWorldToo) {
  EXPECT_EQ(run(run_range_world, {.file = sample("world-sample/world.toml"),
                                  .data = "",
                                  .orders = "",
                                  .until = "2h",
                                  .json = true,
                                  .quiet = true}),
            kExitOk)
      << out_;
  EXPECT_EQ(run(run_range_world,
                {.file = sample("ring.m"), .data = "", .orders = "", .until = "60", .json = true, .quiet = true}),
            kExitOk)
      << out_;
  EXPECT_EQ(run(run_range_world, {.file = sample("world-sample/world.toml"),
                                  .data = "",
                                  .orders = "",
                                  .list = true,
                                  .json = true,
                                  .quiet = true}),
            kExitOk);
  EXPECT_NE(out_.find(R"({"name":"lt.substation.kaunas.breaker1","kind":"breaker")"), std::string::npos);
}

TEST_F(RangeWorldTest, WhatIsWrongIsNamed) {
  const auto told = [&](RangeWorldCommand command) {
    command.json = command.quiet = true;
    EXPECT_EQ(run(run_range_world, command), kExitTrouble);
    return std::string(string_at(last_line(), "message").value_or(""));
  };
  const std::string world = sample("world-sample/world.toml");
  EXPECT_EQ(told({.file = world, .data = "", .orders = "", .until = "soon"}),
            "\"soon\" is no time: 1:30:00, 90, 10m, 24h");
  const std::string orders = file("o.csv", "at,verb,target\n1,explode,x\n");
  EXPECT_EQ(told({.file = world, .data = "", .orders = orders}).find(orders + ":2: verb: is none of open, close"), 0U);
  EXPECT_NE(told({.file = sample("absent.toml"), .data = "", .orders = ""}).find("absent.toml"), std::string::npos);
}

}  // namespace
}  // namespace bongsu::cli
