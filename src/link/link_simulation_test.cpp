// Producer and consumer in one process, under a seed, with the wire cut anywhere and either side started anew.
#include <gtest/gtest.h>

#include <set>

#include "link/link_test_support.h"

namespace bongsu::link {
namespace {

using namespace test;
using std::chrono::milliseconds;

class Collector final : public Applier {
 public:
  Result<Cursor> open(const FollowedCollection&) override { return cursor; }
  Result<AppliedCounts> apply(const FollowedCollection&, const TailBatch& batch) override {
    for (const auto& item : batch.items) items.push_back(item);
    cursor = batch.cursor;
    return AppliedCounts{.applied = batch.items.size()};
  }
  std::vector<TailItem> items;
  Cursor cursor;
};

// The consuming side as LinkRunner drives it, step by step.
class Link {
 public:
  Link(Producer& producer, Applier& applier, FollowedCollection remote, FakeClock& clock, Random& random)
      : producer_(&producer), applier_(applier), remote_(std::move(remote)), clock_(clock), random_(random) {
    restart();
  }
  void set_producer(Producer& producer) { producer_ = &producer; }

  // A new process: what is in memory is lost.
  void restart() {
    consumer = std::make_unique<Consumer>(ConsumerOptions{.member = remote_.member,
                                                          .collection = remote_.id,
                                                          .alias = remote_.alias,
                                                          .link_url = {"https", "p", 1, "/"}},
                                          clock_, random_, applier_.open(remote_).value());
    wire.reset();
  }
  bool connected() const { return wire != nullptr; }
  void connect() {
    wire.reset();
    (void)consumer->wait();
    const auto request = consumer->request();
    auto made = std::make_unique<Wire>(producer_->get("cert-lt", request.url.target, request.headers));
    const auto accepted = consumer->head(made->head().status, made->head().headers);
    if (!accepted) {
      consumer->ended(&accepted.error());
      return;
    }
    wire = std::move(made);
  }
  void cut() {
    if (!wire) return;
    wire.reset();
    const Error error{ErrorCode::kIo, "the wire was cut", {}};
    consumer->ended(&error);
  }
  // Gives the consumer `bytes`; false when it wants no more.
  bool give(std::string_view bytes) {
    const auto taken = consumer->data(bytes);
    EXPECT_TRUE(taken) << taken.error().text();
    return taken.has_value();
  }
  void apply() {
    while (true) {
      const TailBatch batch = consumer->take();
      if (batch.items.empty()) break;
      const auto counts = applier_.apply(remote_, batch);
      ASSERT_TRUE(counts) << counts.error().text();
      refused += counts->refused;
      consumer->applied(batch, *counts);
    }
    ASSERT_FALSE(consumer->full()) << "nothing is queued, and nothing more would be read";
  }
  void run_until_silent() {
    if (!wire) connect();
    if (!wire) return;
    give(wire->drain());
    const bool ended = wire->ended();
    apply();
    if (ended) cut();
  }

  std::unique_ptr<Consumer> consumer;
  std::unique_ptr<Wire> wire;
  std::uint64_t refused = 0;

 private:
  Producer* producer_;
  Applier& applier_;
  FollowedCollection remote_;
  FakeClock& clock_;
  Random& random_;
};

TEST(LinkSimulation, CutAtEveryByteDeliversEachObjectOnceAndInOrder) {
  FakeClock clock;
  SeededRandom random(1);
  Node node("cert-ua", clock, random);
  const std::string shared = node.add_collection("shared");
  node.agree({{"cert-lt", {shared}}});
  std::vector<std::string> expected;
  for (unsigned i = 0; i < 6; ++i) {
    expected.push_back(i % 3 == 0   ? indicator(i, "", "x\\ny") + "\n"
                       : i % 3 == 1 ? "{\r\n" + indicator(i).substr(1)
                                    : indicator(i));
    node.publish(shared, {expected.back()});
    node.publish(shared, {indicator(1000 + i, marking(stix::Tlp::kRed))});  // never to be seen
  }
  Producer producer(node);
  const std::string whole = Wire(producer.get("cert-lt", "/link/v1/tail/" + shared)).drain();
  ASSERT_GT(whole.size(), 2000u);
  EXPECT_EQ(whole.find("000003e8"), std::string::npos);
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    Collector collector;
    Link link(producer, collector, {"cert-ua", shared, "shared", ""}, clock, random);
    link.connect();
    ASSERT_TRUE(link.connected());
    const std::string bytes = link.wire->drain();
    link.give(std::string_view(bytes).substr(0, cut));
    if (cut % 3 == 0) link.apply();  // else what came is lost with the process
    if (cut % 3 == 2)
      link.cut();  // the same process goes on behind what it has
    else
      link.restart();
    link.run_until_silent();
    ASSERT_EQ(collector.items.size(), expected.size()) << "cut at " << cut;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_EQ(collector.items[i].bytes, expected[i]) << "cut at " << cut;
      EXPECT_EQ(collector.items[i].pos, i + 1);  // dense: nothing tells of the hidden ones
    }
    EXPECT_EQ(link.consumer->status().phase, LinkPhase::kLive);
  }
}

