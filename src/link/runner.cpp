#include "link/runner.h"

#include <fmt/format.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "base/json.h"
#include "base/uuid.h"
#include "link/partner_client.h"
#include "link/prekey_server.h"
#include "link/tail_server.h"

namespace bongsu::link {
namespace {

constexpr std::chrono::milliseconds kSuspendedLook{500};  // whether somebody resumed the link

using std::chrono::milliseconds;

constexpr std::size_t kMaxNameBytes = 512;  // of a remote alias or title

}  // namespace

Result<std::vector<FollowedCollection>> parse_collections(std::string_view body, std::string_view member,
                                                          std::size_t most) {
  BONGSU_TRY(const Json json, parse_json(body));
  if (string_at(json, "member") != member)
    return fail(ErrorCode::kInvalid, fmt::format("the node that answers is not {}'s", member), {.field = "member"});
  const Json* list = find(json, "collections");
  if (!list || !list->is_array()) return fail(ErrorCode::kInvalid, "must be a list", {.field = "collections"});
  if (list->get_array().size() > most)
    return fail(ErrorCode::kTooLarge, fmt::format("more than {} collections of one partner", most),
                {.field = "collections"});
  std::vector<FollowedCollection> out;
  for (const Json& item : list->get_array()) {
    FollowedCollection remote{.member = std::string(member)};
    remote.id = string_at(item, "id").value_or("");
    remote.alias = string_at(item, "alias").value_or("");
    remote.title = string_at(item, "title").value_or("");
    remote.exercise = string_at(item, "exercise").value_or("");
    if (!Uuid::parse(remote.id))
      return fail(ErrorCode::kInvalid, "a collection's id is a UUID", {.field = "collections"});
    if (remote.alias.empty() || remote.alias.size() > kMaxNameBytes || remote.title.size() > kMaxNameBytes)
      return fail(ErrorCode::kInvalid, "a collection has an alias and a title of bounded length",
                  {.field = "collections"});
    out.push_back(std::move(remote));
  }
  return out;
}

// ── One link ────────────────────────────────────────────────────────────────────────────────────────────────────────

struct LinkRunner::Impl {
  Impl(FollowedCollection r, Partner p, Applier& a, LinksOptions o, const Clock& c, Random& rnd, Log& l)
      : remote(std::move(r)), partner(std::move(p)), applier(a), options(std::move(o)), clock(c), random(rnd), log(l) {
    status.member = remote.member;
    status.collection = remote.alias;
  }

  ConsumerOptions consumer_options(const net::Url& url) const {
    return {.member = remote.member,
            .collection = remote.id,
            .alias = remote.alias,
            .link_url = url,
            .heartbeat = options.heartbeat,
            .backoff_base = options.backoff_base,
            .backoff_ceiling = options.backoff_ceiling};
  }

  // Waits; false when stopping.
  bool pause(std::unique_lock<std::mutex>& lock, milliseconds time) {
    changed.wait_for(lock, time, [&] { return stopping; });
    return !stopping;
  }

  void read() {
    const auto url = net::parse_url(partner.link_url);
    std::unique_lock lock(mutex);
    if (!url) {
      status.last_error = url.error().text();
      status.phase = LinkPhase::kRefused;
      return;
    }
    Backoff backoff(options.backoff_base, options.backoff_ceiling, random);
    while (!stopping && !consumer) {
      lock.unlock();
      const auto stored = applier.open(remote);
      lock.lock();
      if (stored) {
        consumer = std::make_unique<Consumer>(consumer_options(*url), clock, random, *stored);
        break;
      }
      status.last_error = stored.error().text();
      status.phase = LinkPhase::kBackingOff;
      log.error("link.mirror_failed",
                {{"member", remote.member}, {"collection", remote.alias}, {"error", status.last_error}});
      pause(lock, backoff.next());
    }
    changed.notify_all();  // the applying thread waits for the consumer
    while (!stopping && pause(lock, consumer->wait())) {
      while (!stopping) {
        const auto why = applier.suspended(remote.member);
        if (!why) break;
        consumer->suspend(*why);
        pause(lock, kSuspendedLook);
      }
      if (stopping) break;
      drop = false;
      const auto request = consumer->request();
      const auto silence = consumer->silence_limit();
      const auto before = consumer->status().phase;
      reading = true;
      lock.unlock();
      const auto outcome = exchange(request, silence);
      lock.lock();
      reading = false;
      consumer->ended(outcome ? nullptr : &outcome.error());
      if (!outcome && !stopping && consumer->status().phase != before)
        log.warn("link.lost",
                 {{"member", remote.member}, {"collection", remote.alias}, {"error", outcome.error().text()}});
    }
    if (consumer) consumer->stop();
  }

