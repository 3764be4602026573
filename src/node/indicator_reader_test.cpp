#include "node/indicator_reader.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>

#include "base/clock.h"
#include "base/random.h"
#include "node/stored_journal_test_support.h"
#include "stix/object.h"

namespace bongsu::node {
namespace {

using journal::Seq;

// A journal longer than several parts: indicators among others, in versions, from two members, revoked, broken, deleted
// and erased.
class IndicatorReader : public testing::Test {
 protected:
  explicit IndicatorReader(bool stored = false)
      : journal_(stored ? stored_.open(clock_) : journal::make_memory_journal(clock_, random_)) {}

  std::string id(std::uint64_t n) const { return fmt::format("indicator--00000000-0000-4000-8000-{:012x}", n); }

  void fill(std::size_t count) {
    for (std::size_t at = 0; at < count;) {
      journal::Batch batch;
      for (std::size_t i = 0; i < 1000 && at < count; ++i, ++at) batch.entries.push_back(entry(at));
      ASSERT_TRUE(journal_->append(batch));
      for (int i = 0; i < 3; ++i) {
        if (i == 0) {
          ASSERT_TRUE(journal_->erase(id(random_.below(at)), "a"));
          continue;
        }
        journal::Batch removal;
        removal.entries.push_back({.kind = journal::EntryKind::kDeletion,
                                   .collection = "c",
                                   .object_id = id(random_.below(at)),
                                   .origin = "a"});
        ASSERT_TRUE(journal_->append(removal));
      }
    }
  }

  journal::NewEntry entry(std::size_t n) {
    journal::NewEntry out;
    out.collection = "c";
    out.origin = random_.below(4) == 0 ? "b" : "a";
    out.label = "tlp:green";
    out.version_key = fmt::format("2026-01-01T{:02}:{:02}:{:02}.{:06}", n / 3600 % 24, n / 60 % 60, n % 60, n + 1);
    out.version = out.version_key + "Z";
    if (n % 7 == 3) {
      out.object_id = fmt::format("malware--00000000-0000-4000-8000-{:012x}", n);
      out.payload = R"({"type":"malware"})";
      return out;
    }
    out.object_id = id(random_.below(10) == 0 ? random_.below(n + 1) : n);
    const char* const patterns[] = {"[domain-name:value = 'EVIL{}.example']",
                                    "[ipv4-addr:value = '198.51.100.7' OR url:value = 'http://a.example/{}']",
                                    "[file:name LIKE 'x{}%']", "[broken {}"};
    out.payload = fmt::format(
        R"({{"type":"indicator","spec_version":"2.1","id":"{}","created":"{}","modified":"{}","pattern":"{}","pattern_type":"{}","valid_from":"2026-01-01T00:00:00Z"{}{}}})",
        out.object_id, out.version, out.version, fmt::format(fmt::runtime(patterns[random_.below(4)]), n),
        random_.below(20) == 0 ? "sigma" : "stix", random_.below(5) == 0 ? R"(,"revoked":true)" : "",
        random_.below(2) == 0 ? R"(,"confidence":40)" : "");
    return out;
  }

  // One entry after the other, each parsed whole.
  std::map<Seq, std::string> slowly() {
    std::map<Seq, std::string> out;
    const auto snapshot = journal_->snapshot();
    for (Seq seq = 1; seq <= journal_->last_seq(); ++seq) {
      const auto entry = snapshot->entry(seq).value();
      if (entry.kind != journal::EntryKind::kObject || entry.erased || !entry.object_id.starts_with("indicator--"))
        continue;
      const auto versions = snapshot->versions("c", entry.object_id).value();
      if (std::ranges::none_of(versions, [&](const auto& v) { return v.seq == seq; })) continue;
      const auto payload = snapshot->payload(seq);
      if (!payload) {
        EXPECT_EQ(payload.error().code, ErrorCode::kCorrupt);
        out[seq] = fmt::format("{} {} {}", entry.origin, entry.version_key, kUnopened);
        continue;
      }
      const auto object = stix::Object::parse(*payload);
      EXPECT_TRUE(object) << object.error().text();
      const auto compiled = detect::compile(*object);
      std::string text = entry.origin + " " + entry.version_key;
      if (!compiled) {
        text += " " + compiled.error().message;
      } else if (!compiled->revoked) {
        if (compiled->rule_language) text += " rule " + compiled->rule_text;
        for (const auto& value : compiled->values)
          text += fmt::format(" {}={} {} {}", detect::to_string(value.kind), value.text, compiled->confidence,
                              compiled->valid_from->text());
      }
      out[seq] = text;
    }
    return out;
  }

  static std::string text_of(const ReadIndicator& read) {
    std::string text = read.giver + " " + read.version_key;
    if (!read.unsupported.empty()) text += " " + read.unsupported;
    if (read.rule) text += " rule " + read.rule->text;
    for (const auto& one : read.values) {
      EXPECT_EQ(one.ref, read.seq);
      text += fmt::format(" {}={} {} {}", detect::to_string(one.value.kind), one.value.text, one.confidence,
                          one.valid_from->text());
    }
    return text;
  }

