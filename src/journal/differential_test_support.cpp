// Random operations on two journals at once; whatever one answers, the other must.
#include <fmt/format.h>

#include "journal/contract_test_support.h"

namespace bongsu::journal {
namespace {

class Differential {
 public:
  Differential(Journal& a, Journal& b, std::uint64_t seed) : a_(a), b_(b), random_(seed) {}

  void run(unsigned operations) {
    for (unsigned i = 0; i < operations && !testing::Test::HasFailure(); ++i) {
      SCOPED_TRACE(fmt::format("operation {}", i));
      const auto dice = random_.below(100);
      if (dice < 55) {
        append();
      } else if (dice < 57) {
        make_view();
      } else if (dice < 58) {
        const std::uint64_t epoch = a_.epoch() + random_.below(3);
        same(a_.set_epoch(epoch), b_.set_epoch(epoch), [](auto&&) { return std::string("set"); });
      } else if (dice < 59) {
        const std::string id = object();
        same(a_.erase(id, "me"), b_.erase(id, "me"), [](Seq seq) { return fmt::format("{}", seq); });
      } else if (dice < 60) {
        const auto view = some_view();
        const std::string key = fmt::format("key{}", random_.below(8));
        same(a_.rename_view(view, key), b_.rename_view(view, key), [](auto&&) { return std::string("renamed"); });
      } else {
        read();
      }
    }
    everything();
  }

 private:
  template <class T>
  static std::string render(const Result<T>& result, const auto& show) {
    if (!result) return fmt::format("error {}", to_string(result.error().code));
    if constexpr (std::is_void_v<T>) {
      return "ok";
    } else {
      return show(*result);
    }
  }
  template <class T>
  void same(const Result<T>& a, const Result<T>& b, const auto& show) {
    ASSERT_EQ(render(a, show), render(b, show));
  }

  std::string collection() { return random_.below(3) == 0 ? "c2" : "c1"; }
  std::string object() {
    static const char* const kTypes[] = {"indicator", "malware", "ipv4-addr"};
    const auto n = static_cast<unsigned>(random_.below(25));
    return test_id(kTypes[n % 3], n);
  }
  ViewId some_view() { return static_cast<ViewId>(1 + random_.below(views_ + 1)); }  // sometimes one that is not there
  std::string key() { return fmt::format("2024-01-01T00:00:{:02}", random_.below(12)); }

  NewEntry entry() {
    const std::string id = object();
    const bool versioned = !id.starts_with("ipv4") || random_.below(10) == 0;
    NewEntry made = test_object(id, versioned ? static_cast<int>(random_.below(12)) : -1, {}, collection());
    if (random_.below(4) == 0) made.payload += fmt::format(" {}", random_.below(3));
    if (random_.below(6) == 0) made.spec_version = "2.0";
    made.label = "label-" + std::to_string(random_.below(3));
    if (random_.below(12) == 0) {
      made.kind = EntryKind::kDeletion;
      made.payload.clear();
      if (random_.below(3) == 0) {
        made.version.clear();
        made.version_key.clear();
      }
      return made;
    }
    if (random_.below(30) == 0) {
      made.kind = EntryKind::kNote;
      return made;
    }
    const ViewId start = static_cast<ViewId>(random_.below(views_ + 1));
    for (ViewId view = start; view <= views_ && made.releases.size() < 4;
         view += 1 + static_cast<ViewId>(random_.below(2)))
      if (view > 0 && collections_[view - 1] == made.collection)
        made.releases.push_back({view, random_.below(5) == 0 ? std::optional<std::string>("redacted") : std::nullopt});
    return made;
  }

  void append() {
    Batch batch;
    batch.epoch = a_.epoch() - (a_.epoch() > 0 && random_.below(40) == 0 ? 1 : 0);
    for (auto n = random_.below(4); n > 0; --n) batch.entries.push_back(entry());
    if (random_.below(3) == 0 && views_ > 0) {
      OutboxChange change{.view = some_view()};
      for (auto n = random_.below(4); n > 0; --n) change.withdraw.push_back(random_.below(a_.last_seq() + 2));
      if (change.view <= views_)
        for (auto n = random_.below(4); n > 0; --n) {
          const Seq seq = 1 + random_.below(a_.last_seq() + 1);
          const auto known = a_.snapshot()->entry(seq);
          // Mostly such as can be released, so that the batch is not refused for one of them.
          if (random_.below(50) == 0 ||
              (known && known->kind == EntryKind::kObject && known->collection == collections_[change.view - 1]))
            random_.below(4) == 0 ? change.redacted.push_back({seq, fmt::format("redacted {}", random_.below(3))})
                                  : change.release.push_back(seq);
        }
      batch.outbox.push_back(std::move(change));
    }
    if (random_.below(30) == 0) {
      const auto some = a_.last_seq() == 0 ? Result<Entry>(Entry{.object_id = "x--y"})
                                           : a_.snapshot()->entry(1 + random_.below(a_.last_seq()));
      if (some && !some->object_id.empty())
        batch.destroy.push_back({.object_id = some->object_id,
                                 .origin = some->origin,
                                 .upto = random_.below(2) == 0 ? some->version_key : "",
                                 .may_return = random_.below(2) == 0,
                                 .keep = random_.below(3) == 0 ? std::vector{some->version_key} : std::vector<std::string>()});
    }
    if (random_.below(4) == 0)
      batch.states.push_back(
          {"s", fmt::format("{}", random_.below(5)),
           random_.below(3) == 0 ? std::nullopt : std::optional(fmt::format("{}", random_.below(100)))});
    same(a_.append(batch), b_.append(batch), [](const Receipt& receipt) {
      std::string out;
      for (const AppendedEntry& e : receipt.entries)
        out += fmt::format("{} {} {};", e.seq, e.added_us, static_cast<int>(e.outcome));
      return out;
    });
  }

