// The producing side of live links: what a partner's node asks on the link listener (mutual TLS 1.3), as a function of requests.
//
//   GET /link/v1/collections              what this member may follow: {"member":…,"title":…,"collections":[{"id","alias","title"}]}
//   GET /link/v1/tail/{collection id}     text/event-stream of the member's outbox (tail_event.h), from the beginning, or behind the
//                                         cursor in Last-Event-ID or ?after=
//
//   link::TailServer tails(journal, gate, partners, options, log);
//   net::Server server(link_options, [&](net::Request&& r) { return tails.handle(std::move(r)); }, log);
//   tails.policy_changed();               after each Release::apply: tails look again whether they may go on
//
// What is withdrawn after it was sent is told by looking through the view's withdrawn rows again, when an entry of the collection was deleted
// or erased or the policy changed. Rows that were withdrawn before a consumer first
// came are void to it. A cursor that is not of this view (or of a producer restored from an older backup) starts at the beginning; the consumer's journal knows what it has.
//
// An object at or above the level for sealing goes out sealed to the member's prekeys, and what is permitted is decided again when it
// is sealed. While the member has given no prekeys (an older node gives none), its row is void and says so; once it has given
// some, its next connection starts at the beginning, so that it gets what it missed.
//
// Every pull asks the gate anew: a stopped or expired member's stream ends with the next pull, and what a member may not have is not read. handle, policy_changed and the tails it returns may be used from any threads.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "flow/collections.h"
#include "flow/markings.h"
#include "flow/origins.h"
#include "flow/recall.h"
#include "flow/release.h"
#include "journal/journal.h"
#include "link/sealing.h"
#include "link/tail_event.h"
#include "net/http.h"

namespace bongsu::link {

// What tails need of the house: who may read what (flow::Release), and what it is called (flow::Collections).
class TailGate {
 public:
  virtual ~TailGate() = default;
  struct Name {
    std::string alias, title;
    std::string exercise{};  // that it is for; empty: live
  };
  virtual std::optional<Name> name_of(const std::string& collection) = 0;  // by id
  virtual std::vector<std::string> readable_collections(std::string_view member) = 0;
  // The view to read now and a snapshot that belongs to it. kNotFound: not for this member, for whatever reason. Asked before every
  // read: the view may have been split since, and what comes after that in the old one may be for others.
  struct Opened {
    journal::ViewId view = 0;
    std::unique_ptr<journal::Snapshot> snapshot;
    std::uint64_t epoch = 0;  // another one whenever a change of policy may have withdrawn rows of what is open now
  };
  virtual Result<Opened> open(std::string_view member, std::string_view collection) = 0;
  // As flow::Release: takes out what time takes away; opens without doing so.
  virtual Result<void> keep_up() = 0;
  virtual Result<Opened> look(std::string_view member, std::string_view collection) = 0;
  // The view that is kept for a member, whether it may read it now or not; 0: it never had any.
  virtual Result<journal::ViewId> kept(std::string_view member, std::string_view collection) = 0;
  virtual journal::ViewId origin_of(journal::ViewId view) = 0;  // the view whose positions this one continues
  // Decided again for this entry, as it is sealed: may the member have it now?
  virtual Result<bool> may_have(std::string_view member, const journal::Entry& entry) = 0;
};
std::unique_ptr<TailGate> make_release_gate(flow::Release& release, const flow::Collections& collections);

// Which member is at the other end, proven by its certificate; nullopt: none that we know.
using MemberOf = std::function<std::optional<std::string>(const net::Peer&)>;

struct TailServerOptions {
  std::string self, title;                     // this node's member id and title
  std::string cursor_secret;                   // load_cursor_secret()
  std::chrono::milliseconds heartbeat{10'000}; // as in net::ServerOptions; told to the consumer
  std::uint32_t max_tails_per_member = 64;     // beyond: 503
  std::size_t batch_bytes = 256 * 1024;        // about how much one pull hands over
  std::uint32_t scan_rows = 20'000;            // how many withdrawn rows one pull looks through
  flow::Origins* origins = nullptr;            // gives what has no proof one; without it rows go with the proofs they have
  Sealing* sealing = nullptr;                  // outlives the server; nullptr: nothing is sealed
  SealLevel seal_level;                        // what travels sealed only
  const flow::Markings* markings = nullptr;    // what marks an object, so that its lists can be told; nullptr: none is
  flow::Recall* recall = nullptr;              // notes what is handed out; none: nothing can be recalled
};

class TailServer {
 public:
  TailServer(journal::Journal& journal, TailGate& gate, MemberOf member_of, TailServerOptions options,
             Log& log);
  ~TailServer();  // tails that are still held elsewhere end at their next pull

  net::Response handle(net::Request&& request);
  void policy_changed();
  std::size_t open_tails() const;
  std::uint64_t looks() const;  // how often tails looked for withdrawals
  // A member that cannot open its tail, or does not, shows its cursor: what stands up to there was handed to it, and
  // what stands behind was not (flow::Recall::opened). Only a cursor that it came to rest at under this process says
  // that. One that is not ours says nothing.
  Result<void> shown(const std::string& member, const std::string& collection, std::string_view cursor);
  // A member has given us prekeys: what was withheld from it for want of them is sent.
  void prekeys_changed(const std::string& member);
  // What was withheld from whom because it could not be sealed, since the start.
  struct Withheld {
    std::string member, collection;  // id
    std::uint64_t objects = 0;
    std::string why;
  };
  std::vector<Withheld> withheld() const;

  struct Shared;  // what the tails keep alive

 private:
  net::Response collections(const std::string& member);
  net::Response tail(const std::string& member, std::string_view collection, const net::Request& request);
  std::shared_ptr<Shared> shared_;
};

inline constexpr std::string_view kLinkPrefix = "/link/v1/";
inline constexpr std::string_view kHeartbeatHeader = "Bongsu-Heartbeat-Ms";
inline constexpr std::string_view kFromHeader = "Bongsu-From";  // position behind which the tail begins; 0 = the beginning

}  // namespace bongsu::link
