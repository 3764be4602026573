// Nodes that give, pass on and recall, over journals in memory and a network that delivers late, twice, in any order or
// not at all.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "flow/flow_test_support.h"
#include "flow/recall.h"

namespace bongsu::flow::test {

// One member. `restart` is a crash: everything but the journal is made anew.
struct RecallNode {
  RecallNode(std::string name, FakeClock& c, SeededRandom& r) : self(std::move(name)), clock(c), random(r) {
    key = std::move(*crypto::make_signing_key());
    journal = std::make_unique<FaultyJournal>(journal::make_memory_journal(clock, random));
    restart();
  }

  void restart() {
    admission.reset();
    recall.reset();
    release.reset();
    markings = std::move(*Markings::load(*journal));
    release = std::move(*Release::load(*journal, clock, *log));
    recall =
        std::move(*Recall::load(*journal, *release,
                                {.self = self,
                                 .signing_key = key,
                                 .key_of = [this](std::string_view member) -> std::optional<std::string> {
                                   const auto at = keys.find(std::string(member));
                                   return at == keys.end() ? std::nullopt : std::optional(at->second);
                                 },
                                 .referrers = [this](const std::string& id) -> Result<std::vector<std::string>> {
                                   if (referrers_fail) return std::unexpected(*referrers_fail);
                                   return referrers[id];
                                 },
                                 .referrers_upto = [this] { return referrers_upto.value_or(journal->last_seq()); }},
                                clock, *log));
    admission = std::make_unique<Admission>(*journal, *release, *markings, *log);
    admission->set_recall(recall.get());
    if (!policy.self.empty()) (void)release->apply(policy, collections);
  }

  void agree(const std::string& member, const std::string& collection, stix::Tlp highest) {
    policy.self = self;
    policy.members[member];
    policy::Agreement agreement = test::agreement({collection}, highest, {"*"}, true);
    agreement.partner = member;
    agreement.passes_on = policy.agreements[member].passes_on;
    policy.agreements[member] = std::move(agreement);
    if (std::ranges::find(collections, collection) == collections.end()) collections.push_back(collection);
    ASSERT_TRUE(release->apply(policy, collections));
  }

  // The agreement with this member gives nothing of any collection any more.
  void leave(const std::string& member) {
    policy.agreements[member].collections.clear();
    ASSERT_TRUE(release->apply(policy, collections));
  }

  AdmitReport admit(const std::string& text, const std::string& collection, const std::string& origin,
                    std::vector<journal::StateChange> states = {}, std::string authority = "",
                    std::uint64_t tombstones = 0) {
    clock.advance(std::chrono::milliseconds(1));
    std::vector<Result<stix::Object>> objects{stix::Object::parse(text)};
    auto report = admission->admit(objects, {.collection = collection,
                                             .origin = origin,
                                             .fallback = stix::Tlp::kGreen,
                                             .states = std::move(states),
                                             .replaces = origin != self,
                                             .decided_after = {tombstones},
                                             .authority = authority,
                                             .authority_reason = authority.empty() ? "" : "as agreed"});
    EXPECT_TRUE(report) << report.error().text();
    return report ? std::move(*report) : AdmitReport();
  }

  // Versions of an object whose content can be read, in whatever collection, deleted or not.
  std::set<std::string> readable(const std::string& object_id) {
    std::set<std::string> out;
    const auto snapshot = journal->snapshot();
    for (const auto& entry : *snapshot->entries(0, 1'000'000))
      if (entry.kind == journal::EntryKind::kObject && entry.object_id == object_id && snapshot->payload(entry.seq))
        out.insert(entry.version);
    return out;
  }

  const std::string self;
  FakeClock& clock;
  SeededRandom& random;
  std::unique_ptr<Log> log = make_null_log();
  crypto::SigningKey key;
  std::map<std::string, std::string> keys;  // of the others
  std::map<std::string, std::vector<std::string>> referrers;
  std::optional<Error> referrers_fail;         // what asking for them ends with
  std::optional<journal::Seq> referrers_upto;  // none: all of the journal
  std::unique_ptr<FaultyJournal> journal;
  std::unique_ptr<Markings> markings;
  std::unique_ptr<Release> release;
  std::unique_ptr<Recall> recall;
  std::unique_ptr<Admission> admission;
  policy::PolicyState policy;
  std::vector<std::string> collections;
};

// They know each other's keys, and each lets the others pass on what it gave.
inline void introduce(const std::vector<RecallNode*>& nodes) {
  for (auto* a : nodes)
    for (auto* b : nodes) {
      if (a == b) continue;
      a->keys[b->self] = b->key.public_key;
      policy::Agreement& with = a->policy.agreements[b->self];
      with.partner = b->self;
      for (const auto* c : nodes)
        if (c != a && c != b) with.passes_on.insert(c->self);
    }
}

// What one member follows of another: its tail, and the network between them.
struct RecallEdge {
  RecallNode& giver;
  RecallNode& reader;
  std::string collection;  // at the giver
  std::string mirror;      // at the reader

  struct Item {
    journal::Pos pos = 0;
    std::string object_id, version, bytes;
    std::uint64_t tombstones = 0;  // when it was read
    bool operator==(const Item&) const = default;
  };
  std::vector<Item> wire{};                               // what lies in the network
  std::vector<Item> history{};                            // what ever arrived: it may come again at any time
  std::set<std::pair<std::string, std::string>> given{};  // id, version
  bool linked = false;
  journal::Pos next = 0;  // the giver's place in its tail