  // All of it by the reader, which has to give it in order.
  std::map<Seq, std::string> quickly(const ReaderLimits& limits = {}) {
    std::map<Seq, std::string> out;
    Seq before = 0, last = 0;
    takes_ = largest_ = unsupported_ = 0;
    const auto done = read_indicators(
        *journal_, journal_->last_seq(),
        [&](std::vector<ReadIndicator>&& part, Seq upto) -> Result<bool> {
          EXPECT_GT(upto, before);
          for (const auto& one : part) {
            EXPECT_GT(one.seq, last);
            EXPECT_GT(one.seq, before);
            EXPECT_LE(one.seq, upto);
            last = one.seq;
            unsupported_ += one.unsupported.empty() ? 0 : 1;
            out[one.seq] = text_of(one);
          }
          before = upto;
          ++takes_;
          largest_ = std::max(largest_, part.size());
          return true;
        },
        limits);
    EXPECT_TRUE(done) << done.error().text();
    EXPECT_EQ(before, journal_->last_seq());
    return out;
  }

  SystemClock clock_;
  SeededRandom random_{7};
  test::StoredJournal stored_;
  std::unique_ptr<journal::Journal> journal_;
  std::size_t takes_ = 0, largest_ = 0, unsupported_ = 0;  // of the last `quickly`: calls, indicators in one, of all
};

class StoredIndicatorReader : public IndicatorReader {
 protected:
  StoredIndicatorReader() : IndicatorReader(true) {}
};

TEST_F(IndicatorReader, GivesInOrderWhatReadingOneByOneGives) {
  fill(3 * kReaderPart + 1234);
  const auto read = quickly();
  EXPECT_GT(unsupported_, 1000U);
  EXPECT_EQ(read, slowly());
}

TEST_F(IndicatorReader, EndsAPartThatIsTooLargeEarlyAndGoesOnFromThere) {
  fill(2 * kReaderPart + 567);
  const auto whole = slowly();
  EXPECT_EQ(quickly(), whole);
  const std::size_t parts = takes_;
  for (const unsigned threads : {1U, 4U}) {
    EXPECT_EQ(quickly({.threads = threads, .part_bytes = 20'000}), whole);
    EXPECT_GT(takes_, 5 * parts);
    EXPECT_LT(largest_, 200U);
  }
  EXPECT_EQ(quickly({.threads = 4, .part_bytes = 1}), whole) << "one at a time, at the least";
  EXPECT_EQ(largest_, 1U);
}

TEST_F(StoredIndicatorReader, GivesOnSeveralThreadsWhatReadingOneByOneGivesThoughRowsAreDamaged) {
  fill(2 * kReaderPart + 1234);
  const auto before = slowly();
  EXPECT_EQ(quickly({.threads = 4}), before);
  std::vector<Seq> seqs;
  for (const auto& [seq, text] : before) seqs.push_back(seq);
  const Seq key_damaged = seqs[seqs.size() / 4], key_lost = seqs[seqs.size() / 2], payload_lost = seqs.back();
  stored_.damage(key_damaged);
  stored_.lose_key(key_lost);
  stored_.lose_payload(payload_lost);
  const auto after = quickly({.threads = 4});
  EXPECT_EQ(after, slowly());
  EXPECT_EQ(after.size(), before.size()) << "none is dropped silently";
  for (const auto& [seq, text] : after) {
    if (seq == key_damaged || seq == key_lost || seq == payload_lost)
      EXPECT_TRUE(text.ends_with(kUnopened)) << text;
    else
      EXPECT_EQ(text, before.at(seq));
  }
}

TEST_F(IndicatorReader, EndsWhenItsTakerHasEnoughOrFails) {
  fill(4 * kReaderPart);
  std::size_t parts = 0;
  EXPECT_TRUE(read_indicators(*journal_, journal_->last_seq(),
                              [&](std::vector<ReadIndicator>&&, Seq) -> Result<bool> { return ++parts < 2; }));
  EXPECT_EQ(parts, 2U);
  // Also when readers wait for the pieces of their parts to be taken.
  parts = 0;
  EXPECT_TRUE(read_indicators(*journal_, journal_->last_seq(),
                              [&](std::vector<ReadIndicator>&&, Seq) -> Result<bool> { return ++parts < 2; },
                              {.threads = 4, .part_bytes = 1}));
  EXPECT_EQ(parts, 2U);
  const auto failed = read_indicators(
      *journal_, journal_->last_seq(),
      [&](std::vector<ReadIndicator>&&, Seq) -> Result<bool> { return fail(ErrorCode::kUnavailable, "gone"); });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kUnavailable);
}

TEST_F(IndicatorReader, SaysWhyAClosedJournalCannotBeRead) {
  fill(1000);
  const Seq last = journal_->last_seq();
  journal_->close();
  const auto read =
      read_indicators(*journal_, last, [](std::vector<ReadIndicator>&&, Seq) -> Result<bool> { return true; });
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kCancelled);
}

TEST_F(IndicatorReader, AnEmptyJournalHasNone) {
  EXPECT_TRUE(read_indicators(*journal_, 0, [](std::vector<ReadIndicator>&&, Seq) -> Result<bool> {
    ADD_FAILURE() << "there is nothing to take";
    return true;
  }));
}

}  // namespace
}  // namespace bongsu::node
