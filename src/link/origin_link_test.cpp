// Proofs of origin on a live link: what relays can't change unseen, and links of members that lie.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/origin.h"
#include "link/link_test_support.h"

namespace bongsu::link {
namespace {

using namespace test;
using ::testing::HasSubstr;

// A node that signs, holds and suspends.
struct SigningNode : Node {
  SigningNode(std::string member, FakeClock& c, Random& r) : Node(std::move(member), c, r) {
    origins = std::move(flow::Origins::load(*journal, clock, random).value());
    quarantine = std::move(flow::Quarantine::load(*journal, clock, random, self, *log).value());
    suspensions = std::move(Suspensions::load(*journal, clock).value());
    origins->sign_as(std::make_shared<const crypto::OriginSigner>(*crypto::OriginSigner::make(self, key)));
    admission->use(*origins, *quarantine);
    applier =
        std::make_unique<FlowApplier>(*journal, *admission, *collections, random, *log, self, [this](const auto&) {
          auto state = *release->state();
          std::vector<std::string> all;
          for (const auto& collection : collections->list()) all.push_back(collection.id);
          ASSERT_TRUE(release->apply(std::move(state), all));
        });
    applier->suspend_with(*suspensions);
  }
  void knows(const SigningNode& other) {
    known[other.self] = other.key.public_key;
    origins->know_keys([this](std::string_view member) -> std::vector<flow::OriginKey> {
      const auto at = known.find(std::string(member));
      if (at == known.end()) return {};
      return {{at->second, std::nullopt}};
    });
  }
  std::string mirror_of(const std::string& member) {
    for (const auto& collection : collections->list())
      if (collection.mirror_of == member) return collection.id;
    return "";
  }

  crypto::SigningKey key = *crypto::make_signing_key();
  std::map<std::string, std::string> known;
  std::unique_ptr<flow::Origins> origins;
  std::unique_ptr<flow::Quarantine> quarantine;
  std::unique_ptr<Suspensions> suspensions;
  std::unique_ptr<FlowApplier> applier;
};

struct OriginLink : ::testing::Test {
  FakeClock clock;
  SeededRandom random{3};
  SigningNode ua{"cert-ua", clock, random}, lt{"cert-lt", clock, random}, kr{"cert-kr", clock, random};
  std::string shared = ua.add_collection("shared");

  OriginLink() {
    lt.agree({});
    kr.agree({});
    ua.agree({{"cert-lt", {shared}}});
  }