  Result<void> exchange(const net::ClientRequest& request, milliseconds silence) {
    const auto open = client.open(client_options(options, partner));
    if (!open) return fail(ErrorCode::kCancelled, "stopped");
    Result<void> verdict;  // of the consumer, about what it was given
    const auto streamed = open->stream(
        request, silence,
        [&](const net::ClientResponse& head) {
          const std::lock_guard lock(mutex);
          verdict = consumer->head(head.status, head.headers);
          if (verdict) log.info("link.connected", {{"member", remote.member}, {"collection", remote.alias}});
          return verdict && !stopping;
        },
        [&](std::string_view piece) {
          // Another link of this member may have found the lie: with the next heartbeat at the latest this one ends, too.
          if (applier.suspended(remote.member)) return false;
          std::unique_lock lock(mutex);
          if (drop || stopping) return false;
          verdict = consumer->data(piece);
          changed.notify_all();
          if (!verdict) return false;
          changed.wait(lock, [&] { return !consumer->full() || drop || stopping; });
          return !drop && !stopping;
        });
    client.close();
    if (!verdict) return verdict;
    return streamed;
  }

  void apply() {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [&] { return stopping || (consumer && consumer->has_items()); });
      if (stopping) return;  // what is queued comes again: the cursor stands before it
      const TailBatch batch = consumer->take();
      changed.notify_all();
      applying = true;
      lock.unlock();
      const auto counts = applier.apply(remote, batch);
      lock.lock();
      applying = false;
      if (counts) {
        consumer->applied(batch, *counts);
        continue;
      }
      log.error("link.apply_failed",
                {{"member", remote.member}, {"collection", remote.alias}, {"error", counts.error().text()}});
      consumer->not_applied(counts.error());
      drop = true;
      changed.notify_all();
      lock.unlock();
      client.cancel_once();
      lock.lock();
    }
  }

  const FollowedCollection remote;
  const Partner partner;
  Applier& applier;
  const LinksOptions options;
  const Clock& clock;
  Random& random;
  Log& log;

  mutable std::mutex mutex;
  std::condition_variable changed;
  std::unique_ptr<Consumer> consumer;
  LinkStatus status;  // until there is a consumer
  bool stopping = false;
  bool drop = false;  // the stream that runs is of no use any more
  bool reading = false, applying = false;
  CancellableClient client;
  std::thread reader, writer;
};

LinkRunner::LinkRunner(FollowedCollection remote, Partner partner, Applier& applier, LinksOptions options,
                       const Clock& clock, Random& random, Log& log)
    : impl_(std::make_unique<Impl>(std::move(remote), std::move(partner), applier, std::move(options), clock, random,
                                   log)) {}

LinkRunner::~LinkRunner() { stop(); }

void LinkRunner::start() {
  impl_->reader = std::thread([this] { impl_->read(); });
  impl_->writer = std::thread([this] { impl_->apply(); });
}

void LinkRunner::stop() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    impl_->status.phase = LinkPhase::kStopped;
  }
  impl_->changed.notify_all();
  impl_->client.cancel();
  if (impl_->reader.joinable()) impl_->reader.join();
  if (impl_->writer.joinable()) impl_->writer.join();
}

LinkStatus LinkRunner::status() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->consumer ? impl_->consumer->status() : impl_->status;
}

bool LinkRunner::at_work() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->reading || impl_->applying || (impl_->consumer && impl_->consumer->has_items());
}

// ── All links ───────────────────────────────────────────────────────────────────────────────────────────────────────

namespace {

constexpr std::uint64_t kMaxAnswerBytes = 1024 * 1024;

// One partner: its discovery, and the runners that came of it.
class PartnerLinks {
 public:
  PartnerLinks(Partner partner, Applier& applier, LinksOptions options, const Clock& clock, Random& random, Log& log)
      : partner_(std::move(partner)),
        applier_(applier),
        options_(std::move(options)),
        clock_(clock),
        random_(random),
        log_(log),
        thread_([this] { discover(); }) {}

