// Views against a slow model, at random: members, agreements, objects, deletions, restarts. And non-interference: what
// a member may not see changes nothing of what it does see.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <tuple>

#include "flow/facts.h"
#include "flow/flow_test_support.h"
#include "journal/sqlite/sqlite_journal.h"

namespace bongsu::flow {
namespace {

using namespace test;
using stix::Tlp;

const std::vector<std::string> kMembers = {"cert-a", "cert-b", "cert-c", "cert-d", "cert-e"};
const std::vector<std::string> kCollections = {"c1", "c2"};
const std::vector<std::set<std::string>> kLists = {
    {"cert-a"}, {"cert-b", "cert-c"}, {"cert-a", "cert-d", "cert-e"}, {}};

// What is in the node, as a list of facts; every question is answered by asking decide about everything.
struct Model {
  struct Item {
    policy::ObjectFacts facts;
    std::string version;
    journal::Seq seq = 0;
    std::string text;  // the whole object
    bool deleted = false;
  };
  std::vector<Item> items;
  policy::PolicyState policy;

  // What a member gave is no secret from it, whatever label it got here.
  policy::ObjectFacts facts_for(policy::ObjectFacts facts, const std::string& member) const {
    if (facts.origin != member || member == policy.self) return facts;
    facts.label = policy::Label{.tlp = Tlp::kClear, .marked = true};
    facts.sighting_of.reset();
    facts.names_sighters = false;
    facts.sighted_by.reset();
    facts.targets.clear();
    return facts;
  }

  // Properties at the top, of an object whose values have no echoes.
  static std::string without(const std::string& text, const std::vector<std::string>& properties) {
    Json json = *parse_json(text);
    for (const auto& property : properties) json.as_object().stable_erase(property);
    if (const Json* markings = find(json, "granular_markings")) {
      JsonArray rest;
      for (const Json& entry : markings->as_array())
        if (find(json, std::string_view(entry.at("selectors").at(0).as_string())) != nullptr) rest.push_back(entry);
      if (rest.empty())
        json.as_object().stable_erase("granular_markings");
      else
        json.as_object()["granular_markings"] = rest;
    }
    return to_text(json);
  }

  // The text of everything that the member may see.
  std::optional<std::map<journal::Seq, std::string>> sees(const std::string& member, const std::string& collection,
                                                          Instant now) const {
    if (policy::may_read(collection, member, policy, now).verdict != policy::Verdict::kRelease) return std::nullopt;
    std::map<journal::Seq, std::string> out;
    for (const auto& item : items) {
      if (item.deleted || item.facts.collection != collection) continue;
      const auto decision =
          policy::decide(facts_for(item.facts, member), member, policy::Purpose::kOperations, policy, now);
      if (decision.verdict == policy::Verdict::kRelease) out[item.seq] = item.text;
      if (decision.verdict == policy::Verdict::kRedact) out[item.seq] = without(item.text, decision.redact);
    }
    return out;
  }
};

// What a polling partner with a tail remembers between its looks.
struct Follower {
  journal::ViewId origin = 0;
  journal::Pos position = 0;
  std::map<journal::Seq, std::string> received;  // the newest copy
};

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed) : node(seed), random(seed * 7919 + 1) { begin(); }
  Simulation(std::uint64_t seed, std::function<std::unique_ptr<journal::Journal>(TestNode&)> open)
      : node(seed, std::move(open)), random(seed * 7919 + 1) {
    begin();
  }

  void begin() {
    model.policy.self = "cert-self";
    std::vector<std::string> definitions;
    for (const auto& list : kLists) definitions.push_back(releasable_to(list));
    node.policy = model.policy;
    apply();
    for (const auto& collection : kCollections) admit(definitions, collection, "cert-self");
  }

  void step() {
    node.clock.advance(std::chrono::milliseconds(1 + random.below(50)));
    const std::uint64_t kind = random.below(100);
    if (kind < 62)
      publish();
    else if (kind < 70)
      remove();
    else if (kind < 88)
      change_policy();
    else if (kind < 93) {
      if (random.below(2) == 0) crash();
      node.reopen();
      apply();
    } else if (kind < 97)
      node.clock.advance(std::chrono::hours(random.below(30)));
    else
      apply();  // nothing changed
  }

  void check() {
    for (const auto& collection : kCollections) {
      for (const auto& member : kMembers) check_member(member, collection);
      check_member("cert-self", collection);
    }
  }

 private:
  void apply() {
    node.policy = model.policy;
    node.apply(kCollections);
  }

  // The node dies somewhere in a change of policy, or goes on for a while with a full disk.
  void crash() {
    draft_policy();
    node.policy = model.policy;
    node.journal->fail_after(static_cast<int>(1 + random.below(12)));
    std::ignore = node.release->apply(node.policy, kCollections);
    if (random.below(2) == 0) {
      node.journal->heal();
      publish();  // under what of the old arrangement is left
    }
    node.journal->heal();
  }