  // Everything that `to` would get of `collection` on a fresh tail, as parsed events.
  std::vector<TailItem> tail(Producer& producer, const std::string& to, const std::string& collection,
                             std::string* raw = nullptr) {
    Wire wire(producer.get(to, "/link/v1/tail/" + collection));
    const std::string text = wire.drain();
    if (raw) *raw = text;
    return items_of(text);
  }
  static TailBatch batch(std::vector<TailItem> items) {
    TailBatch out;
    out.items = std::move(items);
    if (!out.items.empty()) out.cursor = {out.items.back().pos, out.items.back().cursor};
    return out;
  }
  Producer producer(SigningNode& node) { return Producer(node, {.origins = node.origins.get()}); }
};

TEST_F(OriginLink, TheOriginatorsProofTravelsThroughARelay) {
  const std::string green = marking(stix::Tlp::kGreen);
  ua.publish(shared, {indicator(1, green), indicator(2, green)});
  auto from_ua = producer(ua);
  lt.knows(ua);
  const FollowedCollection remote{"cert-ua", shared, "shared", "shared"};
  ASSERT_TRUE(lt.applier->open(remote));
  const auto sent = tail(from_ua, "cert-lt", shared);
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_FALSE(sent[0].proof.empty());
  EXPECT_EQ(lt.applier->apply(remote, batch(sent))->applied, 2u);

  // Onwards from Lithuania to Korea, which knows Ukraine's key.
  policy::PolicyState state{.self = "cert-lt"};
  state.members["cert-kr"];
  state.members["cert-ua"];
  const std::string mirror = lt.mirror_of("cert-ua");
  state.agreements["cert-kr"] = {.partner = "cert-kr",
                                 .collections = {mirror},
                                 .highest_tlp = stix::Tlp::kGreen,
                                 .types = {"*"},
                                 .valid_until = clock.now() + std::chrono::hours(1000),
                                 .onward = true};
  state.agreements["cert-ua"] = {.partner = "cert-ua", .valid_until = clock.now() + std::chrono::hours(1000), .passes_on = {"cert-kr"}};
  ASSERT_TRUE(lt.release->apply(state, {mirror}));
  auto from_lt = producer(lt);
  const auto passed = tail(from_lt, "cert-kr", mirror);
  ASSERT_EQ(passed.size(), 2u);
  EXPECT_EQ(passed[0].proof, sent[0].proof);
  kr.knows(ua);
  kr.knows(lt);
  const FollowedCollection onward{"cert-lt", mirror, "mirror", "mirror"};
  ASSERT_TRUE(kr.applier->open(onward));
  // A relay that changes what it passes on is seen, and named.
  auto changed = passed;
  changed[1].bytes = indicator(2, green, "friendly");
  const auto applied = kr.applier->apply(onward, batch(changed));
  ASSERT_FALSE(applied);
  EXPECT_THAT(applied.error().message, HasSubstr("suspended"));
  EXPECT_EQ(kr.contents(kr.mirror_of("cert-lt")), std::vector<std::string>{indicator(1, green)})
      << "what is good is admitted";
  EXPECT_THAT(kr.suspensions->reason_of("cert-lt").value_or(""), HasSubstr("in the name of cert-ua"));
}

// The rest of the batch is taken, and the link goes on behind it: a lie is heard once.
TEST_F(OriginLink, WhatComesBehindALieInItsBatchIsTaken) {
  lt.knows(ua);
  ua.publish(shared, {indicator(1), indicator(2)});
  auto from_ua = producer(ua);
  const FollowedCollection remote{"cert-ua", shared, "shared", "shared"};
  ASSERT_TRUE(lt.applier->open(remote));
  auto items = tail(from_ua, "cert-lt", shared);
  ASSERT_EQ(items.size(), 2u);
  TailItem lie = items[0];
  lie.proof.resize(lie.proof.size() / 2);
  // What lies is followed by the same object as it was made: another turn of it.
  items.insert(items.begin(), lie);
  for (std::size_t i = 0; i < items.size(); ++i) {
    items[i].pos = i + 1;
    items[i].cursor = fmt::format("{}-aa", i + 1);
  }
  const auto applied = lt.applier->apply(remote, batch(items));
  ASSERT_FALSE(applied);
  EXPECT_THAT(applied.error().message, HasSubstr("suspended"));
  EXPECT_THAT(lt.contents(lt.mirror_of("cert-ua")), ::testing::UnorderedElementsAre(indicator(1), indicator(2)));
  EXPECT_EQ(lt.applier->open(remote)->pos, 3u);
  EXPECT_EQ(lt.quarantine->counts().open, 1u);
}

struct Lie {
  const char* name;
  std::function<void(TailItem&, OriginLink&)> tell;
};

// Shown by: the link is suspended with a reason, the rest runs on; a person resumes it.
TEST_F(OriginLink, LyingPeersLinksAreSuspendedAndOthersRunOn) {
  lt.knows(ua);
  lt.knows(kr);
  const Lie lies[] = {
      {"forged origin",
       [](TailItem& item, OriginLink& t) {
         const std::vector<std::string_view> one{item.bytes};
         auto forged = *crypto::OriginProof::parse(
             crypto::OriginSigner::make("cert-ua", t.ua.key)->sign(one, {}, t.clock.now(), t.random)->front());
         forged.originator = "cert-kr";
         item.proof = forged.bytes();
       }},
      {"wrong signature",
       [](TailItem& item, OriginLink&) {
         auto proof = *crypto::OriginProof::parse(item.proof);
         proof.signature[3] = static_cast<char>(proof.signature[3] ^ 4);
         item.proof = proof.bytes();
       }},
      {"replayed proof",
       [](TailItem& item, OriginLink& t) {
         const std::vector<std::string_view> one{"{}"};
         item.proof = crypto::OriginSigner::make("cert-ua", t.ua.key)->sign(one, {}, t.clock.now(), t.random)->front();
       }},
      {"truncated proof", [](TailItem& item, OriginLink&) { item.proof.resize(item.proof.size() / 2); }},
  };
  // There is one book of who was caught, and whatever else stops is told by it: what is given to it, in the node.
  std::vector<std::string> told;
  lt.suspensions->on_change([&](const Suspension& suspension, bool suspended) -> Result<void> {
    told.push_back(suspension.member + (suspended ? " suspended" : " resumed"));
    EXPECT_EQ(lt.suspensions->reason_of(suspension.member).has_value(), suspended);
    EXPECT_FALSE(suspension.stops_giving) << "it may be a mistake";
    return {};
  });
  auto from_ua = producer(ua);
  const FollowedCollection remote{"cert-ua", shared, "shared", "shared"};
  const FollowedCollection other{"cert-kr", Uuid::random(random).text(), "kr", "kr"};
  ASSERT_TRUE(lt.applier->open(other));
  unsigned number = 0;
  std::size_t seen = 0;
  for (const Lie& lie : lies) {
    ua.publish(shared, {indicator(++number), indicator(++number)});
    const auto stored = lt.applier->open(remote);
    ASSERT_TRUE(stored);
    auto items = tail(from_ua, "cert-lt", shared);
    items.erase(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(seen));
    ASSERT_EQ(items.size(), 2u) << lie.name;
    auto lied = items;
    lie.tell(lied[0], *this);
    const auto applied = lt.applier->apply(remote, batch(lied));
    ASSERT_FALSE(applied) << lie.name;
    EXPECT_EQ(applied.error().code, ErrorCode::kDenied);
    ASSERT_TRUE(lt.applier->suspended("cert-ua")) << lie.name;
    EXPECT_THAT(*lt.applier->suspended("cert-ua"), HasSubstr(items[0].object_id)) << lie.name;
    EXPECT_FALSE(lt.applier->apply(remote, batch(items))) << "until somebody says otherwise";
    EXPECT_TRUE(Suspensions::load(*lt.journal, clock).value()->reason_of("cert-ua")) << "through a restart";
    // Others run on.
    const std::string theirs = indicator(1000 + number);
    const std::vector<std::string_view> one{theirs};
    TailItem item{.kind = TailItem::Kind::kObject,
                  .pos = number,
                  .cursor = fmt::format("{}-aa", number),
                  .object_id = "x",
                  .version = "",
                  .added_us = 1,
                  .bytes = theirs};
    item.proof = crypto::OriginSigner::make("cert-kr", kr.key)->sign(one, {}, clock.now(), random)->front();
    EXPECT_EQ(lt.applier->apply(other, batch({item}))->applied, 1u) << lie.name;
    EXPECT_FALSE(lt.applier->suspended("cert-kr"));

    ASSERT_TRUE(lt.suspensions->resume("cert-ua"));
    // The same comes again from where the link stood, and goes on: what is held is held.
    EXPECT_TRUE(lt.applier->apply(remote, batch(lied))) << lie.name;
    seen += 2;
  }
  EXPECT_EQ(lt.quarantine->counts().open, std::size(lies));
  ASSERT_EQ(told.size(), 2 * std::size(lies));
  EXPECT_EQ(told[0], "cert-ua suspended");
  EXPECT_EQ(told[1], "cert-ua resumed");
  EXPECT_EQ(lt.suspensions->resume("cert-ua").error().code, ErrorCode::kNotFound);
  // With evidence, as of a ledger's two histories: it stops both ways, takes the place of less, and stays through a
  // restart.
  lt.suspensions->on_change({});
  ASSERT_TRUE(lt.suspensions->suspend({.member = "cert-kr", .reason = "a wrong proof"}));
  ASSERT_TRUE(lt.suspensions->suspend(
      {.member = "cert-kr", .reason = "two histories", .evidence = {{"first", "a"}}, .stops_giving = true}));
  ASSERT_TRUE(lt.suspensions->suspend({.member = "cert-kr", .reason = "another wrong proof"}));
  const auto again = Suspensions::load(*lt.journal, clock).value()->find("cert-kr");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->reason, "two histories");
  EXPECT_EQ(again->since, clock.now());
  EXPECT_TRUE(again->stops_giving);
  EXPECT_EQ(again->evidence, (JsonObject{{"first", "a"}}));
  EXPECT_EQ(lt.contents(lt.mirror_of("cert-ua")).size(), std::size(lies));
}

TEST_F(OriginLink, WhatAnEarlierBuildSuspendedStaysSuspended) {
  ASSERT_TRUE(
      lt.journal->put({{"link.suspended", "cert-ua", "a wrong proof"}, {"link.suspended", "cert-kr", "another"}}));
  ASSERT_TRUE(lt.suspensions->suspend({.member = "cert-kr", .reason = "two histories", .stops_giving = true}));
  for (int start = 0; start < 2; ++start) {
    const auto suspensions = Suspensions::load(*lt.journal, clock).value();
    EXPECT_EQ(suspensions->reason_of("cert-ua"), "a wrong proof") << start;
    EXPECT_FALSE(suspensions->find("cert-ua")->stops_giving) << "it ended what was taken, no more";
    EXPECT_EQ(suspensions->reason_of("cert-kr"), "two histories") << "what this build says stands";
    EXPECT_TRUE(lt.journal->states("link.suspended")->empty()) << "moved once";
  }
  const auto suspensions = Suspensions::load(*lt.journal, clock).value();
  ASSERT_TRUE(suspensions->resume("cert-ua"));
  EXPECT_FALSE(Suspensions::load(*lt.journal, clock).value()->reason_of("cert-ua"));
}

TEST_F(OriginLink, WhatWasStoredBeforeThereWereProofsIsSignedWhenItIsSent) {
  Node old("cert-ua", clock, random);  // over the same keys, without signing
  const std::string id = old.add_collection("shared");
  old.agree({{"cert-lt", {id}}});
  old.publish(id, {indicator(1)});
  flow::Origins& origins = *ua.origins;
  Producer from_old(old, {.origins = &origins});
  const auto items = tail(from_old, "cert-lt", id);
  ASSERT_EQ(items.size(), 1u);
  const auto proof = crypto::OriginProof::parse(items[0].proof);
  ASSERT_TRUE(proof);
  EXPECT_EQ(verify_origin(*proof, items[0].bytes, ua.key.public_key), crypto::OriginFault::kNone);
  EXPECT_TRUE(proof->claim.author);
}

// Leak rule G4: a copy of the same version with other bytes, more redacted or less, replaces the one that was given.
TEST_F(OriginLink, G4_ACopyOfTheSameVersionReplacesTheOneThatWasGiven) {
  ua.publish(shared, {indicator(1)});
  auto from_ua = producer(ua);
  lt.knows(ua);
  const FollowedCollection remote{"cert-ua", shared, "shared", "shared"};
  ASSERT_TRUE(lt.applier->open(remote));
  Wire wire(from_ua.get("cert-lt", "/link/v1/tail/" + shared));
  const auto take = [&] {
    auto items = items_of(wire.drain());
    Cursor cursor{};
    for (auto& item : items)
      if (item.pos == 0)
        item.pos = cursor.pos, item.cursor = cursor.text;
      else
        cursor = {item.pos, item.cursor};
    const auto applied = lt.applier->apply(remote, batch(std::move(items)));
    ASSERT_TRUE(applied) << applied.error().text();
  };
  take();
  const std::string mirror = lt.mirror_of("cert-ua");
  EXPECT_EQ(lt.contents(mirror), std::vector<std::string>{indicator(1)});

  auto json = parse_json(indicator(1))->as_object();
  json.erase("name");
  const std::string redacted = to_text(json);
  const auto change = [&](bool less) {
    const auto view = ua.release->open("cert-lt", shared)->view;
    journal::Batch batch{.epoch = ua.journal->epoch()};
    batch.outbox.push_back({.view = view, .withdraw = {1}});
    if (less)
      batch.outbox.back().redacted.push_back({.seq = 1, .payload = redacted});
    else
      batch.outbox.back().release = {1};
    ASSERT_TRUE(ua.journal->append(batch));
    // A change of what a member may see comes with a new policy; the tail looks for withdrawals then.
    auto state = *ua.release->state();
    state.members[less ? "cert-fi" : "cert-se"];
    ASSERT_TRUE(ua.release->apply(std::move(state), {shared}));
    from_ua.tails->policy_changed();
  };
  change(true);
  take();
  EXPECT_EQ(lt.contents(mirror), std::vector<std::string>{redacted}) << "narrowed";
  const auto entries = *lt.journal->snapshot()->collection_entries(mirror, 0, 10);
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_TRUE(lt.origins->judge(lt.journal->snapshot()->content(entries[0].seq)->proof, redacted).proven_by("cert-ua"));
  change(false);
  take();
  EXPECT_EQ(lt.contents(mirror), std::vector<std::string>{indicator(1)}) << "widened";
}

// Two members of one collection: one gets a copy in part, which proves that it derives from what was signed; a wider
// agreement gives it the whole one, a narrower one takes that back again.
TEST_F(OriginLink, G6_ARedactedCopyIsProvenAndReplacedWhenTheLabelWidens) {
  const std::string green = marking(stix::Tlp::kGreen), amber = marking(stix::Tlp::kAmber);
  std::string whole = indicator(1, green);
  whole.insert(whole.size() - 1, R"(,"description":"seen at the ministry","granular_markings":[{"marking_ref":")" +
                                     amber + R"(","selectors":["description"]}])");
  const auto agree = [&](stix::Tlp with_lt) {
    policy::PolicyState state{.self = "cert-ua"};
    for (const auto& [member, highest] : {std::pair{"cert-lt", with_lt}, {"cert-kr", stix::Tlp::kAmber}}) {
      state.members[member];
      state.agreements[member] = {.partner = member,
                                  .collections = {shared},
                                  .highest_tlp = highest,
                                  .types = {"*"},
                                  .valid_until = clock.now() + std::chrono::hours(1000)};
    }
    ASSERT_TRUE(ua.release->apply(std::move(state), {shared}));
  };
  agree(stix::Tlp::kGreen);
  ua.publish(shared, {whole});
  auto from_ua = producer(ua);
  const FollowedCollection remote{"cert-ua", shared, "shared", "shared"};
  struct Follower {
    SigningNode* node;
    std::unique_ptr<Wire> wire;
    Cursor cursor{};
  };
  std::vector<Follower> followers;
  for (SigningNode* node : {&lt, &kr}) {
    node->knows(ua);
    ASSERT_TRUE(node->applier->open(remote));
    followers.push_back({node, std::make_unique<Wire>(from_ua.get(node->self, "/link/v1/tail/" + shared))});
  }
  std::vector<TailItem> sent;
  const auto has = [&](Follower& follower) {
    sent = items_of(follower.wire->drain());
    auto items = sent;
    for (auto& item : items)
      if (item.pos == 0)
        item.pos = follower.cursor.pos, item.cursor = follower.cursor.text;
      else
        follower.cursor = {item.pos, item.cursor};
    if (!items.empty()) EXPECT_TRUE(follower.node->applier->apply(remote, batch(std::move(items))));
    const auto out = follower.node->contents(follower.node->mirror_of("cert-ua"));
    return out.empty() ? std::string("nothing") : out.size() == 1 ? out.front() : std::string("too much");
  };
  EXPECT_EQ(has(followers[1]), whole);
  const std::string part = has(followers[0]);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(part.find("ministry"), std::string::npos);
  EXPECT_EQ(sent[0].proof.find("ministry"), std::string::npos);
  const auto proof = crypto::OriginProof::parse(sent[0].proof);
  ASSERT_TRUE(proof && proof->redacted());
  EXPECT_EQ(verify_origin(*proof, part, ua.key.public_key), crypto::OriginFault::kNone)
      << "it derives from the original";
  EXPECT_TRUE(lt.quarantine->list().empty());

  agree(stix::Tlp::kAmber);
  from_ua.tails->policy_changed();
  if (followers[0].wire->ended())
    followers[0] = {&lt, std::make_unique<Wire>(from_ua.get("cert-lt", "/link/v1/tail/" + shared)), {}};
  EXPECT_EQ(has(followers[0]), whole);
  agree(stix::Tlp::kGreen);
  from_ua.tails->policy_changed();
  EXPECT_EQ(has(followers[0]), part) << "narrowed: the copy is replaced";
  agree(stix::Tlp::kClear);
  from_ua.tails->policy_changed();
  EXPECT_EQ(has(followers[0]), "nothing") << "and taken back";
  EXPECT_EQ(has(followers[1]), whole) << "who else has it keeps it";
}

