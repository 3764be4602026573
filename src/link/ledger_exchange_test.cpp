// Two nodes that cosign each other's logs, without sockets: requests of one are handled by the other.
#include "link/ledger_exchange.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/json.h"
#include "base/log.h"
#include "ledger/evidence.h"
#include "link/ledger_server.h"

namespace bongsu::link {
namespace {

class MemoryRecord final : public ledger::WitnessRecord {
 public:
  Result<std::optional<std::string>> newest(const std::string& origin) override { return notes.contains(origin) ? std::optional(notes.at(origin)) : std::nullopt; }
  Result<void> put(const std::string& origin, const std::string& note) override {
    notes[origin] = note;
    return {};
  }
  std::map<std::string, std::string> notes;
};

struct Node {
  Node(std::string name, Log& l) : id(std::move(name)), log(l), key(*crypto::make_signing_key()) { open(std::make_unique<ledger::MemoryFiles>()); }
  void open(std::unique_ptr<ledger::Files> files) {
    server.reset();
    ledger.reset();
    ledger = *ledger::Ledger::open(std::move(files), {.member = id, .key = key, .salt = {}}, random, log);
    witness = std::make_unique<ledger::Witness>(ledger::WitnessOptions{.name = ledger::witness_name(id), .key = key}, record, clock);
    server = std::make_unique<LedgerServer>(LedgerServerDeps{
        .self = id, .store = ledger->store(), .witness = *witness,
        .member_of = [](const net::Peer& peer) { return peer.address.empty() ? std::nullopt : std::optional(peer.address); },
        .key_of = [this](const std::string& member) { return keys.contains(member) ? std::optional(keys.at(member)) : std::nullopt; },
        .is_auditor = [this](const std::string& member) { return auditors.contains(member); },
        .on_fork = [this](const std::string& member, const ledger::Fork& fork, bool forked) { forks.push_back({member, fork, forked}); }});
  }
  void give(const std::string& member, const std::string& object) {
    ASSERT_TRUE(ledger->record_pair(member, {.kind = "release", .time = clock.now(), .details = {{"object", object}}, .subject = object}));
  }
  net::Response ask(const std::string& from, const std::string& path, std::string query = "") {
    net::Request request{.method = "GET", .path = path, .query = std::move(query), .headers = {}, .body = {}, .peer = {}, .received = {}};
    request.peer.address = from;
    return server->handle(std::move(request));
  }
  struct Seen {
    std::string member;
    ledger::Fork fork;
    bool forked;
  };
  std::string id;
  Log& log;
  crypto::SigningKey key;
  SystemRandom random;
  FakeClock clock;
  MemoryRecord record;
  std::map<std::string, std::string> keys;
  std::set<std::string> auditors;
  std::vector<Seen> forks;
  std::unique_ptr<ledger::Ledger> ledger;
  std::unique_ptr<ledger::Witness> witness;
  std::unique_ptr<LedgerServer> server;
};

std::string text_of(const net::Response& response) { return std::get<std::string>(response.body); }

struct ExchangeTest : ::testing::Test {
  ExchangeTest() {
    for (Node* a : {&lt, &ua, &fi})
      for (Node* b : {&lt, &ua, &fi})
        if (a != b) a->keys[b->id] = b->key.public_key;
  }
  std::unique_ptr<LedgerExchange> exchange(Node& from, std::vector<Node*> to) {
    auto made = std::make_unique<LedgerExchange>(
        *from.ledger,
        [this, &from](const LedgerPeer& peer, const std::string& body) -> Result<LedgerExchange::Answer> {
          ++posts;
          posted[peer.member].push_back(body);
          for (Node* node : {&lt, &ua, &fi}) {
            if (node->id != peer.member) continue;
            net::Request request{.method = "POST", .path = "/link/v1/ledger/add-checkpoint", .query = {}, .headers = {}, .body = body, .peer = {}, .received = {}};
            request.peer.address = from.id;
            const auto response = node->server->handle(std::move(request));
            return LedgerExchange::Answer{.status = response.status, .body = text_of(response)};
          }
          return fail(ErrorCode::kUnavailable, "nobody there");
        },
        *log);
    std::vector<LedgerPeer> peers;
    for (Node* node : to) peers.push_back({.member = node->id, .link_url = {}, .ca_fingerprint = {}, .key = node->key.public_key, .auditor = from.auditors.contains(node->id)});
    made->set_peers(std::move(peers));
    return made;
  }
  std::unique_ptr<Log> log = make_null_log();
  Node lt{"cert-lt", *log}, ua{"cert-ua", *log}, fi{"cert-fi", *log};
  int posts = 0;
  std::map<std::string, std::vector<std::string>> posted;
};

TEST_F(ExchangeTest, BothSidesOfAPairCosignAndNothingIsSentTwice) {
  auto of_lt = exchange(lt, {&ua});
  auto of_ua = exchange(ua, {&lt});
  for (int round = 1; round <= 3; ++round) {
    lt.give("cert-ua", "indicator--a");
    ua.give("cert-lt", "indicator--b");
    of_lt->run();
    of_ua->run();
    EXPECT_EQ(posts, 2 * round);
    of_lt->run();
    EXPECT_EQ(posts, 2 * round) << "nothing has grown";
    const auto note = lt.ledger->store().cosigned("pair/cert-ua");
    ASSERT_TRUE(note);
    const std::vector<ledger::VerifierKey> keys = {ledger::log_key("cert-lt", "pair/cert-ua", lt.key.public_key), ledger::witness_key("cert-ua", ua.key.public_key)};
    EXPECT_EQ(note->verify(keys)->size(), 2u);
    EXPECT_EQ(ledger::Checkpoint::parse(note->text)->size, static_cast<std::uint64_t>(round));
  }
  // A new process asks the witness where it stands.
  auto again = exchange(lt, {&ua});
  lt.give("cert-ua", "indicator--c");
  again->run();
  EXPECT_EQ(again->status()[0].cosigned, 4u);
  EXPECT_EQ(again->status()[0].problem, "");
}

TEST_F(ExchangeTest, APartnerReadsItsOwnPairAloneAndAuditorsTheNodeLog) {
  lt.give("cert-ua", "indicator--a");
  lt.give("cert-fi", "indicator--b");
  lt.give("cert-fi", "indicator--c");
  ASSERT_TRUE(lt.ledger->record({.kind = "log-in", .time = {}, .details = {}, .subject = {}}));
  const auto read = [](const net::Response& response) { return ledger::Checkpoint::parse(ledger::Note::parse(text_of(response))->text); };
  EXPECT_EQ(read(lt.ask("cert-ua", "/link/v1/ledger/pair/checkpoint"))->size, 1u);
  EXPECT_EQ(read(lt.ask("cert-fi", "/link/v1/ledger/pair/checkpoint"))->size, 2u);
  EXPECT_EQ(text_of(lt.ask("cert-ua", "/link/v1/ledger/pair/tile/0/000.p/1")).size(), 32u);
  for (const char* path : {"/link/v1/ledger/pair/tile/0/000.p/2", "/link/v1/ledger/pair/cert-fi/checkpoint", "/link/v1/ledger/pair/../node/checkpoint", "/link/v1/ledger/node/checkpoint",
                           "/link/v1/ledger/node/tile/0/000.p/1", "/link/v1/ledger/pair/openings/000", "/link/v1/ledger/pair/names"}) {
    const auto refused = lt.ask("cert-ua", path);
    EXPECT_EQ(refused.status, 404) << path;
    EXPECT_EQ(text_of(refused), text_of(lt.ask("cert-ua", "/link/v1/ledger/nothing"))) << "what is not there and what is not yours read alike";
  }
  EXPECT_EQ(lt.ask("cert-xx", "/link/v1/ledger/pair/checkpoint").status, 403);
  EXPECT_EQ(lt.ask("", "/link/v1/ledger/pair/checkpoint").status, 403);
  lt.auditors.insert("cert-fi");
  EXPECT_EQ(read(lt.ask("cert-fi", "/link/v1/ledger/node/checkpoint"))->size, 1u);
  EXPECT_EQ(lt.ask("cert-fi", "/link/v1/ledger/node/evidence", "index=0").status, 404) << "an auditor sees commitments";
  // The partner can hold us to what we say that we gave it.
  const auto item = parse_json(text_of(lt.ask("cert-ua", "/link/v1/ledger/pair/evidence", "index=0")));
  ASSERT_TRUE(item);
  const std::vector<ledger::VerifierKey> keys = {ledger::log_key("cert-lt", "pair/cert-ua", lt.key.public_key)};
  const auto checked = ledger::check_evidence(ledger::evidence_document({*item}, {}, keys), keys);
  ASSERT_TRUE(checked->good());
  EXPECT_EQ(checked->items[0].content, R"({"object":"indicator--a"})");
}

TEST_F(ExchangeTest, TwoAuditorsCosignOneCheckpoint) {
  lt.auditors = {"cert-ua", "cert-fi"};
  auto of_lt = exchange(lt, {&ua, &fi});
  ASSERT_TRUE(lt.ledger->record({.kind = "log-in", .time = {}, .details = {}, .subject = {}}));
  of_lt->run();
  const auto note = lt.ledger->store().cosigned("node");
  ASSERT_TRUE(note);
  const std::vector<ledger::VerifierKey> keys = {ledger::witness_key("cert-ua", ua.key.public_key), ledger::witness_key("cert-fi", fi.key.public_key)};
  EXPECT_EQ(note->verify(keys)->size(), 2u);
}

TEST_F(ExchangeTest, AnEquivocatingLedgerIsCaughtNamedAndNeverCosigned) {
  auto of_lt = exchange(lt, {&ua});
  for (const char* object : {"indicator--a", "indicator--b", "indicator--c"}) lt.give("cert-ua", object);
  of_lt->run();
  const std::string honest = ua.record.notes.at("bongsu/ledger/cert-lt/pair/cert-ua");
  // The same node with another history of the same length, then a longer one.
  lt.open(std::make_unique<ledger::MemoryFiles>());
  for (const char* object : {"indicator--a", "indicator--x", "indicator--c"}) lt.give("cert-ua", object);
  auto lying = exchange(lt, {&ua});
  lying->run();
  ASSERT_GE(ua.forks.size(), 1u);
  EXPECT_TRUE(ua.forks[0].forked);
  EXPECT_EQ(ua.forks[0].member, "cert-lt");
  EXPECT_EQ(ua.forks[0].fork.first, honest);
  EXPECT_NE(ua.forks[0].fork.reason.find("two checkpoints of 3 entries"), std::string::npos) << ua.forks[0].fork.reason;
  // Both checkpoints of the evidence carry the liar's own signature.
  const auto key = ledger::log_key("cert-lt", "pair/cert-ua", lt.key.public_key);
  for (const auto& text : {ua.forks[0].fork.first, ua.forks[0].fork.second}) EXPECT_TRUE(ledger::Note::parse(text)->verify({&key, 1}));
  lt.give("cert-ua", "indicator--d");
  lying->run();
  ASSERT_GE(ua.forks.size(), 3u);
  EXPECT_TRUE(ua.forks.back().forked);
  EXPECT_EQ(ua.record.notes.at("bongsu/ledger/cert-lt/pair/cert-ua"), honest);
  EXPECT_FALSE(lt.ledger->store().cosigned("pair/cert-ua"));
  EXPECT_NE(lying->status()[0].problem, "");
}

TEST_F(ExchangeTest, ALedgerFromAnOlderCopyIsToldSoAndForksNothing) {
  auto of_lt = exchange(lt, {&ua});
  for (const char* object : {"indicator--a", "indicator--b", "indicator--c"}) lt.give("cert-ua", object);
  of_lt->run();
  lt.open(std::make_unique<ledger::MemoryFiles>());
  lt.give("cert-ua", "indicator--a");
  auto restored = exchange(lt, {&ua});
  restored->run();
  EXPECT_NE(restored->status()[0].problem.find("older copy"), std::string::npos) << restored->status()[0].problem;
  ASSERT_EQ(ua.forks.size(), 1u);
  EXPECT_FALSE(ua.forks[0].forked) << "less than before is no second history yet";
}

// D9: what one partner sees of its log does not change with what others are given.
TEST_F(ExchangeTest, D9TheSizeOfAPairsLogTellsNothingOfOthers) {
  std::vector<std::string> seen[2];
  for (const int world : {0, 1}) {
    posted.clear();
    ua.record.notes.clear();
    lt.open(std::make_unique<ledger::MemoryFiles>());
    auto of_lt = exchange(lt, {&ua, &fi});
    for (int i = 0; i < 20; ++i) {
      if (world == 1)
        for (int n = 0; n < i; ++n) lt.give("cert-fi", "indicator--secret");
      if (i % 3 == 0) lt.give("cert-ua", "indicator--" + std::to_string(i));
      of_lt->run();
      const auto checkpoint = lt.ask("cert-ua", "/link/v1/ledger/pair/checkpoint");
      const auto head = ledger::Checkpoint::parse(ledger::Note::parse(text_of(checkpoint))->text);
      seen[world].push_back(std::to_string(head->size) + " " + std::to_string(text_of(checkpoint).size()));
      for (const char* path : {"pair/tile/0/000.p/1", "pair/tile/0/000.p/7", "pair/tile/entries/000.p/3", "pair/evidence", "node/checkpoint", "pair/cert-fi/checkpoint"}) {
        const auto answer = lt.ask("cert-ua", std::string(kLedgerPrefix) + path, "index=2");
        seen[world].push_back(std::to_string(answer.status) + " " + std::to_string(text_of(answer).size()));
      }
    }
    // How often and how much was submitted to it.
    for (const auto& body : posted["cert-ua"]) seen[world].push_back(body.substr(0, body.find('\n')) + " " + std::to_string(body.size()));
  }
  EXPECT_EQ(seen[0], seen[1]);
  EXPECT_GT(posted["cert-fi"].size(), 10u);
}

}  // namespace
}  // namespace bongsu::link
