// A whole node without sockets and threads, for the simulator: every part that node::Core and node::Node wire, the same
// way, over a journal in memory that stays when the process "dies".
//
//   SimNode ua("cert-ua", start, std::chrono::milliseconds(-40));   // its clock is 40 ms behind the world's
//   ua.at(now, key);                             // before each step: its time, and what its randomness is made of
//   ua.publish("shared", {text}, "cert-ua");
//   Answer a = ua.taxii({.method = "GET", .path = …}, "client-cert-lt");
//   ua.crash(); ua.start();                      // what was durable is there again, nothing else
//
// Randomness is keyed by the step, not drawn from one stream: a step that exists in one world only changes nothing of
// what other steps draw. That is what makes two worlds comparable byte by byte.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "net/http.h"
#include "policy/agreement.h"
#include "policy/charter.h"
#include "policy/memorandum.h"

namespace bongsu::flow {
class Recall;
}
namespace bongsu::link {
struct SealLevel;
}

namespace bongsu::simulation {

class KeyedRandom final : public Random {
 public:
  void key(std::uint64_t key) { inner_ = SeededRandom(key); }
  void fill(std::span<std::uint8_t> out) override { inner_.fill(out); }

 private:
  SeededRandom inner_{0};
};

// What came back for a request, as its receiver sees it.
struct Answer {
  int status = 0;
  net::Headers headers;
  std::string body;
  bool cut = false;                       // the body ended with an error
  std::unique_ptr<net::TailSource> tail;  // of a live link
  std::string text() const;               // status, headers and body, as they would be on the wire
  std::string header(std::string_view name) const;
};

// What a hit of the sensor is about.
struct Hit {
  std::string indicator_id;
  unsigned number = 0;   // of the event: another one is another hit
  std::string not_of{};  // a member: what it gave under this id is not what was hit
};

struct NodeOptions {
  bool ledger = false;
  std::optional<stix::Tlp> seal_from{};  // what is at this level or above travels sealed; nullopt: nothing does
  bool keep_arrived = false;             // what links brought is kept, to come again
  bool forgets_recalls = false;          // admits what was recalled: what the checks have to find
  std::string forgets{};                 // shows in the open what is hidden by this kind (switches.h): likewise
};

class SimNode {
 public:
  SimNode(std::string member, Instant start, std::chrono::nanoseconds skew, const NodeOptions& options = {});
  ~SimNode();

  const std::string& member() const { return member_; }
  void at(Instant world, std::uint64_t key);
  void jump(std::chrono::nanoseconds by) { skew_ += by; }  // its clock is set
  Instant now() const { return clock_.now(); }

  void start();  // everything but the journal is made anew
  void crash();
  bool up() const { return parts_ != nullptr; }
  bool forgets(std::string_view kind) const { return options_.forgets == kind; }
  // The n-th change of the journal from now on fails and every one after it, until heal(): a full disk, or a death in
  // the middle of something.
  void fail_after(int changes);
  void heal();

  // ── The operator's doings ──────────────────────────────────────────────────────────────────────────────────────────
  // Pairs, as if fingerprints were exchanged by hand; "": with its own authority.
  void know(const std::string& member, const std::string& authority = "");
  void agree(policy::Agreement agreement);  // under a charter: both parties sign its next version, and this one has it
  // Further clauses of every paper that this one signs for what it gives a member, from the next one on.
  struct Clauses {
    std::vector<policy::PermitClause> permits;
    std::vector<policy::DenyClause> denies;
  };
  void also_agree(const std::string& member, Clauses clauses) { clauses_[member] = std::move(clauses); }
  void change_level(const std::string& member, stix::Tlp highest);  // of the agreement that is there, if one is
  void end_agreement(const std::string& member);
  void stop_member(const std::string& member, bool stopped);
  void add_collection(const std::string& alias, const std::string& exercise = "");
  // An account that acts for a member: token NAME-token, reads everything its member may read, writes to `write`.
  // `person`: whose it is, "" for one of that name; with the least clearance.
  void add_account(const std::string& name, const std::string& member, const std::vector<std::string>& write,
                   const std::string& person = "");
  struct Published {
    std::size_t admitted = 0, duplicates = 0, refused = 0;
    std::string message;  // of the first that was not admitted
  };
  Published publish(const std::string& collection, const std::vector<std::string>& texts, const std::string& origin);
  bool remove(const std::string& collection, const std::string& object_id);
  void erase(const std::string& object_id);
  bool recall(const std::string& object_id);  // every version that is here; false: there is none
  // Follows the charter in these versions, where it knows the one before; the first is compared by voice.
  void trust(const std::vector<policy::SignedCharter>& versions);
  std::size_t raise(const std::vector<Hit>& hits);  // alerts for those of the indicators that are here
  void judge_newest_alert();
  void tick();  // what the housekeeper does each second: sightings