// Leak rule R10: nothing that is numbered here, by entry or by view, is in what a partner gets.
TEST_F(OriginLink, R10_NoLocalNumberCrossesTheLink) {
  const auto events_of = [&](int entries_before, int views_before) {
    SeededRandom same{99};
    FakeClock same_clock;
    Node node("cert-ua", same_clock, same);
    const std::string first = node.add_collection("shared"), other = node.add_collection("other");
    for (int i = 0; i < views_before; ++i)
      EXPECT_TRUE(node.journal->create_view(other, "k" + std::to_string(i), 0, false));
    node.agree({{"cert-lt", {first}}});
    for (int i = 0; i < entries_before; ++i) {
      journal::Batch note;
      note.entries.push_back({.kind = journal::EntryKind::kNote, .origin = "cert-ua", .payload = "{}"});
      EXPECT_TRUE(node.journal->append(note));
    }
    same_clock.advance(std::chrono::seconds(5));
    node.publish(first, {indicator(1), indicator(2)});
    Producer from(node);
    std::string out;
    for (auto& item : tail(from, "cert-lt", first))
      out += fmt::format("{} {} {} {} {}\n", item.pos, item.object_id, item.version, item.added_us.value_or(0),
                         item.bytes);
    return out;
  };
  EXPECT_EQ(events_of(0, 0), events_of(37, 5));
  ua.publish(shared, {indicator(1)});
  auto from_ua = producer(ua);
  std::string raw;
  ASSERT_EQ(tail(from_ua, "cert-lt", shared, &raw).size(), 1u);
  const auto begin = raw.find("data: {") + 6;
  const auto header = parse_json(raw.substr(begin, raw.find('\n', begin) - begin));
  ASSERT_TRUE(header);
  std::vector<std::string> keys;
  for (const auto& [key, value] : header->as_object()) keys.emplace_back(key);
  EXPECT_THAT(keys, ::testing::ElementsAre("pos", "id", "version", "date_added", "sha256", "label", "proof"));
}

}  // namespace
}  // namespace bongsu::link
