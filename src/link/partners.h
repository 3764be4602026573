// Which member is at the other end of a TLS connection. A member is recognised by the authority that signed its certificate and that
// was pinned when it was paired, so that its leaf certificates can rotate without a word.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "identity/members.h"
#include "net/http.h"

namespace bongsu::link {

// Safe from any thread.
class PartnerDirectory {
 public:
  void replace(const std::map<std::string, identity::Member>& members);  // by id
  std::optional<std::string> member_of(const net::Peer& peer) const;     // nullopt: nobody we know, or no certificate
  bool is_pinned(const std::string& fingerprint) const;                  // of a leaf's authority: for TlsServerOptions

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string> by_authority_;  // CA fingerprint → member; "" = claimed by two, so nobody's
};

}  // namespace bongsu::link
