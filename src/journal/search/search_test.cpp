#include "journal/search.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>

#include "journal/contract_test_support.h"
#include "journal/search/extract.h"
#include "journal/sqlite/database.h"
#include "journal/sqlite/sqlite_fixture_test_support.h"

namespace bongsu::journal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string id(const std::string& type, unsigned n) { return test_id(type, n); }

std::string indicator(unsigned n, const std::string& name, const std::string& pattern) {
  return fmt::format(R"({{"type":"indicator","spec_version":"2.1","id":"{}","created":"2024-01-01T00:00:00.000Z",)"
                     R"("modified":"2024-01-01T00:00:00.000Z","created_by_ref":"{}","name":"{}","pattern":"{}",)"
                     R"("pattern_type":"stix","valid_from":"2024-01-01T00:00:00Z"}})",
                     id("indicator", n), id("identity", 1), name, pattern);
}

class SearchTest : public testing::Test {
 protected:
  void SetUp() override { search_ = open_search({}).value(); }

  Search::Item item(const std::string& object_id, const std::string& payload, int version = 1,
                    const std::string& collection = "c1", EntryKind kind = EntryKind::kObject) {
    const NewEntry like = test_object(object_id, version, {}, collection);
    Search::Item made;
    made.entry.seq = ++seq_;
    made.entry.kind = kind;
    made.entry.added_us = static_cast<std::int64_t>(seq_);
    made.entry.collection = collection;
    made.entry.object_id = object_id;
    made.entry.version = like.version;
    made.entry.version_key = like.version_key;
    made.entry.origin = "cert-lt";
    made.payload = payload;
    return made;
  }
  void apply(const std::vector<Search::Item>& items) {
    const auto applied = search_->apply(items);
    ASSERT_TRUE(applied) << applied.error().text();
  }
  std::vector<Seq> text(std::string_view query, std::uint32_t limit = 10) { return seqs(search_->text(query, limit)); }
  std::vector<Seq> value(std::string_view kind, std::string_view v) { return seqs(search_->value(kind, v, 10)); }
  static std::vector<Seq> seqs(const Result<std::vector<SearchHit>>& hits) {
    EXPECT_TRUE(hits) << hits.error().text();
    std::vector<Seq> out;
    if (hits)
      for (const SearchHit& hit : *hits) out.push_back(hit.seq);
    return out;
  }

  Seq seq_ = 0;
  std::unique_ptr<Search> search_;
};

TEST_F(SearchTest, FindsAllWordsInAnyOrderAndTheLastByItsBeginning) {
  apply(
      {item(id("indicator", 1), indicator(1, "Industroyer beacon to Riga", "[ipv4-addr:value = '198.51.100.7']")),
       item(id("indicator", 2), indicator(2, "Beacon of something else", "[domain-name:value = 'c2.evil.example']"))});
  EXPECT_THAT(text("beacon"), ElementsAre(2, 1)) << "newest first";
  EXPECT_THAT(text("riga industroyer"), ElementsAre(1));
  EXPECT_THAT(text("beacon indust"), ElementsAre(1));
  EXPECT_THAT(text("indust beacon "), IsEmpty()) << "only the last word is a prefix";
  EXPECT_THAT(text("c2.evil.example"), ElementsAre(2)) << "literals of patterns are text";
  EXPECT_THAT(text("RIGA"), ElementsAre(1));
  EXPECT_THAT(text("beacon", 1), ElementsAre(2));
  const auto hit = search_->text("industroyer", 1)->at(0);
  EXPECT_EQ(hit.name, "Industroyer beacon to Riga");
  EXPECT_EQ(hit.type, "indicator");
  EXPECT_EQ(hit.collection, "c1");
  EXPECT_EQ(hit.origin, "cert-lt");
  EXPECT_NE(hit.snippet.find("Industroyer"), std::string::npos);
}

