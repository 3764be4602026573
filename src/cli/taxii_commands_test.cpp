// The commands against our own server, in process: no socket, no waiting.
#include "cli/taxii_commands.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "api/taxii/taxii_server.h"
#include "cli/taxii_output.h"
#include "crypto/secret.h"
#include "flow/markings.h"

namespace bongsu::cli {
namespace {

namespace fs = std::filesystem;

std::string indicator(int n, std::string_view extra = "") {
  return fmt::format(
      R"({{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-{:012d}",)"
      R"("created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z","pattern":"[domain-name:value = 'a.example']",)"
      R"("pattern_type":"stix","valid_from":"2024-01-01T00:00:00Z"{}}})",
      n, extra);
}

class NoSleep final : public link::Sleeper {
 public:
  Result<void> sleep(std::chrono::milliseconds) override { return {}; }
};

// A node's TAXII server as a transport.
class Node final : public link::TaxiiTransport {
 public:
  Node() {
    journal = journal::make_memory_journal(clock, random);
    release = std::move(*flow::Release::load(*journal, clock, *log));
    markings = std::move(*flow::Markings::load(*journal));
    collections = std::move(*flow::Collections::load(*journal));
    admission = std::make_unique<flow::Admission>(*journal, *release, *markings, *log);
    accounts = std::make_unique<identity::AccountBook>(clock, random);
    flow::Collection collection;
    collection.alias = "shared";
    shared = *collections->add(collection, random);
    policy::PolicyState state;
    state.self = "self";
    EXPECT_TRUE(release->apply(state, {shared.id}));
    identity::Account account;
    account.name = "a";
    account.member = "self";
    account.token_digests = {crypto::token_digest("secret")};
    account.read = account.write = {"*"};
    accounts->replace({{"a", account}});
    server = std::move(*api::TaxiiServer::open(
        {*journal, *release, *admission, *collections, *accounts, clock, random, *log}, {.max_page = 4}));
  }
  Result<net::ClientResponse> send(const net::ClientRequest& request, std::chrono::milliseconds) override {
    if (fail_after-- == 0) return fail(ErrorCode::kCancelled, "the line was cut");
    net::Request in;
    in.method = request.method;
    const auto question = request.url.target.find('?');
    in.path = request.url.target.substr(0, question);
    if (question != std::string::npos) in.query = request.url.target.substr(question + 1);
    in.headers = request.headers;
    in.body = request.body;
    auto response = server->handle(std::move(in));
    net::ClientResponse out{.status = response.status, .headers = response.headers, .body = {}};
    if (auto* text = std::get_if<std::string>(&response.body)) {
      out.body = *text;
    } else {
      auto& source = std::get<std::unique_ptr<net::BodySource>>(response.body);
      for (;;) {
        BONGSU_TRY(const bool more, source->read(out.body));
        if (!more) break;
      }
    }
    return out;
  }

  FakeClock clock;
  SeededRandom random{1};
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<journal::Journal> journal;
  std::unique_ptr<flow::Release> release;
  std::unique_ptr<flow::Markings> markings;
  std::unique_ptr<flow::Collections> collections;
  std::unique_ptr<flow::Admission> admission;
  std::unique_ptr<identity::AccountBook> accounts;
  std::unique_ptr<api::TaxiiServer> server;
  flow::Collection shared;
  int fail_after = -1;  // requests until the line is cut; below 0 = never
};

class Taxii : public ::testing::Test {
 protected:
  Taxii() {
    std::string name = (fs::temp_directory_path() / "bongsu-taxii-XXXXXX").string();
    dir_ = ::mkdtemp(name.data());
    put("token", "secret\n");
  }
  ~Taxii() override { fs::remove_all(dir_); }
  std::string path(std::string_view name) const { return (dir_ / name).string(); }
  void put(std::string_view name, std::string_view text) { EXPECT_TRUE(write_text_file(path(name), text)); }
  std::string text(std::string_view name) const { return read_text_file(path(name)).value_or("(none)"); }

