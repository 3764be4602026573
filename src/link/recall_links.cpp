#include "link/recall_links.h"

#include <fmt/format.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "base/json.h"
#include "link/backoff.h"
#include "link/partner_client.h"
#include "link/recall_server.h"

namespace bongsu::link {
namespace {

using std::chrono::milliseconds;

constexpr int kMaxRounds = 1000;  // of one exchange: 100,000 tombstones; the rest comes with the next

net::Url under(net::Url url, std::string_view path) {
  while (url.target.ends_with('/')) url.target.pop_back();
  url.target += path;
  return url;
}

Result<void> must_be_ok(const net::ClientResponse& response) {
  if (response.status == 200) return {};
  if (response.status == 401 || response.status == 403)
    return fail(ErrorCode::kDenied, "the partner does not know our certificate: has it accepted the pairing?");
  return fail(ErrorCode::kUnavailable, fmt::format("the partner answered HTTP {}", response.status));
}

}  // namespace

Result<void> exchange_recalls(flow::Recall& recall, const std::string& member, const net::Url& link_url,
                              const RecallSend& send, Resting* resting) {
  std::string show;  // to go with the next question
  for (int round = 0; round < kMaxRounds; ++round) {
    net::ClientRequest question{
        .method = "GET", .url = under(link_url, kRecallsPath), .headers = {{"Accept", "application/json"}}};
    if (!show.empty()) {
      question.method = "POST";
      question.headers.add("Content-Type", "application/json");
      question.body = show;
    }
    BONGSU_TRY(const auto response, send(question));
    BONGSU_TRY_VOID(must_be_ok(response));
    if (!show.empty()) resting->shown = std::exchange(show, {});
    BONGSU_TRY(const auto told, parse_signed_texts("tombstones", response.body, flow::kMaxToldAtOnce));
    std::size_t obeyed = 0, refused = 0;
    for (const auto& tombstone : told.texts) {
      const auto receipt = recall.take(member, tombstone);
      if (receipt) ++obeyed;
      // What is refused is named and kept in mind there; what could not be written down is tried again.
      else if (receipt.error().code != ErrorCode::kDenied)
        return std::unexpected(receipt.error());
      else
        ++refused;
    }
    if (refused == 0) BONGSU_TRY_VOID(recall.asked(member, told.upto));
    // Also those that were sent before and not acknowledged, and those that changed since.
    const auto receipts = recall.receipts_due(member);
    if (!receipts.empty()) {
      BONGSU_TRY(const auto taken, send({.method = "POST",
                                         .url = under(link_url, kReceiptsPath),
                                         .headers = {{"Content-Type", "application/json"}},
                                         .body = signed_texts_body("receipts", receipts)}));
      BONGSU_TRY_VOID(must_be_ok(taken));
      BONGSU_TRY_VOID(recall.acknowledged(member, receipts));
    }
    if (obeyed > 0) continue;
    if (resting == nullptr || told.run.empty()) return {};
    BONGSU_TRY(auto cursors, resting->now());
    if (cursors.empty()) return {};
    show = resting_cursors_body({told.run, std::move(cursors)});
    if (show == resting->shown) return {};
  }
  return {};
}

Result<std::vector<RestingCursor>> resting_cursors(journal::Journal& journal, const std::string& member,
                                                   const std::set<std::string>& at_work) {
  std::vector<RestingCursor> out;
  BONGSU_TRY(const auto stored, stored_cursors(journal, member));
  for (const auto& [collection, cursor] : stored)
    if (!at_work.contains(collection) && !cursor.text.empty() && out.size() < kMaxRestingCursors)
      out.push_back({collection, cursor.text});
  return out;
}

struct RecallLinks::Impl {
  class Asker {
   public:
    Asker(Impl& impl, Partner partner)
        : impl_(impl),
          partner_(std::move(partner)),
          resting_{[this] { return impl_.resting(partner_.member); }},
          thread_([this] { run(); }) {}
    ~Asker() {
      {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
      }
      changed_.notify_all();
      client_.cancel();
      thread_.join();
    }
    const Partner& partner() const { return partner_; }
    void ask() {
      {
        const std::lock_guard lock(mutex_);
        asked_ = true;
      }
      changed_.notify_all();
    }

