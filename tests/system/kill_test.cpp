// Kills a writing journal with SIGKILL at random moments, many times, and looks for anything lost or torn.
//
// The child appends batches from several threads, follows its own search projection, and prints every acknowledged
// object to a pipe before it goes on. After each kill the journal is opened again: every acknowledged object must be
// there with its bytes, sequences and outboxes dense, and the search projection that was being followed equal to one
// made anew.
//
// BONGSU_KILLS: how often (20). BONGSU_KILL_SEED: of the moments (1).
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "journal/search.h"
#include "journal/sqlite/sqlite_journal.h"

namespace bongsu::journal {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kWriters = 3;
constexpr unsigned kLongestLifeMs = 400;

struct Opened {
  SystemClock clock;
  SystemRandom random;
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Journal> journal;

  explicit Opened(const fs::path& directory) {
    SqliteOptions options;
    options.directory = directory;
    options.master_key.fill(9);
    options.reserve_bytes = 0;
    options.max_log_bytes = 1024 * 1024;  // small: kills meet checkpoints as well
    auto opened = open_sqlite_journal(options, clock, random, *log);
    if (opened) {
      journal = std::move(*opened);
    } else {
      fmt::print(stderr, "open: {}\n", opened.error().text());
    }
  }
};

// The bytes follow from the id and version, so that the parent knows them.
std::string body(const std::string& id, unsigned version) {
  std::string text = fmt::format(
      R"({{"type":"indicator","id":"{}","name":"word{} of {}","pattern":"[ipv4-addr:value = '192.0.2.{}']","pad":")",
      id, version, id, version % 250);
  text.append(version * 37 % 3000, 'p');
  return text + "\"}";
}

NewEntry object(const std::string& id, unsigned version, ViewId view) {
  NewEntry entry;
  entry.collection = "c1";
  entry.object_id = id;
  entry.version_key = fmt::format("2024-01-01T{:02}:{:02}:{:02}", version / 3600 % 24, version / 60 % 60, version % 60);
  entry.version = entry.version_key + "Z";
  entry.origin = "cert-lt";
  entry.label = "tlp:green";
  entry.payload = body(id, version);
  entry.releases.push_back({view, version % 7 == 0 ? std::optional<std::string>("redacted " + id) : std::nullopt});
  return entry;
}

void follow(Journal& journal, Search& search) {
  while (search.cursor() < journal.last_seq()) {
    const auto snapshot = journal.snapshot();
    const auto entries = snapshot->entries(search.cursor(), 200);
    if (!entries || entries->empty()) return;
    std::vector<Search::Item> items;
    for (const Entry& entry : *entries) items.push_back({entry, snapshot->payload(entry.seq).value_or("")});
    if (!search.apply(items)) return;
  }
}

[[noreturn]] void live_until_killed(const fs::path& directory, int pipe, unsigned round) {
  Opened opened(directory);
  auto search = open_search(directory);
  if (!opened.journal || !search) ::_exit(3);
  const auto view = opened.journal->create_view("c1", "k", 0, false);
  if (!view) ::_exit(4);
  std::vector<std::thread> threads;
  for (unsigned w = 0; w < kWriters; ++w)
    threads.emplace_back([&, w] {
      for (unsigned i = 0;; ++i) {
        Batch batch;
        std::string acknowledged;
        for (unsigned k = 0; k <= i % 5; ++k) {
          const std::string id = fmt::format("indicator--{:08x}-{:04x}-4{:03x}-8000-{:012x}", round, w, k, i / 3);
          batch.entries.push_back(object(id, i, view->id));
          acknowledged += fmt::format("object {} {}\n", id, i);
        }
        batch.states.push_back({"kill", fmt::format("{} {}", round, w), fmt::format("{}", i)});
        acknowledged += fmt::format("state {} {} {}\n", round, w, i);
        if (!opened.journal->append(batch)) ::_exit(5);
        if (::write(pipe, acknowledged.data(), acknowledged.size()) != static_cast<ssize_t>(acknowledged.size()))
          ::_exit(6);
        if (i % 6 == 5) {  // the last version of this id
          const std::string id = batch.entries.front().object_id;
          const std::string begun = fmt::format("erasing {}\n", id), ended = fmt::format("erased {}\n", id);
          if (::write(pipe, begun.data(), begun.size()) < 0) ::_exit(6);
          if (!opened.journal->erase(id, "me")) ::_exit(7);
          if (::write(pipe, ended.data(), ended.size()) < 0) ::_exit(6);
        }
      }
    });
  for (;;) follow(*opened.journal, **search);
}

struct Acknowledged {
  std::map<std::string, std::set<unsigned>> objects;
  std::map<std::string, unsigned> states;
  std::set<std::string> erasing, erased;

