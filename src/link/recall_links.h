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

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "flow/recall.h"
#include "journal/journal.h"
#include "link/recall_server.h"
#include "link/runner.h"

namespace bongsu::link {

// Safe from any thread. `random` must be so, too.
class RecallLinks {
 public:
  // Where the links of a member came to rest that bring nothing now (resting_cursors).
  using RestingOf = std::function<Result<std::vector<RestingCursor>>(const std::string& member)>;
  RecallLinks(flow::Recall& recall, LinksOptions options, RestingOf resting, Random& random, Log& log);
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

// The cursors of this member's collections that are stored here, without those through which something may come now: at
// most kMaxRestingCursors.
Result<std::vector<RestingCursor>> resting_cursors(journal::Journal& journal, const std::string& member,
                                                   const std::set<std::string>& at_work);

// What a partner is shown of where links rest: asked for when its process has named itself, so that nothing of an
// earlier process can come afterwards through a link that rests.
struct Resting {
  std::function<Result<std::vector<RestingCursor>>()> now;
  std::string shown{};  // last, so that it is not shown again; kept from exchange to exchange
};

// One exchange with a partner over `send`: what it tells is obeyed, receipts go back. For RecallLinks, and for
// simulations that have no sockets.
using RecallSend = std::function<Result<net::ClientResponse>(const net::ClientRequest&)>;
Result<void> exchange_recalls(flow::Recall& recall, const std::string& member, const net::Url& link_url,
                              const RecallSend& send, Resting* resting = nullptr);

}  // namespace bongsu::link
