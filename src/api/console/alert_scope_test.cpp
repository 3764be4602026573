#include "api/console/alert_scope.h"

#include <condition_variable>
#include <future>

#include "api/console/console_test_support.h"
#include "api/console/events.h"

namespace bongsu::api::console {
namespace {

using test::TestConsole;

// A node with a second collection, and Vilma, an analyst who may read only the first.
struct Fixture : TestConsole {
  std::string secret =
      collections->add({.alias = "secret", .title = "Secret", .fallback = stix::Tlp::kRed}, random)->id;

  Fixture() { give_vilma({shared}); }
  void give_vilma(std::set<std::string> read) {
    auto book = accounts.accounts();
    tokens["vilma"] = crypto::fresh_token(random);
    book["vilma"] = {.name = "vilma",
                     .member = "cert-lt",
                     .role = identity::Role::kAnalyst,
                     .token_digests = {crypto::token_digest(tokens["vilma"])},
                     .read = std::move(read),
                     .write = {}};
    accounts.replace(std::move(book));
  }
  // The indicator of alert(number), as a version of `origin` in a collection.
  journal::Seq put(int number, const std::string& collection, const std::string& origin = "cert-ua", int day = 1) {
    journal::Batch batch;
    batch.entries.push_back({.collection = collection,
                             .object_id = alert(number).indicator_id,
                             .version = "2026-01-0" + std::to_string(day) + "T00:00:00Z",
                             .version_key = "2026010" + std::to_string(day),
                             .origin = origin,
                             .payload = "{}"});
    const auto receipt = journal->append(batch);
    EXPECT_TRUE(receipt);
    EXPECT_EQ(receipt->entries.at(0).outcome, journal::AppendedEntry::Outcome::kNew);
    return receipt->entries.at(0).seq;
  }
  detect::Alert alert_of(int number, journal::Seq indicator) {
    detect::Alert out = alert(number);
    out.indicator_ref = indicator;
    return out;
  }
  std::string raise_of(int number, journal::Seq indicator) {
    const std::vector<detect::Alert> all{alert_of(number, indicator)};
    EXPECT_TRUE(alerts.raise(all, {}));
    return all[0].id;
  }
  std::vector<std::string> listed(const std::string& query = "") {
    std::vector<std::string> out;
    const Json list = json(send("GET", "/api/v1/alerts" + query));
    for (const Json& item : find(list, "alerts")->get_array()) out.emplace_back(*string_at(item, "id"));
    return out;
  }
  std::int64_t counted(const std::string& path, std::string_view what) {
    const Json answer = json(send("GET", path));
    return *int_at(*find(answer, "counts"), what);
  }
};

struct Page {
  std::unique_ptr<net::TailSource> stream;
  explicit Page(net::Response response)
      : stream(std::move(std::get<std::unique_ptr<net::TailSource>>(response.body))) {}
  std::string pull() {
    std::string out;
    EXPECT_TRUE(stream->pull(out, false));
    return out;
  }
};

int count(const std::string& text, std::string_view what) {
  int n = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

TEST(AlertScope, AnAlertOfACollectionThatMayNotBeReadDoesNotExist) {
  Fixture t;
  const std::string seen = t.raise_of(1, t.put(1, t.shared)), hidden = t.raise_of(2, t.put(2, t.secret)),
                    nowhere = t.raise_of(3, 0);
  t.log_in("vilma");
  EXPECT_EQ(t.listed(), std::vector<std::string>{seen});
  EXPECT_EQ(t.send("GET", "/api/v1/alerts/" + seen).status, 200);
  for (const auto& id : {hidden, nowhere}) {
    const auto refused = t.send("GET", "/api/v1/alerts/" + id);
    EXPECT_EQ(refused.status, 404);
    EXPECT_EQ(t.text(refused), t.text(t.send("GET", "/api/v1/alerts/alert--none"))) << "the same words as for nothing";
    EXPECT_EQ(
        t.send("POST", "/api/v1/alerts/" + id + "/judgement", R"({"verdict":"false","reason":"I say so"})").status,
        404);
    EXPECT_EQ(t.alerts.find(id)->verdict, flow::AlertVerdict::kOpen);
  }
  for (const auto* path : {"/api/v1/alerts", "/api/v1/overview"}) {
    EXPECT_EQ(t.counted(path, "total"), 1) << path;
    EXPECT_EQ(t.counted(path, "open"), 1) << path;
  }
  EXPECT_EQ(t.listed("?text=evil"), std::vector<std::string>{seen});
  EXPECT_TRUE(t.listed("?indicator=" + t.alert(2).indicator_id).empty());

  t.log_in("olena");
  EXPECT_EQ(t.listed().size(), 3u);
  EXPECT_EQ(t.counted("/api/v1/overview", "total"), 3);
  EXPECT_EQ(t.send("POST", "/api/v1/alerts/" + hidden + "/judgement", R"({"verdict":"true","reason":"x"})").status,
            200);
  EXPECT_EQ(t.counted("/api/v1/alerts", "confirmed"), 1);
  t.log_in("vilma");
  EXPECT_EQ(t.counted("/api/v1/alerts", "confirmed"), 0);
}

TEST(AlertScope, PagesOfAListLeaveOutTheHiddenAndLoseNothing) {
  Fixture t;
  const journal::Seq shared = t.put(1, t.shared), secret = t.put(2, t.secret);
  std::vector<detect::Alert> all;
  std::set<std::string> visible;
  for (int i = 0; i < 300; ++i) {
    detect::Alert alert = t.alert(i);
    const bool open = i % 30 == 0;
    alert.indicator_id = t.alert(open ? 1 : 2).indicator_id;
    alert.indicator_ref = open ? shared : secret;
    if (open) visible.insert(alert.id);
    all.push_back(std::move(alert));
  }
  ASSERT_TRUE(t.alerts.raise(all, {}));
  t.log_in("vilma");
  std::set<std::string> got;
  std::size_t rounds = 0;
  for (std::string before;;) {
    const Json list = t.json(t.send("GET", "/api/v1/alerts?limit=3" + before));
    for (const Json& item : find(list, "alerts")->get_array())
      EXPECT_TRUE(got.insert(std::string(*string_at(item, "id"))).second) << "twice";
    ASSERT_LT(++rounds, 300u);
    if (!*bool_at(list, "more")) break;
    before = "&before=" + std::to_string(*int_at(list, "next"));
  }
  EXPECT_EQ(got, visible);
  EXPECT_LE(rounds, 5u) << "a page is filled as long as there is something to see";
}

TEST(AlertScope, AnAnswerForHiddenAlertsIsThatForNone) {
  Fixture t;
  const journal::Seq shared = t.put(1, t.shared), secret = t.put(2, t.secret);
  std::vector<detect::Alert> all;
  for (int i = 0; i < 40; ++i) {  // 4 hidden ones, 3 visible, 26 hidden, 3 visible, 4 hidden
    detect::Alert alert = t.alert(i);
    const bool open = (i >= 4 && i < 7) || (i >= 33 && i < 36);
    alert.indicator_id = t.alert(open ? 1 : 2).indicator_id;
    alert.indicator_ref = open ? shared : secret;
    alert.matched = open ? "www.seen.example" : "www.hidden.example";
    all.push_back(std::move(alert));
  }
  ASSERT_TRUE(t.alerts.raise(all, {}));
  t.log_in("vilma");
  const auto body = [&](const std::string& query) { return t.text(t.send("GET", "/api/v1/alerts?" + query)); };
  for (const std::string limit : {"", "&limit=1", "&limit=4", "&limit=1000"}) {
    EXPECT_EQ(body("text=hidden.example" + limit), body("text=nothing.example" + limit)) << limit;
    EXPECT_EQ(body("indicator=" + t.alert(2).indicator_id + limit), body("indicator=indicator--none" + limit)) << limit;
  }
  // Nor does a full page tell of hidden ones behind it, or by its `next` where they are.
  for (const auto& [limit, more] : {std::pair{2, true}, {3, true}, {5, true}, {6, false}, {7, false}}) {
    const Json page = t.json(t.send("GET", "/api/v1/alerts?limit=" + std::to_string(limit)));
    const auto& list = find(page, "alerts")->get_array();
    ASSERT_EQ(list.size(), static_cast<std::size_t>(std::min(limit, 6))) << limit;
    EXPECT_EQ(bool_at(page, "more"), more) << limit;
    EXPECT_EQ(int_at(page, "next"), more ? *int_at(list[list.size() - 1], "seq") : 0) << limit;
  }
}

TEST(AlertScope, WhoSeesEverythingIsToldOfFurtherPagesOnlyWhenThereAreSome) {
  Fixture t;
  for (int i = 1; i <= 4; ++i) t.raise_of(i, 0);
  t.log_in("olena");
  for (const auto& [limit, more] : {std::pair{3, true}, {4, false}, {5, false}}) {
    const Json page = t.json(t.send("GET", "/api/v1/alerts?limit=" + std::to_string(limit)));
    EXPECT_EQ(find(page, "alerts")->get_array().size(), static_cast<std::size_t>(std::min(limit, 4)));
    EXPECT_EQ(bool_at(page, "more"), more) << limit;
    EXPECT_EQ(*int_at(page, "next") != 0, more) << limit;
  }
}

TEST(AlertScope, ACopyThatWasDeletedOpensNothingAnyMore) {
  Fixture t;
  const std::string alert = t.raise_of(1, t.put(1, t.secret));
  t.put(1, t.shared, "cert-ua", 2);
  t.log_in("vilma");
  EXPECT_EQ(t.listed(), std::vector<std::string>{alert});
  journal::Batch batch;
  batch.entries.push_back({.kind = journal::EntryKind::kDeletion,
                           .collection = t.shared,
                           .object_id = t.alert(1).indicator_id,
                           .origin = "cert-ua"});
  ASSERT_TRUE(t.journal->append(batch));
  t.clock.advance(kScopeAge);
  EXPECT_TRUE(t.listed().empty());
  EXPECT_EQ(t.counted("/api/v1/alerts", "total"), 0);
}

// Counts the snapshots that are taken of it.
class CountingJournal final : public journal::Journal {
 public:
  explicit CountingJournal(journal::Journal& inner) : inner_(inner) {}
  int snapshots = 0;

  std::unique_ptr<journal::Snapshot> snapshot() override {
    ++snapshots;
    return inner_.snapshot();
  }
  Result<journal::Receipt> append(const journal::Batch& batch) override { return inner_.append(batch); }
  journal::Seq last_seq() const override { return inner_.last_seq(); }
  journal::Seq wait_beyond(journal::Seq after, std::chrono::milliseconds deadline) override {
    return inner_.wait_beyond(after, deadline);
  }
  void on_commit(std::function<void(journal::Seq)> callback) override { inner_.on_commit(std::move(callback)); }
  Result<journal::View> create_view(std::string_view collection, std::string_view key, journal::ViewId copy_of,
                                    bool compact) override {
    return inner_.create_view(collection, key, copy_of, compact);
  }
  Result<void> rename_view(journal::ViewId view, std::string_view key) override {
    return inner_.rename_view(view, key);
  }
  Result<std::vector<journal::View>> views() override { return inner_.views(); }
  std::uint64_t epoch() const override { return inner_.epoch(); }
  Result<void> set_epoch(std::uint64_t epoch) override { return inner_.set_epoch(epoch); }
  Result<std::optional<std::string>> state(std::string_view space, std::string_view key) override {
    return inner_.state(space, key);
  }
  Result<std::vector<std::pair<std::string, std::string>>> states(std::string_view space) override {
    return inner_.states(space);
  }
  Result<journal::Seq> erase(std::string_view object_id, std::string_view origin) override {
    return inner_.erase(object_id, origin);
  }
  Result<journal::JournalStats> stats() override { return inner_.stats(); }
  Result<void> verify(const std::function<void(std::uint64_t, std::uint64_t)>& progress) override {
    return inner_.verify(progress);
  }
  void close() override { inner_.close(); }

 private:
  journal::Journal& inner_;
};

TEST(AlertScope, ATallyAndAPageTakeOneSnapshotAndRefusalsAreRemembered) {
  Fixture t;
  for (int i = 1; i <= 50; ++i) t.raise_of(i, t.put(i, t.secret));
  CountingJournal journal(*t.journal);
  const identity::Principal vilma{.account = "vilma", .member = "cert-lt", .read = {t.shared}};
  flow::PersonalViews views(*t.release);
  AlertScope tally(journal, t.alerts, views, t.clock);
  EXPECT_EQ(tally.counts(vilma), flow::Alerts::Counts());
  EXPECT_EQ(journal.snapshots, 1);
  t.clock.advance(kScopeAge - std::chrono::seconds(1));
  EXPECT_EQ(tally.counts(vilma), flow::Alerts::Counts());
  EXPECT_EQ(journal.snapshots, 1) << "a refusal is remembered";
  t.clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(tally.counts(vilma), flow::Alerts::Counts());
  EXPECT_EQ(journal.snapshots, 2) << "but not for ever";

  AlertScope page(journal, t.alerts, views, t.clock);
  EXPECT_TRUE(page.list(vilma, {.limit = 1}).records.empty());
  EXPECT_EQ(journal.snapshots, 3);
}

// Who asks it for the monotonic time waits until it is opened, at most kPatience.
class Gate final : public Clock {
 public:
  static constexpr std::chrono::seconds kPatience{10};
  Instant now() const override { return {}; }
  std::chrono::nanoseconds monotonic() const override {
    std::unique_lock lock(mutex_);
    waiting_ = true;
    changed_.notify_all();
    changed_.wait_for(lock, kPatience, [&] { return open_; });
    open_ = true;
    return {};
  }
  void wait_for_somebody() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kPatience, [&] { return waiting_; }));
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  bool is_open() const {
    const std::lock_guard lock(mutex_);
    return open_;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  mutable bool open_ = false, waiting_ = false;
};

TEST(AlertScope, WhileOneAccountsAlertsAreCountedOtherPagesGoOnAndTheEndWaits) {
  Fixture t;
  t.raise_of(1, t.put(1, t.shared));
  Gate gate;
  flow::PersonalViews views(*t.release);
  const auto hub = std::make_shared<EventHub>(
      *t.journal, t.alerts, std::make_shared<AlertScope>(*t.journal, t.alerts, views, gate), t.clock, "1", 8);
  const auto open = [&](const std::string& account, std::set<std::string> read) {
    return hub->open(std::nullopt, [account, read]() -> std::optional<identity::Principal> {
      return identity::Principal{.account = account, .member = "cert-lt", .read = read};
    });
  };
  const auto vilma = open("vilma", {t.shared}), olena = open("olena", {"*"});
  hub->tick({}, JsonArray{});
  auto counted = std::async(std::launch::async, [&] {
    std::string out;
    EXPECT_TRUE(vilma->pull(out, false));
    return out;
  });
  gate.wait_for_somebody();
  std::string out;
  EXPECT_TRUE(olena->pull(out, false));
  EXPECT_EQ(count(out, "event: tick"), 1) << out;
  EXPECT_FALSE(gate.is_open()) << "she waited for the other's look-ups";

  auto stopped = std::async(std::launch::async, [&] { hub->stop(); });
  EXPECT_EQ(stopped.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout)
      << "what the scope asks would be gone";
  gate.open();
  stopped.get();
  EXPECT_EQ(count(counted.get(), R"("total":1)"), 1);
  const auto going = olena->pull(out, false);
  EXPECT_TRUE(going && !*going);
}

TEST(AlertScope, ACopyOfAnotherMemberOpensNothingOneOfTheSameMemberDoes) {
  Fixture t;
  const std::string alert = t.raise_of(1, t.put(1, t.secret));
  t.put(1, t.shared, "cert-pl");
  t.log_in("vilma");
  EXPECT_TRUE(t.listed().empty()) << "who else gave it would show";
  t.put(1, t.shared, "cert-ua", 2);
  t.clock.advance(kScopeAge);
  EXPECT_EQ(t.listed(), std::vector<std::string>{alert});
}

TEST(AlertScope, AnAlertStaysWhenItsIndicatorIsDeletedOrErased) {
  Fixture t;
  const std::string first = t.raise_of(1, t.put(1, t.shared)), second = t.raise_of(2, t.put(2, t.shared));
  journal::Batch batch;
  batch.entries.push_back({.kind = journal::EntryKind::kDeletion,
                           .collection = t.shared,
                           .object_id = t.alert(1).indicator_id,
                           .origin = "cert-ua"});
  ASSERT_TRUE(t.journal->append(batch));
  ASSERT_TRUE(t.journal->erase(t.alert(2).indicator_id, "cert-ua"));
  t.log_in("vilma");
  EXPECT_EQ(t.listed(), (std::vector<std::string>{second, first}));
}

TEST(AlertScope, TheStreamTellsOfWhatMayBeSeenOnly) {
  Fixture t;
  const journal::Seq shared = t.put(1, t.shared), secret = t.put(2, t.secret);
  t.log_in("vilma");
  Page vilma(t.send("GET", "/api/v1/events"));
  vilma.pull();
  t.log_in("olena");
  Page olena(t.send("GET", "/api/v1/events"));
  olena.pull();

  const std::string seen = t.raise_of(1, shared), hidden = t.raise_of(2, secret);
  t.put(3, t.secret);
  EXPECT_EQ(t.send("POST", "/api/v1/alerts/" + hidden + "/judgement", R"({"verdict":"true","reason":"x"})").status,
            200);
  t.api->tick();
  const std::string to_vilma = vilma.pull(), to_olena = olena.pull();
  EXPECT_EQ(count(to_vilma, "event: alert"), 1) << to_vilma;
  EXPECT_NE(to_vilma.find(seen), std::string::npos);
  EXPECT_EQ(to_vilma.find(hidden), std::string::npos);
  EXPECT_EQ(to_vilma.find("indicator--00000000-0000-4000-8000-000000000003"), std::string::npos) << "an id is data";
  EXPECT_EQ(count(to_vilma, R"("admitted":)"), 0) << to_vilma << "counts are of what she may read";
  EXPECT_EQ(count(to_vilma, R"("total":1)"), 1) << to_vilma;
  EXPECT_EQ(count(to_vilma, R"("confirmed":0)"), 1);
  EXPECT_NE(to_olena.find(hidden), std::string::npos);
  EXPECT_NE(to_olena.find("indicator--00000000-0000-4000-8000-000000000003"), std::string::npos);
  EXPECT_EQ(count(to_olena, R"("total":2)"), 1) << to_olena;

  t.log_in("vilma");
  Page again(t.send("GET", "/api/v1/events", "", {{"Last-Event-ID", std::to_string(secret)}}));
  const std::string missed = again.pull();
  EXPECT_NE(missed.find(seen), std::string::npos);
  EXPECT_EQ(missed.find(hidden), std::string::npos) << "nor what a page missed";
}

TEST(AlertScope, RightsThatWereTakenAwayCountAtTheNextEvent) {
  Fixture t;
  const journal::Seq shared = t.put(1, t.shared);
  t.log_in("vilma");
  Page page(t.send("GET", "/api/v1/events"));
  t.raise_of(1, shared);
  EXPECT_EQ(count(page.pull(), "event: alert"), 1);
  t.give_vilma({t.secret});
  t.raise_of(2, shared);
  t.api->tick();
  const std::string text = page.pull();
  EXPECT_EQ(count(text, "event: alert"), 0) << text;
  EXPECT_EQ(count(text, R"("total":0)"), 1) << text;
}

}  // namespace
}  // namespace bongsu::api::console