  void make_view() {
    const std::string in = collection(), name = fmt::format("key{}", random_.below(8));
    const ViewId from = random_.below(2) == 0 || views_ == 0 ? 0 : some_view();
    const bool compact = random_.below(2) == 0;
    const auto a = a_.create_view(in, name, from, compact);
    same(a, b_.create_view(in, name, from, compact),
         [](const View& v) { return fmt::format("{} {} {} {}", v.id, v.collection, v.key, v.last); });
    if (a && a->id > views_) {
      views_ = a->id;
      collections_.push_back(in);
    }
  }

  OutboxQuery query() {
    OutboxQuery q;
    q.view = some_view();
    if (random_.below(3) == 0) q.after = random_.below(40);
    if (random_.below(4) == 0 && a_.last_seq() > 0)
      if (const auto at = a_.snapshot()->entry(1 + random_.below(a_.last_seq())))
        q.added_after_us = at->added_us - static_cast<std::int64_t>(random_.below(2));
    for (auto n = random_.below(6); n > 3; --n) q.ids.push_back(object());
    for (auto n = random_.below(5); n > 3; --n) q.types.push_back(random_.below(2) == 0 ? "indicator" : "ipv4-addr");
    for (auto n = random_.below(6); n > 3; --n) q.spec_versions.push_back(random_.below(2) == 0 ? "2.0" : "2.1");
    q.last = random_.below(2) == 0;
    q.first = random_.below(3) == 0;
    q.all = random_.below(4) == 0;
    for (auto n = random_.below(5); n > 2; --n) q.version_keys.push_back(key());
    if (random_.below(3) == 0)
      q.sees = [hidden = "label-" + std::to_string(random_.below(3))](const std::string& label) {
        return label != hidden;
      };
    q.limit = static_cast<std::uint32_t>(1 + random_.below(random_.below(2) == 0 ? 5 : 1000));
    return q;
  }

  void read() {
    const auto sa = a_.snapshot(), sb = b_.snapshot();
    const auto list = [](const std::vector<Entry>& entries) {
      std::string out;
      for (const Entry& e : entries) out += describe(e) + "\n";
      return out;
    };
    const auto text = [](const std::string& s) { return s; };
    switch (random_.below(7)) {
      case 0: {
        const std::string in = random_.below(2) == 0 ? collection() : "", id = object();
        same(sa->versions(in, id), sb->versions(in, id), list);
        break;
      }
      case 1: {
        const std::string in = collection();
        const Seq after = random_.below(a_.last_seq() + 1);
        same(sa->collection_entries(in, after, 20), sb->collection_entries(in, after, 20), list);
        break;
      }
      case 2: {
        const ViewId view = some_view();
        const Seq seq = random_.below(a_.last_seq() + 2);
        same(sa->presence(view, seq), sb->presence(view, seq),
             [](Snapshot::Presence p) { return fmt::format("{}", static_cast<int>(p)); });
        const std::string id = object();
        same(sa->rows_of(view, id), sb->rows_of(view, id),
             [](const std::vector<OutboxRow>& rows) { return describe(OutboxPage{rows, false}); });
        same(sa->position(view, seq), sb->position(view, seq), [](Pos pos) { return fmt::format("{}", pos); });
        same(sa->payload(seq), sb->payload(seq), text);
        break;
      }
      case 3: {
        const ViewId view = some_view();
        const Pos after = random_.below(60);
        same(sa->tail(view, after, 30), sb->tail(view, after, 30),
             [](const OutboxPage& page) { return describe(page); });
        same(sa->withdrawn(view, after, 5), sb->withdrawn(view, after, 5),
             [](const OutboxPage& page) { return describe(page); });
        same(sa->released_payload(view, after), sb->released_payload(view, after), text);
        break;
      }
      default: {
        const OutboxQuery q = query();
        const auto page = sa->page(q);
        same(page, sb->page(q), [](const OutboxPage& p) { return describe(p); });
        if (page)
          for (const OutboxRow& row : page->rows)
            same(sa->released_payload(q.view, row.pos), sb->released_payload(q.view, row.pos), text);
      }
    }
  }

  void everything() {
    const auto sa = a_.snapshot(), sb = b_.snapshot();
    ASSERT_EQ(a_.last_seq(), b_.last_seq());
    for (Seq seq = 1; seq <= a_.last_seq(); ++seq) {
      ASSERT_EQ(describe(sa->entry(seq).value()), describe(sb->entry(seq).value()));
      same(sa->payload(seq), sb->payload(seq), [](const std::string& s) { return s; });
    }
    for (ViewId view = 1; view <= views_; ++view) {
      ASSERT_EQ(describe(sa->tail(view, 0, 100'000).value()), describe(sb->tail(view, 0, 100'000).value()));
      ASSERT_EQ(describe(sa->page({.view = view, .limit = 100'000}).value()),
                describe(sb->page({.view = view, .limit = 100'000}).value()));
    }
    for (Journal* journal : {&a_, &b_}) {
      const auto verified = journal->verify({});
      ASSERT_TRUE(verified) << verified.error().text();
    }
  }

  Journal& a_;
  Journal& b_;
  SeededRandom random_;
  ViewId views_ = 0;
  std::vector<std::string> collections_;
};

}  // namespace

void run_differential(Journal& a, Journal& b, std::uint64_t seed, unsigned operations) {
  Differential(a, b, seed).run(operations);
}

}  // namespace bongsu::journal