TEST(LinkSimulation, TenThousandObjectsSurviveCutsAndRestartsOfEitherSide) {
  FakeClock clock;
  SeededRandom random(20261121), chaos(7);
  Node ua("cert-ua", clock, random), lt("cert-lt", clock, random);
  const std::string shared = ua.add_collection("shared");
  ua.agree({{"cert-lt", {shared}}, {"cert-kr", {shared}}});
  lt.agree({});
  auto producer = std::make_unique<Producer>(ua);
  FlowApplier applier(*lt.journal, *lt.admission, *lt.collections, random, *lt.log, "cert-lt",
                      [&](const flow::Collection&) { lt.agree({}); });
  Link link(*producer, applier, {"cert-ua", shared, "shared", "Shared"}, clock, random);

#ifdef BONGSU_SANITIZED
  constexpr unsigned kObjects = 2'000;  // ten times slower
#else
  constexpr unsigned kObjects = 10'000;
#endif
  std::vector<std::string> expected;
  unsigned published = 0, cuts = 0, restarts = 0;
  while (published < kObjects || link.consumer->status().cursor < expected.size()) {
    if (published < kObjects && chaos.below(3) == 0) {
      std::vector<std::string> batch;
      for (std::uint64_t n = 1 + chaos.below(60); n > 0 && published < kObjects; --n, ++published) {
        const bool hidden = chaos.below(4) == 0;
        batch.push_back(indicator(published, hidden           ? marking(stix::Tlp::kAmber)
                                             : chaos.below(2) ? marking(stix::Tlp::kClear)
                                                              : ""));
        if (!hidden) expected.push_back(batch.back());
      }
      ua.publish(shared, batch);
    }
    switch (chaos.below(12)) {
      case 0:
        link.cut();
        ++cuts;
        break;
      case 1:  // the consumer dies with whatever it has not applied
        link.restart();
        ++restarts;
        break;
      case 2:  // the producer dies
        link.cut();
        producer = std::make_unique<Producer>(ua);
        link.set_producer(*producer);
        ++restarts;
        break;
      default:
        break;
    }
    if (!link.connected()) link.connect();
    if (!link.connected()) continue;
    std::string bytes = link.wire->pull();
    bool cut = false;
    if (chaos.below(5) == 0 && !bytes.empty()) {
      bytes.resize(chaos.below(bytes.size()));
      cut = true;
      ++cuts;
    }
    for (std::string_view rest = bytes; !rest.empty();) {
      const auto piece = rest.substr(0, 1 + chaos.below(40'000));
      if (!link.give(piece)) break;
      rest.remove_prefix(piece.size());
      if (chaos.below(2)) link.apply();
    }
    if (cut) link.cut();
    if (chaos.below(8) == 0) {  // dies between the commit and knowing of it
      const TailBatch batch = link.consumer->take();
      if (!batch.items.empty()) ASSERT_TRUE(applier.apply({"cert-ua", shared, "shared", "Shared"}, batch));
      link.restart();
    } else {
      link.apply();
    }
  }
  EXPECT_GT(cuts, kObjects / 100);
  EXPECT_GT(restarts, kObjects / 200);
  EXPECT_EQ(link.refused, 0u);
  const auto mirror = lt.collections->find("cert-ua.shared");
  ASSERT_TRUE(mirror);
  EXPECT_EQ(lt.contents(mirror->id), expected);
}

// The numbers of indicators, for messages that a person can read.
std::string numbers(const std::vector<std::string>& contents) {
  std::string out;
  for (const auto& text : contents) {
    const auto at = text.find("indicator--");
    out += at == std::string::npos ? text : text.substr(at + 17, 2);
    out += ' ';
  }
  return out;
}

TEST(LinkSimulation, WithdrawnObjectsLeaveTheMirrorWhetherTheLinkWasUpOrNot) {
  FakeClock clock;
  SeededRandom random(3);
  Node ua("cert-ua", clock, random), lt("cert-lt", clock, random);
  const std::string shared = ua.add_collection("shared");
  ua.agree({{"cert-lt", {shared}}});
  lt.agree({});
  Producer producer(ua, {.scan_rows = 3});  // so that the look takes several pulls
  FlowApplier applier(*lt.journal, *lt.admission, *lt.collections, random, *lt.log, "cert-lt",
                      [&](const flow::Collection&) { lt.agree({}); });
  Link link(producer, applier, {"cert-ua", shared, "shared", "Shared"}, clock, random);
  std::vector<std::string> all;
  for (unsigned i = 0; i < 20; ++i) all.push_back(indicator(i));
  ua.publish(shared, all);
  link.run_until_silent();
  const std::string mirror = lt.collections->find("cert-ua.shared")->id;
  ASSERT_EQ(lt.contents(mirror), all);

  const auto id = [](unsigned n) { return fmt::format("indicator--{:08x}-1111-4111-8111-111111111111", n); };
  ASSERT_TRUE(ua.admission->remove(shared, id(4), "", "cert-ua"));  // live
  link.run_until_silent();
  all.erase(all.begin() + 4);
  EXPECT_EQ(numbers(lt.contents(mirror)), numbers(all));

  link.cut();  // while the link is down
  ASSERT_TRUE(ua.admission->remove(shared, id(9), "", "cert-ua"));
  link.restart();
  link.run_until_silent();
  all.erase(all.begin() + 8);
  EXPECT_EQ(numbers(lt.contents(mirror)), numbers(all));

  ASSERT_TRUE(ua.journal->erase(id(0), "cert-ua"));
  link.run_until_silent();
  all.erase(all.begin());
  EXPECT_EQ(numbers(lt.contents(mirror)), numbers(all));

  // The agreement is narrowed: what it does not cover any more goes.
  ua.publish(shared, {indicator(100, marking(stix::Tlp::kClear))});
  link.run_until_silent();
  ua.agree({{"cert-lt", {shared}}}, stix::Tlp::kClear);
  producer.tails->policy_changed();
  link.run_until_silent();
  link.run_until_silent();
  EXPECT_EQ(numbers(lt.contents(mirror)), "64 ");
}

TEST(LinkSimulation, WhatCameBackStaysInTheMirror) {
  FakeClock clock;
  SeededRandom random(13);
  Node ua("cert-ua", clock, random), lt("cert-lt", clock, random);
  const std::string shared = ua.add_collection("shared");
  ua.agree({{"cert-lt", {shared}}});
  lt.agree({});
  Producer producer(ua);
  FlowApplier applier(*lt.journal, *lt.admission, *lt.collections, random, *lt.log, "cert-lt",
                      [&](const flow::Collection&) { lt.agree({}); });
  Link link(producer, applier, {"cert-ua", shared, "shared", "Shared"}, clock, random);
  const std::string address =
      R"({"type":"ipv4-addr","spec_version":"2.1","id":"ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4","value":"198.51.100.3"})";
  ua.publish(shared, {indicator(1), address});
  link.run_until_silent();
  const std::string mirror = lt.collections->find("cert-ua.shared")->id;
  ASSERT_EQ(lt.contents(mirror).size(), 2U);

  // Narrowed and widened again before the link looks: both rows are withdrawn and both objects stand at new positions.
  const auto narrow_and_widen = [&] {
    ua.agree({{"cert-lt", {shared}}}, stix::Tlp::kClear);
    ua.agree({{"cert-lt", {shared}}});
    producer.tails->policy_changed();
  };
  narrow_and_widen();
  link.run_until_silent();
  link.run_until_silent();
  EXPECT_EQ(lt.contents(mirror).size(), 2U) << "live";
  link.cut();
  narrow_and_widen();
  link.restart();
  link.run_until_silent();
  EXPECT_EQ(lt.contents(mirror).size(), 2U) << "while the link was down";

  // An object without a version of its own goes as a whole.
  ASSERT_TRUE(ua.admission->remove(shared, "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4", "", "cert-ua"));
  link.run_until_silent();
  EXPECT_EQ(lt.contents(mirror).size(), 1U);
}

TEST(LinkSimulation, OneContentOfAnObservableGoesAndTheOtherStays) {
  FakeClock clock;
  SeededRandom random(14);
  Node ua("cert-ua", clock, random), lt("cert-lt", clock, random);
  const std::string shared = ua.add_collection("shared");
  ua.agree({{"cert-lt", {shared}}});
  lt.agree({});
  Producer producer(ua);
  FlowApplier applier(*lt.journal, *lt.admission, *lt.collections, random, *lt.log, "cert-lt",
                      [&](const flow::Collection&) { lt.agree({}); });
  Link link(producer, applier, {"cert-ua", shared, "shared", "Shared"}, clock, random);
  const std::string id = "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4";
  const auto address = [&](int note) {
    return fmt::format(R"({{"type":"ipv4-addr","spec_version":"2.1","id":"{}","value":"198.51.100.3","x_note":{}}})", id,
                       note);
  };
  ua.publish(shared, {address(1), address(2)});
  link.run_until_silent();
  const std::string mirror = lt.collections->find("cert-ua.shared")->id;
  ASSERT_EQ(lt.contents(mirror).size(), 2U);
  // All of it goes, and something else of it comes, before the link looks.
  const auto replace = [&](int by) {
    ASSERT_TRUE(ua.admission->remove(shared, id, "", "cert-ua"));
    ua.publish(shared, {address(by)});
  };
  replace(3);
  link.run_until_silent();
  EXPECT_EQ(lt.contents(mirror), std::vector<std::string>{address(3)}) << "live";
  link.cut();
  replace(1);
  link.restart();
  link.run_until_silent();
  EXPECT_EQ(lt.contents(mirror), std::vector<std::string>{address(1)}) << "while the link was down";
}

TEST(LinkSimulation, StoppedMemberIsCutOffWithTheNextPullAndGoesOnWhereItWas) {
  FakeClock clock;
  SeededRandom random(4);
  Node ua("cert-ua", clock, random);
  const std::string shared = ua.add_collection("shared");
  ua.agree({{"cert-lt", {shared}}, {"cert-kr", {shared}}});
  Producer producer(ua);
  Collector collector;
  Link link(producer, collector, {"cert-ua", shared, "shared", ""}, clock, random);
  ua.publish(shared, {indicator(1)});
  link.run_until_silent();
  EXPECT_EQ(collector.items.size(), 1u);

  ua.agree({{"cert-lt", {shared}}, {"cert-kr", {shared}}}, stix::Tlp::kGreen, {"cert-lt"});
  producer.tails->policy_changed();
  EXPECT_TRUE(link.wire->woken());
  ua.publish(shared, {indicator(2)});
  EXPECT_EQ(link.wire->pull(), "");
  EXPECT_TRUE(link.wire->ended());
  link.cut();
  link.connect();
  EXPECT_FALSE(link.connected());
  EXPECT_EQ(link.consumer->status().phase, LinkPhase::kRefused);
  EXPECT_EQ(producer.tails->open_tails(), 0u);

  ua.agree({{"cert-lt", {shared}}, {"cert-kr", {shared}}});
  link.run_until_silent();
  ASSERT_EQ(collector.items.size(), 2u);
  EXPECT_EQ(collector.items[1].bytes, indicator(2));
}

TEST(LinkSimulation, AgreementThatEndsEndsTheTail) {
  FakeClock clock;
  SeededRandom random(5);
  Node ua("cert-ua", clock, random);
  const std::string shared = ua.add_collection("shared");
  ua.agree({{"cert-lt", {shared}}});
  Producer producer(ua);
  Wire wire(producer.get("cert-lt", "/link/v1/tail/" + shared));
  wire.drain();
  clock.advance(std::chrono::hours(1001));
  EXPECT_EQ(wire.pull(true), "");
  EXPECT_TRUE(wire.ended());
}

TEST(LinkSimulation, SplitOfAViewGoesUnnoticed) {
  FakeClock clock;
  SeededRandom random(6);
  Node ua("cert-ua", clock, random);
  const std::string shared = ua.add_collection("shared");
  ua.agree({{"cert-lt", {shared}}, {"cert-kr", {shared}}});
  Producer producer(ua);
  Collector collector;
  Link link(producer, collector, {"cert-ua", shared, "shared", ""}, clock, random);
  ua.publish(shared, {indicator(1), indicator(2)});
  link.run_until_silent();
  for (unsigned n = 3; n < 6; ++n) {
    clock.advance(std::chrono::seconds(1));
    // For one of two members of a view: it has to be split first.
    const std::string definition =
        policy::make_releasable_to_marking({n % 2 ? "cert-kr" : "cert-lt"}, "cert-ua", clock.now());
    const std::string id(*string_at(*parse_json(definition), "id"));
    ua.publish(shared, {definition});
    ua.publish(shared, {indicator(n, id)});
    ua.publish(shared, {indicator(10 + n)});
    link.run_until_silent();
    if (n == 3) link.restart();
  }
  std::vector<std::string> seen;
  journal::Pos pos = 0;
  for (const auto& item : collector.items) {
    EXPECT_EQ(item.pos, ++pos);
    EXPECT_EQ(item.bytes.find("0000003-1111"), std::string::npos);
    if (item.object_id.starts_with("indicator")) seen.push_back(item.object_id.substr(11, 8));
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"00000001", "00000002", "0000000d", "00000004", "0000000e", "0000000f"}));
}