   private:
    Result<void> exchange() {
      BONGSU_TRY(const net::Url url, net::parse_url(partner_.link_url));
      auto settings = client_options(impl_.current_options(), partner_);
      settings.max_body_bytes = kMaxRecallAnswer;
      const auto client = client_.open(std::move(settings));
      if (!client) return fail(ErrorCode::kCancelled, "stopped");
      const auto done = exchange_recalls(
          impl_.recall, partner_.member, url,
          [&](const net::ClientRequest& request) { return client->send(request, impl_.options.discover_deadline); },
          &resting_);
      client_.close();
      return done;
    }

    void run() {
      Backoff backoff(impl_.options.backoff_base, impl_.options.backoff_ceiling, impl_.random);
      std::string last_error;
      std::unique_lock lock(mutex_);
      while (!stopping_) {
        asked_ = false;
        lock.unlock();
        const auto done = exchange();
        lock.lock();
        if (stopping_) return;
        milliseconds wait = impl_.options.rediscover;
        if (done) {
          backoff.succeeded();
          last_error.clear();
        } else {
          wait = std::min(wait, backoff.next());
          if (done.error().text() != last_error)
            impl_.log.warn("recall.not_asked", {{"member", partner_.member}, {"error", done.error().text()}});
          last_error = done.error().text();
        }
        changed_.wait_for(lock, wait, [&] { return stopping_ || asked_; });
      }
    }

    Impl& impl_;
    const Partner partner_;
    Resting resting_;  // of the thread alone
    std::mutex mutex_;
    std::condition_variable changed_;
    bool stopping_ = false, asked_ = false;
    CancellableClient client_;
    std::thread thread_;
  };

  Impl(flow::Recall& r, LinksOptions o, RestingOf at_rest, Random& rnd, Log& l)
      : recall(r), options(std::move(o)), resting(std::move(at_rest)), random(rnd), log(l) {}

  LinksOptions current_options() {
    const std::lock_guard lock(options_mutex);
    return options;
  }

  flow::Recall& recall;
  LinksOptions options;
  std::mutex options_mutex;  // of its certificate
  const RestingOf resting;
  Random& random;
  Log& log;
  std::mutex mutex;
  std::map<std::string, std::unique_ptr<Asker>> askers;
  bool stopped = false;
};

RecallLinks::RecallLinks(flow::Recall& recall, LinksOptions options, RestingOf resting, Random& random, Log& log)
    : impl_(std::make_unique<Impl>(recall, std::move(options), std::move(resting), random, log)) {}
RecallLinks::~RecallLinks() { stop(); }

void RecallLinks::set_partners(std::vector<Partner> partners) {
  std::vector<std::unique_ptr<Impl::Asker>> over;  // joined without the lock
  const std::lock_guard lock(impl_->mutex);
  if (impl_->stopped) return;
  std::map<std::string, Partner> wanted;
  for (auto& partner : partners) wanted.emplace(partner.member, std::move(partner));
  for (auto it = impl_->askers.begin(); it != impl_->askers.end();) {
    const auto stays = wanted.find(it->first);
    if (stays != wanted.end() && stays->second == it->second->partner()) {
      wanted.erase(stays);
      ++it;
      continue;
    }
    over.push_back(std::move(it->second));
    it = impl_->askers.erase(it);
  }
  for (auto& [member, partner] : wanted) impl_->askers.emplace(member, std::make_unique<Impl::Asker>(*impl_, partner));
}

void RecallLinks::replace_certificate(std::string certificate_pem, std::string private_key_pem) {
  const std::lock_guard lock(impl_->options_mutex);
  impl_->options.tls.certificate_pem = std::move(certificate_pem);
  impl_->options.tls.private_key_pem = std::move(private_key_pem);
}

void RecallLinks::ask(const std::string& member) {
  const std::lock_guard lock(impl_->mutex);
  if (const auto at = impl_->askers.find(member); at != impl_->askers.end()) at->second->ask();
}

void RecallLinks::ask_where_due() {
  const std::lock_guard lock(impl_->mutex);
  for (auto& [member, asker] : impl_->askers)
    if (impl_->recall.any_receipt_due(member)) asker->ask();
}

void RecallLinks::stop() {
  std::map<std::string, std::unique_ptr<Impl::Asker>> over;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopped = true;
    over.swap(impl_->askers);
  }
  over.clear();
}

}  // namespace bongsu::link
