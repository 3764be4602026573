#include "cli/range_commands.h"

#include <gtest/gtest.h>

#include <sstream>

#include "base/json.h"
#include "base/places_test_support.h"
#include "cli/command_test_support.h"

namespace bongsu::cli {
namespace {

class RangeCommandsTest : public CommandTest {
 protected:
  static std::string sample(const std::string& name) { return source_dir() + "/samples/exercise/" + name; }
};

TEST_F(RangeCommandsTest, CsvHasTheColumnsOfTheReference) {
  ASSERT_EQ(run(run_range_powerflow, {.file = sample("ring.m"), .csv = true}), 0) << err_;
  std::istringstream lines(out_);
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line, "# bongsu range powerflow NR tol 1e-10 success=1; cols: bus,type,Vm_pu,Va_deg,Va_dc_deg");
  std::getline(lines, line);
  EXPECT_EQ(line, "10,3,1.030000000000,0.0000000000,0.0000000000");
  int buses = 1, branches = 0;
  while (std::getline(lines, line) && !line.empty()) ++buses;
  EXPECT_EQ(buses, 7);
  std::getline(lines, line);
  EXPECT_EQ(line, "# from,to,status,Pf_MW,Qf_MVAr,Pt_MW,Qt_MVAr,Pf_dc_MW");
  while (std::getline(lines, line)) {
    EXPECT_EQ(std::count(line.begin(), line.end(), ','), 7) << line;
    if (++branches == 9) EXPECT_EQ(line, "50,60,0,0.00000000,0.00000000,0.00000000,0.00000000,0.00000000");
  }
  EXPECT_EQ(branches, 10);
}

TEST_F(RangeCommandsTest, WhatCannotBeSolvedExitsWithOneAndItsReason) {
  EXPECT_EQ(run(run_range_powerflow, {.file = sample("collapse.m"), .csv = true}), 1);
  EXPECT_NE(err_.find("infeasible: no operating point"), std::string::npos) << err_;
  EXPECT_NE(out_.find("success=0"), std::string::npos);
  EXPECT_EQ(run(run_range_powerflow, {.file = sample("collapse.m")}), 1);
  EXPECT_NE(out_.find("no operating point"), std::string::npos) << out_;
  EXPECT_EQ(run(run_range_powerflow, {.file = sample("collapse.m"), .dc = true}), 0) << "a linear model always flows";
}

TEST_F(RangeCommandsTest, WordsAndJsonTellIslandsApart) {
  EXPECT_EQ(run(run_range_powerflow, {.file = sample("islands.m")}), 0);
  EXPECT_NE(out_.find("island 3: 2 buses, dark: no generator is in service (7.00 MW of load)"), std::string::npos) << out_;
  EXPECT_EQ(run(run_range_powerflow, {.file = sample("islands.m"), .json = true}), 0);
  std::istringstream lines(out_);
  std::string line, last;
  while (std::getline(lines, line)) {
    ASSERT_TRUE(parse_json(line)) << line;
    last = line;
  }
  const Json summary = *parse_json(last);
  EXPECT_EQ(string_at(summary, "kind"), "summary");
  EXPECT_EQ(find(summary, "islands")->as_array().size(), 3U);
}

TEST_F(RangeCommandsTest, ReactiveLimitsAreToldInTheType) {
  ASSERT_EQ(run(run_range_powerflow, {.file = sample("ring.m"), .q_limits = true, .csv = true}), 0) << err_;
  EXPECT_NE(out_.find("\n60,1,"), std::string::npos) << out_;
}

TEST_F(RangeCommandsTest, EachBranchGoesOutInItsTurn) {
  EXPECT_EQ(run(run_range_contingency, {.file = sample("ring.m"), .csv = true}), 1) << err_;
  std::istringstream lines(out_);
  std::string line;
  int count = -1;
  while (std::getline(lines, line)) {
    EXPECT_EQ(std::count(line.begin(), line.end(), ','), 15) << line;
    ++count;
  }
  EXPECT_EQ(count, 9);
  EXPECT_NE(out_.find("\n10,50,70,solved,1,1,15.000000,0.000000,"), std::string::npos) << out_;
  EXPECT_EQ(run(run_range_contingency, {.file = sample("ring.m")}), 1);
  EXPECT_NE(out_.find("9 outages of one branch"), std::string::npos) << out_;
  EXPECT_NE(out_.find("50 (Mill) - 70 (Farm): 1 buses, 15.0 MW of load"), std::string::npos) << out_;
  EXPECT_EQ(run(run_range_contingency, {.file = sample("ring.m"), .json = true}), 1);
  EXPECT_NE(out_.find("\"kind\":\"summary\",\"case\":\"ring\",\"outages\":9,\"cut\":2"), std::string::npos) << out_;
  EXPECT_EQ(run(run_range_contingency, {.file = sample("collapse.m")}), 2);
}

TEST_F(RangeCommandsTest, TheSameSeedGivesTheSameRun) {
  const RangeRunCommand command{.file = sample("ring.m"), .seed = 3, .hours = 2, .outages = 60, .json = true};
  const int status = run(run_range_run, command);
  EXPECT_EQ(status, 1) << "load is lost";
  const std::string first = out_;
  EXPECT_EQ(run(run_range_run, command), status);
  EXPECT_EQ(out_, first);
  EXPECT_NE(out_.find("\"kind\":\"dark\""), std::string::npos) << out_;
  EXPECT_NE(out_.find("\"kind\":\"summary\",\"case\":\"ring\",\"seed\":3,\"hours\":2E0"), std::string::npos) << out_;
  EXPECT_EQ(run(run_range_run, {.file = sample("ring.m"), .hours = -1}), 2);
}

TEST_F(RangeCommandsTest, ANetworkIsBuiltFromTheExtract) {
  file("g/buses.csv", "bus_id,station_id,voltage,dc,symbol,under_construction,tags,x,y\n1,1,300,f,S,f,'\"country\"=>\"LT\"',1,1\n2,2,300,f,S,f,'\"country\"=>\"LT\"',1,1\n");
  file("g/lines.csv", "line_id,bus0,bus1,voltage,circuits,length,underground,under_construction,tags,geometry\n1,1,2,300,2,50000,False,False,,\n");
  file("g/transformers.csv", "transformer_id,bus0,bus1\n");
  file("g/generators.csv", "generator_id,bus_id,technology,capacity,tags,geometry\n1,1,Fossil gas,300,,\n");
  const std::string built = (dir_ / "lt.m").string();
  ASSERT_EQ(run(run_range_build_grid, {.from = (dir_ / "g").string(), .countries = {"LT,LV"}, .loads = {"LT=100"}, .out = built}), 0) << err_;
  EXPECT_NE(err_.find("ESTIMATED"), std::string::npos);
  EXPECT_EQ(run(run_range_powerflow, {.file = built}), 0) << out_;
  EXPECT_NE(out_.find("load 100.00 MW"), std::string::npos) << out_;
  EXPECT_EQ(run(run_range_build_grid, {.from = (dir_ / "g").string(), .countries = {"LT"}, .loads = {"LT"}}), 2);
  for (const char* load : {"LT=1e999", "LT=-1", "LT=1e-999", "LT=5MW"})
    EXPECT_EQ(run(run_range_build_grid, {.from = (dir_ / "g").string(), .countries = {"LT"}, .loads = {load}}), 2) << load;
  EXPECT_EQ(run(run_range_build_grid, {.from = (dir_ / "absent").string(), .countries = {"LT"}}), 2);
}

TEST_F(RangeCommandsTest, TroubleNamesFileAndLine) {
  EXPECT_EQ(run(run_range_powerflow, {.file = (dir_ / "absent.m").string()}), 2);
  EXPECT_EQ(run(run_range_powerflow, {.file = file("bad.m", "function mpc = x\nmpc.version = '2';\nmpc.bus = [ 1 x ];\n")}), 2);
  EXPECT_NE(err_.find("bad.m:3: bus: \"x\" is no number"), std::string::npos) << err_;
}

}  // namespace
}  // namespace bongsu::cli