  journal::Pos cursor() const {
    const auto state = reader.journal->state("cursor", giver.self + mirror).value();
    return state ? std::stoull(*state) : 0;
  }
  void link() {
    if (linked) return;
    wire.clear();  // what was under way on the connection before is lost with it
    next = cursor();
    ASSERT_TRUE(giver.recall->opened(reader.self, collection, next));
    linked = true;
  }
  void cut() { linked = false; }

  // Reads on for the member, at most `rows`.
  void pull(std::uint32_t rows) {
    link();
    ASSERT_TRUE(giver.release->keep_up());
    const auto handing_out = giver.recall->hand_out();
    auto reading = giver.release->look(reader.self, collection);
    if (!reading) return;
    const std::uint64_t tombstones = giver.recall->decided_now(reader.self);
    const auto page = reading->snapshot->tail(reading->view, next, rows);
    for (const auto& row : page->rows) {
      next = row.pos;
      if (row.withdrawn) continue;
      auto payload = reading->snapshot->released_payload(reading->view, row.pos);
      if (!payload) continue;
      wire.push_back({row.pos, row.object_id, row.version, *payload, tombstones});
      given.emplace(row.object_id, row.version);
    }
    giver.recall->handed_out(reader.self, collection, next);
  }

  // By value: `item` may be one of `history`.
  void deliver(Item item) {
    const journal::Pos at = std::max(cursor(), item.pos);
    (void)reader.admit(item.bytes, mirror, giver.self, {{"cursor", giver.self + mirror, std::to_string(at)}}, "",
                       item.tombstones);
    if (std::ranges::find(history, item) == history.end()) history.push_back(std::move(item));
  }

  // What the reader may have now, and what it has of this giver.
  std::set<std::pair<std::string, std::string>> offered() const {
    std::set<std::pair<std::string, std::string>> out;
    if (auto reading = giver.release->open(reader.self, collection))
      for (const auto& row :
           reading->snapshot->page({.view = reading->view, .last = false, .all = true, .limit = 1'000'000})->rows)
        out.emplace(row.object_id, row.version);
    return out;
  }
  std::set<std::pair<std::string, std::string>> kept() const {
    std::set<std::pair<std::string, std::string>> out;
    const auto snapshot = reader.journal->snapshot();
    for (const auto& entry : *snapshot->entries(0, 1'000'000))
      if (entry.kind == journal::EntryKind::kObject && entry.collection == mirror && snapshot->payload(entry.seq))
        out.emplace(entry.object_id, entry.version);
    return out;
  }

  // The reader asks what was recalled. `lose`: the receipts do not arrive.
  std::size_t exchange(bool lose = false, bool twice = false) {
    const auto told = giver.recall->told(reader.self);
    EXPECT_TRUE(told) << told.error().text();
    std::size_t taken = 0;
    for (const auto& text : told->tombstones) {
      const auto tombstone = Tombstone::parse(text.text);
      EXPECT_TRUE(tombstone);
      for (const auto& range : tombstone->objects) {
        const bool had = std::ranges::any_of(given, [&](const auto& item) { return item.first == range.object_id; });
        EXPECT_TRUE(had) << "V4: " << reader.self << " is told of " << range.object_id << ", which it was never given";
      }
      for (int i = 0; i < (twice ? 2 : 1); ++i) {
        const auto receipt = reader.recall->take(giver.self, text);
        EXPECT_TRUE(receipt) << receipt.error().text();
      }
      ++taken;
    }
    EXPECT_TRUE(reader.recall->asked(giver.self, told->upto));
    const auto receipts = reader.recall->receipts_due(giver.self);
    if (lose) return taken;
    for (const auto& receipt : receipts) {
      const auto done = giver.recall->take_receipt(reader.self, receipt);
      EXPECT_TRUE(done) << done.error().text();
    }
    EXPECT_TRUE(reader.recall->acknowledged(giver.self, receipts));
    return taken + receipts.size();
  }
};

// A gives to B, B passes on to C.
struct RecallChain : testing::Test {
  explicit RecallChain(stix::Tlp passed_on = stix::Tlp::kAmber)
      : random(7), a("a", clock, random), b("b", clock, random), c("c", clock, random) {
    introduce({&a, &b, &c});
    a.agree("b", "a1", stix::Tlp::kAmber);
    b.agree("c", "b1", passed_on);
    c.agree("nobody", "c1", stix::Tlp::kClear);
  }
  void flow_on() {
    for (auto* edge : {&ab, &bc}) {
      edge->pull(2000);
      for (const auto& item : edge->wire) edge->deliver(item);
      edge->wire.clear();
    }
  }
  void settle() {
    for (int i = 0; i < 5; ++i)
      for (auto* edge : {&ab, &bc}) edge->exchange();
  }

  FakeClock clock;
  SeededRandom random;
  RecallNode a, b, c;
  RecallEdge ab{a, b, "a1", "b1"}, bc{b, c, "b1", "c1"};
};

struct Recalls : RecallChain {
  std::string publish(unsigned number, unsigned version = 0, std::string_view marking = kGreen,
                      std::string authority = "") {
    a.admit(indicator(number, {std::string(marking)}, version), "a1", "a", {}, std::move(authority));
    return id_of("indicator", number);
  }
};

}  // namespace bongsu::flow::test