  void admit(const std::vector<std::string>& texts, const std::string& collection, const std::string& origin) {
    const auto report = node.admit(texts, collection, origin);
    for (const auto& item : report.items) {
      if (item.outcome != AdmitItem::Outcome::kNew) continue;
      const auto facts = facts_of(*node.journal->snapshot()->entry(item.seq));
      ASSERT_TRUE(facts);
      model.items.push_back({.facts = *facts,
                             .version = item.version,
                             .seq = item.seq,
                             .text = *node.journal->snapshot()->payload(item.seq)});
    }
  }

  void publish() {
    std::vector<std::string> texts;
    for (std::uint64_t n = 1 + random.below(3); n > 0; --n) {
      std::vector<std::string> markings;
      constexpr std::string_view kTlp[] = {kClear, kGreen, kAmber, kRed};
      if (random.below(5) != 0) markings.emplace_back(kTlp[random.below(4)]);
      if (random.below(4) == 0) markings.push_back(releasable_id(kLists[random.below(kLists.size())]));
      if (random.below(12) == 0) markings.push_back(id_of("marking-definition", 77));  // unknown
      const auto number = static_cast<unsigned>(random.below(12));
      const auto version = static_cast<unsigned>(random.below(2000));
      if (random.below(10) == 0) markings.push_back(expiring());
      switch (random.below(6)) {
        case 4:
          texts.push_back(indicator(number, markings, version, parts()));
          break;
        case 5:
          texts.push_back(sighting(number, markings));
          break;
        case 0:
          texts.push_back(malware(number, markings, version));
          break;
        case 1:
          texts.push_back(relationship(static_cast<unsigned>(random.below(4000)), id_of("indicator", number),
                                       id_of("malware", static_cast<unsigned>(random.below(12))), markings));
          break;
        default:
          texts.push_back(indicator(number, markings, version));
      }
    }
    const std::string origin = random.below(3) == 0 ? kMembers[random.below(kMembers.size())] : "cert-self";
    admit(texts, kCollections[random.below(2)], origin);
  }