  TaxiiConnection connection() const {
    return {.url = "https://node.example/", .collection = "shared", .token_file = path("token")};
  }
  // Runs and keeps what was said.
  template <class Options>
  int run(const Options& options) {
    char *out_text = nullptr, *err_text = nullptr;
    std::size_t out_size = 0, err_size = 0;
    std::FILE* out = ::open_memstream(&out_text, &out_size);
    std::FILE* err = ::open_memstream(&err_text, &err_size);
    const TaxiiWorld world{.transport = node_, .sleeper = sleep_, .clock = node_.clock, .random = node_.random};
    int code = 0;
    if constexpr (requires { options.files; })
      code = run_taxii_push(options, world, out, err);
    else
      code = run_taxii_pull(options, world, out, err);
    std::fclose(out);
    std::fclose(err);
    out_.assign(out_text, out_size);
    err_.assign(err_text, err_size);
    std::free(out_text);
    std::free(err_text);
    return code;
  }
  int push(std::vector<std::string> names) {
    for (auto& name : names) name = path(name);
    return run(TaxiiPushOptions{.connection = connection(), .files = std::move(names)});
  }
  static std::size_t lines(const std::string& text) { return static_cast<std::size_t>(std::ranges::count(text, '\n')); }
  void seed(int from, int to) {
    std::string ndjson;
    for (int i = from; i < to; ++i) ndjson += indicator(i) + "\n";
    put("seed.ndjson", ndjson);
    ASSERT_EQ(push({"seed.ndjson"}), 0) << err_;
  }

