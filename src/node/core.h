// Everything of a node that has no socket: stores, policy, the ways in and out. `bongsu serve` puts servers, links and a sensor around it; a
// command on a node that is not running uses it as it is.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "flow/admit.h"
#include "flow/approvals.h"
#include "flow/alerts.h"
#include "flow/collections.h"
#include "flow/lowering_gate.h"
#include "flow/markings.h"
#include "flow/origins.h"
#include "flow/quarantine.h"
#include "flow/recall.h"
#include "flow/release.h"
#include "flow/retention.h"
#include "identity/accounts.h"
#include "journal/journal.h"
#include "journal/search.h"
#include "ledger/ledger.h"
#include "link/sealing.h"
#include "link/suspension.h"
#include "node/data_dir.h"
#include "node/registry.h"
#include "node/techniques.h"

namespace bongsu::node {

inline constexpr const char* kSharedCollection = "shared";        // what this node gives to partners
inline constexpr const char* kSightingsCollection = "sightings";  // what it saw of partners' indicators
inline constexpr const char* kFeedsCollection = "feeds";          // what it fetched
inline constexpr const char* kPrivateCollection = "private";      // what stays here

struct Core {
  // kNotFound: no node there; kConflict: another process has it open; kCorrupt names what is damaged.
  static Result<std::unique_ptr<Core>> open(const DataDir& directory, Log& log);
  ~Core();

  DataDir directory;
  NodeConfig config;
  NodeKeys keys;
  SystemClock clock;
  SystemRandom random;
  Log& log;
  std::string ca_fingerprint;   // what partners pin
  std::string identity_id;      // STIX identity of this node

  // In order of construction; destroyed the other way round.
  std::unique_ptr<journal::Journal> journal;
  std::unique_ptr<journal::Search> search;
  std::unique_ptr<flow::Collections> collections;
  std::unique_ptr<flow::Markings> markings;
  std::unique_ptr<flow::Release> release;
  std::unique_ptr<flow::Origins> origins;
  std::unique_ptr<flow::Quarantine> quarantine;
  std::unique_ptr<link::Suspensions> suspensions;
  std::unique_ptr<flow::Recall> recall;
  std::unique_ptr<flow::Admission> admission;
  std::unique_ptr<identity::AccountBook> accounts;
  std::unique_ptr<Registry> registry;
  std::unique_ptr<flow::Approvals> approvals;
  std::unique_ptr<flow::LoweringGate> lowering;
  std::unique_ptr<flow::Retention> retention;
  // nullptr: it is damaged or cannot be written; ledger_problem says why. The node runs all the same, and the journal keeps what is missing.
  std::unique_ptr<ledger::Ledger> ledger;
  std::string ledger_problem;
  std::unique_ptr<link::Sealing> sealing;
  std::unique_ptr<TechniqueBook> techniques;
  std::unique_ptr<flow::Alerts> alerts;

  // The certificate that is shown now: renewal changes it while others read it.
  crypto::Identity tls_identity() const;
  void set_tls_identity(crypto::Identity identity);

  // The secret that was agreed with this member, for sealing in PSK mode: keys/agreed/MEMBER (data_dir.h).
  std::optional<crypto::SharedSecret> agreed_secret(std::string_view member) const;
  // From which label on objects travel sealed (link.seal_from).
  link::SealLevel seal_level() const;

  // This node as it introduces itself to partners.
  link::OwnIdentity own_identity(const std::string& link_url) const;

  // Makes first collections, identity object and, where there is none, the operator's account. The token is returned once.
  Result<std::string> first_run();

 private:
  // Four eyes turned on or off: a note, for it is done in a file.
  Result<void> note_four_eyes();
  Core(const DataDir& dir, Log& l) : directory(dir), log(l) {}
  mutable std::mutex tls_mutex_;
};

}  // namespace bongsu::node
