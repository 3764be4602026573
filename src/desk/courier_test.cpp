// How what a drill sends goes out: many at a time, each once, and nobody waits for what can't go.
#include "desk/courier.h"

#include "desk/desk_test_support.h"

namespace bongsu::desk {
namespace {

class Couriers : public Desks {
 protected:
  void begin(const exercise::scenario::Scenario& scenario) {
    table_ = *Table::open(dir_, scenario, {.background = 0ms}, no_range(), clock_);
    ASSERT_TRUE(table_->take(Control{.verb = Verb::kStart, .by = "white"}));
    clock_.advance(2min);
    ASSERT_TRUE(table_->advance());
    post_.emplace(dir_, scenario_, players_, PostWays{.node = [this](const std::string&) { return there_; }});
    courier_.emplace(*table_, *post_, clock_, [this](const std::string& sentence) { said_.push_back(sentence); });
    table_->on_change([this] { ++writes_; });
  }
  std::size_t delivered() const {
    return table_->look([](const Tabled& t) {
      return static_cast<std::size_t>(std::ranges::count_if(
          t.log, [](const Entry& e) { return e.kind == Kind::kEvidence && e.ref == to_string(As::kDelivered); }));
    });
  }

  const Players players_ = *Players::of(scenario_, kExercise);
  FakeNode node_;
  MemberNode* there_ = nullptr;
  std::unique_ptr<Table> table_;
  std::optional<Post> post_;
  std::optional<Courier> courier_;
  std::vector<std::string> said_;
  int writes_ = 0;
};

TEST_F(Couriers, WhatGoesAtOnceIsToldWithOneWrite) {
  begin(scenario_);
  ASSERT_TRUE(courier_->carry_out());
  EXPECT_EQ(delivered(), 4U) << "two letters and the telemetry of both";
  EXPECT_EQ(writes_, 1);
  EXPECT_TRUE(said_.empty());
  ASSERT_TRUE(courier_->carry_out());
  EXPECT_EQ(delivered(), 4U) << "once";
  EXPECT_EQ(writes_, 1);
}

TEST_F(Couriers, BetweenPiecesWhatIsNewGoesOnceAndIsToldAfterTheLast) {
  begin(scenario_);
  ASSERT_TRUE(courier_->carry_out_new());
  EXPECT_EQ(delivered(), 0U) << "not told yet";
  EXPECT_EQ(writes_, 0);
  const std::string telemetry = read("telemetry/cert-lt/sensor.log");
  EXPECT_NE(telemetry.find("evil.example"), std::string::npos) << "but there";
  ASSERT_TRUE(courier_->carry_out_new());
  ASSERT_TRUE(courier_->carry_out());
  EXPECT_EQ(delivered(), 4U);
  EXPECT_EQ(writes_, 1);
  EXPECT_EQ(read("telemetry/cert-lt/sensor.log"), telemetry) << "once";
}

TEST_F(Couriers, WhatCannotGoIsSaidOnceAndTriedEachSecondWhileTheRestGoes) {
  auto by_node = scenario_;
  by_node.injects[0].deliver[0].via = exercise::scenario::Channel::kTaxii;
  begin(by_node);
  ASSERT_TRUE(courier_->carry_out());
  EXPECT_EQ(delivered(), 2U) << "the telemetry";
  EXPECT_EQ(said_.size(), 2U);
  there_ = &node_;
  clock_.advance(kDeliverAgain - 1ms);
  ASSERT_TRUE(courier_->carry_out());
  EXPECT_EQ(delivered(), 2U) << "not yet";
  clock_.advance(1ms);
  ASSERT_TRUE(courier_->carry_out());
  EXPECT_EQ(delivered(), 4U);
  EXPECT_EQ(said_.size(), 2U);
}

TEST_F(Couriers, AFailureInTheMiddleHoldsBackNeitherWhatCameBeforeNorWhatComesAfter) {
  begin(scenario_);
  const auto pending = table_->look([](const Tabled& t) { return t.drill.pending_deliveries(); });
  ASSERT_EQ(pending.size(), 2U);
  const auto taken =
      table_->take_all(std::vector<Input>{Evidence{.as = As::kDelivered, .object = pending[0].id},
                                          Evidence{.as = As::kDelivered, .object = "1/nothing/0/lt-blue/0"},
                                          Evidence{.as = As::kDelivered, .object = pending[1].id}});
  ASSERT_TRUE(taken);
  ASSERT_EQ(taken->size(), 3U);
  EXPECT_EQ((*taken)[1].error().code, ErrorCode::kNotFound);
  EXPECT_EQ(*(*taken)[2], *(*taken)[0] + 1) << "the numbers of their entries";
  EXPECT_EQ(delivered(), 2U);
  const std::string log = read("drill.ndjson");
  for (const Delivery& d : pending) EXPECT_NE(log.find(d.id + " delivered"), std::string::npos) << "on disk";
}

}  // namespace
}  // namespace bongsu::desk
