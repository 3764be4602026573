// What the consumer's queue holds, and when it stops reading. The rest of it is driven in link_simulation_test.cpp.
#include "link/consumer.h"

#include <gtest/gtest.h>

namespace bongsu::link {
namespace {

constexpr std::size_t kLarge = 1000;
constexpr std::size_t kLimit = 2 * (sizeof(TailItem) + kLarge);

struct ConsumerQueue : ::testing::Test {
  FakeClock clock;
  SeededRandom random{1};
  Consumer consumer{{.member = "cert-ua",
                     .collection = "5b1b9d0b-6f43-4d35-a4b5-4d7ff9ba36c5",
                     .link_url = {"https", "p", 1, "/"},
                     .max_queued_bytes = kLimit},
                    clock,
                    random,
                    {}};
  journal::Pos pos = 0;

  ConsumerQueue() {
    (void)consumer.request();
    EXPECT_TRUE(consumer.head(200, {{"Content-Type", "text/event-stream"}}));
  }
  TailItem object() const { return {.kind = TailItem::Kind::kObject, .object_id = "identity--1", .bytes = "{}"}; }
  void arrive(TailItem item, bool gone = false) {
    item.pos = gone ? 0 : ++pos;
    item.cursor = "c";
    std::string text;
    append_tail_event(text, item);
    const auto taken = consumer.data(text);
    ASSERT_TRUE(taken) << taken.error().text();
  }
};

TEST_F(ConsumerQueue, WhateverWasInItReadsOnOnceItIsTaken) {
  const std::string much(kLarge, 'x');
  TailItem plain = object(), labelled = object(), proved = object(), sealed = object();
  plain.bytes = labelled.label = proved.proof = sealed.sealed = much;
  const TailItem withdrawn{.kind = TailItem::Kind::kWithdrawn, .object_id = "identity--1", .kept = {Sha256{}}};
  const TailItem nothing{.kind = TailItem::Kind::kVoid};
  for (const TailItem& item : {plain, labelled, proved, sealed, withdrawn, nothing}) {
    arrive(item);
    EXPECT_FALSE(consumer.full());
    EXPECT_EQ(consumer.take().items.size(), 1u);
    ASSERT_FALSE(consumer.full()) << "row " << pos;
  }
  arrive(withdrawn, true);
  EXPECT_EQ(consumer.take().items.size(), 1u);
  EXPECT_FALSE(consumer.full());
}

TEST_F(ConsumerQueue, EverythingThatARowCarriesCountsForItsLimit) {
  for (std::string TailItem::* const part : {&TailItem::bytes, &TailItem::label, &TailItem::proof, &TailItem::sealed}) {
    TailItem item = object();
    item.*part = std::string(kLarge, 'x');
    arrive(item);
    EXPECT_FALSE(consumer.full()) << "row " << pos;
    arrive(item);
    EXPECT_TRUE(consumer.full()) << "row " << pos;
    EXPECT_EQ(consumer.take().items.size(), 2u);
    EXPECT_FALSE(consumer.full()) << "row " << pos;
  }
}

}  // namespace
}  // namespace bongsu::link