  void read(const std::string& line) {
    char id[80];
    unsigned a = 0, b = 0, c = 0;
    if (std::sscanf(line.c_str(), "object %79s %u", id, &a) == 2) objects[id].insert(a);
    if (std::sscanf(line.c_str(), "state %u %u %u", &a, &b, &c) == 3) states[fmt::format("{} {}", a, b)] = c;
    if (std::sscanf(line.c_str(), "erasing %79s", id) == 1) erasing.insert(id);
    if (std::sscanf(line.c_str(), "erased %79s", id) == 1) erased.insert(id);
  }
};

struct Tally {
  unsigned kills = 0;
  std::uint64_t acknowledged = 0, erased = 0, lost = 0, torn = 0;
};

void check(const fs::path& directory, const Acknowledged& acknowledged, Tally& tally) {
  Opened opened(directory);
  ASSERT_TRUE(opened.journal);
  Journal& journal = *opened.journal;
  // verify() finds gaps in sequences and outboxes, wrong last and first versions, and payloads that do not open.
  const auto verified = journal.verify({});
  if (!verified) ++tally.torn;
  ASSERT_TRUE(verified) << verified.error().text();
  const auto snapshot = journal.snapshot();
  for (const auto& [id, versions] : acknowledged.objects) {
    const auto stored = snapshot->versions("c1", id);
    ASSERT_TRUE(stored);
    std::map<std::string, const Entry*> by_key;
    for (const Entry& entry : *stored) by_key[entry.version_key] = &entry;
    for (const unsigned version : versions) {
      const NewEntry wanted = object(id, version, 1);
      const auto it = by_key.find(wanted.version_key);
      if (it == by_key.end()) {
        ++tally.lost;
        ADD_FAILURE() << "lost: " << id << " " << wanted.version_key;
        continue;
      }
      const auto payload = snapshot->payload(it->second->seq);
      if (acknowledged.erased.contains(id)) {
        EXPECT_FALSE(payload) << "erased, and there again: " << id;
      } else if (payload || !acknowledged.erasing.contains(id)) {
        if (payload.value_or("") != wanted.payload) ++tally.torn;
        EXPECT_EQ(payload.value_or(""), wanted.payload);
        EXPECT_EQ(snapshot->presence(1, it->second->seq).value(), Snapshot::Presence::kVisible);
      }
    }
  }
  for (const auto& [key, value] : acknowledged.states) {
    const auto stored = journal.state("kill", key);
    ASSERT_TRUE(stored && stored->has_value());
    EXPECT_GE(std::stoul(**stored), value);
  }
  const auto followed = open_search(directory).value();
  follow(journal, *followed);
  const auto anew = open_search({}).value();
  follow(journal, *anew);
  EXPECT_EQ(followed->digest().value(), anew->digest().value());
}

unsigned from_environment(const char* name, unsigned otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

TEST(Kill, LosesNoAcknowledgedObjectAndTearsNothing) {
  const unsigned kills = from_environment("BONGSU_KILLS", 20);
  SeededRandom dice(from_environment("BONGSU_KILL_SEED", 1));
  std::string pattern = (fs::temp_directory_path() / "bongsu-kill-XXXXXX").string();
  ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
  const fs::path base = pattern;
  Tally tally;
  // A journal is killed many times in a row, then the next one is begun: each check reads everything, so it must not
  // grow for ever.
  constexpr unsigned kPerJournal = 10;
  Acknowledged acknowledged;
  for (unsigned kill = 0; kill < kills && !testing::Test::HasFailure(); ++kill) {
    const fs::path directory = base / fmt::format("{}", kill / kPerJournal);
    if (kill % kPerJournal == 0) {
      acknowledged = {};
      if (kill > 0) fs::remove_all(base / fmt::format("{}", kill / kPerJournal - 1));
    }
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      live_until_killed(directory, ends[1], kill);
    }
    ::close(ends[1]);
    std::thread killer([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(dice.below(kLongestLifeMs)));
      ::kill(child, SIGKILL);
    });
    std::string text;
    char buffer[65536];
    for (ssize_t n = 0; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;)
      text.append(buffer, static_cast<std::size_t>(n));
    ::close(ends[0]);
    killer.join();
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself with " << WEXITSTATUS(status);
    ++tally.kills;
    // A line that was cut by the kill was not acknowledged.
    for (std::size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1)
      acknowledged.read(text.substr(at, end - at));
    check(directory, acknowledged, tally);
    if (kill % kPerJournal == kPerJournal - 1 || kill + 1 == kills) {
      for (const auto& [id, versions] : acknowledged.objects) tally.acknowledged += versions.size();
      tally.erased += acknowledged.erased.size();
    }
  }
  if (!testing::Test::HasFailure()) fs::remove_all(base);
  fmt::print("kill test: {} kills, {} objects acknowledged, {} erased, {} lost, {} torn\n", tally.kills,
             tally.acknowledged, tally.erased, tally.lost, tally.torn);
  EXPECT_GT(tally.acknowledged, 0U);
}

}  // namespace
}  // namespace bongsu::journal
