// Asks partners for what they recalled, obeys, and sends the receipts back: one thread for each partner.
//
//   link::RecallLinks recalls(recall, options, clock, random, log);
//   recalls.set_partners(partners);     // those that are stopped as well: what they recall is still to be destroyed
//   recalls.ask("cert-ua");             // now: its tail told that something is gone
//   recalls.ask_where_due();            // now: those to whom receipts are due
//   recalls.stop();
//
// Each partner is asked when it is set, when its tail told that something is gone, when there is a receipt to send, and
// every `rediscover`; waits after errors double.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "flow/recall.h"
#include "link/runner.h"

namespace bongsu::link {

// Safe from any thread. `random` must be so, too.
class RecallLinks {
 public:
  RecallLinks(flow::Recall& recall, LinksOptions options, Random& random, Log& log);
  ~RecallLinks();  // stops
  void set_partners(std::vector<Partner> partners);
  void replace_certificate(std::string certificate_pem, std::string private_key_pem);
  void ask(const std::string& member);
  // Those to whom a receipt is due. Nobody else: when a partner is asked must not tell it what others recalled.
  void ask_where_due();
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// One exchange with a partner over `send`: what it tells is obeyed, receipts go back. For RecallLinks, and for
// simulations that have no sockets.
using RecallSend = std::function<Result<net::ClientResponse>(const net::ClientRequest&)>;
Result<void> exchange_recalls(flow::Recall& recall, const std::string& member, const net::Url& link_url,
                              const RecallSend& send);

}  // namespace bongsu::link
