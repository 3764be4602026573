#include "exercise/range/power/build_grid.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "exercise/range/power/ac_flow.h"
#include "exercise/range/power/case_test_support.h"
#include "exercise/range/power/cascade.h"

namespace bongsu::exercise::power {
namespace {

const char* const kBuses =
    "bus_id,station_id,voltage,dc,symbol,under_construction,tags,x,y\n"
    "1,1,300,f,Substation,f,'\"country\"=>\"LT\", \"note\"=>\"a, b\"',1,1\n"
    "2,2,300,f,joint,f,,1,1\n"
    "3,3,132,f,Substation,f,'\"country\"=>\"LT\"',1,1\n"
    "4,3,300,f,Substation,f,'\"country\"=>\"LT\"',1,1\n"
    "5,5,300,f,Substation,f,'\"country\"=>\"LV\"',1,1\n"
    "6,6,300,t,Substation,f,'\"country\"=>\"LT\"',1,1\n"
    "7,7,300,f,Substation,f,'\"country\"=>\"LT\"',1,1\n";
const char* const kLines =
    "line_id,bus0,bus1,voltage,circuits,length,underground,under_construction,tags,geometry\n"
    "1,1,2,300,2,50000,False,False,,'LINESTRING(1 1,2 2)'\n2,2,4,300,1,40000,False,False,,''\n3,4,5,300,1,40000,False,False,,''\n"
    "4,1,7,300,1,40000,False,True,,''\n";
const char* const kTransformers = "transformer_id,bus0,bus1\n1,3,4\n";
const char* const kGenerators = "generator_id,bus_id,technology,capacity,tags,geometry\n1,1,Fossil gas,,,\n2,3,Wind farm,60,,\n3,1,Substations + Power Plants,900,,\n4,1,Phase shifter,100,,\n";

TEST(BuildGrid, EstimatesByVoltageAndLengthAndSaysSo) {
  const auto grid = build_grid({kBuses, kLines, kTransformers, kGenerators}, {.countries = {"LT"}});
  ASSERT_TRUE(grid) << grid.error().text();
  const Network& n = grid->network;
  ASSERT_EQ(n.buses.size(), 4U) << "the joint is Lithuanian, too; bus 7 hangs on a line under construction";
  EXPECT_EQ(n.buses[1].base_kv, 330);
  ASSERT_EQ(n.branches.size(), 7U) << "two circuits, one circuit, four transformers";
  // 330 kV lies at 0.6875 between 220 and 380.
  EXPECT_NEAR(n.branches[0].x_pu, (0.301 + 0.6875 * (0.246 - 0.301)) * 50 / (330.0 * 330 / 100), 1e-12);
  EXPECT_NEAR(n.branches[3].x_pu, 0.122 * 100 / 160, 1e-12);
  ASSERT_EQ(n.generators.size(), 2U);
  EXPECT_EQ(n.generators[0].p_max_mw, 400) << "guessed for gas";
  EXPECT_EQ(n.generators[1].p_max_mw, 60);
  double load = 0;
  for (const Bus& b : n.buses) load += b.load_mw;
  EXPECT_NEAR(load, 0.55 * 460, 1e-9);
  EXPECT_EQ(n.buses[3].load_mw, 0) << "load hangs at the station's lowest voltage";
  EXPECT_NE(grid->remarks.find("ESTIMATED"), std::string::npos);
  EXPECT_NE(grid->remarks.find("1 lines that leave these countries"), std::string::npos) << grid->remarks;
  EXPECT_TRUE(solve_ac(n).solved());
  const auto told = build_grid({kBuses, kLines, kTransformers, kGenerators}, {.countries = {"LT"}, .load_mw = {{"LT", 100}}});
  ASSERT_TRUE(told);
  load = 0;
  for (const Bus& b : told->network.buses) load += b.load_mw;
  EXPECT_NEAR(load, 100, 1e-9);
  const auto again = read_case(write_case(n, grid->remarks), "again");
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(again->buses, n.buses);
}

TEST(BuildGrid, BadFilesAreNamedWithLineAndField) {
  const auto error = [](const std::string& buses, const std::string& lines) {
    const auto grid = build_grid({buses, lines, kTransformers, kGenerators}, {.countries = {"LT"}});
    return grid ? std::string() : grid.error().text();
  };
  EXPECT_EQ(error("bus_id,station_id\n1,2\n", kLines), "buses.csv:1: voltage: the column is missing");
  EXPECT_EQ(error(std::string(kBuses) + "8,8,x,f,S,f,,1,1\n", kLines), "buses.csv:9: voltage: is no number");
  EXPECT_EQ(error(std::string(kBuses) + "8,8\n", kLines), "buses.csv:9: this row has 2 columns, the header 9");
  EXPECT_EQ(error(std::string(kBuses) + "1,8,300,f,S,f,,1,1\n", kLines), "buses.csv:9: bus_id: is there twice");
  EXPECT_EQ(error(kBuses, std::string(kLines) + "9,1,77,300,1,5,False,False,,\n"), "lines.csv:6: no bus has the id \"77\"");
  EXPECT_EQ(error(kBuses, std::string(kLines) + "9,1,'7"), "lines.csv:6: a quoted text has no end");
  const auto none = build_grid({kBuses, kLines, kTransformers, kGenerators}, {.countries = {"XX"}});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
}

TEST(BuildGrid, CountriesOfTheExtractSolveAndLive) {
  const std::string dir = shared_data("exercise/grid-europe");
  if (dir.empty()) GTEST_SKIP() << "skipped: needs shared data (exercise/grid-europe)";
  const std::string buses = text_of(dir + "/buses.csv"), lines = text_of(dir + "/lines.csv"), transformers = text_of(dir + "/transformers.csv"),
                    generators = text_of(dir + "/generators.csv");
  for (const std::vector<std::string>& countries : {std::vector<std::string>{"LT", "UA", "PL"}, {"LT"}, {"FR", "DE"}}) {
    const auto grid = build_grid({buses, lines, transformers, generators}, {.countries = countries});
    ASSERT_TRUE(grid) << grid.error().text();
    const auto again = read_case(write_case(grid->network, grid->remarks), "again");
    ASSERT_TRUE(again) << again.error().text();
    const FlowResult flow = solve_ac(*again);
    EXPECT_TRUE(flow.solved());
    for (const double v : flow.magnitude_pu) EXPECT_GT(v, 0.9);
    EXPECT_EQ(std::set(grid->country.begin(), grid->country.end()), std::set(countries.begin(), countries.end()));
  }
}

}  // namespace
}  // namespace bongsu::exercise::power