  // ── The network's side ─────────────────────────────────────────────────────────────────────────────────────────────
  Answer link(net::Request request, const std::string& from);  // over the link listener, with that member's certificate
  Answer taxii(net::Request request, const std::string& account);
  // Somebody who signs with this member's key asks to be paired under that name, with an authority of its own: by an
  // invitation that the operator gave out to whoever has it, or without one.
  Answer pair(const std::string& holder, const std::string& name, bool invited);
  static const std::string& strange_authority();
  // The ledger: follows what happened, as its thread does moments later; has the logs of its pairs cosigned.
  void follow_ledger();
  using PostCheckpoint = std::function<std::optional<Answer>(const std::string& to, const std::string& body)>;
  void cosign(PostCheckpoint post);
  Answer ledger(net::Request request, const std::string& from);
  bool with_ledger() const { return options_.ledger; }
  net::Headers taxii_headers(const std::string& account) const;

  // ── A follower's side: one for each collection of a partner ────────────────────────────────────────────────────────
  class Follower {
   public:
    virtual ~Follower() = default;
    virtual std::chrono::milliseconds wait() = 0;
    virtual net::Request request() = 0;
    virtual Result<void> head(int status, const net::Headers& headers) = 0;
    virtual Result<void> data(std::string_view bytes) = 0;  // takes, applies; an error ends the connection
    virtual void ended(const Error* error) = 0;
    virtual std::string phase() const = 0;
    virtual std::string last_error() const = 0;
    virtual std::uint64_t position() const = 0;
    virtual std::uint64_t refused() const = 0;
  };
  struct Offered {
    std::string id, alias, title, exercise;
  };
  Result<std::vector<Offered>> read_offer(std::string_view body, const std::string& member) const;
  // nullptr: the mirror could not be made now.
  std::unique_ptr<Follower> follow(const std::string& member, const Offered& collection);

  // As node::Node has it: who is stopped, or out of the charter, is not followed.
  bool follows(const std::string& member) const;
  // What it asks a partner beside the tails, each over requests that may be lost.
  using Send = std::function<Result<Answer>(net::Request)>;
  void give_prekeys(const std::string& member, const Send& send);  // where it is time
  void ask_trust(const std::string& member, const Send& send);
  // `at_work`: its collections through which something may come now.
  void ask_recalls(const std::string& member, const std::set<std::string>& at_work, const Send& send);
  // What links brought comes again: late, doubled, out of order. How much there is of it, and one of it.
  std::size_t arrived() const;
  void arrive_again(std::size_t which);

  // ── Looking inside, for the checks ─────────────────────────────────────────────────────────────────────────────────
  std::vector<std::string> collections() const;  // aliases, mirrors too
  std::string exercise_of(const std::string& alias) const;
  std::string collection_id(const std::string& alias) const;
  std::vector<std::string> contents(const std::string& alias) const;  // payloads, in order of entry
  // Payloads that a member may read of a collection now, in order of entry; nullopt: it may not read it.
  std::optional<std::vector<std::string>> visible_to(const std::string& member, const std::string& alias) const;
  // In any collection, not deleted, not erased, of another member than `not_of`.
  bool holds(std::string_view object_id, std::string_view not_of = "") const;
  // Copies whose content can be read, in whatever collection; of a version up to this one ("": of any).
  struct Copy {
    std::string collection, giver, version;
  };
  std::vector<Copy> copies(const std::string& object_id) const;
  std::optional<std::string> newest_own(const std::string& object_id) const;  // version; "": it has no versions; nullopt: none of this node is here
  struct Order {
    std::string member, upto;
    bool confirmed = false, fetched = false;
    std::uint64_t onward_open = 0;
  };
  bool obeyed(const std::string& object_id) const;  // somebody's tombstone of it
  std::vector<Order> orders(const std::string& object_id) const;
  // Whether the operator means this member to have of that collection; nullopt: undecided (a stop, a charter).
  std::optional<bool> gives(const std::string& member, const std::string& collection) const;
  std::string pair_log(const std::string& member) const;  // its log of that pair, with openings and root
  std::string dump() const;  // every entry and payload: what this node knows, with its times
  std::uint64_t entries() const;
  std::optional<std::string> suspended(const std::string& member) const;  // why its links rest
  void resume(const std::string& member);

  static std::string authority_of(std::string_view member);  // the fingerprint that it shows and that others pin

 private:
  void done(const Result<void>& result, std::string_view doing) const;
  void asked(const Result<void>& result, std::string_view doing) const;
  struct Parts;
  struct Disk;
  class LinkFollower;
  void start_ledger();
  void start_sealing();
  void start_pairing();
  std::optional<policy::SignedMemorandum> signed_with(const std::string& member) const;  // what this one gives it
  link::SealLevel seal_level() const;
  std::function<bool(std::string_view label)> sealed_only(std::string_view member) const;
  Result<std::unique_ptr<flow::Recall>> load_recall(Parts& parts) const;
  net::Response handle_link(net::Request&& request);
  std::string member_;
  NodeOptions options_;
  FakeClock clock_;
  std::chrono::nanoseconds skew_;
  KeyedRandom random_;
  std::map<std::string, Clauses, std::less<>> clauses_;
  std::unique_ptr<Disk> disk_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace bongsu::simulation
