// Objects that travel sealed: two nodes without sockets, a producer and a consumer with a mirror.
#include "link/sealing.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "link/link_test_support.h"
#include "link/prekey_server.h"

namespace bongsu::link {
namespace {

using namespace test;
using namespace std::chrono_literals;

struct Party {
  crypto::SigningKey signing = crypto::make_signing_key().value();
  std::unique_ptr<Sealing> sealing;
};

class SealedLink : public testing::Test {
 protected:
  FakeClock clock;
  SeededRandom random{1};
  Node ua{"cert-ua", clock, random}, lt{"cert-lt", clock, random};
  Party at_ua, at_lt;
  std::map<std::string, std::string, std::less<>> signing_keys;
  std::optional<crypto::SharedSecret> secret;
  crypto::Key256 master = crypto::fresh_key(random);
  std::string collection;
  std::unique_ptr<Producer> producer;
  std::unique_ptr<FlowApplier> applier;
  Cursor cursor;

  std::unique_ptr<Sealing> sealing_of(Node& node, const Party& party) {
    SealingDirectory directory{.signing_key = [this](std::string_view id) -> std::optional<std::string> {
                                 const auto found = signing_keys.find(id);
                                 return found == signing_keys.end() ? std::nullopt : std::optional(found->second);
                               },
                               .secret = [this](std::string_view) { return secret; }};
    auto sealing = std::make_unique<Sealing>(*node.journal, Sealing::Own{node.self, party.signing, master},
                                             std::move(directory), clock, random);
    EXPECT_TRUE(sealing->load().value().empty());
    return sealing;
  }

  void SetUp() override {
    signing_keys = {{"cert-ua", at_ua.signing.public_key}, {"cert-lt", at_lt.signing.public_key}};
    at_ua.sealing = sealing_of(ua, at_ua);
    at_lt.sealing = sealing_of(lt, at_lt);
    collection = ua.add_collection("shared");
    ua.agree({{"cert-lt", {collection}}}, stix::Tlp::kAmberStrict);
    lt.agree({});
    TailServerOptions options;
    options.sealing = at_ua.sealing.get();
    producer = std::make_unique<Producer>(ua, std::move(options));
    applier = std::make_unique<FlowApplier>(*lt.journal, *lt.admission, *lt.collections, random, *lt.log, "cert-lt",
                                            FlowApplier::OnMirror{}, at_lt.sealing.get());
  }

