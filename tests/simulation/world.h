// Several nodes and the network between them, under one virtual time.
//
//   World world(start);
//   world.add("cert-ua", skew); …
//   world.watch("cert-lt");              // write down every byte that this member receives
//   world.step(at_us, "e17");            // a step begins: time, and what its randomness is made of
//   world.pump("cert-lt", "cert-ua");    // cert-lt follows what cert-ua offers: connect, deliver, apply, pull
//   world.transcript()
//
// The network: what a producer has to say is in flight until the next pump of that link, so connections overtake each
// other as the schedule has it. A partition or a cut loses what is in flight; a cut may deliver any prefix of it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "nodes.h"

namespace bongsu::simulation {

class World {
 public:
  explicit World(Instant start, unsigned bit = 0) : bit_(bit), now_(start), start_(start) {}
  unsigned bit() const { return bit_; }  // which of the two worlds this is

  SimNode& add(const std::string& member, std::chrono::nanoseconds skew = {}, const NodeOptions& options = {});
  SimNode& node(const std::string& member) { return *nodes_.at(member); }
  bool has(const std::string& member) const { return nodes_.contains(member); }
  std::vector<std::string> members() const;

  void step(std::int64_t at_us, std::string_view key);
  std::int64_t now_us() const { return (now_ - start_).count() / 1000; }

  // ── The network ────────────────────────────────────────────────────────────────────────────────────────────────────
  void partition(const std::string& a, const std::string& b, bool apart);
  void crash(const std::string& member);
  void start(const std::string& member);
  // Follows everything that `producer` offers `consumer`, and asks it for the rest: prekeys, charter, recalls. `cut`:
  // the connection breaks after so many bytes of what is in flight were delivered, or after some requests.
  void pump(const std::string& consumer, const std::string& producer, std::int64_t cut = -1);
  // Each node's ledger follows what it did; `member` shows its partners the logs of their pairs.
  void follow_ledgers();
  void cosign(const std::string& member);
  // Changes what is in flight on a link before it is delivered: a producer that lies.
  using Forge = std::function<void(std::string& bytes)>;
  void forge(const std::string& consumer, const std::string& producer, Forge forge);
  // A request of `asker` to the TAXII server of `at`, by its account there. Body and status go into the transcript if
  // the asker is watched.
  Answer ask(const std::string& asker, const std::string& at, net::Request request);
  bool reachable(const std::string& a, const std::string& b) const;
  // The follower of a collection, by its alias at the producer; nullptr: there is none (yet).
  const SimNode::Follower* follower(const std::string& consumer, const std::string& producer,
                                    const std::string& alias) const;

  // ── What a member receives ─────────────────────────────────────────────────────────────────────────────────────────
  void watch(const std::string& member) { watched_ = member; }
  const std::vector<std::string>& transcript() const { return transcript_; }
  // Of one person of that member only, by an account at every node that has not what the member's others have: what its
  // node receives, and they, does not count.
  void watch_person(const std::string& member, std::string person) {
    watched_ = member;
    person_ = std::move(person);
  }
  void note(std::string text) {  // what the watched member sees otherwise
    if (person_.empty()) transcript_.push_back(std::move(text));
  }

  // ── What was recalled, for the checks ──────────────────────────────────────────────────────────────────────────────
  // By owner and id: the newest version that nobody may have any more; "" is every one.
  const std::map<std::pair<std::string, std::string>, std::string>& recalled() const { return recalled_; }
  void note_recalled(const std::string& owner, const std::string& id, const std::string& upto) {
    std::string& known = recalled_[{owner, id}];
    known = std::max(known, upto);
  }

  std::uint64_t delivered_bytes() const { return delivered_; }

 private:
  unsigned bit_;
  struct Link {
    SimNode::Offered offered;
    std::unique_ptr<SimNode::Follower> follower;
    std::unique_ptr<net::TailSource> tail;
    std::string in_flight;
    std::int64_t next_try_us = 0;
    bool ended = false;  // the producer closed it; what is in flight still arrives
  };
  struct Pair {
    std::map<std::string, Link> links;  // by remote collection
    std::int64_t next_look_us = 0;
    Forge forge;
  };
  void drop(Pair& pair, bool restart);
  SimNode::Send requests(const std::string& consumer, const std::string& producer, std::int64_t cut);
  void look(const std::string& consumer, const std::string& producer, Pair& pair, const SimNode::Send& send);
  void connect(const std::string& consumer, const std::string& producer, Link& link);
  void deliver(const std::string& consumer, const std::string& producer, Link& link, std::string_view bytes);
  void hear(const std::string& member, std::string text) {
    if (member == watched_) note(std::move(text));
  }

  Instant now_, start_;
  std::map<std::string, std::unique_ptr<SimNode>> nodes_;
  std::map<std::pair<std::string, std::string>, Pair> pairs_;  // (consumer, producer)
  std::set<std::pair<std::string, std::string>> apart_;
  std::string watched_, person_;
  std::vector<std::string> transcript_;
  std::map<std::pair<std::string, std::string>, std::string> recalled_;
  std::uint64_t delivered_ = 0;
};

// The transcript with what is sealed under a key of its sender (cursors of tails, `next` of pages) replaced by its
// number in order of first appearance: which of them are equal is what a receiver can see, their bits are not.
std::vector<std::string> without_seals(const std::vector<std::string>& transcript);

}  // namespace bongsu::simulation
