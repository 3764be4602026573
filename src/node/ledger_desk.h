// The ledger of a running node: follows the journal, cosigns partners' logs and has its own cosigned, serves them on the link listener.
//
// A log that shows two histories is caught by the witness (ledger/witness.h). Its member is suspended: release stops at once and its links
// end, with the reason and both checkpoints kept (link/suspension.h). Everybody else is served as before.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/log.h"
#include "ledger/witness.h"
#include "link/ledger_exchange.h"
#include "link/ledger_server.h"
#include "net/client.h"
#include "net/http.h"
#include "node/core.h"
#include "node/ledger_feed.h"

namespace bongsu::node {

// Newest cosigned checkpoints in the journal's state.
class JournalWitnessRecord final : public ledger::WitnessRecord {
 public:
  explicit JournalWitnessRecord(journal::Journal& journal) : journal_(journal) {}
  Result<std::optional<std::string>> newest(const std::string& origin) override;
  Result<void> put(const std::string& origin, const std::string& note) override;

 private:
  journal::Journal& journal_;
};

// The feed of a node, as the desk and a command on a node that is not running use it. Needs core.ledger.
LedgerFeedDeps ledger_feed_deps(Core& core);

class LedgerDesk {
 public:
  explicit LedgerDesk(Core& core);  // core.ledger must be there
  ~LedgerDesk() { stop(); }
  void start();
  void stop();
  void peers_changed();
  net::Response handle(net::Request&& request) { return server_.handle(std::move(request)); }
  // Returns when everything that the journal has now is in the ledger; kTimeout.
  Result<void> caught_up(std::chrono::milliseconds deadline);
  JsonObject status();

 private:
  void exchange();
  void forked(const std::string& member, const ledger::Fork& fork, bool is_fork);
  Result<link::LedgerExchange::Answer> post(const link::LedgerPeer& peer, const std::string& body);
  std::vector<link::LedgerPeer> peers() const;

  Core& core_;
  JournalWitnessRecord record_;
  ledger::Witness witness_;
  LedgerFeed feed_;
  link::LedgerServer server_;
  link::LedgerExchange exchange_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::shared_ptr<net::Client> client_;  // of the request that runs now
};

}  // namespace bongsu::node
