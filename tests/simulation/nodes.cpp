#include "nodes.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/taxii/negotiation.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "base/json.h"
#include "crypto/secret.h"
#include "fake_keys.h"
#include "link/consumer.h"
#include "link/runner.h"
#include "node/trust_links.h"
#include "parts.h"
#include "policy/charter_state.h"

namespace bongsu::simulation {
namespace {

struct AccountPool {
  FakeClock clock;
  SeededRandom random{1};
  std::vector<std::unique_ptr<identity::AccountBook>> all;
  std::vector<identity::AccountBook*> idle;
};
AccountPool& account_pool() {
  static AccountPool pool;
  return pool;
}
// Files that outlive the ledger that works on them.
class LentFiles final : public ledger::Files {
 public:
  explicit LentFiles(ledger::MemoryFiles& files) : files_(files) {}
  Result<std::string> read(const std::string& path) override { return files_.read(path); }
  Result<void> append(const std::string& path, std::string_view bytes) override { return files_.append(path, bytes); }
  Result<void> put(const std::string& path, std::string_view bytes) override { return files_.put(path, bytes); }
  Result<void> overwrite(const std::string& path, std::uint64_t offset, std::string_view bytes) override {
    return files_.overwrite(path, offset, bytes);
  }
  Result<void> truncate(const std::string& path, std::uint64_t size) override { return files_.truncate(path, size); }
  Result<void> remove(const std::string& path) override { return files_.remove(path); }
  Result<std::vector<std::string>> list(const std::string& directory) override { return files_.list(directory); }

