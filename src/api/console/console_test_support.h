// A node behind the console: everything real over a journal in memory, but the search, which answers what a test puts
// there.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "api/console/console_api.h"
#include "api/console/shapes.h"
#include "crypto/secret.h"
#include "flow/lowering_gate.h"

namespace bongsu::api::console::test {

class FakeSearch final : public journal::Search {
 public:
  std::vector<journal::SearchHit> by_text, by_value;
  std::vector<journal::Relation> edges;
  std::vector<std::pair<std::string, std::string>> asked;  // kind and value
  journal::Seq at = 0;
  journal::Search* real = nullptr;  // asked instead, where a test wants the whole way

  journal::Seq cursor() const override { return at; }
  Result<void> apply(std::span<const Item>) override { return {}; }
  Result<std::vector<journal::SearchHit>> text(std::string_view query, std::uint32_t limit) override {
    return real != nullptr ? real->text(query, limit) : by_text;
  }
  Result<std::vector<journal::SearchHit>> value(std::string_view kind, std::string_view value,
                                                std::uint32_t limit) override {
    asked.emplace_back(kind, value);
    return real != nullptr ? real->value(kind, value, limit) : by_value;
  }
  Result<std::vector<journal::Relation>> relations(std::string_view id, std::uint32_t limit) override {
    return real != nullptr ? real->relations(id, limit) : edges;
  }
  Result<std::vector<std::string>> referrers(std::string_view id) override {
    return real != nullptr ? real->referrers(id) : Result<std::vector<std::string>>(std::vector<std::string>());
  }
  Result<void> reset() override { return {}; }
  Result<std::string> digest() override { return std::string(); }
};

inline const std::string kIdentity = "identity--c0ffee00-1111-4111-8111-111111111111";

struct TestConsole {
  FakeClock clock;
  SeededRandom random{7};
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<journal::Journal> journal = journal::make_memory_journal(clock, random);
  std::unique_ptr<flow::Collections> collections = std::move(*flow::Collections::load(*journal));
  std::unique_ptr<flow::Markings> markings = std::move(*flow::Markings::load(*journal));
  std::unique_ptr<flow::Release> release = std::move(*flow::Release::load(*journal, clock, *log));
  flow::Admission admission{*journal, *release, *markings, *log};
  std::unique_ptr<flow::Origins> origins = std::move(*flow::Origins::load(*journal, clock, random));
  std::unique_ptr<flow::Quarantine> quarantine =
      std::move(*flow::Quarantine::load(*journal, clock, random, "cert-lt", *log));
  flow::Alerts alerts{
      *journal, *release, *markings, clock, random, *log, {.self = "cert-lt", .identity_id = kIdentity}};
  identity::AccountBook accounts{clock, random};
  std::unique_ptr<flow::Approvals> approvals =
      std::move(*flow::Approvals::load(*journal, accounts, clock, random, "cert-lt", {.four_eyes = true}, *log));
  std::unique_ptr<flow::LoweringGate> lowering = std::move(*flow::LoweringGate::load(
      *journal, *release, *collections, *approvals, admission, {.self = "cert-lt", .from = stix::Tlp::kRed}));
  FakeSearch search;
  std::string shared;  // collection id
  std::map<std::string, std::string> tokens;
  std::vector<std::string> stopped;
  std::vector<ConsoleMember> members{{.id = "cert-ua", .title = "CERT Ukraine", .country = "ua"},
                                     {.id = "cert-pl", .title = "CERT Polska", .country = "pl"}};
  Counters counters;
  ConsoleDetection detection;
  std::optional<ConsoleCrisis> crisis;
  std::vector<StaticFile> files{
      {"/", "text/html; charset=utf-8", "abc", false, "<!doctype html>", ""},
      {"/assets/a-1.js", "text/javascript; charset=utf-8", "def", true, "let a = 1", "zipped"}};
  std::unique_ptr<ConsoleApi> api;
  std::string cookie;  // sent with each request once log_in was called

