// What a SimNode is made of. For nodes.cpp and nodes_trust.cpp alone: it includes all of the product.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "api/taxii/taxii_server.h"
#include "base/log.h"
#include "flow/admit.h"
#include "flow/alerts.h"
#include "flow/collections.h"
#include "flow/flow_test_support.h"
#include "flow/markings.h"
#include "flow/origins.h"
#include "flow/quarantine.h"
#include "flow/recall.h"
#include "flow/release.h"
#include "identity/accounts.h"
#include "journal/journal.h"
#include "ledger/files.h"
#include "ledger/ledger.h"
#include "ledger/witness.h"
#include "link/applier.h"
#include "link/ledger_exchange.h"
#include "link/ledger_server.h"
#include "link/pairing.h"
#include "link/prekey_server.h"
#include "link/recall_links.h"
#include "link/recall_server.h"
#include "link/sealing.h"
#include "link/suspension.h"
#include "link/tail_server.h"
#include "link/trust_exchange.h"
#include "node/ledger_feed.h"
#include "node/registry.h"
#include "nodes.h"

namespace bongsu::simulation {

// What a receiver sees of a response; a body is read to its end.
Answer answer_of(net::Response&& response);

// A simulator that cannot go on says why and ends: a seed that did so is no result.
template <class T>
T must(Result<T> result, std::string_view doing) {
  if (!result) {
    std::fprintf(stderr, "simulation: %.*s: %s\n", static_cast<int>(doing.size()), doing.data(),
                 result.error().text().c_str());
    std::abort();
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// Making an account book costs a password hash. They are lent to one node after the other; nothing of an account's
// tokens stays in one.
identity::AccountBook* borrow_accounts();
void give_back(identity::AccountBook* book);

// As node::JournalWitnessRecord.
class WitnessedInJournal final : public ledger::WitnessRecord {
 public:
  explicit WitnessedInJournal(journal::Journal& journal) : journal_(journal) {}
  Result<std::optional<std::string>> newest(const std::string& origin) override {
    return journal_.state("ledger.witness", origin);
  }
  Result<void> put(const std::string& origin, const std::string& note) override {
    journal::Batch batch;
    batch.states.push_back({.space = "ledger.witness", .key = origin, .value = note});
    BONGSU_TRY_VOID(journal_.append(batch));
    return {};
  }

 private:
  journal::Journal& journal_;
};

struct SimNode::Disk {
  explicit Disk(const Clock& clock, Random& random) : journal(journal::make_memory_journal(clock, random)) {}
  flow::test::FaultyJournal journal;
  ledger::MemoryFiles files;  // of the ledger
  // Each log has salts of a stream of its own: what is in one moves nothing in another.
  std::map<std::string, std::uint64_t, std::less<>> salts;
  // What links brought, where it is kept (NodeOptions): the network may bring it again at any time.
  std::vector<std::pair<link::FollowedCollection, link::TailBatch>> arrived;
};

// In the order of node::Core and node::Node.
struct SimNode::Parts {
  std::unique_ptr<Log> log = make_null_log();
  identity::AccountBook* accounts = borrow_accounts();
  std::unique_ptr<flow::Collections> collections;
  std::unique_ptr<flow::Markings> markings;
  std::unique_ptr<flow::Release> release;
  std::unique_ptr<flow::Origins> origins;
  std::unique_ptr<flow::Quarantine> quarantine;
  std::unique_ptr<flow::Recall> recall;
  std::unique_ptr<link::Suspensions> suspensions;
  std::unique_ptr<flow::Admission> admission;
  std::unique_ptr<node::Registry> registry;
  std::unique_ptr<flow::Alerts> alerts;
  std::unique_ptr<link::Sealing> sealing;  // none where nothing is sealed
  std::unique_ptr<api::TaxiiServer> taxii;
  std::unique_ptr<link::TailGate> gate;
  std::unique_ptr<link::TailServer> tails;
  std::unique_ptr<link::PrekeyServer> prekeys;
  std::unique_ptr<link::RecallServer> recall_server;
  std::map<std::string, link::Resting> resting;  // by partner
  std::unique_ptr<link::TrustServer> trust;
  std::unique_ptr<link::PairingServer> pairing;
  std::unique_ptr<link::FlowApplier> applier;
  std::map<std::string, Instant, std::less<>> prekeys_given;  // to whom, when
  std::string identity_id;

  // As node::LedgerDesk has them; none when the scenario goes without a ledger.
  std::unique_ptr<ledger::Ledger> ledger;
  std::unique_ptr<WitnessedInJournal> witnessed;
  std::unique_ptr<ledger::Witness> witness;
  std::unique_ptr<node::LedgerFeed> feed;
  std::unique_ptr<link::LedgerServer> ledger_server;
  std::unique_ptr<link::LedgerExchange> exchange;
  PostCheckpoint* post = nullptr;  // while it cosigns
  journal::Seq ledger_seq = 0;     // what was followed
  std::uint64_t ledger_epoch = ~std::uint64_t{0};
  std::uint64_t ledger_withdrawals = 0;

  ~Parts() {
    tails.reset();
    if (taxii) taxii->close();
    taxii.reset();
    registry.reset();
    give_back(accounts);
  }
};

}  // namespace bongsu::simulation