 private:
  ledger::MemoryFiles& files_;
};

}  // namespace

Answer answer_of(net::Response&& response) {
  Answer answer{.status = response.status, .headers = std::move(response.headers)};
  if (auto* text = std::get_if<std::string>(&response.body)) {
    answer.body = std::move(*text);
  } else if (auto* source = std::get_if<std::unique_ptr<net::BodySource>>(&response.body)) {
    for (;;) {
      const auto more = (*source)->read(answer.body);
      answer.cut = !more;
      if (!more || !*more) break;
    }
  } else {
    answer.tail = std::move(std::get<std::unique_ptr<net::TailSource>>(response.body));
  }
  return answer;
}

identity::AccountBook* borrow_accounts() {
  AccountPool& pool = account_pool();
  if (pool.idle.empty()) {
    pool.all.push_back(std::make_unique<identity::AccountBook>(pool.clock, pool.random));
    return pool.all.back().get();
  }
  auto* book = pool.idle.back();
  pool.idle.pop_back();
  return book;
}
void give_back(identity::AccountBook* book) {
  book->replace({});
  account_pool().idle.push_back(book);
}

std::string Answer::text() const {
  std::string out = fmt::format("{}\n", status);
  for (const auto& [name, value] : headers) out += fmt::format("{}: {}\n", name, value);
  return out + "\n" + body + (cut ? "\n<cut>" : "");
}

std::string Answer::header(std::string_view name) const { return std::string(headers.get(name).value_or("")); }

SimNode::SimNode(std::string member, Instant start, std::chrono::nanoseconds skew, const NodeOptions& options)
    : member_(std::move(member)), options_(options), clock_(start + skew), skew_(skew) {
  random_.key(hash64(member_));
  disk_ = std::make_unique<Disk>(clock_, random_);
  this->start();
}

SimNode::~SimNode() = default;

void SimNode::at(Instant world, std::uint64_t key) {
  const Instant mine = world + skew_;
  const auto passed = mine - clock_.now();
  if (passed.count() > 0) clock_.advance(passed);
  clock_.jump_to(mine);
  random_.key(key ^ hash64(member_));
}

std::string SimNode::authority_of(std::string_view member) { return fmt::format("{:016x}{:048x}", hash64(member), 7); }

void SimNode::start() {
  heal();  // none starts on a disk that fails
  auto& journal = disk_->journal;
  auto parts = std::make_unique<Parts>();
  Log& log = *parts->log;
  parts->collections = must(flow::Collections::load(journal), "collections");
  parts->markings = must(flow::Markings::load(journal), "markings");
  parts->release = must(flow::Release::load(journal, clock_, log), "release");
  parts->origins = must(flow::Origins::load(journal, clock_, random_), "origins");
  parts->origins->sign_as(std::make_shared<const crypto::OriginSigner>(
      must(crypto::OriginSigner::make(member_, signing_key_of(member_)), "signer")));
  parts->quarantine = must(flow::Quarantine::load(journal, clock_, random_, member_, log), "quarantine");
  parts->suspensions = must(link::Suspensions::load(journal, clock_), "suspensions");
  parts->recall = must(load_recall(*parts), "recall");
  parts->admission = std::make_unique<flow::Admission>(journal, *parts->release, *parts->markings, log);
  parts->admission->use(*parts->origins, *parts->quarantine);
  parts->admission->use(*parts->collections);
  if (!options_.forgets_recalls) parts->admission->set_recall(parts->recall.get());
  parts->registry = must(
      node::Registry::load(member_, journal, *parts->collections, *parts->release, *parts->accounts, clock_, random_),
      "registry");
  parts_ = std::move(parts);
  Parts& p = *parts_;
  p.suspensions->on_change([registry = p.registry.get()](const link::Suspension& suspension, bool suspended) {
    return registry->set_suspended(suspension, suspended);
  });
  p.identity_id = must(journal.state("node", "identity"), "identity").value_or("");
  p.origins->set_own_identity(p.identity_id);
  p.origins->know_keys([registry = p.registry.get()](std::string_view id) {
    std::vector<flow::OriginKey> keys;
    for (const auto& listed : registry->keys_of(id))
      if (auto key = from_hex(listed.key)) keys.push_back({std::move(*key), listed.until});
    return keys;
  });
  p.origins->know_owners([registry = p.registry.get()](std::string_view id) { return registry->owner_of(id); });
  if (!p.identity_id.empty()) p.admission->set_own_identity(p.identity_id);
  p.admission->set_may_widen(
      [this, registry = p.registry.get()](const policy::MemberId& maker, const policy::MemberId& member) {
        const auto charter = registry->charter();
        return charter && policy::may_widen(registry->memoranda(), charter->charter(), maker, member, clock_.now());
      });
  for (const char* alias : {"shared", "sightings", "feeds", "private"})
    if (!p.collections->find(alias)) must(p.collections->add({.alias = alias, .title = alias}, random_), "collection");
  must(p.registry->refresh_policy(), "policy");
  if (p.identity_id.empty()) {
    p.identity_id = "identity--" + Uuid::random(random_).text();
    p.origins->set_own_identity(p.identity_id);
    const std::string time = clock_.now().text(3);
    const JsonObject object{{"type", "identity"},
                            {"spec_version", "2.1"},
                            {"id", p.identity_id},
                            {"created_by_ref", p.identity_id},
                            {"created", time},
                            {"modified", time},
                            {"name", member_},
                            {"identity_class", "organization"},
                            {"object_marking_refs", JsonArray{Json(stix::tlp_marking_id(stix::Tlp::kClear).text())}}};
    const std::vector<Result<stix::Object>> objects{stix::Object::parse(to_text(object))};
    must(p.admission->admit(objects, {.collection = p.collections->find("shared")->id,
                                      .origin = member_,
                                      .states = {{.space = "node", .key = "identity", .value = p.identity_id}}}),
         "identity");
    p.admission->set_own_identity(p.identity_id);
  }
  p.alerts = std::make_unique<flow::Alerts>(
      journal, *p.release, *p.markings, clock_, random_, log,
      flow::AlertsOptions{.self = member_,
                          .identity_id = p.identity_id,
                          .sightings_collection = p.collections->find("sightings")->id,
                          .exercise_collection = [&collections = *p.collections](std::string_view exercise) {
                            const auto own = collections.own_of(exercise);
                            return own ? own->id : std::string();
                          }});
  must(p.alerts->rebuild([](std::uint64_t, std::uint64_t) {}), "alerts");
  if (options_.seal_from) start_sealing();
  p.taxii = must(api::TaxiiServer::open({.journal = journal,
                                         .release = *p.release,
                                         .admission = *p.admission,
                                         .collections = *p.collections,
                                         .accounts = *p.accounts,
                                         .clock = clock_,
                                         .random = random_,
                                         .log = log,
                                         .sealed_only = [this](std::string_view member) { return sealed_only(member); },
                                         .recall = p.recall.get()},
                                        {.title = member_, .max_page = 7}),
                 "taxii");
  p.gate = link::make_release_gate(*p.release, *p.collections);
  p.tails = std::make_unique<link::TailServer>(
      journal, *p.gate,
      [registry = p.registry.get()](const net::Peer& peer) { return registry->directory().member_of(peer); },
      link::TailServerOptions{.self = member_,
                              .title = member_,
                              .cursor_secret = must(link::load_cursor_secret(journal, random_), "cursor secret"),
                              .origins = p.origins.get(),
                              .sealing = p.sealing.get(),
                              .seal_level = seal_level(),
                              .markings = p.markings.get(),
                              .recall = p.recall.get()},
      log);
  const auto member_of = [registry = p.registry.get()](const net::Peer& peer) {
    return registry->directory().member_of(peer);
  };
  if (p.sealing)
    p.prekeys = std::make_unique<link::PrekeyServer>(
        *p.sealing, member_of, log,
        [tails = p.tails.get()](const std::string& member) { tails->prekeys_changed(member); });
  p.recall_server = std::make_unique<link::RecallServer>(
      *p.recall, member_of,
      [tails = p.tails.get()](const std::string& member, const std::string& collection, std::string_view cursor) {
        return tails->shown(member, collection, cursor);
      },
      fmt::format("{:016x}", clock_.now().micros()), log);
  p.trust = std::make_unique<link::TrustServer>(node::trust_books(*p.registry));
  p.applier = std::make_unique<link::FlowApplier>(
      journal, *p.admission, *p.collections, random_, log, member_,
      [this, registry = p.registry.get()](const flow::Collection&) {
        done(registry->refresh_policy(), "policy of a mirror");
      },
      p.sealing.get());
  p.applier->suspend_with(*p.suspensions);
  if (options_.ledger) start_ledger();
  start_pairing();
  p.registry->on_change([this, tails = p.tails.get()] {
    tails->policy_changed();
    if (parts_->feed) {
      parts_->feed->policy_changed();
      parts_->ledger_epoch = ~std::uint64_t{0};
    }
  });
}

void SimNode::start_ledger() {
  Parts& p = *parts_;
  auto& disk = *disk_;
  const crypto::SigningKey key = signing_key_of(member_);
  p.ledger = must(ledger::Ledger::open(std::make_unique<LentFiles>(disk.files),
                                       {.member = member_,
                                        .key = key,
                                        .salt =
                                            [this, &disk](std::string_view log) {
                                              const std::uint64_t n = disk.salts[std::string(log)]++;
                                              return sha256(fmt::format("{} {} {}", member_, log, n));
                                            }},
                                       random_, *p.log),
                  "ledger");
  p.witnessed = std::make_unique<WitnessedInJournal>(disk.journal);
  p.witness = std::make_unique<ledger::Witness>(
      ledger::WitnessOptions{.name = ledger::witness_name(member_), .key = key}, *p.witnessed, clock_);
  p.feed = std::make_unique<node::LedgerFeed>(node::LedgerFeedDeps{
      .self = member_,
      .journal = disk.journal,
      .release = *p.release,
      .ledger = *p.ledger,
      .clock = clock_,
      .log = *p.log,
      .members =
          [registry = p.registry.get()] {
            std::vector<std::string> out;
            for (const auto& member : registry->members()) out.push_back(member.id);
            return out;
          },
      .agreement =
          [registry = p.registry.get()](std::string_view member) {
            JsonObject out;
            if (const auto agreement = registry->agreement(member))
              out["agreement"] = to_hex(sha256(policy::to_toml(*agreement)));
            return out;
          },
      .was_given =
          [recall = p.recall.get()](std::string_view member, std::string_view collection, const journal::OutboxRow& row,
                                    bool erased) {
            return recall->was_given(member, collection, row.object_id, row.version, row.pos, erased);
          },
      .withdrawals = [recall = p.recall.get()] { return recall->withdrawals(); }});
  p.ledger_server = std::make_unique<link::LedgerServer>(link::LedgerServerDeps{
      .self = member_,
      .store = p.ledger->store(),
      .witness = *p.witness,
      .member_of = [registry =
                        p.registry.get()](const net::Peer& peer) { return registry->directory().member_of(peer); },
      .key_of = [registry = p.registry.get()](const std::string& id) -> std::optional<std::string> {
        const auto member = registry->member(id);
        if (!member || member->stopped) return std::nullopt;
        return must(from_hex(member->signing_key), "key");
      },
      .is_auditor = [](const std::string&) { return false; },
      .on_fork =
          [this](const std::string& member, const ledger::Fork& fork, bool is_fork) {
            if (is_fork)
              done(parts_->suspensions->suspend(
                       {.member = member,
                        .reason = fork.reason,
                        .evidence = {{"origin", fork.origin}, {"first", fork.first}, {"second", fork.second}},
                        .stops_giving = true}),
                   "suspend");
          }});
  p.exchange = std::make_unique<link::LedgerExchange>(
      *p.ledger,
      [this](const link::LedgerPeer& peer, const std::string& body) -> Result<link::LedgerExchange::Answer> {
        const auto answer = (*parts_->post)(peer.member, body);
        if (!answer) return fail(ErrorCode::kIo, "no connection");
        return link::LedgerExchange::Answer{.status = answer->status, .body = answer->body};
      },
      *p.log);
}

void SimNode::follow_ledger() {
  Parts& p = *parts_;
  if (!p.feed) return;
  const journal::Seq seq = disk_->journal.last_seq();
  const std::uint64_t epoch = p.release->epoch();
  const std::uint64_t withdrawals = p.recall->withdrawals();
  if (seq == p.ledger_seq && epoch == p.ledger_epoch && withdrawals == p.ledger_withdrawals) return;
  if (const auto followed = p.feed->catch_up(); !followed) {
    done(followed, "ledger");
    return;
  }
  p.ledger_seq = seq;
  p.ledger_epoch = epoch;
  p.ledger_withdrawals = withdrawals;
}

void SimNode::cosign(PostCheckpoint post) {
  Parts& p = *parts_;
  if (!p.exchange) return;
  std::vector<link::LedgerPeer> peers;
  for (const auto& member : p.registry->members())
    if (!member.stopped)
      peers.push_back({.member = member.id,
                       .link_url = member.link_url,
                       .ca_fingerprint = member.ca_fingerprint,
                       .key = must(from_hex(member.signing_key), "key")});
  p.exchange->set_peers(std::move(peers));
  p.post = &post;
  p.exchange->run();
  p.post = nullptr;
}

Answer SimNode::ledger(net::Request request, const std::string& from) {
  request.peer.address = "192.0.2.1:5000";
  request.peer.issuer_fingerprint = authority_of(from);
  request.peer.certificate_fingerprint = authority_of("leaf of " + from);
  request.received = clock_.now();
  return answer_of(parts_->ledger_server->handle(std::move(request)));
}

std::string SimNode::pair_log(const std::string& member) const {
  std::string out;
  if (!parts_->ledger) return out;
  const auto& store = parts_->ledger->store();
  const std::string log = ledger::pair_log(member);
  const auto head = store.head(log);
  if (!head) return out;
  must(store.visit(log, 0, head->size,
                   [&](std::uint64_t index, const std::string& entry, const ledger::Opening& opening) {
                     out += fmt::format("{} {} {}\n", index, entry, opening.erased ? "<erased>" : opening.content);
                     return true;
                   }),
       "a log");
  return out + to_hex(head->root);
}

void SimNode::crash() {
  if (parts_->ledger) disk_->files.fail_at(disk_->files.writes() + 1, 0);
  parts_.reset();
  disk_->files.recover();
}
void SimNode::fail_after(int changes) { disk_->journal.fail_after(changes); }
void SimNode::heal() { disk_->journal.heal(); }

// What the operator asked may fail while the disk does; otherwise a scenario asks nothing that can.
void SimNode::done(const Result<void>& result, std::string_view doing) const {
  if (!disk_->journal.failed()) must(result, doing);
}

// The same, of a member whose pairing may have been left out when a scenario was shrunk.
void SimNode::asked(const Result<void>& result, std::string_view doing) const {
  if (!result && result.error().code == ErrorCode::kNotFound) return;
  done(result, doing);
}

void SimNode::know(const std::string& member, const std::string& authority) {
  identity::Member m;
  m.id = member;
  m.title = member;
  m.link_url = "https://" + member + ".example:6444";
  m.ca_fingerprint = authority.empty() ? authority_of(member) : authority;
  m.certificate_fingerprint = authority_of("leaf of " + member);
  m.signing_key = public_key_hex(member);
  m.paired = clock_.now();
  m.confirmed = true;
  done(parts_->registry->put_member(m), "pairing");
}

void SimNode::stop_member(const std::string& member, bool stopped) {
  asked(parts_->registry->set_stopped(member, stopped), "stop");
}
void SimNode::add_collection(const std::string& alias, const std::string& exercise) {
  if (parts_->collections->find(alias)) return;
  if (parts_->collections->add({.alias = alias, .title = alias, .exercise = exercise}, random_))
    done(parts_->registry->refresh_policy(), "policy");
}

void SimNode::add_account(const std::string& name, const std::string& member, const std::vector<std::string>& write,
                          const std::string& person) {
  identity::Account account;
  account.name = name;
  account.member = member;
  account.person = person;
  account.token_digests = {crypto::token_digest(name + "-token")};
  account.read = {"*"};
  for (const auto& alias : write) account.write.insert(collection_id(alias));
  done(parts_->registry->put_account(account, true), "account");
}

SimNode::Published SimNode::publish(const std::string& collection, const std::vector<std::string>& texts,
                                    const std::string& origin) {
  std::vector<Result<stix::Object>> objects;
  for (const auto& text : texts) objects.push_back(stix::Object::parse(text));
  const auto found = parts_->collections->find(collection);
  if (!found) return {.refused = texts.size(), .message = "no such collection"};
  const auto report =
      parts_->admission->admit(objects, {.collection = found->id, .origin = origin, .fallback = stix::Tlp::kGreen});
  if (!report) return {.refused = texts.size(), .message = report.error().text()};
  Published out{report->admitted, report->duplicates, report->refused, ""};
  for (const auto& item : report->items)
    if (out.message.empty() && item.outcome != flow::AdmitItem::Outcome::kNew) out.message = item.message;
  return out;
}

bool SimNode::remove(const std::string& collection, const std::string& object_id) {
  const auto found = parts_->collections->find(collection);
  return found && parts_->admission->remove(found->id, object_id, "", member_).has_value();
}

void SimNode::erase(const std::string& object_id) { (void)disk_->journal.erase(object_id, member_); }

std::size_t SimNode::raise(const std::vector<Hit>& hits) {
  const auto snapshot = disk_->journal.snapshot();
  std::vector<detect::Alert> alerts;
  for (const Hit& hit : hits) {
    const auto versions = snapshot->versions("", hit.indicator_id);
    if (!versions || versions->empty()) continue;
    const auto newest = std::ranges::find_if(versions->rbegin(), versions->rend(),
                                             [&](const auto& entry) { return entry.origin != hit.not_of; });
    if (newest == versions->rend()) continue;
    const auto& entry = *newest;
    detect::Alert a;
    a.indicator_id = entry.object_id;
    a.indicator_ref = entry.seq;
    a.value = {detect::Kind::kIpv4, "198.51.100.7"};
    a.field = "id.resp_h";
    a.matched = "198.51.100.7";
    a.position = {"conn.log", hit.number, hit.number + 1};
    a.entity = {detect::EntityKind::kAddress, fmt::format("10.0.0.{}", hit.number % 250)};
    a.event_time = clock_.now();
    a.detected = clock_.now();
    a.event = fmt::format("{{\"n\":{}}}", hit.number);
    a.source = entry.origin;
    a.label = entry.label;
    a.assign_id();
    alerts.push_back(std::move(a));
  }
  const auto raised = parts_->alerts->raise(alerts, {});
  return raised ? raised->size() : 0;
}

void SimNode::judge_newest_alert() {
  const auto newest = parts_->alerts->list({.limit = 1});
  if (!newest.empty()) (void)parts_->alerts->judge(newest.front().alert.id, {.acknowledged = true, .by = "operator"});
}

void SimNode::tick() {
  (void)parts_->alerts->flush_sightings();
  (void)parts_->recall->write_down();
  (void)parts_->admission->follow_ends();
  (void)parts_->release->keep_up();
  parts_->registry->look_at_the_clock();
}

Answer SimNode::link(net::Request request, const std::string& from) {
  request.peer.address = "192.0.2.1:5000";
  request.peer.issuer_fingerprint = authority_of(from);
  request.peer.certificate_fingerprint = authority_of("leaf of " + from);
  request.received = clock_.now();
  Answer answer = answer_of(handle_link(std::move(request)));
  if (answer.tail) answer.tail->on_ready([] {});
  return answer;
}

net::Response SimNode::handle_link(net::Request&& request) {
  Parts& p = *parts_;
  if (link::TrustServer::is_for(request))
    return p.trust->handle(p.registry->directory().member_of(request.peer), request);
  if (p.prekeys && link::PrekeyServer::is_for(request)) return p.prekeys->handle(std::move(request));
  if (link::RecallServer::is_for(request)) return p.recall_server->handle(std::move(request));
  return p.tails->handle(std::move(request));
}

net::Headers SimNode::taxii_headers(const std::string& account) const {
  return {{"Accept", std::string(api::kTaxiiMediaType)},
          {"Content-Type", std::string(api::kTaxiiMediaType)},
          {"Authorization", "Bearer " + account + "-token"}};
}

Answer SimNode::taxii(net::Request request, const std::string& account) {
  request.headers = taxii_headers(account);
  request.received = clock_.now();
  return answer_of(parts_->taxii->handle(std::move(request)));
}

// The consuming side as link::LinkRunner drives it, without its threads.
class SimNode::LinkFollower final : public SimNode::Follower {
 public:
  LinkFollower(SimNode& node, link::FollowedCollection remote, link::Cursor stored)
      : node_(node),
        remote_(std::move(remote)),
        consumer_({.member = remote_.member,
                   .collection = remote_.id,
                   .alias = remote_.alias,
                   .link_url = {"https", "p", 1, "/"}},
                  node.clock_, node.random_, std::move(stored)) {}

