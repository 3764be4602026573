// Live links at work: threads that drive consumers over net::Client, and find out what the partners offer.
//
//   link::Links links(applier, options, clock, random, log);
//   links.set_partners({{"cert-ua", url, ca_fingerprint}});   // after pairing, `release stop`, restart
//   links.status();                                            // for console and metrics
//   links.stop();                                              // prompt: waiting calls are cancelled
//
// For each partner one thread asks for its collections, at once and then every `rediscover`, so that a new agreement shows without a
// restart; for each collection one thread reads and one applies. What arrives while a batch is being committed makes the next
// batch: a single object waits for nothing, a flood shares commits. The queue between them is bounded; a full one stops reading, which the partner feels.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "link/applier.h"
#include "link/consumer.h"
#include "link/sealing.h"
#include "link/status.h"
#include "link/trust_exchange.h"
#include "net/client.h"

namespace bongsu::link {

struct Partner {
  std::string member;
  std::string link_url;        // "https://host:port"
  std::string ca_fingerprint;  // pinned
  bool operator==(const Partner&) const = default;
};

struct LinksOptions {
  net::TlsClientOptions tls;   // own certificate and key; pins are filled in by partner
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds discover_deadline{15'000};
  std::chrono::milliseconds rediscover{30'000};
  std::chrono::milliseconds backoff_base{500}, backoff_ceiling{60'000};
  std::chrono::milliseconds heartbeat{10'000};
  std::chrono::milliseconds prekeys_every{std::chrono::hours(6)};  // and earlier when few one-time keys are left
  Sealing* sealing = nullptr;         // outlives the links; nullptr: no prekeys are exchanged
  std::size_t max_collections = 256;  // of one partner; beyond is refused with a message
  // After each look at a partner's collections, on its thread, with a way to ask its node for more (a GET within
  // discover_deadline, an answer of at most kMaxTrustBytes).
  std::function<void(const Partner&, const LinkGet&)> on_discovery;
};

// Runs one (member, collection). start and stop from one thread; status from any.
class LinkRunner {
 public:
  LinkRunner(FollowedCollection remote, Partner partner, Applier& applier, LinksOptions options, const Clock& clock, Random& random, Log& log);
  ~LinkRunner();  // stops
  void start();
  void stop();
  LinkStatus status() const;
  // Something may come, or came and is not stored yet: what is stored of the cursor may change.
  bool at_work() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// All links of a node. Safe from any thread.
class Links {
 public:
  // `random` must be safe from any thread (SystemRandom).
  Links(Applier& applier, LinksOptions options, const Clock& clock, Random& random, Log& log);
  ~Links();  // stops
  void set_partners(std::vector<Partner> partners);  // starts what is new, stops what is gone or changed
  void replace_certificate(std::string certificate_pem, std::string private_key_pem);  // rotation: links reconnect with it
  std::vector<LinkStatus> status() const;            // a partner whose collections are not known yet has one line without collection
  // Collections of a partner (its ids) whose links are at work; nullopt: it cannot be said now, links are being ended.
  std::optional<std::set<std::string>> at_work(const std::string& member) const;
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// What the answer to GET /link/v1/collections says. kInvalid, kTooLarge.
Result<std::vector<FollowedCollection>> parse_collections(std::string_view body, std::string_view member, std::size_t most);

}  // namespace bongsu::link