TEST_F(SearchTest, TakesNothingInAQueryAsSyntax) {
  apply({item(id("indicator", 1), indicator(1, "plain words AND more", "[a:b = 'c']"))});
  for (const std::string query : {"\"",
                                  "*",
                                  "a\"b",
                                  "plain OR",
                                  "plain NOT words",
                                  "(plain",
                                  "text:plain",
                                  "plain*",
                                  "^plain",
                                  "NEAR(plain words)",
                                  "{text} : plain",
                                  "-plain",
                                  "''",
                                  "\\",
                                  "plain; DROP TABLE docs",
                                  "\"\"\"",
                                  "+",
                                  "plain + words",
                                  "\xff\xfe",
                                  "plain\x01"}) {
    EXPECT_TRUE(search_->text(query, 5)) << query;
  }
  EXPECT_TRUE(search_->text(std::string("plain\0\" OR \"x", 13), 5));
  EXPECT_TRUE(search_->text(std::string(100'000, 'x'), 5));
  EXPECT_THAT(text("plain AND"), ElementsAre(1)) << "AND is a word like any other";
  EXPECT_THAT(text("plain OR"), IsEmpty());
  EXPECT_THAT(text("* - plain"), ElementsAre(1)) << "what has no letter or digit is skipped";
  EXPECT_THAT(text("  "), IsEmpty());
}

TEST_F(SearchTest, FindsValuesOfObservablesPatternsAndHashes) {
  const std::string hash(64, 'A');
  apply(
      {item(id("ipv4-addr", 1), R"({"type":"ipv4-addr","id":")" + id("ipv4-addr", 1) + R"(","value":"198.51.100.7"})"),
       item(id("indicator", 2),
            indicator(2, "x",
                      "[ipv4-addr:value IN ('198.51.100.7','203.0.113.0/24') OR file:hashes.'SHA-256' = '" + hash +
                          "'] AND [domain-name:value != 'good.example']")),
       item(id("file", 3), R"({"type":"file","id":")" + id("file", 3) + R"(","name":"Evil.EXE","hashes":{"SHA-256":")" +
                               hash + R"("}})"),
       item(id("url", 4), R"({"type":"url","id":")" + id("url", 4) + R"(","value":"HTTP://Evil.Example/Path"})")});
  EXPECT_THAT(value("ipv4-addr", "198.51.100.7"), ElementsAre(2, 1));
  EXPECT_THAT(value("", "198.51.100.7"), ElementsAre(2, 1));
  EXPECT_THAT(value("domain-name", "198.51.100.7"), IsEmpty());
  EXPECT_THAT(value("ipv4-addr", "203.0.113.0/24"), ElementsAre(2));
  EXPECT_THAT(value("file:hashes.SHA-256", std::string(64, 'a')), ElementsAre(3, 2));
  EXPECT_THAT(value("", hash), ElementsAre(3, 2));
  EXPECT_THAT(value("domain-name", "good.example"), IsEmpty()) << "what a pattern excludes is not what it looks for";
  EXPECT_THAT(value("file:name", "evil.exe"), ElementsAre(3));
  EXPECT_THAT(value("url", "http://evil.example/Path"), ElementsAre(4));
  EXPECT_THAT(value("url", "http://evil.example/path"), IsEmpty());
  EXPECT_THAT(value("ipv4-addr", "198.51.100"), IsEmpty());
}

TEST_F(SearchTest, FindsRelationsAtBothEnds) {
  const std::string a = id("indicator", 1), b = id("malware", 2), r = id("relationship", 3), s = id("sighting", 4),
                    who = id("identity", 1);
  const std::string times =
      R"("spec_version":"2.1","created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z",)";
  apply({item(a, indicator(1, "x", "[a:b = 'c']")),
         item(r, R"({"type":"relationship",)" + times + R"("id":")" + r +
                     R"(","relationship_type":"indicates","source_ref":")" + a + R"(","target_ref":")" + b + R"("})"),
         item(s, R"({"type":"sighting",)" + times + R"("id":")" + s + R"(","sighting_of_ref":")" + a +
                     R"(","where_sighted_refs":[")" + who + R"("]})")});
  const auto show = [&](const std::string& of) {
    std::vector<std::string> out;
    for (const Relation& relation : search_->relations(of, 10).value())
      out.push_back(fmt::format("{} {} {} {}", relation.from.substr(0, 3), relation.kind, relation.to.substr(0, 3),
                                relation.through.substr(0, 3)));
    return out;
  };
  EXPECT_THAT(show(b), ElementsAre("ind indicates mal rel"));
  EXPECT_THAT(show(a), testing::UnorderedElementsAre("ind indicates mal rel", "ind created_by_ref ide ",
                                                     "sig sighting_of_ref ind ", "ide sighted ind sig"));
  EXPECT_THAT(search_->relations(id("malware", 9), 10).value(), IsEmpty());
}

TEST_F(SearchTest, KnowsWhatNamesAnObjectInAnyVersionHoweverMuchThatIs) {
  const std::string named = id("indicator", 1), other = id("indicator", 2), report = id("report", 3),
                    relation = id("relationship", 4);
  const std::string times =
      R"("spec_version":"2.1","created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z",)";
  const auto report_of = [&](const std::string& report_id, const std::string& of) {
    return R"({"type":"report",)" + times + R"("id":")" + report_id +
           R"(","name":"r","published":"2024-01-01T00:00:00Z","object_refs":[")" + of + R"("]})";
  };
  apply({item(report, report_of(report, named), 1), item(report, report_of(report, other), 2),
         item(relation, R"({"type":"relationship",)" + times + R"("id":")" + relation +
                            R"(","relationship_type":"indicates","source_ref":")" + named + R"(","target_ref":")" +
                            other + R"("})")});
  EXPECT_THAT(search_->referrers(named).value(), ElementsAre(relation, report)) << "its newest version names another";
  EXPECT_THAT(search_->referrers(other).value(), ElementsAre(relation, report));
  EXPECT_THAT(search_->referrers(report).value(), IsEmpty());
  apply({item(report, "", 1, "c1", EntryKind::kDeletion)});
  EXPECT_THAT(search_->referrers(named).value(), ElementsAre(relation));

  constexpr unsigned kMany = 10'050;  // more than one look into the store gives
  std::vector<Search::Item> many;
  for (unsigned n = 0; n < kMany; ++n) {
    const std::string one = id("report", 100 + n);
    many.push_back(item(one, report_of(one, named)));
  }
  apply(many);
  EXPECT_EQ(search_->referrers(named).value().size(), kMany + 1);
}

