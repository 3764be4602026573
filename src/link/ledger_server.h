// The ledger on the link listener (mutual TLS 1.3): partners cosign each other's logs of their pair, and read them.
//
//   POST /link/v1/ledger/add-checkpoint      C2SP tlog-witness: the caller's log of this pair, or its node log if it names us as auditor
//   GET  /link/v1/ledger/pair/checkpoint     our log of this pair (C2SP tlog-tiles), for the caller alone
//   GET  /link/v1/ledger/pair/tile/…
//   GET  /link/v1/ledger/pair/evidence?index=N   one entry of it with opening and proof: what we say that we gave the caller
//   GET  /link/v1/ledger/node/…              our node log, for the auditors that we name; its openings are shown to nobody here
//
// Whoever asks is known by its certificate, and the log is that of its pair: no path names a member, so none can be asked for.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "ledger/store.h"
#include "ledger/witness.h"
#include "link/tail_server.h"
#include "net/http.h"

namespace bongsu::link {

struct LedgerServerDeps {
  std::string self;
  const ledger::Store& store;
  ledger::Witness& witness;
  MemberOf member_of;
  // Ed25519 public key of a member that is paired and not stopped, 32 raw bytes.
  std::function<std::optional<std::string>(const std::string& member)> key_of;
  std::function<bool(const std::string& member)> is_auditor;
  // A log showed two histories (`forked`), or less than it had shown.
  std::function<void(const std::string& member, const ledger::Fork& fork, bool forked)> on_fork;
};

class LedgerServer {
 public:
  explicit LedgerServer(LedgerServerDeps deps) : deps_(std::move(deps)) {}
  static bool is_for(const net::Request& request);
  net::Response handle(net::Request&& request) const;  // safe from any thread

 private:
  net::Response add_checkpoint(const std::string& member, const std::string& body) const;
  net::Response read(const std::string& log, std::string_view rest, const net::Request& request, bool openings) const;
  const LedgerServerDeps deps_;
};

inline constexpr std::string_view kLedgerPrefix = "/link/v1/ledger/";

}  // namespace bongsu::link