  TestConsole() {
    shared = collections->add({.alias = "shared", .title = "Shared", .fallback = stix::Tlp::kGreen}, random)->id;
    policy::PolicyState state{.self = "cert-lt"};
    for (const auto* partner : {"cert-ua", "cert-pl"}) {
      state.members[partner];
      state.agreements[partner] = {
          .partner = partner,
          .collections = {shared},
          .highest_tlp = partner == std::string("cert-ua") ? stix::Tlp::kAmber : stix::Tlp::kGreen,
          .types = {"*"},
          .valid_until = Instant{4'000'000'000, 0}};
    }
    EXPECT_TRUE(release->apply(state, {shared}));
    admission.set_own_identity(kIdentity);
    admission.use(*origins, *quarantine);
    admission.use(*lowering);
    std::map<std::string, identity::Account> book;
    const auto account = [&](const std::string& name, identity::Role role, const std::string& member) {
      tokens[name] = crypto::fresh_token(random);
      book[name] = {.name = name,
                    .member = member,
                    .role = role,
                    .token_digests = {crypto::token_digest(tokens[name])},
                    .read = {"*"},
                    .write = {"*"}};
    };
    account("rita", identity::Role::kReader, "cert-lt");
    account("olena", identity::Role::kAnalyst, "cert-lt");
    account("otto", identity::Role::kOperator, "cert-lt");
    account("guest", identity::Role::kAnalyst, "cert-ua");
    accounts.replace(book);
    api = std::make_unique<ConsoleApi>(
        ConsoleDeps{
            .clock = clock,
            .random = random,
            .log = *log,
            .accounts = accounts,
            .journal = *journal,
            .search = search,
            .alerts = alerts,
            .release = *release,
            .admission = admission,
            .collections = *collections,
            .markings = *markings,
            .node = {.self = "cert-lt",
                     .title = "CERT Lithuania",
                     .version = "0.1.0",
                     .identity_id = kIdentity,
                     .country = "lt",
                     .host = "node.example"},
            .members = [this] { return members; },
            .counters = [this] { return counters; },
            .detection = [this] { return detection; },
            .crisis = [this] { return crisis; },
            .stop_member = [this](const std::string& member, const std::string&, const std::string&) -> Result<void> {
              stopped.push_back(member);
              return {};
            },
            .warnings =
                [](const detect::Value& v) {
                  return v.text == "8.8.8.8" ? std::vector<ConsoleWarning>{{"Public DNS", "string"}}
                                             : std::vector<ConsoleWarning>();
                },
            .change_account = [this](const std::string& name, std::string_view, JsonObject,
                                     const std::function<Result<void>(identity::Account&)>& change) -> Result<void> {
              auto book = accounts.accounts();
              BONGSU_TRY_VOID(change(book.at(name)));
              accounts.replace(std::move(book));
              return {};
            },
            .quarantine = quarantine.get(),
            .approvals = approvals.get(),
            .files = files},
        ConsoleOptions{});
  }

  net::Response send(std::string method, std::string path, std::string body = "", net::Headers more = {}) {
    net::Request request{.method = std::move(method), .path = path.substr(0, path.find('?'))};
    if (const auto at = path.find('?'); at != std::string::npos) request.query = path.substr(at + 1);
    request.headers = {{"Host", "node.example:8443"}};
    if (!cookie.empty()) request.headers.add("Cookie", cookie);
    if (request.method != "GET" && request.method != "HEAD") {
      request.headers.add("Origin", "https://node.example:8443");
      request.headers.add("X-Bongsu-Console", "1");
      request.headers.add("Content-Type", "application/json");
    }
    for (const auto& [name, value] : more) request.headers.set(name, value);
    request.body = std::move(body);
    request.peer = {.address = "192.0.2.7:40000", .tls_version = "TLSv1.3"};
    return api->handle(std::move(request));
  }
  void log_in(const std::string& name) {
    const auto response = send("POST", "/api/v1/session", R"({"token":")" + tokens[name] + "\"}");
    ASSERT_EQ(response.status, 200);
    const std::string set(*response.headers.get("Set-Cookie"));
    cookie = set.substr(0, set.find(';'));
  }
  static std::string text(const net::Response& response) { return std::get<std::string>(response.body); }
  static Json json(const net::Response& response) {
    auto parsed = parse_json(text(response));
    EXPECT_TRUE(parsed) << text(response);
    return parsed ? *parsed : Json();
  }
  static std::string error_of(const net::Response& response) {
    const Json body = json(response);
    const Json* error = find(body, "error");
    return error == nullptr ? "" : std::string(string_at(*error, "message").value_or(""));
  }

  // An object that is there, as the search finds it.
  journal::SearchHit hit(const std::string& id, const std::string& name = "") {
    const std::string label = policy::Label{.tlp = stix::Tlp::kGreen, .marked = true}.text();
    journal::Batch batch;
    batch.entries.push_back(
        {.collection = shared, .object_id = id, .origin = "cert-lt", .label = label, .payload = "{}"});
    const auto receipt = journal->append(batch);
    EXPECT_TRUE(receipt) << receipt.error().text();
    return {.seq = receipt ? receipt->entries.front().seq : 0,
            .object_id = id,
            .type = id.substr(0, id.find("--")),
            .collection = shared,
            .name = name,
            .label = label};
  }

  detect::Alert alert(int number, int confidence = 80) {
    detect::Alert out;
    out.id = "alert--00000000-0000-5000-8000-" + fmt_number(number);
    out.indicator_id = "indicator--00000000-0000-4000-8000-" + fmt_number(number);
    out.value = {detect::Kind::kDomain, "evil.example"};
    out.field = "query";
    out.matched = "www.evil.example";
    out.position = {.source = "dns.log", .offset = 10, .line = 2};
    out.entity = {detect::EntityKind::kHost, "ws-" + std::to_string(number)};
    out.detected = clock.now();
    out.event = R"({"query":"www.evil.example"})";
    out.confidence = confidence;
    out.source = "cert-ua";
    out.label = policy::Label{.tlp = stix::Tlp::kAmber, .marked = true}.text();
    return out;
  }
  flow::AlertRecord raise(int number) {
    const std::vector<detect::Alert> all{alert(number)};
    auto made = alerts.raise(all, {});
    EXPECT_TRUE(made) << made.error().text();
    return made->at(0);
  }

 private:
  static std::string fmt_number(int number) {
    std::string digits = std::to_string(number);
    return std::string(12 - digits.size(), '0') + digits;
  }
};

}  // namespace bongsu::api::console::test
