#include "cli/hunt_command.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "base/json.h"
#include "cli/command_test_support.h"
#include "cli/match_command.h"

namespace bongsu::cli {
namespace {

namespace fs = std::filesystem;

class HuntCommandTest : public CommandTest {
 protected:
  HuntCommandTest() {
    fs::create_directories(dir_ / "logs" / "deep");
    list_ = file("list.txt", "198.51.100.7\nevil.example\n");
  }
  int run(int (*command)(const HuntOptions&, std::FILE*, std::FILE*), HuntOptions options) {
    if (options.logs.empty() && options.store.empty()) options.logs = {(dir_ / "logs").string()};
    return CommandTest::run(command, options);
  }
  int hunt() { return run(run_hunt, {.indicators = {list_}}); }
  static std::set<std::string> ids(const std::string& ndjson) {
    std::set<std::string> found;
    for (std::size_t at = 0; at < ndjson.size();) {
      const std::size_t end = ndjson.find('\n', at);
      const auto json = parse_json(ndjson.substr(at, end - at));
      EXPECT_TRUE(json);
      if (json) EXPECT_TRUE(found.emplace(string_at(*json, "id").value_or("")).second) << "twice";
      at = end + 1;
    }
    return found;
  }
  // What `bongsu match` says of the same files.
  std::set<std::string> matched() {
    std::FILE *out = std::tmpfile(), *err = std::tmpfile();
    run_match({.indicators = {list_}, .logs = {(dir_ / "logs").string()}, .jobs = 1}, out, err);
    written(err);
    return ids(written(out));
  }
  std::string list_;
};

constexpr const char* kZeek =
    "#separator "
    "\\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n#fields\tts\tquery\n#"
    "types\ttime\tstring\n";

TEST_F(HuntCommandTest, FindsWhatMatchFindsAndReadsOnlyWhatIsNew) {
  file("logs/a.json", "{\"src_ip\":\"198.51.100.7\"}\n{\"src_ip\":\"192.0.2.1\"}\n");
  file("logs/deep/dns.log", std::string(kZeek) + "1.5\twww.evil.example\n");
  EXPECT_EQ(hunt(), 0) << err_;
  EXPECT_EQ(ids(out_), matched());
  EXPECT_EQ(ids(out_).size(), 2U);
  EXPECT_NE(err_.find("2 read from the start, 0 grown"), std::string::npos) << err_;

  EXPECT_EQ(hunt(), 0) << err_;
  EXPECT_NE(err_.find("0 read from the start, 0 grown"), std::string::npos) << err_;
  EXPECT_EQ(ids(out_), matched());

  // The header of the log holds for what comes later.
  file("logs/deep/dns.log", "2.5\tmore.evil.example\n", true);
  EXPECT_EQ(hunt(), 0) << err_;
  EXPECT_NE(err_.find("0 read from the start, 1 grown"), std::string::npos) << err_;
  EXPECT_EQ(ids(out_), matched());
  EXPECT_EQ(ids(out_).size(), 3U);

  // Another file under the same name.
  file("logs/a.json", "{\"src_ip\":\"192.0.2.1\"}\n{\"host\":\"evil.example\"}\n{\"x\":1}\n{\"x\":2}\n");
  EXPECT_EQ(hunt(), 0) << err_;
  EXPECT_NE(err_.find("1 read from the start, 0 grown"), std::string::npos) << err_;
  EXPECT_EQ(ids(out_), matched());

  // A last line without newline that is completed later must not count twice.
  file("logs/b.json", "{\"src_ip\":\"198.51.100.7\"}\n{\"src_ip\":\"198.51.100.7\",\"a\":1}");
  EXPECT_EQ(hunt(), 0);
  EXPECT_EQ(ids(out_), matched());
  file("logs/b.json", "\n{\"src_ip\":\"198.51.100.7\",\"b\":2}\n", true);
  EXPECT_EQ(hunt(), 0);
  EXPECT_EQ(ids(out_), matched());

  fs::remove(dir_ / "logs/b.json");
  fs::remove(dir_ / "logs/deep/dns.log");
  file("logs/a.json", "{\"src_ip\":\"192.0.2.1\"}\n");
  EXPECT_EQ(hunt(), 1) << out_;
  EXPECT_EQ(out_, "");
}

TEST_F(HuntCommandTest, ExitsWithTwoOnTroubleAndSaysWhat) {
  EXPECT_EQ(run(run_hunt, {.indicators = {list_}, .logs = {(dir_ / "absent").string()}}), 2);
  EXPECT_NE(err_.find("absent"), std::string::npos);
  EXPECT_EQ(run(run_hunt, {.indicators = {}}), 2);
  EXPECT_EQ(run(run_hunt, {.indicators = {list_}, .since = "yesterday"}), 2);
  EXPECT_EQ(run(run_hunt, {.indicators = {list_}, .logs = {"-"}}), 2);
  EXPECT_EQ(run(run_hunt, {.indicators = {list_}, .logs = {"x"}, .store = "y"}), 2);
  EXPECT_EQ(run(run_hunt, {.indicators = {list_}, .store = (dir_ / "absent").string()}), 2);
}

TEST_F(HuntCommandTest, IndexesVerifiesAndTellsWhatThereIs) {
  file("logs/a.json",
       "{\"ts\":1600000000,\"src_ip\":\"198.51.100.7\"}\n{\"ts\":1600000100,\"src_ip\":\"192.0.2.1\"}\n");
  EXPECT_EQ(run(run_hunt_index, {}), 0) << err_;
  EXPECT_EQ(run(run_hunt_status, {}), 0) << err_;
  const auto status = parse_json(out_);
  ASSERT_TRUE(status) << out_;
  EXPECT_EQ(int_at(*status, "events"), 2);
  EXPECT_EQ(int_at(*status, "segments"), 1);
  EXPECT_EQ(string_at(*status, "first"), "2020-09-13T12:26:40Z");
  EXPECT_EQ(run(run_hunt_verify, {}), 0) << out_ << err_;
  // Damage one block.
  fs::path segment;
  for (const auto& entry : fs::recursive_directory_iterator(dir_ / "logs" / ".bongsu-hunt"))
    if (entry.path().extension() == ".seg") segment = entry.path();
  ASSERT_FALSE(segment.empty());
  {
    std::fstream io(segment, std::ios::in | std::ios::out | std::ios::binary);
    io.seekp(32 + 72 + 5);
    io.put('?');
  }
  EXPECT_EQ(run(run_hunt_verify, {}), 1);
  EXPECT_NE(out_.find("block 0 of 1"), std::string::npos) << out_;
  EXPECT_EQ(hunt(), 2) << "damage is trouble";
  EXPECT_NE(err_.find("block 0 of 1"), std::string::npos) << err_;
}

}  // namespace
}  // namespace bongsu::cli
