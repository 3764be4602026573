// Four members under a seed: A gives to B and D, both pass on to C. Releases, tombstones and receipts are lost, late,
// doubled and out of order; givers and readers crash. In the end nothing that A recalled, deleted or raised above a
// member is readable there, nothing of it comes back, and nobody was told of what it had never been given.
#include <gtest/gtest.h>

#include "flow/recall_test_support.h"

namespace bongsu::flow::test {
namespace {

class World {
 public:
  explicit World(std::uint64_t seed)
      : random_(seed),
        a_("a", clock_, random_),
        b_("b", clock_, random_),
        c_("c", clock_, random_),
        d_("d", clock_, random_) {
    introduce({&a_, &b_, &c_, &d_});
    a_.agree("b", "a1", stix::Tlp::kAmber);
    a_.agree("d", "a1", stix::Tlp::kAmber);
    b_.agree("c", "b1", stix::Tlp::kAmber);
    d_.agree("c", "d1", stix::Tlp::kAmber);
    c_.agree("nobody", "c1", stix::Tlp::kClear);
    c_.agree("nobody", "c2", stix::Tlp::kClear);
    edges_.push_back({a_, b_, "a1", "b1"});
    edges_.push_back({a_, d_, "a1", "d1"});
    edges_.push_back({b_, c_, "b1", "c1"});
    edges_.push_back({d_, c_, "d1", "c2"});
  }

  void run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) step();
    settle();
    check();
  }

 private:
  static constexpr unsigned kObjects = 5;

  void step() {
    RecallEdge& edge = edges_[random_.below(edges_.size())];
    const auto dice = random_.below(100);
    if (dice < 15) return publish();
    if (dice < 40) return edge.pull(1 + static_cast<std::uint32_t>(random_.below(3)));
    if (dice < 65) return deliver(edge);
    if (dice < 70) return edge.cut();
    if (dice < 80) return void(edge.exchange(random_.below(3) == 0, random_.below(3) == 0));
    if (dice < 84) return recall();
    if (dice < 86) return narrow();
    if (dice < 90) return crash();
    if (dice < 94) return void(nodes()[random_.below(4)]->recall->write_down());
    if (dice < 97 && !edge.history.empty()) return edge.deliver(edge.history[random_.below(edge.history.size())]);
    clock_.advance(std::chrono::hours(1));
  }

  std::vector<RecallNode*> nodes() { return {&a_, &b_, &c_, &d_}; }

  void publish() {
    const unsigned object = static_cast<unsigned>(random_.below(kObjects));
    const unsigned version = ++versions_[object];
    // One label for an object as long as it is not raised: C refuses a copy with a weaker one than it has from others.
    std::vector<std::string> markings{std::string(object % 2 == 0 ? kAmber : kGreen)};
    const bool raised = random_.below(8) == 0;
    if (raised) markings = {std::string(kRed)};
    const auto report = a_.admit(indicator(object, markings, version), "a1", "a", {}, "the operator");
    // Nobody else may have what was there before: all of it is to be destroyed.
    if (raised && report.admitted == 1) dead_[id_of("indicator", object)] = stamp(version - 1);
  }

  void recall() {
    const std::string id = id_of("indicator", static_cast<unsigned>(random_.below(kObjects)));
    const unsigned object = static_cast<unsigned>(std::stoul(id.substr(11, 8), nullptr, 16));
    if (versions_[object] == 0) return;
    if (random_.below(3) == 0) {
      if (a_.admission->remove("a1", id, "", "a")) dead_[id] = stamp(versions_[object]);
      return;
    }
    if (a_.recall->recall({.object_id = id, .reason = RecallReason::kErroneous, .by = "anna"}))
      dead_[id] = stamp(versions_[object]);
  }

  // Somebody may have less, or nothing, or as much again.
  void narrow() {
    struct Pair {
      RecallNode& giver;
      const char *reader, *collection;
    };
    const Pair pairs[]{{a_, "b", "a1"}, {a_, "d", "a1"}, {b_, "c", "b1"}, {d_, "c", "d1"}};
    const Pair& pair = pairs[random_.below(4)];
    const auto dice = random_.below(5);
    if (dice == 0)
      pair.giver.leave(pair.reader);
    else
      pair.giver.agree(pair.reader, pair.collection, dice < 3 ? stix::Tlp::kGreen : stix::Tlp::kAmber);
  }

  // What comes for the first time comes in order, as a connection brings it; what came before comes again at any time.
  void deliver(RecallEdge& edge) {
    if (edge.wire.empty()) return;
    const RecallEdge::Item item = edge.wire.front();
    if (random_.below(10) == 0) {  // lost, and its connection with it
      edge.cut();
      return;
    }
    edge.deliver(item);
    edge.wire.erase(edge.wire.begin());
  }

  void crash() {
    RecallNode& node = *nodes()[random_.below(4)];
    if (random_.below(2) == 0) ASSERT_TRUE(node.recall->write_down(true));  // a stop in good order
    node.restart();
    for (auto& edge : edges_)
      if (&edge.giver == &node || &edge.reader == &node) edge.cut();
  }

  // The network works again.
  void settle() {
    for (int round = 0; round < 100; ++round) {
      std::size_t moved = 0;
      for (auto& edge : edges_) {
        edge.cut();
        edge.pull(1000);
        for (const auto& item : edge.wire) edge.deliver(item);
        moved += edge.wire.size();
        edge.wire.clear();
        moved += edge.exchange();
      }
      // What the opening of a tail settled is told in the next round.
      for (auto& edge : edges_) moved += edge.reader.recall->receipts_due(edge.giver.self).size();
      if (moved == 0) return;
    }
    ADD_FAILURE() << "it does not come to an end";
  }

  void check() {
    const auto none_of_it = [&](const char* when) {
      for (const auto& [id, upto] : dead_)
        for (auto* node : {&b_, &c_, &d_})
          for (const auto& version : node->readable(id))
            EXPECT_GT(version, upto) << id << " is readable at " << node->self << ' ' << when;
    };
    none_of_it("in the end");
    // Whoever may have something has it, and nothing else: what was narrowed and widened again came back.
    for (const auto& edge : edges_)
      EXPECT_EQ(edge.kept(), edge.offered()) << edge.giver.self << " to " << edge.reader.self;
    for (auto& edge : edges_)
      for (const auto& item : edge.history) edge.deliver(item);
    none_of_it("after everything came once more");
    for (auto* node : nodes()) node->restart();
    for (auto& edge : edges_)
      for (const auto& item : edge.history) edge.deliver(item);
    none_of_it("after restarts");
    for (auto* node : nodes())
      for (const auto& order : node->recall->orders()) {
        ASSERT_TRUE(order.receipt) << node->self << " has no receipt of " << order.member;
        EXPECT_EQ(order.receipt->onward_open, 0U) << node->self << " to " << order.member;
      }
    for (auto* node : nodes()) EXPECT_TRUE(node->recall->refused().empty()) << node->recall->refused().front().why;
  }

  FakeClock clock_;
  SeededRandom random_;
  RecallNode a_, b_, c_, d_;
  std::vector<RecallEdge> edges_;
  std::map<unsigned, unsigned> versions_;
  std::map<std::string, std::string> dead_;  // id → newest version that nobody may have
};

constexpr std::uint64_t kShortSeeds = 60;  // moments, also under a sanitizer

TEST(RecallSimulation, NothingRecalledSurvivesOrReturnsAndNobodyElseIsTold) {
  const std::uint64_t seeds = std::getenv("BONGSU_LONG") != nullptr ? 10'000 : kShortSeeds;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World(seed).run(120);
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace bongsu::flow::test