  // Granular markings of two properties, whose values are found nowhere else.
  std::string parts() {
    std::string out = R"(,"description":"of the ministry","x_note":"a remark beside it","granular_markings":[)";
    for (const char* property : {"description", "x_note"}) {
      const std::string marking = random.below(4) == 0   ? expiring()
                                  : random.below(2) == 0 ? releasable_id(kLists[random.below(kLists.size())])
                                                         : std::string(random.below(2) == 0 ? kAmber : kGreen);
      out += std::string(out.back() == '[' ? "" : ",") + R"({"marking_ref":")" + marking + R"(","selectors":[")" +
             property + "\"]}";
    }
    return out + "]";
  }

  std::string sighting(unsigned number, const std::vector<std::string>& markings) {
    std::string out = R"({"type":"sighting","spec_version":"2.1","id":")" +
                      id_of("sighting", static_cast<unsigned>(random.below(4000))) +
                      R"(","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z")" +
                      R"(,"sighting_of_ref":")" + id_of("indicator", number) + '"';
    if (random.below(2) == 0) out += R"(,"where_sighted_refs":[")" + id_of("identity", 77) + "\"]";
    return out + refs(markings) + "}";
  }

  // The id of a marking that runs out in some hours.
  std::string expiring() {
    policy::Label label = policy::bottom();
    label.expires = node.clock.now() + std::chrono::hours(1 + random.below(40));
    const auto text = policy::make_label_marking(label, "cert-self", Instant{1'767'225'600, 0});
    admit({*text}, kCollections[random.below(2)], "cert-self");
    return std::string(*string_at(*parse_json(*text), "id"));
  }

  void remove() {
    if (model.items.empty()) return;
    const Model::Item victim = model.items[random.below(model.items.size())];
    const bool all = random.below(2) == 0;
    const std::string key = all ? "" : stix::Timestamp::parse(victim.version)->key();
    const bool there =
        node.admission->remove(victim.facts.collection, victim.facts.object_id, key, "cert-self").has_value();
    bool expected = false;
    for (auto& item : model.items) {
      if (item.facts.object_id != victim.facts.object_id || item.facts.collection != victim.facts.collection) continue;
      if (!all && stix::Timestamp::parse(item.version)->key() != key) continue;
      expected = expected || !item.deleted;
      item.deleted = true;
    }
    EXPECT_EQ(there, expected);
  }

  void change_policy() {
    draft_policy();
    apply();
  }

  void draft_policy() {
    for (std::uint64_t n = 1 + random.below(2); n > 0; --n) {
      const std::string& member = kMembers[random.below(kMembers.size())];
      switch (random.below(8)) {
        case 0:
          model.policy.agreements.erase(member);
          model.policy.further.erase(member);
          break;
        case 6:
        case 7: {
          // A further agreement, for a while.
          if (!model.policy.agreements.contains(member)) break;
          policy::Agreement a = agreement({"c1", "c2"}, random.below(2) == 0 ? Tlp::kGreen : Tlp::kAmberStrict);
          a.partner = member;
          if (random.below(2) == 0) a.valid_from = node.clock.now() + std::chrono::hours(random.below(20));
          a.valid_until = node.clock.now() + std::chrono::hours(1 + random.below(60));
          auto& further = model.policy.further[member];
          if (further.size() < 3)
            further.push_back(a);
          else
            further.clear();
          break;
        }
        case 1:
          model.policy.members[member].stopped = random.below(2) == 0;
          break;
        default: {
          model.policy.members[member];
          policy::Agreement a =
              agreement({"c1"}, random.below(2) == 0 ? Tlp::kGreen : Tlp::kAmber,
                        random.below(3) == 0 ? std::set<std::string>{"indicator"} : std::set<std::string>{"*"},
                        random.below(3) == 0);
          if (random.below(2) == 0) a.collections.push_back("c2");
          if (random.below(5) == 0) a.valid_until = node.clock.now() + std::chrono::hours(random.below(40));
          a.partner = member;
          a.anonymise_sightings = random.below(2) == 0;
          if (random.below(2) == 0) a.passes_on = {"*"};
          model.policy.agreements[member] = a;
        }
      }
    }
  }

  void check_member(const std::string& member, const std::string& collection) {
    const auto expected = model.sees(member, collection, node.clock.now());
    auto reading = node.release->open(member, collection);
    ASSERT_EQ(reading.has_value(), expected.has_value()) << member << " " << collection;
    if (!reading) return;
    const auto page = reading->snapshot->page({.view = reading->view, .last = false, .all = true, .limit = 100'000});
    std::map<journal::Seq, std::string> shown;
    std::int64_t added = 0;
    journal::Pos before = 0;
    for (const auto& row : page->rows) {
      EXPECT_TRUE(shown.emplace(row.seq, reading->snapshot->released_payload(reading->view, row.pos).value_or("-")).second)
          << "shown once";
      EXPECT_GT(row.added_us, added) << "date_added is unique and in order";
      EXPECT_GT(row.pos, before);
      added = row.added_us;
      before = row.pos;
    }
    ASSERT_EQ(shown, *expected) << member << " " << collection;

    // Its tail: dense positions; and what it followed step by step is what it may see, but for what was withdrawn from
    // it.
    Follower& follower = followers[{member, collection}];
    const auto origin = node.release->origin_of(reading->view);
    const auto whole = reading->snapshot->tail(reading->view, 0, 100'000);
    for (std::size_t i = 0; i < whole->rows.size(); ++i) EXPECT_EQ(whole->rows[i].pos, i + 1);
    if (follower.origin != origin) follower = {.origin = origin};
    const auto tail = reading->snapshot->tail(reading->view, follower.position, 100'000);
    for (const auto& row : tail->rows) {
      follower.position = row.pos;
      if (!row.withdrawn)
        follower.received[row.seq] = reading->snapshot->released_payload(reading->view, row.pos).value_or("-");
    }
    for (const auto& [seq, text] : *expected)
      EXPECT_EQ(follower.received[seq], text) << "a follower misses nothing, and has the copy that it may have";
  }

  TestNode node;
  SeededRandom random;
  Model model;
  std::map<std::pair<std::string, std::string>, Follower> followers;
};

TEST(ReleaseModel, EveryMembersOutboxIsWhatDecidePermitsWhateverHappens) {
  for (std::uint64_t seed = 1; seed <= 25; ++seed) {
    SCOPED_TRACE(seed);
    Simulation simulation(seed);
    for (int i = 0; i < 120; ++i) {
      simulation.step();
      if (i % 3 == 0) simulation.check();
      if (testing::Test::HasFailure()) return;
    }
    simulation.check();
  }
}

TEST(ReleaseModel, HoldsOverTheStoreOnDiskWithRealRestarts) {
  const auto directory =
      std::filesystem::temp_directory_path() / ("bongsu-release-model-" + std::to_string(::getpid()));
  for (std::uint64_t seed = 100; seed < 103; ++seed) {
    SCOPED_TRACE(seed);
    std::filesystem::remove_all(directory);
    {
      Simulation simulation(seed, [&](TestNode& node) {
        auto journal = journal::open_sqlite_journal({.directory = directory, .reserve_bytes = 0}, node.clock,
                                                    node.random, *node.log);
        EXPECT_TRUE(journal) << journal.error().text();
        return std::move(*journal);
      });
      for (int i = 0; i < 100 && !testing::Test::HasFailure(); ++i) {
        simulation.step();
        if (i % 10 == 0) simulation.check();
      }
      simulation.check();
    }
    std::filesystem::remove_all(directory);
  }
}

// ── Non-interference ─────────────────────────────────────────────────────────────────────────────────────────────────
// All that a member can read of a node, as one text: collections, pages with positions, versions, dates and bodies,
// tails, answers.
std::string everything(TestNode& node, const std::string& member) {
  std::string out;
  for (const auto& collection : {"c1", "c2", "c3", "nowhere"}) {
    auto reading = node.release->open(member, collection);
    if (!reading) {
      out += reading.error().text() + "\n";
      continue;
    }
    for (const bool tail : {false, true}) {
      const auto page =
          tail ? reading->snapshot->tail(reading->view, 0, 10'000)
               : reading->snapshot->page({.view = reading->view, .last = false, .all = true, .limit = 10'000});
      for (const auto& row : page->rows)
        out += std::to_string(row.pos) + " " + row.object_id + " " + row.version + " " + std::to_string(row.added_us) +
               " " + std::to_string(row.withdrawn) + " " +
               reading->snapshot->released_payload(reading->view, row.pos).value_or("-") + "\n";
    }
  }
  for (const auto& collection : node.release->readable_collections(member)) out += collection + " ";
  if (member == "cert-self") return out;
  for (const unsigned n : {3U, 500U, 501U}) {
    const auto removed = node.admission->remove("c1", id_of("indicator", n), "", member);
    EXPECT_FALSE(removed) << "only what one gave can be deleted";
    if (!removed) out += removed.error().text() + "\n";
  }
  return out;
}

TEST(NonInterference, TwoWorldsThatDifferOnlyInWhatAMemberMayNotSeeLookTheSameToIt) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    TestNode plain(seed), secret(seed);
    SeededRandom random(seed);
    for (TestNode* node : {&plain, &secret}) {
      node->agree("cert-n", agreement({"c1", "c2"}, Tlp::kAmber));
      node->agree("cert-o", agreement({"c1", "c2"}, Tlp::kAmber));
      node->apply({"c1", "c2", "c3"});
      node->admit({releasable_to({"cert-n", "cert-o"})});
    }
    for (unsigned i = 0; i < 60; ++i) {
      for (TestNode* node : {&plain, &secret}) node->clock.advance(std::chrono::seconds(1));
      const auto number = static_cast<unsigned>(random.below(40));
      const std::string open_to_n =
          random.below(2) == 0 ? indicator(number, {std::string(kGreen)}, i)
                               : indicator(number, {std::string(kAmber), releasable_id({"cert-n", "cert-o"})}, i);
      const std::string collection = random.below(2) == 0 ? "c1" : "c2";
      // Only in one world: what n may not see, from us and from others, with the splits, deletions and changes of
      // policy that this makes.
      switch (random.below(7)) {
        case 0:
          secret.admit({indicator(500 + i, {std::string(kRed)})});
          break;
        case 1:
          secret.admit(
              {releasable_to({"cert-o"}), indicator(600 + i, {std::string(kGreen), releasable_id({"cert-o"})})},
              collection);
          break;
        case 2:
          secret.admit({indicator(700 + i, {std::string(kGreen)})}, collection, "cert-o");
          break;
        case 3:
          secret.admit({indicator(800 + i, {std::string(kClear)})}, "c3");
          break;
        case 4:
          std::ignore = secret.admission->remove("c1", id_of("indicator", 500 + i - 1), "", "cert-self");
          break;
        case 5:
          secret.agree("cert-o", agreement({"c1", "c2"}, random.below(2) == 0 ? Tlp::kGreen : Tlp::kAmber));
          secret.apply({"c1", "c2", "c3"});
          break;
        default:
          break;
      }
      // The next instant is the same in both: dates may differ as clocks do, by nothing else.
      plain.clock.advance(std::chrono::milliseconds(100));
      secret.clock.jump_to(plain.clock.now());
      plain.admit({open_to_n}, collection);
      secret.admit({open_to_n}, collection);
      secret.clock.jump_to(plain.clock.now());
      if (i % 13 == 12) {
        const std::string gone = id_of("indicator", number);
        EXPECT_TRUE(plain.admission->remove(collection, gone, "", "cert-self"));
        EXPECT_TRUE(secret.admission->remove(collection, gone, "", "cert-self"));
      }
      ASSERT_EQ(everything(plain, "cert-n"), everything(secret, "cert-n")) << i;
    }
    EXPECT_NE(everything(plain, "cert-self"), everything(secret, "cert-self")) << "the worlds do differ";
  }
}

}  // namespace
}  // namespace bongsu::flow