  FollowedCollection remote() const { return {.member = "cert-ua", .id = collection, .alias = "shared"}; }
  void exchange() {
    const auto left = at_ua.sealing->take_bundle("cert-lt", at_lt.sealing->bundle_for("cert-ua").value());
    ASSERT_TRUE(left) << left.error().text();
    producer->tails->prekeys_changed("cert-lt");
  }
  // One connection, read until it is silent: what came, and what is said of the link.
  std::string connect(std::vector<TailItem>* items = nullptr) {
    Consumer consumer(
        {.member = "cert-ua", .collection = collection, .link_url = net::parse_url("https://ua.example").value()},
        clock, random, cursor);
    const auto request = consumer.request();
    Wire wire(producer->get("cert-lt", "/link/v1/tail/" + collection, request.headers));
    EXPECT_TRUE(consumer.head(wire.head().status, wire.head().headers));
    const std::string text = wire.drain();
    const auto fed = consumer.data(text);
    EXPECT_TRUE(fed) << fed.error().text();
    while (consumer.has_items()) {
      const TailBatch batch = consumer.take();
      if (items) items->insert(items->end(), batch.items.begin(), batch.items.end());
      const auto counts = applier->apply(remote(), batch);
      EXPECT_TRUE(counts) << counts.error().text();
      if (counts) last_counts = *counts;
      consumer.applied(batch, last_counts);
      cursor = batch.cursor;
    }
    status = consumer.status();
    return text;
  }
  std::vector<std::string> mirrored() {
    for (const auto& c : lt.collections->list())
      if (c.mirror_of == "cert-ua") return lt.contents(c.id);
    return {};
  }
  AppliedCounts last_counts;
  LinkStatus status;
};

TEST_F(SealedLink, AnObjectAtTheLevelTravelsSealedAndOneBelowInClear) {
  exchange();
  const std::string open_text = indicator(1, marking(stix::Tlp::kAmber)),
                    sealed_text = indicator(2, marking(stix::Tlp::kAmberStrict));
  ua.publish(collection, {open_text, sealed_text});
  const std::string wire = connect();
  EXPECT_NE(wire.find("a1.example"), std::string::npos);
  EXPECT_EQ(wire.find("a2.example"), std::string::npos);
  EXPECT_EQ(wire.find("indicator--00000002"), std::string::npos) << "an id is data";
  EXPECT_NE(wire.find("\"sealed\":\"bse1\""), std::string::npos);
  EXPECT_EQ(mirrored(), (std::vector<std::string>{open_text, sealed_text}));
  EXPECT_TRUE(status.sealing.empty());
  EXPECT_TRUE(status.delay_us) << "delays are measured for sealed objects as well";
}

TEST_F(SealedLink, AProofOfOriginIsInsideOfTheSealAndJudgedBehindIt) {
  const auto ua_origins = flow::Origins::load(*ua.journal, clock, random).value();
  ua_origins->sign_as(
      std::make_shared<const crypto::OriginSigner>(*crypto::OriginSigner::make("cert-ua", at_ua.signing)));
  const auto ua_held = flow::Quarantine::load(*ua.journal, clock, random, "cert-ua", *ua.log).value();
  ua.admission->use(*ua_origins, *ua_held);
  const auto origins = flow::Origins::load(*lt.journal, clock, random).value();
  origins->know_keys([this](std::string_view member) -> std::vector<flow::OriginKey> {
    const auto found = signing_keys.find(member);
    if (found == signing_keys.end()) return {};
    return {{found->second, std::nullopt}};
  });
  const auto held = flow::Quarantine::load(*lt.journal, clock, random, "cert-lt", *lt.log).value();
  lt.admission->use(*origins, *held);
  exchange();
  const std::string open_text = indicator(1, marking(stix::Tlp::kAmber)),
                    sealed_text = indicator(2, marking(stix::Tlp::kAmberStrict));
  ua.publish(collection, {sealed_text});
  EXPECT_EQ(connect().find("\"proof\""), std::string::npos) << "a relay of the stream learns nothing from it";
  ua.publish(collection, {open_text});
  EXPECT_NE(connect().find("\"proof\""), std::string::npos);
  EXPECT_EQ(mirrored(), (std::vector<std::string>{sealed_text, open_text}));
  EXPECT_TRUE(origins->signs("cert-ua"));

  // A sealed object with another's proof is no better than an open one.
  const auto suspensions = Suspensions::load(*lt.journal, clock).value();
  applier->suspend_with(*suspensions);
  const std::string text = indicator(3, marking(stix::Tlp::kAmberStrict));
  TailItem inside{.kind = TailItem::Kind::kObject, .pos = 3, .object_id = "indicator--x", .bytes = text};
  inside.proof = crypto::OriginSigner::make("cert-ua", crypto::make_signing_key().value())
                     ->sign(std::vector<std::string_view>{text}, {}, clock.now(), random)
                     ->front();
  TailBatch batch;
  batch.items.push_back({.kind = TailItem::Kind::kObject, .pos = 3, .cursor = "3-a"});
  batch.items.front().sealed =
      at_ua.sealing->seal("cert-lt", {"TLP:RED", tail_content_type(collection)}, tail_object_text(inside)).value();
  batch.cursor = {3, "3-a"};
  EXPECT_EQ(applier->apply(remote(), batch).error().code, ErrorCode::kDenied);
  EXPECT_TRUE(suspensions->reason_of("cert-ua"));
  ASSERT_EQ(held->list().size(), 1u);
  EXPECT_EQ(held->list().front().reason, flow::HeldFor::kBadProof);
}

TEST_F(SealedLink, WithoutPrekeysItIsWithheldWithAReasonAndComesLater) {
  const std::string open_text = indicator(1, marking(stix::Tlp::kAmber)),
                    sealed_text = indicator(2, marking(stix::Tlp::kAmberStrict));
  ua.publish(collection, {open_text, sealed_text});
  const std::string wire = connect();
  EXPECT_EQ(wire.find("a2.example"), std::string::npos);
  EXPECT_EQ(mirrored(), (std::vector<std::string>{open_text}));
  EXPECT_EQ(status.withheld, 1u);
  EXPECT_NE(status.sealing.find("prekeys"), std::string::npos) << status.sealing;
  ASSERT_EQ(producer->tails->withheld().size(), 1u);
  EXPECT_EQ(producer->tails->withheld()[0].member, "cert-lt");

  EXPECT_TRUE(connect().find("a2.example") == std::string::npos) << "nor at the next connection";
  exchange();
  (void)connect();
  EXPECT_EQ(mirrored(), (std::vector<std::string>{open_text, sealed_text}));
  EXPECT_TRUE(producer->tails->withheld().empty());
  EXPECT_EQ(status.withheld, 0u);
}

// What was withheld comes when the outbox is begun anew; what was withdrawn meanwhile goes.
TEST_F(SealedLink, WhatWasWithdrawnIsToldAlsoWhereTheOutboxIsBegunAnew) {
  const std::string gone = indicator(1, marking(stix::Tlp::kAmber)), stays = indicator(2, marking(stix::Tlp::kAmber)),
                    sealed_text = indicator(3, marking(stix::Tlp::kAmberStrict));
  ua.publish(collection, {gone, stays, sealed_text});
  (void)connect();
  ASSERT_EQ(mirrored(), (std::vector<std::string>{gone, stays}));
  ASSERT_TRUE(ua.admission->remove(collection, stix::Object::parse(gone)->id_text(), "", "cert-ua"));
  exchange();
  (void)connect();
  EXPECT_EQ(mirrored(), (std::vector<std::string>{stays, sealed_text}));
}

TEST_F(SealedLink, WhatIsOwedStaysOwedUntilTheMemberHasBegunAnew) {
  const std::string open_text = indicator(1, marking(stix::Tlp::kAmber)),
                    sealed_text = indicator(2, marking(stix::Tlp::kAmberStrict)),
                    last = indicator(3, marking(stix::Tlp::kAmber));
  ua.publish(collection, {open_text, sealed_text, last});
  (void)connect();
  ASSERT_EQ(mirrored(), (std::vector<std::string>{open_text, last}));
  exchange();
  const auto ask = [&] {
    Consumer consumer(
        {.member = "cert-ua", .collection = collection, .link_url = net::parse_url("https://ua.example").value()},
        clock, random, cursor);
    return producer->get("cert-lt", "/link/v1/tail/" + collection, consumer.request().headers);
  };
  // The connection is cut before the first byte, and again after all of them, which nobody received.
  {
    const auto cut = ask();
  }
  {
    Wire wire(ask());
    EXPECT_NE(wire.drain().find("bse1"), std::string::npos);
  }
  // The node dies.
  TailServerOptions options;
  options.sealing = at_ua.sealing.get();
  producer = std::make_unique<Producer>(ua, std::move(options));
  EXPECT_EQ(ask().headers.get(kFromHeader), "0");
  (void)connect();
  EXPECT_EQ(mirrored(), (std::vector<std::string>{open_text, last, sealed_text}));
  // And no more than that.
  EXPECT_EQ(ask().headers.get(kFromHeader), "3");
  producer = std::make_unique<Producer>(ua, TailServerOptions{.sealing = at_ua.sealing.get()});
  EXPECT_EQ(ask().headers.get(kFromHeader), "3") << "after a restart";

  // A second time: the prekeys ran out.
  clock.advance(crypto::kOneTimeLifetime);
  ua.agree({{"cert-lt", {collection}}}, stix::Tlp::kAmberStrict);  // the agreement ran out, too
  const std::string again = indicator(4, marking(stix::Tlp::kAmberStrict));
  ua.publish(collection, {again});
  (void)connect();
  EXPECT_EQ(status.withheld, 1u);
  EXPECT_EQ(ask().headers.get(kFromHeader), "4") << "not before it can be sealed";
  exchange();
  EXPECT_EQ(ask().headers.get(kFromHeader), "0");
  (void)connect();
  EXPECT_EQ(mirrored(), (std::vector<std::string>{open_text, last, sealed_text, again}));
}

// It is begun anew for what is owed, and what its cursor proves is known all the same: after a crash nothing else tells
// what it had been handed.
TEST_F(SealedLink, WhereTheOutboxIsBegunAnewTheCursorStillTellsWhatARecallHasToReach) {
  const std::string open_text = indicator(1, marking(stix::Tlp::kAmber));
  ua.publish(collection, {open_text, indicator(2, marking(stix::Tlp::kAmberStrict))});
  (void)connect();
  const auto recall =
      flow::Recall::load(*ua.journal, *ua.release,
                         {.self = "cert-ua", .signing_key = at_ua.signing, .key_of = {}, .referrers = {}}, clock,
                         *ua.log)
          .value();
  TailServerOptions options;
  options.sealing = at_ua.sealing.get();
  options.recall = recall.get();
  producer = std::make_unique<Producer>(ua, std::move(options));
  const auto wanted = recall->recall({.object_id = stix::Object::parse(open_text)->id_text()});
  ASSERT_TRUE(wanted);
  EXPECT_EQ(wanted->unsettled, std::vector<std::string>{"cert-lt"});
  exchange();
  (void)connect();
  EXPECT_EQ(recall->told("cert-lt")->tombstones.size(), 1u);
  producer.reset();
}

TEST_F(SealedLink, WhatAnEarlierBuildNotedAsOwedIsGiven) {
  ua.publish(collection, {indicator(1, marking(stix::Tlp::kAmber))});
  exchange();
  (void)connect();
  ASSERT_TRUE(ua.journal->put({{"link.withheld", "cert-lt/" + collection, "this has to be sealed, and nobody can"}}));
  producer = std::make_unique<Producer>(ua, TailServerOptions{.sealing = at_ua.sealing.get()});
  std::vector<TailItem> items;
  (void)connect(&items);
  EXPECT_EQ(items.size(), 1u) << "from the beginning";
  items.clear();
  (void)connect(&items);
  EXPECT_TRUE(items.empty()) << "once";
}

TEST_F(SealedLink, WhatCouldNotBeNotedAsOwedIsNotedAtTheNextTry) {
  const std::string sealed_text = indicator(1, marking(stix::Tlp::kAmberStrict));
  ua.publish(collection, {sealed_text});
  {
    Wire wire(producer->get("cert-lt", "/link/v1/tail/" + collection));
    ua.journal->fail_after(1);
    std::string out;
    EXPECT_FALSE(wire.try_pull(out));
    EXPECT_EQ(out.find("withheld"), std::string::npos) << "not told before it is durable";
    ua.journal->heal();
  }
  (void)connect();
  EXPECT_EQ(status.withheld, 1u);
  exchange();
  (void)connect();
  EXPECT_EQ(mirrored(), std::vector<std::string>{sealed_text});
}

// A node whose token is away cannot sign what it seals. That is no want of prekeys: nothing is withheld, and nobody has
// to come again.
TEST_F(SealedLink, ARowWaitsForTheTokenThatSigns) {
  struct Token final : crypto::Signer {
    std::shared_ptr<const crypto::Signer> inner;
    bool away = false;
    mutable int asked = 0;
    Result<std::string> sign(std::string_view message) const override {
      ++asked;
      if (away) return fail(ErrorCode::kUnavailable, "signing: the token answers 0x32");
      return inner->sign(message);
    }
  };
  const auto token = std::make_shared<Token>();
  token->inner = crypto::open_signer(at_ua.signing).value();
  at_ua.signing.token = token;
  at_ua.sealing = sealing_of(ua, at_ua);
  producer = std::make_unique<Producer>(ua, TailServerOptions{.sealing = at_ua.sealing.get()});
  exchange();
  const std::string open_text = indicator(1, marking(stix::Tlp::kAmber)),
                    sealed_text = indicator(2, marking(stix::Tlp::kAmberStrict));
  ua.publish(collection, {open_text, sealed_text});
  const auto left = at_ua.sealing->one_time_left("cert-lt");
  token->away = true;
  Wire wire(producer->get("cert-lt", "/link/v1/tail/" + collection));
  const std::string before = wire.drain();
  EXPECT_NE(before.find("a1.example"), std::string::npos) << "what stands before it goes";
  EXPECT_EQ(before.find("event: live"), std::string::npos) << "this is not all";
  EXPECT_FALSE(wire.ended());
  EXPECT_TRUE(producer->tails->withheld().empty());
  const int asked = token->asked;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(wire.pull(), "") << "whatever wakes it";
  EXPECT_EQ(token->asked, asked) << "the token is left alone";
  EXPECT_NE(wire.pull(true), "") << "a heartbeat";
  EXPECT_GT(token->asked, asked) << "and with it another try";
  EXPECT_EQ(at_ua.sealing->one_time_left("cert-lt"), left) << "no prekey was used up";
  token->away = false;
  const std::string after = wire.pull(true);
  EXPECT_NE(after.find("bse1"), std::string::npos);
  EXPECT_NE(after.find("event: live"), std::string::npos);
  EXPECT_FALSE(wire.ended());
}

TEST_F(SealedLink, AnOpenTailEndsWhenPrekeysComeSoThatNothingIsMissed) {
  ua.publish(collection, {indicator(1, marking(stix::Tlp::kAmberStrict))});
  Wire wire(producer->get("cert-lt", "/link/v1/tail/" + collection));
  (void)wire.drain();
  EXPECT_FALSE(wire.ended());
  exchange();
  EXPECT_TRUE(wire.woken());
  (void)wire.drain();
  EXPECT_TRUE(wire.ended());
}

TEST_F(SealedLink, WhatIsRecordedOnTheWayOpensOnceOnly) {
  exchange();
  ua.publish(collection, {indicator(1, marking(stix::Tlp::kAmberStrict))});
  std::vector<TailItem> items;
  (void)connect(&items);
  ASSERT_EQ(mirrored().size(), 1u);
  TailBatch again{.items = items, .cursor = cursor};
  const auto counts = applier->apply(remote(), again);
  ASSERT_TRUE(counts) << counts.error().text();
  EXPECT_EQ(counts->refused, 1u);
  // The key is gone from the disk, too, not only from memory.
  at_lt.sealing = sealing_of(lt, at_lt);
  EXPECT_EQ(at_lt.sealing->open(items[0].sealed).error().code, ErrorCode::kNotFound);
}

TEST_F(SealedLink, ASealedObjectOfAnotherSenderCollectionOrPositionIsRefused) {
  exchange();
  ua.publish(collection, {indicator(1, marking(stix::Tlp::kAmberStrict))});
  Wire wire(producer->get("cert-lt", "/link/v1/tail/" + collection));
  const TailItem inside{.kind = TailItem::Kind::kObject, .pos = 9, .object_id = "indicator--x", .bytes = indicator(7)};
  const auto sealed = [&](const std::string& type, std::string text) {
    return at_ua.sealing->seal("cert-lt", {"TLP:RED", type}, text).value();
  };
  const struct {
    const char* what;
    std::string member, envelope;
    journal::Pos pos;
  } kBad[] = {
      {"sent by another partner", "cert-kr", sealed(tail_content_type(collection), tail_object_text(inside)), 9},
      {"of another collection", "cert-ua",
       sealed(tail_content_type("91a7b528-80eb-42ed-a74d-c6fbd5a26116"), tail_object_text(inside)), 9},
      {"sealed for another purpose", "cert-ua", sealed("application/octet-stream", tail_object_text(inside)), 9},
      {"moved to another position", "cert-ua", sealed(tail_content_type(collection), tail_object_text(inside)), 8},
      {"without a header line", "cert-ua", sealed(tail_content_type(collection), "x"), 9},
      {"not an envelope", "cert-ua", "BSE1 and nothing", 9},
  };
  for (const auto& bad : kBad) {
    TailItem item{.kind = TailItem::Kind::kObject, .pos = bad.pos, .cursor = "c"};
    item.sealed = bad.envelope;
    FollowedCollection from = remote();
    from.member = bad.member;
    const auto counts = applier->apply(from, {.items = {item}, .cursor = {bad.pos, "c"}});
    ASSERT_TRUE(counts) << bad.what;
    EXPECT_EQ(counts->refused, 1u) << bad.what;
    EXPECT_EQ(counts->applied, 0u) << bad.what;
  }
  TailItem good{.kind = TailItem::Kind::kObject, .pos = 9, .cursor = "c"};
  good.sealed = sealed(tail_content_type(collection), tail_object_text(inside));
  EXPECT_EQ(applier->apply(remote(), {.items = {good}, .cursor = {9, "c"}})->applied, 1u);
}

TEST_F(SealedLink, AKeyIsUsedOnceAlsoAfterACrash) {
  exchange();
  std::set<std::string> used;
  const auto key_of = [&] {
    const std::string file = at_ua.sealing->seal("cert-lt", {"TLP:RED", "t/t"}, "x").value();
    EXPECT_TRUE(at_ua.sealing->flush());
    return crypto::read_envelope(file)->headers[0].prekey;
  };
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(used.insert(key_of()).second);
  at_ua.sealing = sealing_of(ua, at_ua);  // as if the process had died here
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(used.insert(key_of()).second);
  // The receiver gives new ones when it hears that few are left; with none at all the last resort serves.
  EXPECT_LT(at_ua.sealing->one_time_left("cert-lt"), kFewPrekeys);
  const auto left = at_ua.sealing->take_bundle("cert-lt", at_lt.sealing->bundle_for("cert-ua", 0).value());
  ASSERT_GE(left.value(), crypto::kOneTimePerReader);
  for (std::size_t i = 0; i < *left; ++i) EXPECT_TRUE(used.insert(key_of()).second);
  const std::string last = key_of();
  EXPECT_TRUE(used.insert(last).second);
  EXPECT_EQ(key_of(), last);
}

TEST_F(SealedLink, AJournalFromABackupSealsToNoKeyThatWasUsedSince) {
  exchange();
  const auto states = ua.journal->states("prekeys.theirs").value();  // the backup
  ASSERT_EQ(states.size(), 1u);
  for (std::size_t i = 0; i < 2 * kPrekeyBlock; ++i) {
    const auto file = at_ua.sealing->seal("cert-lt", {"TLP:RED", "text/plain"}, "x").value();
    ASSERT_TRUE(at_ua.sealing->flush());
    const auto opened = at_lt.sealing->open(file);
    ASSERT_TRUE(opened);
    at_lt.sealing->committed(*opened);
  }
  const auto put_back = [&] {
    journal::Batch batch;
    for (const auto& [member, value] : states) batch.states.push_back({"prekeys.theirs", member, value});
    ASSERT_TRUE(ua.journal->append(batch));
  };
  put_back();
  at_ua.sealing = sealing_of(ua, at_ua);
  const auto lost = at_ua.sealing->seal("cert-lt", {"TLP:RED", "text/plain"}, "x").value();
  EXPECT_EQ(at_lt.sealing->open(lost).error().code, ErrorCode::kNotFound) << "its key was destroyed there";

  put_back();
  ASSERT_TRUE(forget_keys_of_others(*ua.journal));
  at_ua.sealing = sealing_of(ua, at_ua);
  EXPECT_FALSE(at_ua.sealing->can_seal_to("cert-lt"));
  clock.advance(2s);
  ASSERT_TRUE(at_ua.sealing->take_bundle("cert-lt", at_lt.sealing->bundle_for("cert-ua").value()));
  const auto file = at_ua.sealing->seal("cert-lt", {"TLP:RED", "text/plain"}, "x").value();
  EXPECT_TRUE(at_lt.sealing->open(file));
}

TEST_F(SealedLink, BundlesAreTakenFromTheirMemberOnly) {
  const std::string bundle = at_lt.sealing->bundle_for("cert-ua").value();
  EXPECT_EQ(at_ua.sealing->take_bundle("cert-xx", bundle).error().code, ErrorCode::kUnauthenticated);
  signing_keys["cert-ee"] = crypto::make_signing_key()->public_key;
  EXPECT_EQ(at_ua.sealing->take_bundle("cert-ee", bundle).error().code, ErrorCode::kDenied);
  EXPECT_EQ(at_ua.sealing->take_bundle("cert-lt", at_lt.sealing->bundle_for("cert-ee").value()).error().code,
            ErrorCode::kDenied);
  EXPECT_FALSE(at_ua.sealing->can_seal_to("cert-lt"));
  EXPECT_TRUE(at_ua.sealing->take_bundle("cert-lt", bundle));
  clock.advance(crypto::kOneTimeLifetime);
  EXPECT_FALSE(at_ua.sealing->can_seal_to("cert-lt"));
  EXPECT_EQ(at_ua.sealing->seal("cert-lt", {"TLP:RED", "t/t"}, "x").error().code, ErrorCode::kUnavailable);
}

TEST_F(SealedLink, TheAgreedSecretIsUsedWhereThereIsOne) {
  secret = crypto::SharedSecret{.id = "one", .secret = std::string(32, 's')};
  exchange();
  ua.publish(collection, {indicator(1, marking(stix::Tlp::kAmberStrict))});
  std::vector<TailItem> items;
  (void)connect(&items);
  EXPECT_EQ(mirrored().size(), 1u);
  EXPECT_TRUE(crypto::read_envelope(items[0].sealed)->headers[0].with_secret);
}

TEST_F(SealedLink, ThePrekeyEndpointGivesAndTakes) {
  const MemberOf member_of = [](const net::Peer& peer) -> std::optional<std::string> {
    if (peer.issuer_fingerprint.empty()) return std::nullopt;
    return peer.issuer_fingerprint;
  };
  std::string taken;
  PrekeyServer server(*at_ua.sealing, member_of, *ua.log, [&](const std::string& member) { taken = member; });
  const auto ask = [&](std::string method, std::string member, std::string body) {
    net::Request request{.method = std::move(method), .path = std::string(kPrekeysPath)};
    request.peer.issuer_fingerprint = std::move(member);
    request.body = std::move(body);
    return server.handle(std::move(request));
  };
  EXPECT_EQ(ask("GET", "", "").status, 403);
  EXPECT_EQ(ask("PUT", "cert-lt", "").status, 405);
  EXPECT_EQ(ask("POST", "cert-lt", "{}").status, 400);
  EXPECT_EQ(ask("POST", "cert-lt", at_lt.sealing->bundle_for("cert-ua").value()).status, 200);
  EXPECT_EQ(taken, "cert-lt");
  const auto given = ask("GET", "cert-lt", "");
  EXPECT_EQ(given.status, 200);
  EXPECT_TRUE(at_lt.sealing->take_bundle("cert-ua", std::get<std::string>(given.body)));

  // The other side of the exchange: against this server, and against a node that knows nothing of it.
  const auto done = exchange_prekeys(
      *at_lt.sealing, "cert-ua",
      [&](std::string_view method, std::string_view, std::string body) -> Result<net::ClientResponse> {
        auto answer = ask(std::string(method), "cert-lt", std::move(body));
        return net::ClientResponse{.status = answer.status, .body = std::get<std::string>(answer.body)};
      });
  EXPECT_TRUE(done.done) << done.problem;
  const auto old = exchange_prekeys(*at_lt.sealing, "cert-ua", [](auto, auto, auto) -> Result<net::ClientResponse> {
    return net::ClientResponse{.status = 404};
  });
  EXPECT_FALSE(old.done);
  EXPECT_NE(old.problem.find("older version"), std::string::npos);
}

TEST(SealLevels, FollowTlpAndWhatCannotBeReadIsSealed) {
  const SealLevel standard = *SealLevel::parse("amber+strict"), all = *SealLevel::parse("clear"),
                  classified = *SealLevel::parse("classified");
  EXPECT_FALSE(SealLevel::parse("secret"));
  for (const auto& [text, by_standard, by_classified] :
       {std::tuple("clear", false, false), std::tuple("amber marked", false, false),
        std::tuple("amber+strict", true, false), std::tuple("red", true, false),
        std::tuple("clear unknown", true, true), std::tuple("clear class:restricted", true, true),
        std::tuple("nonsense", true, true)}) {
    EXPECT_EQ(needs_sealing(text, standard), by_standard) << text;
    EXPECT_EQ(needs_sealing(text, classified), by_classified) << text;
    EXPECT_TRUE(needs_sealing(text, all)) << text;
  }
}

}  // namespace
}  // namespace bongsu::link