  std::chrono::milliseconds wait() override { return consumer_.wait(); }
  net::Request request() override {
    auto wanted = consumer_.request();
    net::Request request{.method = "GET", .path = wanted.url.target};
    request.headers = wanted.headers;
    return request;
  }
  Result<void> head(int status, const net::Headers& headers) override { return consumer_.head(status, headers); }
  Result<void> data(std::string_view bytes) override {
    const auto taken = consumer_.data(bytes);
    // What was whole is applied, whatever came after it.
    while (consumer_.has_items()) {
      const link::TailBatch batch = consumer_.take();
      const auto counts = node_.parts_->applier->apply(remote_, batch);
      if (!counts) {
        consumer_.not_applied(counts.error());
        return std::unexpected(counts.error());
      }
      consumer_.applied(batch, *counts);
      if (node_.options_.keep_arrived) node_.disk_->arrived.emplace_back(remote_, batch);
    }
    return taken;
  }
  void ended(const Error* error) override { consumer_.ended(error); }
  std::string phase() const override { return std::string(link::to_string(consumer_.status().phase)); }
  std::string last_error() const override { return consumer_.status().last_error; }
  std::uint64_t position() const override { return consumer_.status().cursor; }
  std::uint64_t refused() const override { return consumer_.status().refused; }

