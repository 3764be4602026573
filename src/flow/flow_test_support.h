// A node's ways in and out over a journal in memory, and objects to send through it.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "flow/admit.h"
#include "flow/collections.h"
#include "flow/markings.h"
#include "flow/release.h"
#include "journal/journal.h"

namespace bongsu::flow::test {

inline constexpr std::string_view kClear = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487";
inline constexpr std::string_view kGreen = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb";
inline constexpr std::string_view kAmber = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421";
inline constexpr std::string_view kRed = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1";

inline std::string id_of(std::string_view type, unsigned number) {
  char uuid[37];
  std::snprintf(uuid, sizeof uuid, "%08x-1111-4111-8111-111111111111", number);
  return std::string(type) + "--" + uuid;
}

inline std::string refs(const std::vector<std::string>& ids) {
  if (ids.empty()) return "";
  std::string out = R"(,"object_marking_refs":[)";
  for (const auto& id : ids) out += (out.back() == '[' ? "\"" : ",\"") + id + '"';
  return out + ']';
}

inline std::string stamp(unsigned second) {
  char text[32];
  std::snprintf(text, sizeof text, "2026-01-01T%02u:%02u:%02u.000Z", second / 3600 % 24, second / 60 % 60, second % 60);
  return text;
}

inline std::string indicator(unsigned number, const std::vector<std::string>& markings = {}, unsigned version = 0,
                             std::string_view more = "") {
  return R"({"type":"indicator","spec_version":"2.1","id":")" + id_of("indicator", number) +
         R"(","created":"2026-01-01T00:00:00.000Z","modified":")" + stamp(version) + R"(","name":"n)" +
         std::to_string(number) +
         R"(","pattern":"[ipv4-addr:value = '198.51.100.7']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z")" +
         refs(markings) + std::string(more) + "}";
}

inline std::string malware(unsigned number, const std::vector<std::string>& markings = {}, unsigned version = 0) {
  return R"({"type":"malware","spec_version":"2.1","id":")" + id_of("malware", number) +
         R"(","created":"2026-01-01T00:00:00.000Z","modified":")" + stamp(version) +
         R"(","name":"m","is_family":false)" + refs(markings) + "}";
}

inline std::string relationship(unsigned number, const std::string& source, const std::string& target,
                                const std::vector<std::string>& markings = {}) {
  return R"({"type":"relationship","spec_version":"2.1","id":")" + id_of("relationship", number) +
         R"(","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","relationship_type":"indicates","source_ref":")" +
         source + R"(","target_ref":")" + target + '"' + refs(markings) + "}";
}