TEST_F(SearchTest, ShowsOnlyTheNewestVersionAndFallsBackWhenItIsDeleted) {
  const std::string object = id("indicator", 1);
  apply({item(object, indicator(1, "first wording", "[ipv4-addr:value = '192.0.2.1']"), 10),
         item(object, indicator(1, "second wording", "[ipv4-addr:value = '192.0.2.2']"), 20),
         item(object, indicator(1, "between wording", "[ipv4-addr:value = '192.0.2.3']"), 15),
         item(object, indicator(1, "elsewhere wording", "[a:b = 'c']"), 5, "c2")});
  EXPECT_THAT(text("wording"), ElementsAre(4, 2)) << "the newest of each collection";
  EXPECT_THAT(value("ipv4-addr", "192.0.2.1"), IsEmpty());
  apply({item(object, "", 20, "c1", EntryKind::kDeletion)});
  EXPECT_THAT(text("wording"), ElementsAre(4, 3));
  EXPECT_THAT(value("ipv4-addr", "192.0.2.2"), IsEmpty());
  EXPECT_THAT(value("ipv4-addr", "192.0.2.3"), ElementsAre(3));
  apply({item(object, "", -1, "c1", EntryKind::kDeletion)});
  EXPECT_THAT(text("wording"), ElementsAre(4));
}

TEST_F(SearchTest, AppliesEachEntryOnce) {
  const std::vector<Search::Item> items = {item(id("indicator", 1), indicator(1, "once", "[a:b = 'c']"))};
  apply(items);
  const std::string digest = search_->digest().value();
  apply(items);
  EXPECT_EQ(search_->digest().value(), digest);
  EXPECT_EQ(search_->cursor(), 1U);
  ASSERT_TRUE(search_->reset());
  EXPECT_EQ(search_->cursor(), 0U);
  EXPECT_NE(search_->digest().value(), digest);
  apply(items);
  EXPECT_EQ(search_->digest().value(), digest);
}