  fs::path dir_;
  Node node_;
  NoSleep sleep_;
  std::string out_, err_;
};

TEST_F(Taxii, WhatWasPushedIsPulledByteForByte) {
  put("a.json", R"({"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000000","objects":[)" + indicator(1) +
                    "," + indicator(2, R"(,  "x_note":"é")") + "]}");
  put("b.ndjson", indicator(3) + "\n" + indicator(4) + "\n");
  ASSERT_EQ(push({"a.json", "b.ndjson"}), 0) << err_;
  EXPECT_EQ(out_, "4 accepted, 0 refused\n");
  ASSERT_EQ(run(TaxiiPullOptions{.connection = connection(), .out = path("out.json")}), 0) << err_;
  const auto bundle = parse_json(text("out.json"));
  ASSERT_TRUE(bundle) << text("out.json");
  EXPECT_EQ(string_at(*bundle, "type"), "bundle");
  EXPECT_EQ(find(*bundle, "objects")->get_array().size(), 4U);
  EXPECT_NE(text("out.json").find(indicator(2, R"(,  "x_note":"é")")), std::string::npos);
  EXPECT_NE(out_.find("4 objects from shared"), std::string::npos);
  EXPECT_NE(out_.find("--added-after"), std::string::npos);  // what to do next
}

TEST_F(Taxii, StandardOutputGetsObjectsAndNothingElse) {
  seed(0, 3);
  ASSERT_EQ(run(TaxiiPullOptions{.connection = connection(), .ndjson = true, .json = true}), 0);
  EXPECT_EQ(out_, indicator(0) + "\n" + indicator(1) + "\n" + indicator(2) + "\n");
  EXPECT_EQ(int_at(*parse_json(err_), "objects"), 3);
}

TEST_F(Taxii, AnEmptyCollectionIsAnEmptyBundle) {
  ASSERT_EQ(run(TaxiiPullOptions{.connection = connection(), .out = path("out.json")}), 0);
  const auto bundle = parse_json(text("out.json"));
  ASSERT_TRUE(bundle);
  EXPECT_EQ(find(*bundle, "objects"), nullptr);
}

TEST_F(Taxii, AStateFileGoesOnWhereThePullStopped) {
  seed(0, 10);
  const TaxiiPullOptions options{.connection = connection(), .state_file = path("state"), .out = path("out.ndjson")};
  ASSERT_EQ(run(options), 0) << err_;
  EXPECT_EQ(lines(text("out.ndjson")), 10U);
  ASSERT_EQ(run(options), 0);
  EXPECT_EQ(lines(text("out.ndjson")), 10U);
  seed(10, 13);
  ASSERT_EQ(run(options), 0);
  EXPECT_EQ(lines(text("out.ndjson")), 13U);
}

TEST_F(Taxii, ALineThatIsCutLosesAndRepeatsNothing) {
  seed(0, 20);
  const TaxiiPullOptions options{.connection = connection(), .state_file = path("state"), .out = path("out.ndjson")};
  for (int cut = 4; text("out.ndjson") == "(none)" || lines(text("out.ndjson")) < 20; ++cut) {
    ASSERT_LT(cut, 20);
    node_.fail_after = cut % 3 + 4;  // some resources, then a page or two
    const int code = run(options);
    EXPECT_TRUE(code == 2 || code == 0) << err_;
  }
  std::string wanted;
  for (int i = 0; i < 20; ++i) wanted += indicator(i) + "\n";
  EXPECT_EQ(text("out.ndjson"), wanted);
}

TEST_F(Taxii, ABundleThatIsThereIsNotReplacedByWhatIsNew) {
  seed(0, 2);
  const TaxiiPullOptions options{.connection = connection(), .state_file = path("state"), .out = path("out.json")};
  ASSERT_EQ(run(options), 0);
  const std::string before = text("out.json");
  EXPECT_EQ(run(options), 2);
  EXPECT_EQ(text("out.json"), before);
}

TEST_F(Taxii, RefusedObjectsAreNamedAndTheExitCodeSaysSo) {
  std::string broken = indicator(2);
  broken.replace(broken.find("\"pattern\""), 9, "\"pottern\"");
  put("a.ndjson", indicator(1) + "\n" + broken + "\n" + "{\"type\":\"x\"}\n");
  EXPECT_EQ(push({"a.ndjson"}), 1);
  EXPECT_NE(err_.find("refused: indicator--00000000-0000-4000-8000-000000000002"), std::string::npos) << err_;
  EXPECT_NE(err_.find("unreadable:"), std::string::npos) << err_;
  EXPECT_EQ(out_, "1 accepted, 1 refused, 1 unreadable\n");
}

TEST_F(Taxii, TroubleIs2AndSaysWhatToDo) {
  auto wrong = connection();
  put("bad", "wrong\n");
  wrong.token_file = path("bad");
  EXPECT_EQ(run(TaxiiPullOptions{.connection = wrong}), 2);
  EXPECT_NE(err_.find("credentials"), std::string::npos) << err_;
  wrong = connection();
  wrong.collection = "nowhere";
  EXPECT_EQ(run(TaxiiPullOptions{.connection = wrong}), 2);
  EXPECT_NE(err_.find("shared"), std::string::npos) << err_;
  EXPECT_EQ(run(TaxiiPullOptions{.connection = connection(), .added_after = "yesterday"}), 2);
  wrong = connection();
  wrong.user = "u";
  EXPECT_EQ(run(TaxiiPullOptions{.connection = wrong}), 2);
  wrong = connection();
  wrong.token_file = path("absent");
  EXPECT_EQ(run(TaxiiPullOptions{.connection = wrong}), 2);
  EXPECT_EQ(push({"absent.json"}), 2);
  put("state", "{}");
  EXPECT_EQ(run(TaxiiPullOptions{.connection = connection(), .state_file = path("state")}), 2);
}

TEST_F(Taxii, AStateOfAnotherCollectionIsRefused) {
  put("state", R"({"collection":"x","cursor":"{\"added_after\":\"\",\"next\":\"\",\"reached\":\"\"}"})");
  EXPECT_EQ(run(TaxiiPullOptions{.connection = connection(), .state_file = path("state")}), 2);
  EXPECT_NE(err_.find("another collection"), std::string::npos);
}

}  // namespace
}  // namespace bongsu::cli
