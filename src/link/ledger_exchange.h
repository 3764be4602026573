// The log's side of cosigning: shows each partner the log of the pair, and the auditors the node log, whenever one has grown.
//
//   LedgerExchange exchange(ledger, post, log);
//   exchange.set_peers({{.member = "cert-ua", .key = …}});
//   exchange.run();                     // one round: every log that has grown since its witnesses cosigned it
//   exchange.status();
//
// What is shown to one partner depends on the log of that pair alone, when it is shown on the caller's fixed beat.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "ledger/ledger.h"
#include "ledger/witness.h"

namespace bongsu::link {

struct LedgerPeer {
  std::string member;
  std::string link_url, ca_fingerprint;
  std::string key;       // Ed25519 public key, 32 raw bytes
  bool auditor = false;  // sees and cosigns the node log
  bool operator==(const LedgerPeer&) const = default;
};

struct LedgerLine {
  std::string member, log;
  std::uint64_t size = 0, cosigned = 0;
  std::string problem;  // empty: none
};

class LedgerExchange {
 public:
  struct Answer {
    int status = 0;
    std::string body;
  };
  // Sends one add-checkpoint request to a member; errors are about the network.
  using Post = std::function<Result<Answer>(const LedgerPeer& peer, const std::string& body)>;

  LedgerExchange(ledger::Ledger& ledger, Post post, Log& log) : ledger_(ledger), post_(std::move(post)), log_(log) {}
  void set_peers(std::vector<LedgerPeer> peers);
  void run(const std::function<bool()>& stop = [] { return false; });  // from one thread
  std::vector<LedgerLine> status() const;

 private:
  struct State {
    std::optional<std::uint64_t> cosigned;  // size that this witness stands at, as far as known
    std::string problem;
  };
  void show(const std::string& name, const std::vector<LedgerPeer>& witnesses);
  // The note with the witness's cosignature, or why not.
  Result<ledger::Note> submit(const std::string& name, const ledger::Note& checkpoint, std::uint64_t size, const LedgerPeer& witness, std::optional<std::uint64_t>& stands_at);

  ledger::Ledger& ledger_;
  const Post post_;
  Log& log_;
  mutable std::mutex mutex_;
  std::vector<LedgerPeer> peers_;
  std::map<std::pair<std::string, std::string>, State> states_;  // log, member
};

}  // namespace bongsu::link
