#include "node/ledger_feed.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include "base/bytes.h"
#include "flow/flow_test_support.h"

namespace bongsu::node {
namespace {

using flow::test::agreement;
using flow::test::id_of;
using flow::test::indicator;
using flow::test::TestNode;

const crypto::SigningKey& key() {
  static const crypto::SigningKey kKey = *crypto::make_signing_key();
  return kKey;
}

// Files that outlive the ledger that has them open, as a disk does.
class Disk final : public ledger::Files {
 public:
  explicit Disk(ledger::MemoryFiles& files) : files_(files) {}
  Result<std::string> read(const std::string& path) override { return files_.read(path); }
  Result<void> append(const std::string& path, std::string_view bytes) override { return files_.append(path, bytes); }
  Result<void> put(const std::string& path, std::string_view bytes) override { return files_.put(path, bytes); }
  Result<void> overwrite(const std::string& path, std::uint64_t offset, std::string_view bytes) override { return files_.overwrite(path, offset, bytes); }
  Result<void> truncate(const std::string& path, std::uint64_t size) override { return files_.truncate(path, size); }
  Result<void> remove(const std::string& path) override { return files_.remove(path); }
  Result<std::vector<std::string>> list(const std::string& directory) override { return files_.list(directory); }

 private:
  ledger::MemoryFiles& files_;
};

struct Told {
  std::string kind, time;
  Json content;
  std::string text() const { return kind + " " + time + " " + to_text(content); }
};

struct House {
  explicit House(std::uint64_t seed = 1) : node(seed) {
    node.agree("cert-ua", agreement({"c1", "c2"}, stix::Tlp::kAmber));
    node.agree("cert-fi", agreement({"c1"}, stix::Tlp::kGreen));
    node.apply();
    open();
  }
  ~House() { close(); }
  void close() {
    feed.reset();
    ledger.reset();
  }
  void open() {
    close();
    auto opened = ledger::Ledger::open(std::make_unique<Disk>(files), {.member = "cert-self", .key = key(), .salt = {}, .segment_bytes = 4'000}, random, *node.log);
    ASSERT_TRUE(opened) << opened.error().text();
    ledger = std::move(*opened);
    feed = std::make_unique<LedgerFeed>(LedgerFeedDeps{.self = "cert-self", .journal = *node.journal, .release = *node.release, .ledger = *ledger, .clock = node.clock, .log = *node.log,
                                                       .members = [] { return std::vector<std::string>{"cert-fi", "cert-ua"}; },
                                                       .agreement = [](std::string_view member) { return JsonObject{{"agreement", "with " + std::string(member)}}; },
                                                       .was_given = [this](std::string_view, std::string_view, const journal::OutboxRow& row, bool) { return !never_given.contains(row.object_id); }});
  }
  std::vector<Told> told(const std::string& log) const {
    std::vector<Told> out;
    const auto done = ledger->store().visit(log, 0, ~std::uint64_t{0}, [&](std::uint64_t, const std::string& entry, const ledger::Opening& opening) {
      const auto leaf = ledger::Leaf::parse(entry);
      EXPECT_TRUE(leaf && (opening.erased || ledger::check_opening(*leaf, opening)));
      out.push_back({.kind = leaf->kind, .time = leaf->time.text(), .content = opening.erased ? Json() : *parse_json(opening.content)});
      return true;
    });
    EXPECT_TRUE(done) << done.error().text();
    return out;
  }
  std::vector<std::string> objects(const std::string& log, std::string_view kind) const {
    std::vector<std::string> out;
    for (const auto& t : told(log))
      if (t.kind == kind) out.push_back(t.content.is_null() ? "erased" : std::string(*string_at(t.content, "object")));
    return out;
  }
  void follow() {
    const auto done = feed->catch_up();
    ASSERT_TRUE(done) << done.error().text();
  }

  SystemRandom random;
  TestNode node;
  ledger::MemoryFiles files;
  std::unique_ptr<ledger::Ledger> ledger;
  std::unique_ptr<LedgerFeed> feed;
  std::set<std::string> never_given;  // of what is withdrawn
};

const std::string kUa = "pair/cert-ua", kFi = "pair/cert-fi";
std::string amber() { return std::string(flow::test::kAmber); }
std::string green() { return std::string(flow::test::kGreen); }
std::string red() { return std::string(flow::test::kRed); }
using Names = std::vector<std::string>;

TEST(LedgerFeed, EachReleaseIsInTheLogOfItsPairAndEveryEntryInTheNodes) {
  House house;
  house.node.admit({indicator(1, {green()}), indicator(2, {amber()}), indicator(3, {red()})});
  house.node.admit({indicator(4, {green()})}, "c2");
  house.node.admit({indicator(5, {green()})}, "c1", "cert-ua");
  house.follow();
  house.follow();
  EXPECT_EQ(house.objects(kUa, "release"), (Names{id_of("indicator", 1), id_of("indicator", 2), id_of("indicator", 5), id_of("indicator", 4)}));
  EXPECT_EQ(house.objects(kFi, "release"), Names{id_of("indicator", 1)}) << "what one member gave goes to no other without onward sharing";
  EXPECT_EQ(house.objects(kUa, "receipt"), Names{id_of("indicator", 5)});
  EXPECT_EQ(house.objects("node", "admission").size(), 5u);
  // Nothing in the words of a pair that the member does not see: no sequence number, position, epoch or view.
  for (const auto& t : house.told(kUa))
    for (const char* field : {"seq", "position", "epoch", "view", "members", "label", "origin"}) EXPECT_EQ(find(t.content, field), nullptr) << t.text();
  for (const auto& t : house.told(kUa))
    if (t.kind == "release") EXPECT_EQ(string_at(t.content, "agreement"), "with cert-ua");
  // The node's log says who could read each row of an outbox.
  std::map<std::string, std::set<std::string>> readers;
  for (const auto& t : house.told("node"))
    if (t.kind == "release")
      for (const auto& member : find(t.content, "members")->as_array()) EXPECT_TRUE(readers[std::string(*string_at(t.content, "object"))].insert(std::string(member.as_string())).second) << "once for each member";
  EXPECT_EQ(readers[id_of("indicator", 1)], (std::set<std::string>{"cert-fi", "cert-ua"}));
  EXPECT_EQ(readers[id_of("indicator", 2)], std::set<std::string>{"cert-ua"});
  EXPECT_FALSE(readers.contains(id_of("indicator", 3)));
}

TEST(LedgerFeed, WhatIsTakenBackIsToldOnceAndWhatWasNeverGivenIsNot) {
  House house;
  house.node.admit({indicator(1, {green()}), indicator(2, {green()})});
  house.follow();
  ASSERT_TRUE(house.node.admission->remove("c1", id_of("indicator", 1), "", "cert-self"));
  for (int i = 0; i < 3; ++i) house.follow();
  EXPECT_EQ(house.objects(kUa, "withdrawal"), Names{id_of("indicator", 1)});
  house.open();
  ASSERT_TRUE(house.node.admission->remove("c1", id_of("indicator", 2), "", "cert-self"));
  for (int i = 0; i < 3; ++i) house.follow();
  EXPECT_EQ(house.objects(kUa, "withdrawal"), (Names{id_of("indicator", 1), id_of("indicator", 2)}));
  EXPECT_EQ(house.objects("node", "deletion").size(), 2u);

  House late;
  late.node.admit({indicator(1, {green()}), indicator(2, {green()})});
  ASSERT_TRUE(late.node.admission->remove("c1", id_of("indicator", 1), "", "cert-self"));
  late.follow();
  EXPECT_EQ(late.objects(kUa, "release"), Names{id_of("indicator", 2)}) << "gone before anything was followed for it";
  EXPECT_TRUE(late.objects(kUa, "withdrawal").empty());
}

TEST(LedgerFeed, AChangedAgreementTellsWhatItGivesAndTakesAndNothingTwice) {
  House house;
  house.node.admit({indicator(1, {green()}), indicator(2, {amber()})});
  house.follow();
  house.node.agree("cert-ua", agreement({"c1", "c2"}, stix::Tlp::kGreen));
  house.node.apply();
  house.follow();
  EXPECT_EQ(house.objects(kUa, "withdrawal"), Names{id_of("indicator", 2)});
  house.node.agree("cert-ua", agreement({"c1", "c2"}, stix::Tlp::kAmber));
  house.node.apply();
  house.node.admit({indicator(3, {green()})});
  house.follow();
  house.open();
  house.follow();
  auto given = house.objects(kUa, "release");
  EXPECT_EQ(std::ranges::count(given, id_of("indicator", 1)), 1);
  EXPECT_EQ(std::ranges::count(given, id_of("indicator", 2)), 2) << "given, taken back, given again";
  EXPECT_EQ(std::ranges::count(given, id_of("indicator", 3)), 1);
  EXPECT_EQ(house.objects(kFi, "release").size(), 2u);
}

TEST(LedgerFeed, AStoppedMemberIsToldOfNothingUntilItIsServedAgain) {
  House house;
  house.node.policy.members["cert-ua"].stopped = true;
  house.node.apply();
  house.node.admit({indicator(1, {green()})});
  house.follow();
  EXPECT_TRUE(house.told(kUa).empty());
  house.node.policy.members["cert-ua"].stopped = false;
  house.node.apply();
  house.follow();
  EXPECT_EQ(house.objects(kUa, "release"), Names{id_of("indicator", 1)});
}

TEST(LedgerFeed, WhatCameAndWentWhileAMemberWasStoppedIsNotToldInTheLogOfThePair) {
  House house;
  house.node.admit({indicator(9, {green()})});
  house.follow();
  house.node.policy.members["cert-ua"].stopped = true;
  house.node.apply();
  house.node.admit({indicator(1, {green()}), indicator(2, {green()})});
  ASSERT_TRUE(house.node.admission->remove("c1", id_of("indicator", 1), "", "cert-self"));
  house.never_given.insert(id_of("indicator", 1));
  house.follow();
  house.node.policy.members["cert-ua"].stopped = false;
  house.node.apply();
  for (int i = 0; i < 3; ++i) house.follow();
  EXPECT_EQ(house.objects(kUa, "release"), (Names{id_of("indicator", 9), id_of("indicator", 2)}));
  EXPECT_TRUE(house.objects(kUa, "withdrawal").empty());
}

TEST(LedgerFeed, WhatIsDestroyedOfOneMembersVersionTakesItsSaltsAndNoOthers) {
  House house;
  house.node.admit({indicator(1, {green()}, 1)}, "c1", "cert-ua");
  house.node.admit({indicator(1, {green()}, 2)}, "c1", "cert-ua");
  house.node.admit({indicator(1, {green()}, 1)}, "c2", "cert-fi");
  house.follow();
  journal::Batch batch;
  batch.destroy.push_back({.object_id = id_of("indicator", 1), .origin = "cert-ua", .upto = stix::Timestamp::parse(flow::test::stamp(1))->key()});
  ASSERT_EQ(house.node.journal->append(batch)->destroyed, std::vector<std::uint32_t>{1});
  house.follow();
  EXPECT_EQ(house.objects("node", "admission"), (Names{"erased", id_of("indicator", 1), id_of("indicator", 1)}));
  EXPECT_EQ(house.objects(kUa, "receipt"), (Names{"erased", id_of("indicator", 1)}));
  EXPECT_EQ(house.objects(kFi, "receipt"), Names{id_of("indicator", 1)});
}

TEST(LedgerFeed, WhatIsDestroyedOfAnObjectWithoutVersionsTakesItsSaltsWhateverDateItHasInAnOutbox) {
  House house;
  const std::string id = "ipv4-addr--00000001-1111-4111-8111-111111111111";
  const auto address = [&](const char* value) { return fmt::format(R"({{"type":"ipv4-addr","spec_version":"2.1","id":"{}","value":"{}","object_marking_refs":["{}"]}})", id, value, green()); };
  // What nobody may see moves the journal's dates, and no outbox's.
  house.node.admit({indicator(1, {red()}), indicator(2, {red()})});
  house.node.admit({address("198.51.100.7")}, "c1", "cert-ua");
  house.node.admit({address("198.51.100.8")}, "c2");
  house.follow();
  ASSERT_EQ(house.objects(kUa, "release"), (Names{id, id}));
  const auto into_views = std::ranges::count(house.objects("node", "release"), id);  // of each collection, this node's own among them
  ASSERT_EQ(into_views, 4);
  journal::Batch batch;
  batch.destroy.push_back({.object_id = id, .origin = "cert-ua", .upto = ""});
  ASSERT_EQ(house.node.journal->append(batch)->destroyed, std::vector<std::uint32_t>{1});
  house.follow();
  EXPECT_EQ(house.objects(kUa, "release"), (Names{"erased", id})) << "the copy in c2 is here, and so is what proves that it was given";
  EXPECT_EQ(house.objects(kUa, "receipt"), Names{"erased"});
  EXPECT_EQ(std::ranges::count(house.objects("node", "release"), id), into_views / 2);
  EXPECT_EQ(std::ranges::count(house.objects("node", "admission"), id), 1);
}

TEST(LedgerFeed, ARecallIsInTheLogOfItsPairAsBothKnowIt) {
  House house;
  for (const char* event : {"recall.tombstone", "recall.obeyed", "recall.confirmed", "recall.exposed"}) {
    journal::Batch batch;
    batch.entries.push_back({.kind = journal::EntryKind::kNote, .object_id = "note--recall", .origin = "cert-self"});
    batch.entries.back().payload = to_text(JsonObject{{"event", event}, {"member", "cert-ua"}, {"number", 3}, {"tombstone", "ab"}, {"by", "anna"}, {"note", "a slip"}});
    ASSERT_TRUE(house.node.journal->append(batch));
  }
  house.follow();
  std::vector<std::string> kinds;
  for (const auto& t : house.told(kUa)) {
    kinds.push_back(t.kind);
    EXPECT_EQ(to_text(t.content), R"({"number":3,"tombstone":"ab"})") << "who decided it, and in which words, stays here";
  }
  EXPECT_EQ(kinds, (Names{"recall", "destruction", "confirmation"}));
  EXPECT_TRUE(house.told(kFi).empty());
  EXPECT_EQ(house.told("node").size(), 4u);
}

TEST(LedgerFeed, AnErasureDestroysTheSaltsAndStaysTold) {
  House house;
  house.node.admit({indicator(1, {green()}), indicator(2, {green()})});
  house.follow();
  ASSERT_TRUE(house.node.journal->erase(id_of("indicator", 1), "cert-self"));
  house.follow();
  EXPECT_EQ(house.objects("node", "erasure"), Names{id_of("indicator", 1)});
  EXPECT_EQ(house.objects(kUa, "release"), (Names{"erased", id_of("indicator", 2)}));
  for (const auto& [path, bytes] : house.files.files())
    if (path.find("pair/") != std::string::npos) EXPECT_EQ(bytes.find(id_of("indicator", 1) + "\",\"sha256"), std::string::npos) << path;
  EXPECT_TRUE(house.ledger->store().verify(kUa));
}

TEST(LedgerFeed, ALossOfPowerAtEveryWriteLeavesNoGapAndNothingTwice) {
  const int step = std::getenv("BONGSU_LONG") != nullptr ? 1 : 4;
  for (std::uint64_t at = 1;; at += static_cast<std::uint64_t>(step)) {
    House house;
    house.files.fail_at(house.files.writes() + at, at);
    bool failed = false;
    for (unsigned n = 0; n < 12; ++n) {
      house.node.admit({indicator(3 * n, {green()}), indicator(3 * n + 1, {amber()}), indicator(3 * n + 2, {green()})}, n % 3 == 0 ? "c2" : "c1", n % 4 == 0 ? "cert-fi" : "cert-self");
      if (n % 5 == 2) ASSERT_TRUE(house.node.admission->remove("c1", id_of("indicator", 3 * n), "", "cert-self"));
      failed = !house.feed->catch_up() || failed;
    }
    house.close();
    const bool reached = house.files.writes() >= at;
    house.files.recover();
    house.open();
    house.follow();
    std::vector<std::uint64_t> seqs;
    for (const auto& t : house.told("node"))
      if (t.kind == "admission" || t.kind == "deletion") seqs.push_back(static_cast<std::uint64_t>(*int_at(t.content, "seq")));
    std::vector<std::uint64_t> expected;
    for (std::uint64_t seq = 1; seq <= house.node.journal->last_seq(); ++seq) expected.push_back(seq);
    ASSERT_EQ(seqs, expected) << "write " << at;
    for (const auto& [member, log] : {std::pair("cert-ua", kUa), std::pair("cert-fi", kFi)}) {
      auto given = house.objects(log, "release");
      std::ranges::sort(given);
      ASSERT_EQ(std::ranges::adjacent_find(given), given.end()) << log << " twice at write " << at;
      Names visible;
      for (const char* collection : {"c1", "c2"})
        if (const auto seen = house.node.sees(member, collection)) visible.insert(visible.end(), seen->begin(), seen->end());
      for (const auto& object : visible) ASSERT_TRUE(std::ranges::binary_search(given, object)) << object << " is missing in " << log << " at write " << at;
      const auto taken = house.objects(log, "withdrawal");
      EXPECT_EQ(given.size(), visible.size() + taken.size()) << log << " at write " << at;
    }
    if (!failed && !reached) break;
    ASSERT_LT(at, 2'000u);
  }
}

// D9: the log of a pair is the same, byte for byte but for the salts, whatever others are given.
TEST(LedgerFeed, D9TheLogOfAPairIsTheSameInWorldsThatDifferForOthers) {
  std::vector<std::string> worlds[2];
  std::vector<std::size_t> sizes[2];
  for (const int world : {0, 1}) {
    House house(7);
    const Instant begin = house.node.clock.now();
    for (unsigned n = 0; n < 30; ++n) {
      // Visible to cert-fi alike in both; in world 1 cert-ua and the node have more.
      if (world == 1) house.node.admit({indicator(1000 + n, {amber()}), indicator(2000 + n, {red()})});
      if (world == 1 && n % 3 == 0) house.node.admit({indicator(3000 + n, {green()})}, "c2");
      if (world == 1 && n == 10) {
        house.node.agree("cert-ua", agreement({"c1"}, stix::Tlp::kGreen));
        house.node.apply();
      }
      // The same time for what both see, as with date_added in different worlds of the same clock.
      house.node.clock.advance(begin + std::chrono::seconds(10 * (n + 1)) - house.node.clock.now());
      house.node.admit({indicator(n, {green()})});
      if (n % 7 == 6) ASSERT_TRUE(house.node.admission->remove("c1", id_of("indicator", n - 2), "", "cert-self"));
      house.follow();
      const auto head = house.ledger->store().head(kFi);
      sizes[world].push_back(head ? head->size : 0);
    }
    for (const auto& t : house.told(kFi)) worlds[world].push_back(t.text());
    EXPECT_GT(house.ledger->store().head("node")->size, world == 0 ? 60u : 130u);
  }
  EXPECT_EQ(sizes[0], sizes[1]);
  EXPECT_EQ(worlds[0], worlds[1]);
  EXPECT_GE(worlds[0].size(), 34u);
}

}  // namespace
}  // namespace bongsu::node