  ~PartnerLinks() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    client_.cancel();
    thread_.join();
    runners_.clear();
  }

  const Partner& partner() const { return partner_; }

  std::set<std::string> at_work() const {
    const std::lock_guard lock(mutex_);
    std::set<std::string> out;
    for (const auto& [id, runner] : runners_)
      if (runner->at_work()) out.insert(id);
    return out;
  }

  void append_status(std::vector<LinkStatus>& out) const {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, runner] : runners_) {
      out.push_back(runner->status());
      if (out.back().sealing.empty()) out.back().sealing = sealing_problem_;
    }
    if (!runners_.empty()) return;
    LinkStatus status;
    status.sealing = sealing_problem_;
    status.member = partner_.member;
    status.phase = phase_;
    status.last_error = last_error_;
    out.push_back(std::move(status));
  }

 private:
  Result<net::ClientResponse> send(std::string_view method, std::string_view path, std::string body,
                                   std::uint64_t most_bytes) {
    BONGSU_TRY(net::Url url, net::parse_url(partner_.link_url));
    while (url.target.ends_with('/')) url.target.pop_back();
    url.target += path;
    auto client_settings = client_options(options_, partner_);
    client_settings.max_body_bytes = most_bytes;
    const auto client = client_.open(std::move(client_settings));
    if (!client) return fail(ErrorCode::kCancelled, "stopped");
    net::ClientRequest request{.method = std::string(method), .url = url, .headers = {{"Accept", "application/json"}}};
    if (!body.empty()) request.headers.add("Content-Type", "application/json");
    request.body = std::move(body);
    auto response = client->send(request, options_.discover_deadline);
    client_.close();
    return response;
  }

  // Without mutex_. What the partner has of our keys is what we gave and have not seen used; when those are few, or it
  // is time, it gets new ones.
  void give_prekeys() {
    if (options_.sealing == nullptr) return;
    const auto now = clock_.monotonic();
    if (prekeys_given_ && now - *prekeys_given_ < options_.prekeys_every &&
        options_.sealing->own_left(partner_.member) >= kFewPrekeys)
      return;
    const auto done = exchange_prekeys(*options_.sealing, partner_.member,
                                       [&](std::string_view method, std::string_view path, std::string body) {
                                         return send(method, path, std::move(body), kMaxAnswerBytes);
                                       });
    if (done.done) prekeys_given_ = now;
    const std::lock_guard lock(mutex_);
    if (!done.problem.empty() && done.problem != sealing_problem_)
      log_.warn("link.sealing", {{"member", partner_.member}, {"problem", done.problem}});
    sealing_problem_ = done.problem;
  }

  Result<std::string> get(std::string_view target, std::uint64_t most_bytes) {
    BONGSU_TRY(auto response, send("GET", target, "", most_bytes));
    if (response.status == 401 || response.status == 403)
      return fail(ErrorCode::kDenied, "the partner does not know our certificate: has it accepted the pairing?");
    if (response.status != 200)
      return fail(ErrorCode::kUnavailable, fmt::format("the partner answered HTTP {}", response.status));
    return std::move(response.body);
  }

  Result<std::vector<FollowedCollection>> ask() {
    BONGSU_TRY(const std::string body, get(fmt::format("{}collections", kLinkPrefix), kMaxAnswerBytes));
    if (options_.on_discovery)
      options_.on_discovery(partner_, [this](std::string_view target) { return get(target, kMaxTrustBytes); });
    return parse_collections(body, partner_.member, options_.max_collections);
  }

  void discover() {
    Backoff backoff(options_.backoff_base, options_.backoff_ceiling, random_);
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      if (runners_.empty()) phase_ = LinkPhase::kConnecting;
      lock.unlock();
      give_prekeys();  // before the first tail is opened, so that nothing has to be withheld
      const auto found = ask();
      lock.lock();
      if (stopping_) return;
      milliseconds wait;
      if (found) {
        for (const FollowedCollection& remote : *found) {
          auto& runner = runners_[remote.id];
          if (runner) continue;
          log_.info("link.found", {{"member", remote.member}, {"collection", remote.alias}});
          runner = std::make_unique<LinkRunner>(remote, partner_, applier_, options_, clock_, random_, log_);
          runner->start();
        }
        phase_ = LinkPhase::kIdle;  // shown while it offers nothing
        last_error_ = found->empty() ? "the partner releases no collection to us: is there an agreement?" : "";
        backoff.succeeded();
        const auto half = options_.rediscover / 2;
        wait = half + milliseconds(random_.below(static_cast<std::uint64_t>(half.count()) + 1));
      } else {
        if (last_error_ != found.error().text())
          log_.warn("link.discovery_failed", {{"member", partner_.member}, {"error", found.error().text()}});
        last_error_ = found.error().text();
        phase_ = found.error().code == ErrorCode::kDenied ? LinkPhase::kRefused : LinkPhase::kBackingOff;
        wait = backoff.next();
      }
      changed_.wait_for(lock, wait, [&] { return stopping_; });
    }
  }

  const Partner partner_;
  Applier& applier_;
  const LinksOptions options_;
  const Clock& clock_;
  Random& random_;
  Log& log_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::string sealing_problem_;
  std::optional<std::chrono::nanoseconds> prekeys_given_;  // of the discovering thread alone
  LinkPhase phase_ = LinkPhase::kConnecting;
  std::string last_error_;
  std::map<std::string, std::unique_ptr<LinkRunner>> runners_;
  CancellableClient client_;
  std::thread thread_;  // last: it uses the rest
};

}  // namespace

