#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <thread>

#include "base/places_test_support.h"
#include "detect/yara/yara_matcher.h"
#include "telemetry/line_batch.h"

namespace bongsu::detect {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "yara-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path_); }
  std::string put(const std::string& name, std::string_view text) const {
    const fs::path path = path_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }
  std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

YaraSetPtr set_of(std::string text, const YaraOptions& options = {}) {
  RuleSources sources;
  sources.add_text("t.yar", std::move(text));
  return YaraSet::compile(sources, options);
}

std::vector<std::string> names(const std::vector<YaraHit>& hits) {
  std::vector<std::string> out;
  for (const YaraHit& hit : hits) out.push_back(hit.rule->name);
  return out;
}

std::vector<std::string> scan(const YaraSetPtr& set, std::string_view bytes, const std::string& name = "/d/x.bin") {
  YaraMatcher matcher(set);
  std::vector<YaraHit> hits;
  const auto scanned = matcher.scan_bytes(bytes, name, hits);
  EXPECT_TRUE(scanned) << scanned.error().text();
  return names(hits);
}

TEST(Yara, AHitTellsRuleTagsMetaAndFirstMatches) {
  const auto set = set_of(
      "rule evil : apt T1059 { meta: author = \"me\" score = 85 ok = true mitre = \"T1566.001, T1566\"\n"
      "strings: $a = \"bad\" $b = \"never\" $p = \"also\" private condition: $a and $p and not $b }");
  ASSERT_TRUE(set->errors().empty()) << set->errors()[0].text();
  YaraMatcher matcher(set);
  std::vector<YaraHit> hits;
  ASSERT_TRUE(matcher.scan_bytes("a bad thing, also bad", "x", hits));
  ASSERT_EQ(hits.size(), 1u);
  const YaraRule& rule = *hits[0].rule;
  EXPECT_EQ(rule.name, "evil");
  EXPECT_EQ(rule.name_space, "t.yar");
  EXPECT_THAT(rule.tags, ElementsAre("apt", "T1059"));
  EXPECT_EQ(rule.meta_value("author"), "me");
  EXPECT_EQ(rule.meta_value("ok"), "true");
  EXPECT_EQ(rule.score(), 85);
  EXPECT_EQ(rule.level(), "high");
  EXPECT_THAT(rule.techniques(), ElementsAre("T1059", "T1566.001", "T1566"));
  ASSERT_EQ(hits[0].strings.size(), 1u);
  EXPECT_EQ(hits[0].strings[0].name, "$a");
  EXPECT_EQ(hits[0].strings[0].offset, 2u);
  EXPECT_EQ(hits[0].strings[0].data, "bad");
}

TEST(Yara, ABadRuleCostsItselfAndWhatRefersToIt) {
  const auto set = set_of(
      "rule good1 { condition: true }\n"
      "rule bad_name { condition: nobody_knows_this }\n"
      "rule good2 { strings: $a = \"x\" condition: $a }\n"
      "rule refers { condition: bad_name and good1 }\n"
      "rule unused { strings: $a = \"x\" $b = \"y\" condition: $a }\n"
      "rule syntax { condition: and and }\n"
      "rule regex { strings: $a = /(a/ condition: $a }\n"
      "import \"no_such_module\"\n"
      "include \"../../etc/passwd\"\n"
      "rule good1 { condition: false }\n"
      "rule good3 { condition: good2 }\n");
  std::vector<std::string> rules;
  for (const YaraRule& rule : set->rules()) rules.push_back(rule.name);
  EXPECT_THAT(rules, ElementsAre("good1", "good2", "good3"));
  std::map<std::uint64_t, std::string> named;
  for (const Error& error : set->errors()) {
    EXPECT_EQ(error.where.source, "t.yar");
    EXPECT_EQ(error.code, ErrorCode::kInvalid);
    named[error.where.line] = error.where.field + ": " + error.message;
  }
  EXPECT_THAT(named[2], HasSubstr("rule bad_name: undefined identifier \"nobody_knows_this\""));
  EXPECT_THAT(named[4], HasSubstr("rule refers: undefined identifier \"bad_name\""));
  EXPECT_THAT(named[5], HasSubstr("rule unused: unreferenced string \"$b\""));
  EXPECT_THAT(named[6], HasSubstr("rule syntax: syntax error"));
  EXPECT_THAT(named[7], HasSubstr("rule regex: invalid regular expression"));
  EXPECT_THAT(named[8], HasSubstr("import no_such_module: unknown module"));
  EXPECT_THAT(named[9], HasSubstr("include ../../etc/passwd: callback failed to provide include resource"));
  EXPECT_THAT(named[10], HasSubstr("rule good1: duplicated identifier"));
  EXPECT_EQ(named.size(), 8u);
  EXPECT_THAT(scan(set, "x"), UnorderedElementsAre("good1", "good2", "good3"));
}

TEST(Yara, AFileThatIsNoRuleAtAllIsNamedWhole) {
  const struct {
    const char* text;
    const char* message;
  } rows[] = {
      {"<html><body>404</body></html>", "syntax error"},
      {"}}}}", "syntax error"},
      {"rule a { condition: true } garbage", "syntax error"},
  };
  for (const auto& row : rows) {
    const auto set = set_of(row.text);
    ASSERT_FALSE(set->errors().empty()) << row.text;
    EXPECT_THAT(set->errors()[0].message, HasSubstr(row.message));
  }
  const auto nul = set_of(std::string("YARA\0\0compiled", 14));
  ASSERT_EQ(nul->errors().size(), 1u);
  EXPECT_THAT(nul->errors()[0].text(), HasSubstr("NUL byte"));
  EXPECT_TRUE(set_of("")->errors().empty());
  EXPECT_TRUE(scan(set_of(""), "x").empty());
}

TEST(Yara, EachFileHasItsNamespaceAndIncludesStayInTheDirectory) {
  const Folder outside;
  outside.put("secret.yar", "rule secret { condition: true }");
  const Folder folder;
  folder.put("a.yar", "include \"lib/util.yar\"\nrule a { condition: util }");
  folder.put("b.yar", "rule a { condition: true }");
  folder.put("lib/util.yar", "include \"../lib/deep.yar\"\nprivate rule util { condition: deep }");
  folder.put("lib/deep.yar", "private rule deep { condition: true }");
  folder.put("c.yar",
             "include \"" + outside.path() + "/secret.yar\"\ninclude \"link.yar\"\nrule c { condition: true }");
  fs::create_symlink(outside.path() + "/secret.yar", folder.path() + "/link.yar");
  folder.put("notes.txt", "no rule");
  const auto set = YaraSet::load({folder.path()});
  EXPECT_EQ(set->files(), 5u);
  EXPECT_THAT(scan(set, "x"), UnorderedElementsAre("a", "a", "c"));
  EXPECT_EQ(set->errors().size(), 2u);
  for (const Error& error : set->errors()) EXPECT_EQ(error.where.source, "c.yar");

  // A single file sees what lies beside it, and no link out.
  const auto alone = YaraSet::load({folder.path() + "/a.yar", folder.path() + "/c.yar"});
  EXPECT_THAT(scan(alone, "x"), UnorderedElementsAre("a", "c"));
  EXPECT_EQ(alone->errors().size(), 2u);
}

TEST(Yara, ArchivesAreReadAndTheirNamesStayInside) {
  const Folder folder;
  folder.put("in/x/a.yar", "include \"b.yar\"\nrule a { condition: b }");
  folder.put("in/x/b.yar", "rule b { condition: true }");
  folder.put("in/x/bad.yar", "rule bad { condition: }");
  const std::string tar = folder.path() + "/rules.tar";
  ASSERT_EQ(
      std::system(fmt::format("tar -C {0}/in -cf {1} x && tar -C {0}/in -rf {1} --transform=s,x/b,../out/b, -P x/b.yar",
                              folder.path(), tar)
                      .c_str()),
      0);
  const auto set = YaraSet::load({tar});
  EXPECT_THAT(scan(set, ""), UnorderedElementsAre("a", "b", "b"));
  ASSERT_EQ(set->errors().size(), 2u);
  EXPECT_THAT(set->errors()[0].text(), HasSubstr("must not lead out"));
  EXPECT_EQ(set->errors()[1].where.source, "x/bad.yar");

  const auto cut = folder.put("cut.tar", "not a tar");
  const auto none = YaraSet::load({cut, folder.path() + "/absent.yar", folder.path() + "/in/x/a.yar/"});
  EXPECT_EQ(none->errors().size(), 3u);
  for (const Error& error : none->errors()) EXPECT_NE(error.code, ErrorCode::kInvalid) << error.text();
}

TEST(Yara, ExternalVariablesTellTheFile) {
  const std::string rules =
      "rule n { condition: filename == \"A.Exe\" }\n"
      "rule p { condition: filepath == \"/srv/x/A.Exe\" }\n"
      "rule e { condition: extension == \".exe\" }\n"
      "rule t { condition: filetype == \"EXE\" }\n"
      "rule o { condition: owner == \"\" }\n"
      "rule z { condition: zone == \"dmz\" }\n";
  const auto set = set_of(rules, {.externals = {{"zone", "dmz"}}, .for_events = true});
  EXPECT_THAT(scan(set, "MZ..", "/srv/x/A.Exe"), UnorderedElementsAre("n", "p", "e", "t", "o", "z"));
  EXPECT_THAT(scan(set, "#!", "/srv/x/.exe"), UnorderedElementsAre("o", "z"));
  const auto fixed = set_of(rules, {.externals = {{"zone", ""}, {"filename", "A.Exe"}}, .for_events = true});
  EXPECT_THAT(scan(fixed, "", "/b.txt"), UnorderedElementsAre("n", "o"));
}

TEST(Yara, OnlyRegularFilesOfBoundedSizeAreRead) {
  const auto set = set_of("rule every { condition: true }");
  const Folder folder;
  YaraMatcher matcher(set, {.max_file_bytes = 1000});
  std::vector<YaraHit> hits;
  const auto code = [&](const std::string& path) {
    const auto scanned = matcher.scan_file(path, hits);
    return scanned ? std::string("ok") : std::string(to_string(scanned.error().code));
  };
  const std::string fifo = folder.path() + "/fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(code(fifo), "unsupported");
  EXPECT_EQ(code("/dev/zero"), "unsupported");
  EXPECT_EQ(code(folder.path()), "unsupported");
  EXPECT_EQ(code(folder.path() + "/absent"), "not_found");
  EXPECT_EQ(code(folder.put("empty", "")), "ok");
  EXPECT_EQ(code(folder.put("just", std::string(1000, 'x'))), "ok");
  EXPECT_EQ(code(folder.put("over", std::string(1001, 'x'))), "too_large");
  const std::string sparse = folder.put("sparse", "");
  fs::resize_file(sparse, 1ULL << 40);
  EXPECT_EQ(code(sparse), "too_large");
  EXPECT_EQ(hits.size(), 2u);
}

TEST(Yara, HostileRulesAndDataEndInTime) {
  const struct {
    const char* rule;
    const char* message;  // nullptr: it compiles
  } rows[] = {
      {"rule r { strings: $a = /((a{1,1000}){1,1000}){1,1000}/ condition: $a }", nullptr},
      {"rule r { strings: $a = /(abc){0,100000}/ condition: $a }", "repeat interval"},
      {"rule r { strings: $a = /(a|a)*b(a|a)*b(a|a)*b(a|a)*c/ condition: $a }", nullptr},
      {"rule r { strings: $a = /a.*b.*c.*d.*e.*f.*g/ condition: $a }", nullptr},
  };
  for (const auto& row : rows) {
    const auto set = set_of(row.rule);
    if (row.message != nullptr) {
      ASSERT_EQ(set->errors().size(), 1u) << row.rule;
      EXPECT_THAT(set->errors()[0].message, HasSubstr(row.message));
      continue;
    }
    ASSERT_TRUE(set->errors().empty()) << set->errors()[0].text();
    YaraMatcher matcher(set, {.file_timeout_seconds = 1});
    std::vector<YaraHit> hits;
    const auto begin = std::chrono::steady_clock::now();
    (void)matcher.scan_bytes(std::string(300'000, 'a'), "x", hits);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20)) << row.rule;
  }
  // A condition that computes for ever is stopped by the clock, and told.
  const auto slow = set_of(
      "rule slow { condition: for all i in (0..100000) : ( for all j in (0..100000) : ( i + j >= 0 ) ) }\n"
      "rule quick { condition: true }");
  YaraMatcher matcher(slow, {.file_timeout_seconds = 1, .field_timeout_seconds = 1});
  std::vector<YaraHit> hits;
  const auto scanned = matcher.scan_bytes("x", "x", hits);
  ASSERT_FALSE(scanned);
  EXPECT_EQ(scanned.error().code, ErrorCode::kTimeout);
  EXPECT_EQ(matcher.counts().timeouts, 1u);
  EXPECT_TRUE(hits.empty());
  // A string that is everywhere.
  const auto many =
      set_of("rule m { strings: $a = \"a\" condition: #a > 10 and for any i in (1..#a) : ( @a[i] > 5 ) }");
  EXPECT_THAT(scan(many, std::string(3'000'000, 'a')), ElementsAre("m"));
  // Deep nesting is an error, not a crash.
  const auto deep =
      set_of("rule d { condition: " + std::string(200'000, '(') + "true" + std::string(200'000, ')') + " }");
  EXPECT_EQ(deep->errors().size(), 1u);
  // A file of 100 MB is named and costs nothing else.
  RuleSources sources;
  sources.add_text("huge.yar", std::string(100'000'000, ' '));
  sources.add_text("ok.yar", "rule ok { condition: true }");
  const auto huge = YaraSet::compile(sources);
  ASSERT_EQ(huge->errors().size(), 1u);
  EXPECT_EQ(huge->errors()[0].code, ErrorCode::kTooLarge);
  EXPECT_EQ(huge->rules().size(), 1u);
}

TEST(Yara, TextFieldsOfEventsAreScannedOnceAndRemembered) {
  const auto set = set_of(
      "rule script { strings: $a = \"Invoke-Mimikatz\" nocase condition: $a }\n"
      "rule file { strings: $a = \"Invoke-Mimikatz\" condition: uint16(0) == 0x5a4d and $a }\n"
      "rule quoted { strings: $a = \"say \\\"hello\\\"\" condition: $a }\n");
  EXPECT_EQ(set->rules().size(), 3u);
  EXPECT_EQ(set->event_rules(), 2u);
  telemetry::LineBatch batch;
  batch.source = std::make_shared<const std::string>("w.json");
  const std::string line =
      R"({"EventID":4104,"Channel":"Microsoft-Windows-PowerShell/Operational","ScriptBlockText":"function x { say \"hello\" } ; invoke-mimikatz -DumpCreds","Image":"C:\\Invoke-Mimikatz-in-a-path-that-is-no-text.exe"})";
  batch.data = line + "\n" + line + "\n" + R"({"EventID":1,"CommandLine":"invoke-mimikatz"})" + "\n" +
               R"({"EventID":1,"CommandLine":"run"})" + "\n";
  telemetry::BadLines bad;
  telemetry::EventParser parser(bad);
  parser.start(batch);
  YaraMatcher matcher(set);
  std::vector<std::string> found;
  while (const telemetry::EventView* event = parser.next()) {
    std::vector<YaraHit> hits;
    matcher.match(*event, hits);
    for (const YaraHit& hit : hits) found.push_back(hit.rule->name + "@" + hit.field);
  }
  EXPECT_THAT(found, ElementsAre("script@ScriptBlockText", "quoted@ScriptBlockText", "script@ScriptBlockText",
                                 "quoted@ScriptBlockText", "script@CommandLine"));
  EXPECT_EQ(matcher.counts().fields, 3u) << "the last is too short for any string of a rule";
  EXPECT_EQ(matcher.counts().remembered, 1u);
}

// Rules with a module of executables are asked about a field only when one of their strings is in it; what they find
// must be what they would have found.
TEST(Yara, PartsAndSievesForFieldsLoseNothing) {
  const auto set = set_of(
      "import \"pe\"\nimport \"math\"\n"
      "rule both { strings: $a = \"sekurlsa::logonpasswords\" condition: $a and ( pe.number_of_sections == 1 or "
      "filesize > 10 ) }\n"
      "rule never { strings: $a = \"sekurlsa\" condition: pe.number_of_sections > 1 and $a }\n"
      "rule always { condition: pe.is_dll() or filesize > 40 }\n"
      "rule light { strings: $a = \"sekurlsa\" condition: $a and math.entropy(0, filesize) > 0.0 }\n"
      "rule base { strings: $a = \"mimikatz\" condition: $a }\n");
  ASSERT_TRUE(set->errors().empty()) << set->errors()[0].text();
  EXPECT_EQ(set->for_events().size(), 2u);
  EXPECT_EQ(set->event_rules(), 4u);
  YaraMatcher matcher(set);
  const auto found = [&](const std::string& text) {
    telemetry::LineBatch batch;
    batch.source = std::make_shared<const std::string>("w.json");
    batch.data = R"({"EventID":1,"CommandLine":")" + text + "\"}\n";
    telemetry::BadLines bad;
    telemetry::EventParser parser(bad);
    parser.start(batch);
    std::vector<YaraHit> hits, whole;
    while (const telemetry::EventView* event = parser.next()) matcher.match(*event, hits);
    EXPECT_TRUE(matcher.scan_bytes(text, "", whole));  // the slow way: every rule of the file, on the same text
    EXPECT_THAT(names(hits), testing::UnorderedElementsAreArray(names(whole)));
    return names(hits);
  };
  EXPECT_THAT(found("mimikatz.exe sekurlsa::logonpasswords"), UnorderedElementsAre("both", "light", "base"));
  EXPECT_THAT(found("mimikatz.exe sekurlsa::logonpasswords, a little longer"),
              UnorderedElementsAre("both", "light", "base", "always"));
  EXPECT_THAT(found("nothing to see here, in as many bytes as this"), ElementsAre("always"));
}

TEST(Yara, OneSetServesManyThreads) {
  const auto set = set_of("rule r { strings: $a = /x[0-9]{3}y/ condition: #a == 2 }");
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      YaraMatcher matcher(set);
      for (int i = 0; i < 200; ++i) {
        std::vector<YaraHit> hits;
        if (matcher.scan_bytes("..x123y..x456y", "n", hits) && hits.size() == 1) ++good;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 800);
}

TEST(YaraSharedData, EveryRuleOfSignatureBaseLoads) {
  const std::string path = shared_data("rules/signature-base-yara.tar.zst");
  if (path.empty()) GTEST_SKIP() << "skipped: needs shared data";
  const auto set = YaraSet::load({path});
  for (const Error& error : set->errors()) ADD_FAILURE() << error.text();
  EXPECT_EQ(set->files(), 741u);
  EXPECT_EQ(set->rules().size(), 5883u);
  EXPECT_GT(set->event_rules(), 500u);
  EXPECT_LT(set->event_rules(), set->rules().size());
}

// The slow twin: the yara program of the same library over a directory, file by file and rule by rule.
TEST(YaraSharedData, EqualToTheYaraProgram) {
  const std::string path = shared_data("rules/signature-base-yara.tar.zst");
  const std::string evtx = shared_data("telemetry/evtx.tar.zst");
  if (path.empty() || evtx.empty()) GTEST_SKIP() << "skipped: needs shared data";
  if (std::system("command -v yara >/dev/null") != 0) GTEST_SKIP() << "skipped: needs the yara program";
  const Folder folder;
  ASSERT_EQ(std::system(fmt::format("mkdir {0}/r {0}/t && tar -C {0}/r --zstd -xf {1} && tar -C {0}/t --zstd -xf {2}",
                                    folder.path(), path, evtx)
                            .c_str()),
            0);
  // Scripts and rule files themselves hit many rules.
  fs::copy(folder.path() + "/r", folder.path() + "/t/rules", fs::copy_options::recursive);
  const auto set = YaraSet::load(
      {folder.path() + "/r"},
      {.externals = {{"filename", ""}, {"filepath", ""}, {"extension", ""}, {"filetype", ""}, {"owner", ""}},
       .for_events = false});
  std::string list = folder.path() + "/all.yar",
              command = "yara -r -N -f -w -p 1 -d filename= -d filepath= -d extension= -d filetype= -d owner=";
  std::vector<std::string> rule_files;
  for (const auto& entry : fs::recursive_directory_iterator(folder.path() + "/r"))
    if (entry.path().extension() == ".yar" || entry.path().extension() == ".yara")
      rule_files.push_back(entry.path().string());
  for (std::size_t i = 0; i < rule_files.size(); ++i) command += fmt::format(" n{}:{}", i, rule_files[i]);
  command += fmt::format(" {}/t > {}/out 2>{}/err", folder.path(), folder.path(), folder.path());
  ASSERT_EQ(std::system(command.c_str()), 0);
  std::multiset<std::string> theirs, ours;
  std::ifstream out(folder.path() + "/out");
  for (std::string line; std::getline(out, line);) theirs.insert(line);

  YaraMatcher matcher(set);
  for (const auto& entry : fs::recursive_directory_iterator(folder.path() + "/t")) {
    if (!entry.is_regular_file()) continue;
    std::vector<YaraHit> hits;
    const auto scanned = matcher.scan_file(entry.path().string(), hits);
    ASSERT_TRUE(scanned) << scanned.error().text();
    for (const YaraHit& hit : hits) ours.insert(hit.rule->name + " " + entry.path().string());
  }
  EXPECT_GT(ours.size(), 100u);
  EXPECT_EQ(ours, theirs);
}

}  // namespace
}  // namespace bongsu::detect
