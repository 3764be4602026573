// Recall over links without sockets: what a tail hands out, and the exchange of tombstones and receipts.
#include <gtest/gtest.h>

#include "link/link_test_support.h"
#include "link/recall_links.h"
#include "link/recall_server.h"

namespace bongsu::link {
namespace {

using namespace test;

struct RecallingNode : Node {
  RecallingNode(std::string member, FakeClock& c, Random& r) : Node(std::move(member), c, r) { load(); }
  // As when the process starts; what was not written down before is not known any more.
  void load() {
    recall = std::move(flow::Recall::load(*journal, *release,
                                          {.self = self,
                                           .signing_key = key,
                                           .key_of = [this](std::string_view other) -> std::optional<std::string> {
                                             const auto at = keys.find(other);
                                             return at == keys.end() ? std::nullopt : std::optional(at->second);
                                           }},
                                          clock, *log)
                           .value());
    admission->set_recall(recall.get());
  }
  crypto::SigningKey key = crypto::make_signing_key().value();
  std::map<std::string, std::string, std::less<>> keys;  // of the others
  std::unique_ptr<flow::Recall> recall;
};

struct RecallLink : testing::Test {
  FakeClock clock;
  SeededRandom random{5};
  RecallingNode ua{"cert-ua", clock, random}, lt{"cert-lt", clock, random};
  std::string collection = ua.add_collection("shared");
  std::unique_ptr<Producer> producer;
  FlowApplier applier{*lt.journal, *lt.admission, *lt.collections, random, *lt.log, "cert-lt"};
  Cursor cursor;
  std::string run = "first";  // of cert-ua's node
  const net::Url url = net::parse_url("https://ua.example").value();

  void SetUp() override {
    ua.keys["cert-lt"] = lt.key.public_key;
    lt.keys["cert-ua"] = ua.key.public_key;
    ua.agree({{"cert-lt", {collection}}});
    lt.agree({});
    producer = std::make_unique<Producer>(ua, TailServerOptions{.recall = ua.recall.get()});
  }

  void connect() {
    Consumer consumer({.member = "cert-ua", .collection = collection, .link_url = url}, clock, random, cursor);
    Wire wire(producer->get("cert-lt", "/link/v1/tail/" + collection, consumer.request().headers));
    ASSERT_TRUE(consumer.head(wire.head().status, wire.head().headers));
    ASSERT_TRUE(consumer.data(wire.drain()));
    while (consumer.has_items()) {
      const TailBatch batch = consumer.take();
      const auto counts = applier.apply({.member = "cert-ua", .id = collection, .alias = "shared"}, batch);
      ASSERT_TRUE(counts) << counts.error().text();
      consumer.applied(batch, *counts);
      cursor = batch.cursor;
    }
  }
  std::vector<std::string> mirrored() {
    for (const auto& c : lt.collections->list())
      if (c.mirror_of == "cert-ua") return lt.contents(c.id);
    return {};
  }
  net::Response ask(const std::string& member, const std::string& method, const std::string& path, std::string body) {
    RecallServer server(
        *ua.recall,
        [](const net::Peer& peer) {
          return peer.issuer_fingerprint.empty() ? std::nullopt : std::optional(peer.issuer_fingerprint);
        },
        [this](const std::string& to, const std::string& of, std::string_view said) {
          return producer->tails->shown(to, of, said);
        },
        run, *ua.log);
    net::Request request{.method = method, .path = path};
    request.peer.issuer_fingerprint = member;
    request.body = std::move(body);
    EXPECT_TRUE(RecallServer::is_for(request));
    return server.handle(std::move(request));
  }
  net::Response ask_as(const std::string& member, const std::vector<RestingCursor>& cursors, const std::string& of) {
    return ask(member, "POST", std::string(kRecallsPath), resting_cursors_body({of, cursors}));
  }
  RecallSend send_to_ua() {
    return [this](const net::ClientRequest& request) -> Result<net::ClientResponse> {
      auto answer = ask("cert-lt", request.method, request.url.target, request.body);
      return net::ClientResponse{.status = answer.status, .body = std::get<std::string>(answer.body)};
    };
  }
};

// A node dies before it noted what it had handed out, and the member can't open its tail any more: where the member
// stands tells.
struct RecallShown : RecallLink {
  std::string id = stix::Object::parse(indicator(1))->id_text();
  Resting resting{[this]() -> Result<std::vector<RestingCursor>> { return at_rest; }};
  std::vector<RestingCursor> at_rest;