 private:
  SimNode& node_;
  link::FollowedCollection remote_;
  link::Consumer consumer_;
};

Result<std::vector<SimNode::Offered>> SimNode::read_offer(std::string_view body, const std::string& member) const {
  BONGSU_TRY(const auto list, link::parse_collections(body, member, 256));
  std::vector<Offered> out;
  for (const auto& c : list) out.push_back({c.id, c.alias, c.title, c.exercise});
  return out;
}

std::unique_ptr<SimNode::Follower> SimNode::follow(const std::string& member, const Offered& collection) {
  const link::FollowedCollection remote{member, collection.id, collection.alias, collection.title, collection.exercise};
  auto stored = parts_->applier->open(remote);
  if (!stored) return nullptr;
  return std::make_unique<LinkFollower>(*this, remote, std::move(*stored));
}

std::vector<std::string> SimNode::collections() const {
  std::vector<std::string> out;
  for (const auto& collection : parts_->collections->list()) out.push_back(collection.alias);
  return out;
}

std::string SimNode::exercise_of(const std::string& alias) const {
  const auto found = parts_->collections->find(alias);
  return found ? found->exercise : "";
}

std::string SimNode::collection_id(const std::string& alias) const {
  const auto found = parts_->collections->find(alias);
  return found ? found->id : "";
}

std::vector<std::string> SimNode::contents(const std::string& alias) const {
  std::vector<std::string> out;
  const auto collection = parts_->collections->find(alias);
  if (!collection) return out;
  const auto snapshot = disk_->journal.snapshot();
  for (journal::Seq after = 0;;) {
    const auto page = snapshot->collection_entries(collection->id, after, 1000);
    if (!page || page->empty()) return out;
    for (const auto& entry : *page) {
      out.push_back(snapshot->payload(entry.seq).value_or("<gone>"));
      after = entry.seq;
    }
  }
}

std::optional<std::vector<std::string>> SimNode::visible_to(const std::string& member, const std::string& alias) const {
  const auto reading = parts_->release->open(member, collection_id(alias));
  if (!reading) return std::nullopt;
  const auto page =
      must(reading->snapshot->page({.view = reading->view, .last = false, .all = true, .limit = 100'000}), "a page");
  std::map<std::uint64_t, std::string> by_entry;
  for (const auto& row : page.rows)
    by_entry[row.seq] = reading->snapshot->released_payload(reading->view, row.pos).value_or("<gone>");
  std::vector<std::string> out;
  for (auto& [_, payload] : by_entry) out.push_back(std::move(payload));
  return out;
}

bool SimNode::holds(std::string_view object_id, std::string_view not_of) const {
  const auto snapshot = disk_->journal.snapshot();
  const auto versions = snapshot->versions("", object_id);
  if (!versions) return false;
  for (const auto& entry : *versions)
    if (!entry.erased && entry.origin != not_of) return true;
  return false;
}

std::string SimNode::dump() const {
  std::string out;
  const auto snapshot = disk_->journal.snapshot();
  for (journal::Seq after = 0;;) {
    const auto page = snapshot->entries(after, 1000);
    if (!page || page->empty()) return out;
    for (const auto& e : *page) {
      out += fmt::format("{} {} {} {} {} {} {} {} {}\n", e.seq, static_cast<int>(e.kind), e.added_us, e.collection,
                         e.object_id, e.version, e.origin, e.label, snapshot->payload(e.seq).value_or("<gone>"));
      after = e.seq;
    }
  }
}

std::optional<std::string> SimNode::suspended(const std::string& member) const {
  return parts_->suspensions->reason_of(member);
}
void SimNode::resume(const std::string& member) { done(parts_->suspensions->resume(member), "resume"); }

std::uint64_t SimNode::entries() const { return disk_->journal.last_seq(); }

}  // namespace bongsu::simulation