TEST_F(SearchTest, TakesAnyBytesAsPayload) {
  for (const std::string payload : {"", "{", "[]", "null", "{\"name\":5}", "\xff",
                                    "{\"pattern\":\"[[[\",\"pattern_type\":\"stix\"}", "{\"objects\":{\"0\":7}}"})
    apply({item(id("x-odd", static_cast<unsigned>(seq_)), payload)});
  EXPECT_TRUE(search_->text("odd", 5));
}

std::string all_files(const std::filesystem::path& directory) {
  std::string out;
  for (const auto& file : std::filesystem::directory_iterator(directory)) {
    std::ifstream in(file.path(), std::ios::binary);
    out += std::string(std::istreambuf_iterator<char>(in), {});
  }
  return out;
}

TEST_F(SearchTest, LeavesNoWordOfAnErasedObjectInItsFile) {
  const TemporaryDirectory directory;
  search_ = open_search(directory.path()).value();
  std::vector<Search::Item> items;
  for (unsigned n = 0; n < 400; ++n)
    items.push_back(item(id("indicator", n), indicator(n, fmt::format("Zq{:03}wordzq marks it", n),
                                                       fmt::format("[domain-name:value = 'vq{:03}.example']", n))));
  apply(items);
  apply({item(id("indicator", 7), "", 1, "c1", EntryKind::kDeletion),
         item(id("indicator", 7), "", -1, "", EntryKind::kErasure),
         item(id("indicator", 8), "", -1, "", EntryKind::kErasure)});
  const std::string files = all_files(directory.path());
  for (const char* gone : {"Zq007word", "zq007word", "vq007", "Zq008word", "zq008word", "vq008"})
    EXPECT_EQ(files.find(gone), std::string::npos) << gone;
  EXPECT_NE(files.find("Zq009word"), std::string::npos);
  EXPECT_THAT(text("zq008wordzq"), IsEmpty());
  EXPECT_THAT(text("zq009wordzq"), ElementsAre(10));
  const std::string digest = search_->digest().value();
  search_.reset();
  search_ = open_search(directory.path()).value();
  EXPECT_EQ(search_->cursor(), seq_);
  EXPECT_EQ(search_->digest().value(), digest);
}

TEST_F(SearchTest, FinishesAnInterruptedErasureWithTheFirstApplyNotWhenItIsOpened) {
  const TemporaryDirectory directory;
  search_ = open_search(directory.path()).value();
  apply({item(id("indicator", 1), indicator(1, "Evil", "[domain-name:value = 'evil.example']"))});
  search_.reset();
  const auto mark = [&] {
    sqlite::Database db(directory.path() / "search.db", sqlite::OpenMode::kReadWrite, 1024);
    return db.integer("SELECT value FROM meta WHERE key = 'unscrubbed'");
  };
  {
    sqlite::Database db(directory.path() / "search.db", sqlite::OpenMode::kReadWrite, 1024);
    db.exec("UPDATE meta SET value = 1 WHERE key = 'unscrubbed'");
  }
  search_ = open_search(directory.path()).value();
  EXPECT_EQ(search_->cursor(), 1U);
  EXPECT_EQ(mark(), 1);
  ASSERT_TRUE(search_->apply({}));
  EXPECT_EQ(mark(), 0);
  EXPECT_EQ(search_->value("domain-name", "evil.example", 10)->size(), 1U);
}

