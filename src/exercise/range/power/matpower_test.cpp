#include "exercise/range/power/matpower.h"

#include <gtest/gtest.h>

#include <limits>

#include <cmath>

#include "exercise/range/power/case_test_support.h"

namespace bongsu::exercise::power {
namespace {

// What every case below has around the part that it is about; `at` the line where that part begins is 8.
std::string around(const std::string& part) {
  return "function mpc = t\nmpc.version = '2';\nmpc.baseMVA = 100;\n"
         "mpc.bus = [ 1 3 0 0 0 0 1 1 0 110 1 1.1 0.9; 2 1 5 1 0 0 1 1 0 110 1 1.1 0.9 ];\n"
         "mpc.gen = [ 1 0 0 9 -9 1 100 1 9 0 ];\n"
         "mpc.branch = [ 1 2 0.01 0.1 0 0 0 0 0 0 1 ];\n\n" +
         part;
}

TEST(Cases, EveryFieldStandsWhereItBelongs) {
  const Network n = sample("ring.m");
  EXPECT_EQ(n.name, "ring");
  EXPECT_EQ(n.base_mva, 100);
  ASSERT_EQ(n.buses.size(), 7U);
  ASSERT_EQ(n.generators.size(), 5U);
  ASSERT_EQ(n.branches.size(), 10U);
  EXPECT_EQ(n.buses[2], (Bus{.number = 30, .kind = BusKind::kLoad, .load_mw = 90, .load_mvar = 35, .shunt_mw = 1.5, .base_kv = 330, .name = "City"}));
  EXPECT_EQ(n.buses[3].shunt_mvar, 25);
  EXPECT_EQ(n.generators[3], (Generator{.bus = 1, .p_mw = 90, .q_max_mvar = 50, .q_min_mvar = -50, .setpoint_pu = 1.04, .on = false, .p_max_mw = 120, .p_min_mw = 10}));
  EXPECT_EQ(n.branches[5], (Branch{.from = 1, .to = 4, .r_pu = 0.0025, .x_pu = 0.06, .rating_mva = 150, .ratio = 1.03, .shift_deg = -1.2}));
  EXPECT_FALSE(n.branches[8].on);
}

TEST(Cases, UnitsAreConvertedAsTheCaseSays) {
  const Network n = sample("islands.m");
  const double ohms = 110e3 * 110e3 / 50e6;
  EXPECT_DOUBLE_EQ(n.branches[0].r_pu, 4.1 / ohms);
  EXPECT_DOUBLE_EQ(n.branches[0].x_pu, 14.2 / ohms);
  EXPECT_DOUBLE_EQ(n.branches[7].charging_pu, 1.9e-6 * ohms);
  const auto read = [](const std::string& part) { return read_case(around(part), "t.m"); };
  auto one = read("pf = 0.8;\nmpc.bus(:, QD) = mpc.bus(:, PD) * sin(acos(pf));\nmpc.bus(:, PD) = mpc.bus(:, PD) * pf;\n");
  ASSERT_TRUE(one) << one.error().text();
  EXPECT_DOUBLE_EQ(one->buses[1].load_mvar, 5 * std::sin(std::acos(0.8)));
  EXPECT_DOUBLE_EQ(one->buses[1].load_mw, 4);
  one = read("mpc.bus(2, 3) = -2 ^ 2 + 3 * (4 - 1) / 2 + sqrt(16);");
  ASSERT_TRUE(one) << one.error().text();
  EXPECT_DOUBLE_EQ(one->buses[1].load_mw, -4 + 4.5 + 4);
  EXPECT_EQ(one->buses[0].load_mw, 0);
}

TEST(Cases, CommentsContinuationsAndSkippedFieldsAreNoData) {
  const auto n = read_case(
      "%% head\nfunction mpc = t % tail\n%{\nmpc.version = '1';\n%{\nnested\n%}\n%}\nmpc.version = \"2\";\nmpc.baseMVA = 100;\n"
      "mpc.bus = [\n1, 3, 0, 0, 0, 0, 1, 1, 0, ... the rest\n 110, 1, 1.1, 0.9\n2\t1\t+5\t1.\t.5\t0\t1\t1\t-1e-2\t110\t1\tInf\t0.9;;\n];\n"
      "mpc.gen = [1 0 0 Inf -Inf 1 100 1 9 0];\nmpc.branch = [1 2 0.01 0.1 0 0 0 0 0 0 1];\n"
      "mpc.gencost = [\n\t2\t0\t0\t3\tNaN\t-Inf\t3;\t% c\n];\nmpc.bus_name = {\n\t'a % no comment'; 'it''s';\n};\n"
      "mpc.reserves.zones = [1 2; 3 4];\nmpc.note = 'x';\n",
      "t.m");
  ASSERT_TRUE(n) << n.error().text();
  EXPECT_EQ(n->buses[1].load_mw, 5);
  EXPECT_EQ(n->buses[1].shunt_mw, 0.5);
  EXPECT_EQ(n->buses[1].angle_deg, -0.01);
  EXPECT_EQ(n->buses[0].name, "a % no comment");
  EXPECT_EQ(n->buses[1].name, "it's");
  EXPECT_TRUE(std::isinf(n->generators[0].q_max_mvar));
}

TEST(Cases, ErrorsNameLineFieldAndRule) {
  struct Bad {
    std::string text, error;
  };
  const std::string head = "function mpc = t\nmpc.version = '2';\nmpc.baseMVA = 100;\n";
  const Bad all[] = {
      {"", "t.m:1: mpc.version is missing: only version 2 is read"},
      {"function [baseMVA, bus] = old\n", "t.m:1: a case of format version 1 (function [baseMVA, bus, …] = …): save it as version 2"},
      {"function mpc = t\nmpc.version = '1';\n", "t.m:3: format version 1: only version 2 is read"},
      {around("x = y;\n"), "t.m:8: \"y\" is not known: only data and conversions of units are read"},
      {around("\nfor k = 1:3\nend\n"), "t.m:9: \"for\" is a program: only data and conversions of units are read"},
      {around("mpc.branch(:, BR_Q) = 1;\n"), "t.m:8: branch: no column of this matrix is called BR_Q"},
      {around("mpc.branch(:, 12) = 1;\n"), "t.m:8: branch: no such column"},
      {around("mpc.bus(3, PD) = 1;\n"), "t.m:8: bus: no such row"},
      {around("mpc.bus(:, PD) = mpc.bus(:, [PD QD]);\n"), "t.m:8: bus: the two sides have different numbers of columns"},
      {around("mpc.bus(2, VM) = 1 - 1;\n"), "t.m:4: bus(2, 8): a voltage must be above 0"},
      {around("mpc.bus(2, PD) = 1 / 0;\n"), "t.m:4: bus(2, 3): is not a finite number"},
      {around("mpc.bus_name = {'only one'};\n"), "t.m:8: bus_name: 1 names for 2 buses"},
      {around("mpc.gen = [ ];\n"), "t.m:8: gen: is given twice"},
      {around("mpc.bus(2, PD) = (((1);\n"), "t.m:8: \"(\" has no \")\""},
      {around("v = 'a"), "t.m:8: \"'\" is no number"},
      {head + "mpc.bus = [\n1 3 0 0\n2 1 0\n];\n", "t.m:6: bus: this row has 3 columns, those before it 4"},
      {head + "mpc.bus = [\n1 3 0 x\n];\n", "t.m:5: bus: \"x\" is no number"},
      {head + "mpc.bus = [\n1 3 0 1/3\n];\n", "t.m:5: bus: numbers only: expressions within a matrix are not read"},
      {head + "mpc.bus = [\n1 3 0\n", "t.m:4: bus: \"[\" has no \"]\""},
      {head + "mpc.bus = [\n1 3 0\n];\nmpc.gen=[];mpc.branch=[1 2 3];\n", "t.m:5: bus: has 3 columns where 13 are wanted"},
      {head + "mpc.bus = [1 5 0 0 0 0 1 1 0 110 1 1.1 0.9];mpc.gen=[];mpc.branch=[1 1 1 1 0 0 0 0 0 0 1];", "t.m:4: bus(1, 2): a bus's type is 1, 2, 3 or 4"},
      {head + "mpc.bus = [1 3 0 0 0 0 1 1 0 110 1 1.1 0.9\n1 3 0 0 0 0 1 1 0 110 1 1.1 0.9];mpc.gen=[];mpc.branch=[1 1 1 1 0 0 0 0 0 0 1];", "t.m:5: bus(2, 1): bus 1 is there twice"},
      {head + "mpc.bus = [1.5 3 0 0 0 0 1 1 0 110 1 1.1 0.9];mpc.gen=[];mpc.branch=[1 1 1 1 0 0 0 0 0 0 1];", "t.m:4: bus(1, 1): a bus's number is a whole number from 1"},
      {head + "mpc.bus = [1 3 0 0 0 0 1 1 0 110 1 1.1 0.9];mpc.gen=[\n7 0 0 9 -9 1 100 1 9 0];mpc.branch=[1 1 1 1 0 0 0 0 0 0 1];", "t.m:5: gen(1, 1): no bus has the number 7"},
      {head + "mpc.bus = [1 3 0 0 0 0 1 1 0 110 1 1.1 0.9];mpc.gen=[];mpc.branch=[\n1 1 1 1 0 0 0 0 0 0 1];", "t.m:5: branch(1, 1:2): a branch from a bus to itself"},
      {head + "mpc.bus = [1 3 0 0 0 0 1 1 0 110 1 1.1 0.9; 2 1 0 0 0 0 1 1 0 110 1 1.1 0.9];mpc.gen=[];mpc.branch=[1 2 0 0 0 0 0 0 0 0 1];", "t.m:4: branch(1, 3:4): resistance and reactance are both 0"},
  };
  for (const Bad& bad : all) {
    const auto n = read_case(bad.text, "t.m");
    ASSERT_FALSE(n) << bad.error;
    EXPECT_EQ(n.error().text(), bad.error);
  }
  std::string deep = "x = ";
  for (int k = 0; k < 100'000; ++k) deep += '(';
  const auto n = read_case(around(deep), "t.m");
  ASSERT_FALSE(n);
  EXPECT_EQ(n.error().code, ErrorCode::kTooLarge);
}

TEST(Cases, NumbersBeyondADoubleAreInfiniteOrNothing) {
  const auto read = [](const std::string& limit) {
    auto n = read_case("mpc.version='2';mpc.baseMVA=100;mpc.bus=[1 3 0 0 0 0 1 1 0 110 1 1.1 0.9;2 1 0 0 0 0 1 1 0 110 1 1.1 0.9];\nmpc.gen=[1 0 0 " + limit + " 0 1 100 1 9 0];\nmpc.branch=[1 2 0.1 0.1 0 0 0 0 0 0 1];", "t.m");
    EXPECT_TRUE(n) << n.error().text();
    return n ? n->generators[0].q_max_mvar : -1;
  };
  EXPECT_EQ(read("1e400"), std::numeric_limits<double>::infinity()) << "no limit, and not a limit of 0";
  EXPECT_EQ(read("1e-400"), 0);
  EXPECT_EQ(read("9"), 9);
}

TEST(Cases, WhatIsWrittenReadsBackBitByBit) {
  for (const char* name : {"ring.m", "islands.m", "collapse.m"}) {
    const Network n = sample(name);
    const auto again = read_case(write_case(n, "one line\nand another"), "again");
    ASSERT_TRUE(again) << again.error().text();
    EXPECT_EQ(*again, n) << name;
  }
  for (const std::string& path : shared_cases()) {
    const Network n = load(path);
    const auto again = read_case(write_case(n), "again");
    ASSERT_TRUE(again) << again.error().text();
    EXPECT_EQ(*again, n) << path;
  }
}

}  // namespace
}  // namespace bongsu::exercise::power
