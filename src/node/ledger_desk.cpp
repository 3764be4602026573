#include "node/ledger_desk.h"

#include <sys/prctl.h>

#include <algorithm>

#include "base/bytes.h"
#include "policy/agreement.h"

namespace bongsu::node {
namespace {

using namespace std::chrono_literals;
constexpr const char* kSpace = "ledger.witness";
constexpr auto kPostDeadline = 10s;
constexpr std::uint64_t kMaxAnswerBytes = 64 * 1024;

}  // namespace

Result<std::optional<std::string>> JournalWitnessRecord::newest(const std::string& origin) { return journal_.state(kSpace, origin); }

Result<void> JournalWitnessRecord::put(const std::string& origin, const std::string& note) {
  journal::Batch batch;
  batch.states.push_back({.space = kSpace, .key = origin, .value = note});
  BONGSU_TRY_VOID(journal_.append(batch));
  return {};
}

LedgerFeedDeps ledger_feed_deps(Core& core) {
  return {.self = core.config.member, .journal = *core.journal, .release = *core.release, .ledger = *core.ledger, .clock = core.clock, .log = core.log,
          .members =
              [&core] {
                std::vector<std::string> out;
                for (const auto& member : core.registry->members()) out.push_back(member.id);
                return out;
              },
          .agreement =
              [&core](std::string_view member) {
                JsonObject out;
                if (const auto agreement = core.registry->agreement(member)) out["agreement"] = to_hex(sha256(policy::to_toml(*agreement)));
                return out;
              },
          .was_given =
              [&core](std::string_view member, std::string_view collection, const journal::OutboxRow& row, bool erased) {
                return core.recall->was_given(member, collection, row.object_id, row.version, row.pos, erased);
              },
          .withdrawals = [&core] { return core.recall->withdrawals(); }};
}

LedgerDesk::LedgerDesk(Core& core)
    : core_(core),
      record_(*core.journal),
      witness_({.name = ledger::witness_name(core.config.member), .key = core.keys.signing}, record_, core.clock),
      feed_(ledger_feed_deps(core)),
      server_({.self = core.config.member,
               .store = core.ledger->store(),
               .witness = witness_,
               .member_of = [&core](const net::Peer& peer) { return core.registry->directory().member_of(peer); },
               .key_of = [&core](const std::string& id) { return core.registry->pinned_key(id); },
               .is_auditor =
                   [&core](const std::string& id) {
                     return std::ranges::find(core.config.ledger_auditors, id) != core.config.ledger_auditors.end();
                   },
               .on_fork = [this](const std::string& member, const ledger::Fork& fork,
                                 bool is_fork) { forked(member, fork, is_fork); }}),
      exchange_(
          *core.ledger, [this](const link::LedgerPeer& peer, const std::string& body) { return post(peer, body); },
          core.log) {}

void LedgerDesk::start() {
  peers_changed();
  feed_.start();
  thread_ = std::thread([this] { exchange(); });
}

void LedgerDesk::stop() {
  std::shared_ptr<net::Client> running;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    running = client_;
  }
  wake_.notify_all();
  if (running) running->cancel();
  if (thread_.joinable()) thread_.join();
  feed_.stop();
}

std::vector<link::LedgerPeer> LedgerDesk::peers() const {
  std::vector<link::LedgerPeer> out;
  for (const auto& member : core_.registry->members()) {
    const auto key = from_hex(member.signing_key);
    if (member.stopped || member.link_url.empty() || !key || key->size() != 32) continue;
    out.push_back({.member = member.id, .link_url = member.link_url, .ca_fingerprint = member.ca_fingerprint, .key = *key,
                   .auditor = std::ranges::find(core_.config.ledger_auditors, member.id) != core_.config.ledger_auditors.end()});
  }
  return out;
}

void LedgerDesk::peers_changed() {
  exchange_.set_peers(peers());
  feed_.policy_changed();
}

// On a fixed beat, whatever happens in between: when a partner is asked tells it nothing of what others do.
void LedgerDesk::exchange() {
  ::prctl(PR_SET_NAME, "bongsu-cosign");
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_.wait_for(lock, core_.config.ledger_cosign, [&] { return stopping_; });
    if (stopping_) return;
    lock.unlock();
    exchange_.run([this] {
      const std::lock_guard guard(mutex_);
      return stopping_;
    });
    lock.lock();
  }
}

Result<link::LedgerExchange::Answer> LedgerDesk::post(const link::LedgerPeer& peer, const std::string& body) {
  const crypto::Identity shown = core_.tls_identity();
  net::ClientOptions options;
  options.tls = {.certificate_pem = shown.certificate_pem, .private_key_pem = shown.private_key_pem, .floor = net::TlsFloor::kTls13, .pinned_fingerprints = {peer.ca_fingerprint}, .authorities_pem = {}};
  options.max_body_bytes = kMaxAnswerBytes;
  auto client = std::make_shared<net::Client>(std::move(options));
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return fail(ErrorCode::kCancelled, "the node is stopping");
    client_ = client;
  }
  net::ClientRequest request;
  request.method = "POST";
  BONGSU_TRY(request.url, net::parse_url(peer.link_url));
  request.url.target = std::string(link::kLedgerPrefix) + "add-checkpoint";
  request.headers.add("Content-Type", "text/plain; charset=utf-8");
  request.body = body;
  auto response = client->send(request, kPostDeadline);
  {
    const std::lock_guard lock(mutex_);
    client_.reset();
  }
  if (!response) return std::unexpected(response.error());
  return link::LedgerExchange::Answer{.status = response->status, .body = std::move(response->body)};
}

void LedgerDesk::forked(const std::string& member, const ledger::Fork& fork, bool is_fork) {
  if (!is_fork) {
    core_.log.warn("ledger.rolled_back", {{"member", member}, {"origin", fork.origin}, {"reason", fork.reason}});
    return;
  }
  core_.log.error("ledger.fork", {{"member", member}, {"origin", fork.origin}, {"reason", fork.reason}});
  const std::string reason = "its ledger shows two histories: " + fork.reason;
  if (auto done = core_.suspensions->suspend({.member = member, .reason = reason, .evidence = {{"origin", fork.origin}, {"first", fork.first}, {"second", fork.second}}, .stops_giving = true}); !done)
    core_.log.error("ledger.suspend", {{"member", member}, {"error", done.error().text()}});
}

Result<void> LedgerDesk::caught_up(std::chrono::milliseconds deadline) {
  const journal::Seq wanted = core_.journal->last_seq();
  const std::uint64_t rounds = feed_.rounds();
  for (const auto until = std::chrono::steady_clock::now() + deadline; std::chrono::steady_clock::now() < until; std::this_thread::sleep_for(10ms)) {
    if (const std::string problem = feed_.problem(); !problem.empty()) return fail(ErrorCode::kUnavailable, "the ledger does not follow the journal: " + problem);
    // Outboxes are followed behind the feed: a whole round must have begun since.
    if (feed_.has(wanted) || (feed_.cursor() >= wanted && feed_.rounds() >= rounds + 2)) return {};
    feed_.look();
  }
  return fail(ErrorCode::kTimeout, "the ledger is still following the journal; try again later");
}

JsonObject LedgerDesk::status() {
  JsonArray lines;
  for (const auto& line : exchange_.status()) lines.push_back(JsonObject{{"member", line.member}, {"log", line.log}, {"entries", line.size}, {"cosigned", line.cosigned}, {"problem", line.problem}});
  return {{"cursor", feed_.cursor()}, {"problem", feed_.problem()}, {"witnesses", std::move(lines)}};
}

}  // namespace bongsu::node