inline std::string label_marking(const policy::Label& label) {
  return policy::make_label_marking(label, "cert-self", Instant{1'767'225'600, 0}).value();
}
inline std::string id_in(const std::string& text) { return std::string(*string_at(*parse_json(text), "id")); }
inline std::string releasable_to(const std::set<std::string>& members) {
  return policy::make_releasable_to_marking(members, "cert-self", Instant{1'767'225'600, 0});
}
inline std::string releasable_id(const std::set<std::string>& members) {
  return std::string(*string_at(*parse_json(releasable_to(members)), "id"));
}

inline policy::Agreement agreement(std::vector<std::string> collections, stix::Tlp highest,
                                   std::set<std::string> types = {"*"}, bool onward = false) {
  return {.collections = std::move(collections),
          .highest_tlp = highest,
          .types = std::move(types),
          .valid_until = Instant{4'000'000'000, 0},
          .onward = onward};
}

// One whose payloads of these entries cannot be read.
class DamagedSnapshot final : public journal::Snapshot {
 public:
  DamagedSnapshot(std::unique_ptr<journal::Snapshot> inner, std::set<journal::Seq> damaged)
      : inner_(std::move(inner)), damaged_(std::move(damaged)) {}
  Result<journal::OutboxPage> page(const journal::OutboxQuery& query) override { return inner_->page(query); }
  Result<journal::OutboxPage> tail(journal::ViewId view, journal::Pos after, std::uint32_t limit) override {
    return inner_->tail(view, after, limit);
  }
  Result<journal::OutboxPage> withdrawn(journal::ViewId view, journal::Pos after, std::uint32_t limit) override {
    return inner_->withdrawn(view, after, limit);
  }
  Result<std::vector<journal::OutboxRow>> rows_of(journal::ViewId view, std::string_view object_id) override {
    return inner_->rows_of(view, object_id);
  }
  Result<std::uint64_t> withdrawn_count(journal::ViewId view) override { return inner_->withdrawn_count(view); }
  Result<journal::Content> released(journal::ViewId view, journal::Pos pos) override {
    return inner_->released(view, pos);
  }
  Result<std::vector<journal::Entry>> entries(journal::Seq after, std::uint32_t limit) override {
    return inner_->entries(after, limit);
  }
  Result<void> objects(std::string_view type, journal::Seq after, journal::Seq upto, const VisitObject& visit) override {
    return inner_->objects(type, after, upto, visit);
  }
  Result<journal::Entry> entry(journal::Seq seq) override { return inner_->entry(seq); }
  Result<journal::Content> content(journal::Seq seq) override {
    if (damaged_.contains(seq)) return fail(ErrorCode::kCorrupt, "the payload does not open");
    return inner_->content(seq);
  }
  Result<std::vector<journal::Entry>> versions(std::string_view collection, std::string_view object_id) override {
    return inner_->versions(collection, object_id);
  }
  Result<std::vector<journal::Entry>> collection_entries(std::string_view collection, journal::Seq after,
                                                         std::uint32_t limit) override {
    return inner_->collection_entries(collection, after, limit);
  }
  Result<Presence> presence(journal::ViewId view, journal::Seq seq) override { return inner_->presence(view, seq); }
  Result<journal::Pos> position(journal::ViewId view, journal::Seq seq) override { return inner_->position(view, seq); }

 private:
  std::unique_ptr<journal::Snapshot> inner_;
  std::set<journal::Seq> damaged_;
};

// Fails the n-th change from now on and every one after it, as a full disk or a killed process would: nothing of it is
// written.
class FaultyJournal final : public journal::Journal {
 public:
  explicit FaultyJournal(std::unique_ptr<journal::Journal> inner) : inner_(std::move(inner)) {}
  void fail_after(int changes) { left_ = changes; }
  void heal() { left_ = -1; }
  bool failed() const { return left_ == 0; }
  void take_labels_at_once(std::size_t most) { most_labels_ = most; }
  void damage(journal::Seq seq) { damaged_.insert(seq); }
  void before_next_append(std::function<void()> hook) { hook_ = std::move(hook); }  // what comes in between

  Result<journal::Receipt> append(const journal::Batch& batch) override {
    if (const auto hook = std::exchange(hook_, nullptr)) hook();
    if (broken()) return fault();
    if (batch.labels.size() > most_labels_) return fail(ErrorCode::kTooLarge, "a batch with too many labels");
    return inner_->append(batch);
  }
  Result<journal::View> create_view(std::string_view collection, std::string_view key, journal::ViewId copy_of,
                                    bool compact) override {
    if (broken()) return fault();
    return inner_->create_view(collection, key, copy_of, compact);
  }
  Result<void> rename_view(journal::ViewId view, std::string_view key) override {
    if (broken()) return fault();
    return inner_->rename_view(view, key);
  }
  Result<void> set_epoch(std::uint64_t epoch) override {
    if (broken()) return fault();
    return inner_->set_epoch(epoch);
  }
  std::unique_ptr<journal::Snapshot> snapshot() override {
    if (damaged_.empty()) return inner_->snapshot();
    return std::make_unique<DamagedSnapshot>(inner_->snapshot(), damaged_);
  }
  journal::Seq last_seq() const override { return inner_->last_seq(); }
  journal::Seq wait_beyond(journal::Seq after, std::chrono::milliseconds deadline) override {
    return inner_->wait_beyond(after, deadline);
  }
  void on_commit(std::function<void(journal::Seq)> callback) override { inner_->on_commit(std::move(callback)); }
  Result<std::vector<journal::View>> views() override { return inner_->views(); }
  std::uint64_t epoch() const override { return inner_->epoch(); }
  Result<std::optional<std::string>> state(std::string_view space, std::string_view key) override {
    return inner_->state(space, key);
  }
  Result<std::vector<std::pair<std::string, std::string>>> states(std::string_view space) override {
    return inner_->states(space);
  }
  Result<journal::Seq> erase(std::string_view object_id, std::string_view origin) override {
    return inner_->erase(object_id, origin);
  }
  Result<journal::JournalStats> stats() override { return inner_->stats(); }
  Result<void> verify(const std::function<void(std::uint64_t, std::uint64_t)>& progress) override {
    return inner_->verify(progress);
  }
  void close() override { inner_->close(); }

 private:
  bool broken() { return left_ == 0 || (left_ > 0 && --left_ == 0); }
  static std::unexpected<Error> fault() { return fail(ErrorCode::kNoSpace, "the disk is full"); }
  std::unique_ptr<journal::Journal> inner_;
  int left_ = -1;
  std::size_t most_labels_ = journal::kMaxBatchEntries;
  std::set<journal::Seq> damaged_;
  std::function<void()> hook_;
};

// One node. `reopen` is a restart: everything but the journal is made anew.
struct TestNode {
  explicit TestNode(std::uint64_t seed = 1)
      : random(seed), journal(std::make_unique<FaultyJournal>(journal::make_memory_journal(clock, random))) {
    reopen();
  }

  // Over another journal: `open` makes it, again at each restart.
  TestNode(std::uint64_t seed, std::function<std::unique_ptr<journal::Journal>(TestNode&)> open)
      : random(seed), open_journal(std::move(open)) {
    reopen();
  }

  void reopen() {
    admission.reset();
    release.reset();
    if (open_journal) {
      journal.reset();
      journal = std::make_unique<FaultyJournal>(open_journal(*this));
    }
    markings = std::move(*Markings::load(*journal));
    release = std::move(*Release::load(*journal, clock, *log));
    admission = std::make_unique<Admission>(*journal, *release, *markings, *log);
    admission->set_own_identity(id_of("identity", 0xfe1f));
  }

  void agree(const std::string& member, policy::Agreement a) {
    a.partner = member;
    policy.members[member];
    policy.agreements[member] = std::move(a);
  }
  void apply(const std::vector<std::string>& collections = {"c1", "c2"}) {
    policy.self = "cert-self";
    const auto done = release->apply(policy, collections);
    ASSERT_TRUE(done) << done.error().text();
  }

  AdmitReport admit(const std::vector<std::string>& texts, const std::string& collection = "c1",
                    const std::string& origin = "cert-self", stix::Tlp fallback = stix::Tlp::kGreen) {
    clock.advance(std::chrono::milliseconds(1));
    std::vector<Result<stix::Object>> objects;
    for (const auto& text : texts) objects.push_back(stix::Object::parse(text));
    auto report = admission->admit(objects, {.collection = collection, .origin = origin, .fallback = fallback});
    EXPECT_TRUE(report) << report.error().text();
    return report ? std::move(*report) : AdmitReport();
  }

  // The ids in a member's outbox, in order; nullopt when it may not read.
  std::optional<std::vector<std::string>> sees(const std::string& member, const std::string& collection = "c1") {
    auto reading = release->open(member, collection);
    if (!reading) {
      EXPECT_EQ(reading.error().code, ErrorCode::kNotFound);
      return std::nullopt;
    }
    const auto page = reading->snapshot->page({.view = reading->view, .last = false, .all = true, .limit = 100'000});
    EXPECT_TRUE(page) << page.error().text();
    std::vector<std::string> out;
    for (const auto& row : page->rows) out.push_back(row.object_id);
    return out;
  }

  FakeClock clock;
  SeededRandom random;
  std::function<std::unique_ptr<journal::Journal>(TestNode&)> open_journal;
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<FaultyJournal> journal;
  std::unique_ptr<Markings> markings;
  std::unique_ptr<Release> release;
  std::unique_ptr<Admission> admission;
  policy::PolicyState policy;
};

using Seen = std::optional<std::vector<std::string>>;

}  // namespace bongsu::flow::test