TEST(LinkSimulation, CursorsOfOthersAndOfBackupsStartAnew) {
  FakeClock clock;
  SeededRandom random(8);
  Node ua("cert-ua", clock, random);
  const std::string shared = ua.add_collection("shared"), other = ua.add_collection("other");
  ua.agree({{"cert-lt", {shared, other}}, {"cert-kr", {shared}}});
  Producer producer(ua);
  ua.publish(shared, {indicator(1), indicator(2)});
  ua.publish(other, {indicator(1), indicator(2)});
  const std::string stream = Wire(producer.get("cert-kr", "/link/v1/tail/" + shared)).drain();
  const auto at = stream.find("id: 2-") + 4;
  const std::string cursor = stream.substr(at, stream.find('\n', at) - at);
  const auto from = [&](const std::string& member, const std::string& collection, const std::string& after) {
    Wire wire(producer.get(member, "/link/v1/tail/" + collection + "?after=" + after));
    return std::string(wire.head().headers.get(kFromHeader).value_or("none"));
  };
  EXPECT_EQ(from("cert-kr", shared, cursor), "2");
  EXPECT_EQ(from("cert-lt", shared, cursor), "0");
  EXPECT_EQ(from("cert-lt", other, cursor), "0");
  EXPECT_EQ(from("cert-kr", shared, "1" + cursor.substr(1)), "0");
  EXPECT_EQ(from("cert-kr", shared, "garbage"), "0");
  // A node that was restored from nothing has other rows at the same places.
  Node restored("cert-ua", clock, random);
  const std::string again = restored.collections->add({.id = shared, .alias = "shared", .title = "s"}, random)->id;
  restored.agree({{"cert-kr", {again}}});
  restored.publish(again, {indicator(7), indicator(8)});
  Producer second(restored);
  Wire wire(second.get("cert-kr", "/link/v1/tail/" + again + "?after=" + cursor));
  EXPECT_EQ(wire.head().headers.get(kFromHeader), "0");
}