TEST_F(SearchTest, CallsAFileCleanOnlyWhenWhatWasErasedIsOutOfIt) {
  const TemporaryDirectory directory;
  const auto file = directory.path() / "search.db";
  search_ = open_search(directory.path()).value();
  apply({item(id("indicator", 1), indicator(1, "Zq001wordzq", "[domain-name:value = 'vq001.example']"))});
  // As a reader that keeps the log from being emptied: nothing of the new file is in its place yet.
  sqlite::Database other(file, sqlite::OpenMode::kReadOnly, 1024);
  other.exec("BEGIN");
  EXPECT_EQ(other.integer("SELECT count(*) FROM docs"), 1);
  const std::vector<Search::Item> erasure{item(id("indicator", 1), "", -1, "", EntryKind::kErasure)};
  const auto held = search_->apply(erasure);
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().code, ErrorCode::kUnavailable);
  const auto mark = [&] {
    sqlite::Database db(file, sqlite::OpenMode::kReadOnly, 1024);
    return db.integer("SELECT value FROM meta WHERE key = 'unscrubbed'");
  };
  EXPECT_EQ(mark(), 1) << "who opens it after a crash has to finish";
  other.exec("ROLLBACK");
  ASSERT_TRUE(search_->apply({}));
  EXPECT_EQ(mark(), 0);
  const std::string files = all_files(directory.path());
  for (const char* gone : {"Zq001word", "zq001word", "vq001"}) EXPECT_EQ(files.find(gone), std::string::npos) << gone;
}

TEST_F(SearchTest, MakesADamagedFileAnew) {
  const TemporaryDirectory directory;
  std::ofstream(directory.path() / "search.db") << std::string(10'000, 'x');
  const auto opened = open_search(directory.path());
  ASSERT_TRUE(opened) << opened.error().text();
  EXPECT_EQ((*opened)->cursor(), 0U);
}

void follow(Journal& journal, Search& search, std::uint32_t step) {
  while (search.cursor() < journal.last_seq()) {
    const auto snapshot = journal.snapshot();
    std::vector<Search::Item> items;
    for (Entry& entry : *snapshot->entries(search.cursor(), step)) {
      auto payload = snapshot->payload(entry.seq);
      items.push_back({std::move(entry), payload.value_or("")});
    }
    const auto applied = search.apply(items);
    ASSERT_TRUE(applied) << applied.error().text();
  }
}

TEST_F(SearchTest, IsEqualWhetherFollowedOrRebuilt) {
  FakeClock clock;
  SeededRandom random(5);
  const auto journal = make_memory_journal(clock, random);
  const TemporaryDirectory directory;
  const auto followed = open_search(directory.path()).value();
  for (unsigned i = 0; i < 600; ++i) {
    const auto n = static_cast<unsigned>(random.below(20));
    const std::string object = id("indicator", n);
    const auto dice = random.below(20);
    if (dice == 0) {
      ASSERT_TRUE(journal->erase(object, "me"));
    } else {
      Batch batch;
      NewEntry entry = test_object(object, static_cast<int>(random.below(6)), {}, random.below(2) == 0 ? "c1" : "c2");
      entry.payload = indicator(n, fmt::format("word{}", random.below(9)),
                                fmt::format("[ipv4-addr:value = '192.0.2.{}']", random.below(9)));
      if (dice < 4) {
        entry.kind = EntryKind::kDeletion;
        entry.payload.clear();
        if (dice == 1) entry.version = entry.version_key = "";
      }
      batch.entries.push_back(entry);
      ASSERT_TRUE(journal->append(batch));
    }
    if (random.below(7) == 0) follow(*journal, *followed, 1 + static_cast<std::uint32_t>(random.below(5)));
  }
  follow(*journal, *followed, 3);
  follow(*journal, *search_, 1000);
  EXPECT_EQ(search_->digest().value(), followed->digest().value());
}

TEST(SearchExtract, CutsWhatIsTooLong) {
  const std::string payload = R"({"type":"note","id":"x","name":")" + std::string(300, 'n') + "\xc3\xa9" +
                              R"(","content":")" + std::string(search::kMaxText + 5, 'c') + "\"}";
  const auto found = search::extract("note--x", payload);
  EXPECT_EQ(found.name.size(), search::kMaxName);
  EXPECT_LE(found.text.size(), search::kMaxText);
}

}  // namespace
}  // namespace bongsu::journal
