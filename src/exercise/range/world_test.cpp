#include "exercise/range/world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/random.h"
#include "exercise/range/world_test_support.h"

namespace bongsu::exercise {
namespace {

TEST(World, TheSampleLivesADayWithoutAnybody) {
  World world = live_world(sample_world());
  world.advance(86'400);
  for (const WorldEvent& e : world.take_events()) ADD_FAILURE() << e.at_s << " " << e.text;
  const Consequences c = world.consequences();
  EXPECT_EQ(c.unserved_mwh, 0);
  EXPECT_GT(c.served_mwh, 10'000);
  EXPECT_EQ(c.train_minutes, 0);
  EXPECT_EQ(c.circuits_down, 0U);
  for (const ServiceState& s : world.services()) EXPECT_GT(s.availability, 0.99) << s.name;
}

}  // namespace
}  // namespace bongsu::exercise