TEST(TailServer, TellsNothingToWhoMayNotKnow) {
  FakeClock clock;
  SeededRandom random(9);
  Node ua("cert-ua", clock, random);
  const std::string shared = ua.add_collection("shared"), secret = ua.add_collection("secret");
  ua.agree({{"cert-lt", {shared}}, {"cert-kr", {}}});
  Producer producer(ua);
  EXPECT_EQ(producer.get("stranger", "/link/v1/collections").status, 403);
  const auto list = producer.get("cert-lt", "/link/v1/collections");
  const auto& body = std::get<std::string>(list.body);
  EXPECT_NE(body.find(shared), std::string::npos);
  EXPECT_EQ(body.find(secret), std::string::npos);
  EXPECT_EQ(std::get<std::string>(producer.get("cert-kr", "/link/v1/collections").body).find(shared),
            std::string::npos);
  const auto absent = producer.get("cert-lt", "/link/v1/tail/00000000-0000-4000-8000-000000000000");
  const auto hidden = producer.get("cert-lt", "/link/v1/tail/" + secret);
  EXPECT_EQ(absent.status, 404);
  EXPECT_EQ(std::get<std::string>(absent.body), std::get<std::string>(hidden.body));
  EXPECT_EQ(producer.get("cert-lt", "/link/v1/tail/shared").status, 404);  // by id only
  EXPECT_EQ(producer.get("cert-lt", "/link/v1/tail/" + shared).status, 200);
}

