#include "api/console/rates.h"

#include <gtest/gtest.h>

namespace bongsu::api::console {
namespace {

using namespace std::chrono_literals;

double at(const Json& columns, std::string_view name, std::size_t i) {
  return find(columns, name)->get_array().at(i).to_number<double>();
}

TEST(Rates, AreDifferencesOverTheTimeThatReallyPassed) {
  RateHistory rates;
  EXPECT_TRUE(rates.newest().is_null());
  rates.sample({100, 0}, 0s, {.events = 1'000});
  EXPECT_TRUE(rates.newest().is_null()) << "one sample is no rate";
  rates.sample({102, 0}, 2s, {.events = 5'000, .alerts = 3, .admitted = 10, .delay_p50_ms = 11.5});
  const Json newest = rates.newest();
  EXPECT_EQ(find(newest, "events_per_s")->get_double(), 2'000);
  EXPECT_EQ(find(newest, "alerts_per_min")->get_double(), 3);
  EXPECT_EQ(find(newest, "admitted_per_s")->get_double(), 5);
  EXPECT_EQ(find(newest, "delay_p50_ms")->get_double(), 11.5);
  EXPECT_TRUE(find(newest, "delay_p99_ms")->is_null());
}

TEST(Rates, AlertsPerMinuteCountTheLastMinute) {
  RateHistory rates;
  for (int s = 0; s <= 120; ++s)
    rates.sample({s, 0}, std::chrono::seconds(s), {.alerts = static_cast<std::uint64_t>(s >= 30 ? 7 : 0)});
  const Json columns = rates.columns();
  EXPECT_EQ(at(columns, "alerts_per_min", 28), 0);
  EXPECT_EQ(at(columns, "alerts_per_min", 29), 7);
  EXPECT_EQ(at(columns, "alerts_per_min", 80), 7);
  EXPECT_EQ(at(columns, "alerts_per_min", 119), 0) << "a minute later the burst is over";
}

TEST(Rates, ACounterThatWentBackCountsFromZero) {
  RateHistory rates;
  rates.sample({0, 0}, 0s, {.events = 1'000'000, .alerts = 50});
  rates.sample({1, 0}, 1s, {.events = 20, .alerts = 1});
  EXPECT_EQ(find(rates.newest(), "events_per_s")->get_double(), 20);
  EXPECT_LE(find(rates.newest(), "alerts_per_min")->get_double(), 1);
}

TEST(Rates, KeepAnHourInOrderAndIgnoreATimeThatStandsStill) {
  RateHistory rates;
  for (int s = 0; s < 4'000; ++s) {
    rates.sample({s, 0}, std::chrono::seconds(s), {.events = static_cast<std::uint64_t>(s)});
    rates.sample({s, 0}, std::chrono::seconds(s), {.events = static_cast<std::uint64_t>(s)});
  }
  const Json columns = rates.columns();
  const auto& times = find(columns, "at")->get_array();
  ASSERT_EQ(times.size(), kRateHistory);
  for (std::size_t i = 1; i < times.size(); ++i) ASSERT_EQ(times[i].get_int64(), times[i - 1].get_int64() + 1);
  EXPECT_EQ(times.back().get_int64(), 3'999);
}

}  // namespace
}  // namespace bongsu::api::console
