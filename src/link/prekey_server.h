// Prekeys over the link: what this node may be sealed to with, and what partners give us.
//
//   GET  /link/v1/prekeys     this node's bundle for the member that asks (crypto/prekey.h)
//   POST /link/v1/prekeys     the member's bundle for this node; answer {"one_time_left":64}
//
// On the link listener (mutual TLS 1.3), so the member is known by its certificate; the bundle is signed by its signing
// key as well, as it could come by a courier. A partner whose node answers 404 or 405 here does not know sealing yet.
// Safe from any thread.
#pragma once

#include <functional>
#include <string>

#include "base/log.h"
#include "link/sealing.h"
#include "link/tail_server.h"
#include "net/client.h"
#include "net/http.h"

namespace bongsu::link {

inline constexpr std::string_view kPrekeysPath = "/link/v1/prekeys";

class PrekeyServer {
 public:
  using OnTaken = std::function<void(const std::string& member)>;  // after it is durable
  PrekeyServer(Sealing& sealing, MemberOf member_of, Log& log, OnTaken on_taken = {});
  static bool is_for(const net::Request& request);
  net::Response handle(net::Request&& request);

 private:
  Sealing& sealing_;
  MemberOf member_of_;
  Log& log_;
  OnTaken on_taken_;
};

// What a node asks of a partner: gives it our bundle and, when we have nothing to seal to it with, fetches its own.
// `send` is one exchange on the link. The sentence says what is wrong with sealing to or from this partner; empty:
// nothing.
using SendOnLink =
    std::function<Result<net::ClientResponse>(std::string_view method, std::string_view path, std::string body)>;
struct PrekeyExchange {
  bool done = false;  // else again at the next occasion
  std::string problem;
};
PrekeyExchange exchange_prekeys(Sealing& sealing, const std::string& partner, const SendOnLink& send);

}  // namespace bongsu::link