  void die() {
    producer.reset();
    ua.load();
    producer = std::make_unique<Producer>(ua, TailServerOptions{.recall = ua.recall.get()});
    run += "'";
  }
  void stop_and_recall() {
    ua.agree({{"cert-lt", {collection}}}, stix::Tlp::kGreen, {"cert-lt"});
    EXPECT_EQ(producer->get("cert-lt", "/link/v1/tail/" + collection, {{"Last-Event-ID", cursor.text}}).status, 404);
    const auto outcome = ua.recall->recall({.object_id = id, .reason = flow::RecallReason::kErroneous, .by = "anna"});
    ASSERT_TRUE(outcome) << outcome.error().text();
    EXPECT_EQ(outcome->unsettled, std::vector<std::string>{"cert-lt"});
  }
  void ask() { ASSERT_TRUE(exchange_recalls(*lt.recall, "cert-ua", url, send_to_ua(), &resting)); }
};

TEST_F(RecallShown, WhoCannotOpenItsTailShowsItsCursorAndIsTold) {
  ua.publish(collection, {indicator(1), indicator(2)});
  connect();
  die();
  stop_and_recall();
  ask();
  EXPECT_EQ(mirrored().size(), 2u) << "without a cursor nothing is known";
  at_rest = *resting_cursors(*lt.journal, "cert-ua", {});
  ASSERT_EQ(at_rest.size(), 1u);
  EXPECT_EQ(at_rest[0].collection, collection);
  EXPECT_EQ(at_rest[0].cursor, cursor.text);
  EXPECT_TRUE(resting_cursors(*lt.journal, "cert-ua", {collection})->empty()) << "something may come through it";
  EXPECT_TRUE(resting_cursors(*lt.journal, "cert", {})->empty());
  ask();
  EXPECT_EQ(mirrored(), std::vector<std::string>{indicator(2)});
  ASSERT_EQ(ua.recall->orders(id).size(), 1u);
  EXPECT_TRUE(ua.recall->orders(id)[0].receipt);
  EXPECT_TRUE(ua.recall->orders(id)[0].unsettled.empty());
}

TEST_F(RecallShown, WhoseAgreementEndsMeanwhileGivesBackWhatItGot) {
  ua.publish(collection, {indicator(1), indicator(2)});
  connect();
  die();
  ua.agree({});
  at_rest = *resting_cursors(*lt.journal, "cert-ua", {});
  ask();
  EXPECT_TRUE(mirrored().empty());
  for (const auto& order : ua.recall->orders()) EXPECT_TRUE(order.receipt);
}

TEST_F(RecallShown, WhoStandsBeforeARowWasNotHandedItAndIsNotTold) {
  ua.publish(collection, {indicator(2)});
  connect();
  ua.publish(collection, {indicator(1)});
  die();
  stop_and_recall();
  at_rest = *resting_cursors(*lt.journal, "cert-ua", {});
  ask();
  EXPECT_TRUE(ua.recall->orders(id).empty());
  EXPECT_TRUE(lt.recall->taken().empty());
}

TEST_F(RecallShown, OnlyOurOwnCursorsOfThisProcessCount) {
  ua.publish(collection, {indicator(1), indicator(2)});
  connect();
  die();
  stop_and_recall();
  const auto stored = *resting_cursors(*lt.journal, "cert-ua", {});
  const auto still_open = [&](const std::vector<RestingCursor>& cursors, const std::string& of) {
    const auto answer = ask_as("cert-lt", cursors, of);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(std::get<std::string>(answer.body).find("tombstone\""), std::string::npos);
    ASSERT_EQ(ua.recall->orders(id).size(), 1u);
    EXPECT_FALSE(ua.recall->orders(id)[0].unsettled.empty());
  };
  still_open(stored, "first");                                        // another process
  still_open({{collection, "1-" + std::string(32, 'A')}}, run);       // made up
  still_open({{ua.add_collection("other"), stored[0].cursor}}, run);  // of another collection
  EXPECT_EQ(ask_as("cert-kr", stored, run).status, 200);              // of another member
  still_open({}, run);
  for (const char* bad :
       {"", "[]", "{}", R"({"run":"","cursors":[]})", R"({"run":"a","cursors":7})", R"({"run":"a","cursors":[7]})",
        R"({"run":"a","cursors":[{"collection":"x","cursor":"1-a"}]})"})
    EXPECT_EQ(RecallLink::ask("cert-lt", "POST", std::string(kRecallsPath), bad).status, 400) << bad;
  EXPECT_EQ(RecallLink::ask("cert-lt", "POST", std::string(kRecallsPath),
                            resting_cursors_body({run, {{collection, std::string(kMaxCursorBytes + 1, '1')}}}))
                .status,
            400);
  EXPECT_EQ(ask_as("cert-lt", std::vector<RestingCursor>(kMaxRestingCursors + 1, stored[0]), run).status, 400);
}

TEST_F(RecallShown, WhatWasShownIsNotShownAgainUntilTheNodeStartsAnew) {
  ua.publish(collection, {indicator(1)});
  connect();
  at_rest = *resting_cursors(*lt.journal, "cert-ua", {});
  int posts = 0;
  const auto counting = [&, real = send_to_ua()](const net::ClientRequest& request) {
    posts += request.method == "POST" ? 1 : 0;
    return real(request);
  };
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(exchange_recalls(*lt.recall, "cert-ua", url, counting, &resting));
  EXPECT_EQ(posts, 1);
  die();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(exchange_recalls(*lt.recall, "cert-ua", url, counting, &resting));
  EXPECT_EQ(posts, 2);
}

// What a tail opens while a recall would wait for it must begin none itself.
TEST_F(RecallLink, ATailThatIsReadAsALabelRunsOutTellsItAndRecallsIt) {
  policy::Label label = policy::bottom();
  label.expires = clock.now() + std::chrono::hours(1);
  const std::string until = flow::test::label_marking(label);
  ua.publish(collection, {until, indicator(1, flow::test::id_in(until)), indicator(2)});
  Wire wire(producer->get("cert-lt", "/link/v1/tail/" + collection));
  EXPECT_NE(wire.drain().find("a1.example"), std::string::npos);
  clock.advance(std::chrono::hours(1));
  const std::string said = wire.drain();
  EXPECT_NE(said.find("event: gone"), std::string::npos) << said;
  EXPECT_NE(said.find("indicator--00000001"), std::string::npos) << said;
  ASSERT_EQ(ua.recall->orders().size(), 1u);
  EXPECT_EQ(ua.recall->orders()[0].member, "cert-lt");
  EXPECT_EQ(ua.recall->orders()[0].reason, flow::RecallReason::kNarrowed);
}

TEST_F(RecallLink, ATombstoneIsObeyedAndItsReceiptComesBackAlsoAfterOneWasLost) {
  ua.publish(collection, {indicator(1), indicator(2)});
  connect();
  ASSERT_EQ(mirrored().size(), 2u);
  const std::string id = stix::Object::parse(indicator(1))->id_text();
  ASSERT_TRUE(ua.recall->recall({.object_id = id, .reason = flow::RecallReason::kErroneous, .by = "anna"}));
  const auto lossy = [&, real = send_to_ua()](const net::ClientRequest& request) -> Result<net::ClientResponse> {
    if (request.method == "POST") return net::ClientResponse{.status = 502};
    return real(request);
  };
  EXPECT_FALSE(exchange_recalls(*lt.recall, "cert-ua", url, lossy));
  EXPECT_EQ(mirrored(), std::vector<std::string>{indicator(2)}) << "obeyed, whether it can say so or not";
  EXPECT_FALSE(ua.recall->orders(id).front().receipt);
  ASSERT_TRUE(exchange_recalls(*lt.recall, "cert-ua", url, send_to_ua()));
  ASSERT_TRUE(ua.recall->orders(id).front().receipt);
  EXPECT_EQ(ua.recall->orders(id).front().receipt->destroyed, 1u);
  EXPECT_TRUE(lt.recall->taken(id).front().acknowledged);
  // From the beginning once more, as if nothing had been received.
  cursor = {};
  connect();
  EXPECT_EQ(mirrored(), std::vector<std::string>{indicator(2)});
}

TEST_F(RecallLink, OnlyMembersAreToldAndNothingElseIsTaken) {
  EXPECT_EQ(ask("", "GET", std::string(kRecallsPath), "").status, 403);
  EXPECT_EQ(ask("cert-lt", "PUT", std::string(kRecallsPath), "").status, 405);
  EXPECT_EQ(ask("cert-lt", "GET", std::string(kReceiptsPath), "").status, 405);
  for (const char* bad :
       {"", "{", "[]", "{}", R"({"receipts":{}})", R"({"receipts":[7]})", R"({"receipts":[{"text":"x"}]})"})
    EXPECT_EQ(ask("cert-lt", "POST", std::string(kReceiptsPath), bad).status, 400) << bad;
  for (const int status : {401, 403, 500}) {
    const auto refused = exchange_recalls(*lt.recall, "cert-ua", url, [&](const auto&) -> Result<net::ClientResponse> {
      return net::ClientResponse{.status = status};
    });
    EXPECT_FALSE(refused) << status;
  }
  for (const char* bad : {"", "[]", R"({"tombstones":7})", R"({"tombstones":[],"upto":-1})"})
    EXPECT_FALSE(exchange_recalls(*lt.recall, "cert-ua", url, [&](const auto&) -> Result<net::ClientResponse> {
      return net::ClientResponse{.status = 200, .body = bad};
    })) << bad;
}

}  // namespace
}  // namespace bongsu::link