TEST(TailServer, LooksForWithdrawalsOnlyWhenTheCollectionHadOne) {
  FakeClock clock;
  SeededRandom random(12);
  Node ua("cert-ua", clock, random);
  const std::string shared = ua.add_collection("shared"), other = ua.add_collection("other");
  ua.agree({{"cert-lt", {shared}}});
  Producer producer(ua);
  Wire wire(producer.get("cert-lt", "/link/v1/tail/" + shared));
  wire.drain();
  for (unsigned i = 0; i < 20; ++i) {
    ua.publish(shared, {indicator(i)});
    ua.publish(other, {indicator(100 + i)});
    EXPECT_NE(wire.drain().find("event: object"), std::string::npos);
  }
  const auto id = [](unsigned n) { return fmt::format("indicator--{:08x}-1111-4111-8111-111111111111", n); };
  ASSERT_TRUE(ua.admission->remove(other, id(101), "", "cert-ua"));
  EXPECT_EQ(wire.drain(), "");
  EXPECT_EQ(producer.tails->looks(), 0U);
  ASSERT_TRUE(ua.admission->remove(shared, id(1), "", "cert-ua"));
  EXPECT_NE(wire.drain().find("event: gone"), std::string::npos);
  EXPECT_EQ(producer.tails->looks(), 1U);
  EXPECT_EQ(wire.drain(), "");
  EXPECT_EQ(producer.tails->looks(), 1U);
}

TEST(TailServer, WakesTailsAtACommitAndBeatsOnlyWhenAsked) {
  FakeClock clock;
  SeededRandom random(10);
  Node ua("cert-ua", clock, random);
  const std::string shared = ua.add_collection("shared");
  ua.agree({{"cert-lt", {shared}}});
  Producer producer(ua, {.max_tails_per_member = 2});
  Wire wire(producer.get("cert-lt", "/link/v1/tail/" + shared));
  EXPECT_EQ(wire.pull(), "event: live\ndata: {}\n\n");
  EXPECT_EQ(wire.pull(), "");
  EXPECT_EQ(wire.pull(true), ":\n\n");
  wire.woken();
  ua.publish(shared, {indicator(1)});
  EXPECT_TRUE(wire.woken());
  EXPECT_NE(wire.pull().find("event: object"), std::string::npos);
  Wire second(producer.get("cert-lt", "/link/v1/tail/" + shared));
  EXPECT_EQ(producer.get("cert-lt", "/link/v1/tail/" + shared).status, 503);
  producer.tails.reset();  // stops; tails that a server still holds end
  EXPECT_EQ(wire.pull(), "");
  EXPECT_TRUE(wire.ended());
}

}  // namespace
}  // namespace bongsu::link