struct Links::Impl {
  Applier& applier;
  LinksOptions options;
  const Clock& clock;
  Random& random;
  Log& log;
  mutable std::mutex mutex;
  std::map<std::string, std::unique_ptr<PartnerLinks>> partners;
  int ending = 0;  // calls that are ending links
};

Links::Links(Applier& applier, LinksOptions options, const Clock& clock, Random& random, Log& log)
    : impl_(new Impl{applier, std::move(options), clock, random, log, {}, {}}) {}

Links::~Links() { stop(); }

void Links::set_partners(std::vector<Partner> partners) {
  std::vector<std::unique_ptr<PartnerLinks>> ending;  // joined outside the lock
  {
    const std::lock_guard lock(impl_->mutex);
    std::map<std::string, std::unique_ptr<PartnerLinks>> next;
    for (Partner& partner : partners) {
      if (partner.link_url.empty()) continue;  // it polls us, we have nothing to hold open
      const auto running = impl_->partners.find(partner.member);
      if (running != impl_->partners.end() && running->second && running->second->partner() == partner)
        next[partner.member] = std::move(running->second);
    }
    for (auto& [member, running] : impl_->partners)
      if (running) ending.push_back(std::move(running));
    impl_->partners = std::move(next);
    ++impl_->ending;
  }
  ending.clear();  // a changed partner's old links are gone before its new ones begin: one writer for each cursor
  const std::lock_guard lock(impl_->mutex);
  --impl_->ending;
  for (Partner& partner : partners) {
    if (partner.link_url.empty() || impl_->partners.contains(partner.member)) continue;
    const std::string member = partner.member;
    impl_->partners[member] = std::make_unique<PartnerLinks>(std::move(partner), impl_->applier, impl_->options,
                                                             impl_->clock, impl_->random, impl_->log);
  }
}

void Links::replace_certificate(std::string certificate_pem, std::string private_key_pem) {
  std::vector<Partner> partners;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->options.tls.certificate_pem = std::move(certificate_pem);
    impl_->options.tls.private_key_pem = std::move(private_key_pem);
    for (const auto& [member, links] : impl_->partners) partners.push_back(links->partner());
  }
  set_partners({});
  set_partners(std::move(partners));
}

std::vector<LinkStatus> Links::status() const {
  const std::lock_guard lock(impl_->mutex);
  std::vector<LinkStatus> out;
  for (const auto& [member, links] : impl_->partners) links->append_status(out);
  return out;
}

std::optional<std::set<std::string>> Links::at_work(const std::string& member) const {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->ending > 0) return std::nullopt;
  const auto at = impl_->partners.find(member);
  return at == impl_->partners.end() ? std::set<std::string>{} : at->second->at_work();
}

void Links::stop() { set_partners({}); }

}  // namespace bongsu::link
