#include "link/trust_exchange.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace bongsu::link {
namespace {

class NoLog final : public Log {
 public:
  void write(LogLevel, std::string_view event, std::initializer_list<LogField>) override { events.emplace_back(event); }
  std::vector<std::string> events;
};

// A node whose charter is a number and whose documents are "v3" and "agreement of a and b".
struct FakeNode {
  std::int64_t version = 1;
  bool trusts = true;
  std::vector<std::string> agreements, taken;
  std::string refuse;  // a document that is refused

  TrustBooks books() {
    return {
        .version = [this]() -> std::optional<std::int64_t> { return trusts ? std::optional(version) : std::nullopt; },
        .is_member = [](std::string_view member) { return member != "stranger"; },
        .versions = [this](std::int64_t after, std::size_t most) -> Result<std::vector<std::string>> {
          std::vector<std::string> out;
          for (std::int64_t v = after + 1; v <= version && out.size() < most; ++v)
            out.push_back("v" + std::to_string(v));
          return out;
        },
        .agreements =
            [this](std::string_view member) {
              std::vector<std::string> out;
              for (const auto& a : agreements)
                if (a.find(member) != std::string::npos) out.push_back(a);
              return out;
            },
        .accept_charter = [this](const std::vector<std::string>& documents) -> Result<void> {
          for (const auto& d : documents) {
            if (d == refuse) return fail(ErrorCode::kDenied, "old-threshold: no");
            version = std::stoll(d.substr(1));
          }
          return {};
        },
        .accept_agreement = [this](const std::string& document) -> Result<void> {
          if (document == refuse) return fail(ErrorCode::kDenied, "signature: no");
          taken.push_back(document);
          return {};
        }};
  }
};

net::Request get(std::string path, std::string query = "", std::string method = "GET") {
  net::Request request;
  request.method = std::move(method);
  request.path = std::move(path);
  request.query = std::move(query);
  return request;
}

// Through the server of another node, as `member`.
LinkGet ask(FakeNode& node, std::string member) {
  return [&node, member = std::move(member)](std::string_view target) -> Result<std::string> {
    const std::size_t mark = target.find('?');
    const TrustServer server(node.books());
    const auto response = server.handle(member, get(std::string(target.substr(0, mark)),
                                                    mark == target.npos ? "" : std::string(target.substr(mark + 1))));
    if (response.status != 200) return fail(ErrorCode::kUnavailable, std::to_string(response.status));
    return std::get<std::string>(response.body);
  };
}

TEST(TrustExchange, AnswersMembersOnly) {
  FakeNode node{.version = 7, .agreements = {"a with b", "a with c"}};
  const TrustServer server(node.books());
  EXPECT_TRUE(TrustServer::is_for(get("/link/v1/charter")));
  EXPECT_TRUE(TrustServer::is_for(get("/link/v1/agreements")));
  EXPECT_FALSE(TrustServer::is_for(get("/link/v1/collections")));
  EXPECT_EQ(server.handle(std::nullopt, get("/link/v1/charter")).status, 403);
  EXPECT_EQ(server.handle("stranger", get("/link/v1/charter")).status, 404);
  EXPECT_EQ(server.handle("stranger", get("/link/v1/agreements")).status, 404);
  EXPECT_EQ(server.handle("b", get("/link/v1/charter", "", "POST")).status, 405);
  EXPECT_EQ(server.handle("b", get("/link/v1/charter", "after=x")).status, 400);
  EXPECT_EQ(server.handle("b", get("/link/v1/charter", "after=-1")).status, 400);
  EXPECT_EQ(std::get<std::string>(server.handle("b", get("/link/v1/charter", "after=5")).body),
            R"({"versions":["v6","v7"]})");
  EXPECT_EQ(std::get<std::string>(server.handle("b", get("/link/v1/charter")).body),
            R"({"versions":["v1","v2","v3","v4"]})");
  EXPECT_EQ(std::get<std::string>(server.handle("b", get("/link/v1/agreements")).body),
            R"({"agreements":["a with b"]})")
      << "those of others are not its business";
}

TEST(TrustExchange, CatchesUpInRounds) {
  FakeNode ahead{.version = 23, .agreements = {"a with b"}}, behind{.version = 2};
  NoLog log;
  ASSERT_TRUE(fetch_trust(ask(ahead, "b"), behind.books(), "a", log));
  EXPECT_EQ(behind.version, 23);
  EXPECT_EQ(behind.taken, std::vector<std::string>{"a with b"});
  EXPECT_TRUE(log.events.empty());
}

TEST(TrustExchange, WhatIsRefusedIsNamedAndChangesNothing) {
  FakeNode lying{.version = 9, .agreements = {"a with b", "a and b"}}, node{.version = 4, .refuse = "v5"};
  NoLog log;
  ASSERT_TRUE(fetch_trust(ask(lying, "b"), node.books(), "a", log));
  EXPECT_EQ(node.version, 4);
  EXPECT_EQ(log.events, std::vector<std::string>{"trust.refused"});
  EXPECT_EQ(node.taken.size(), 2u);
  node.refuse = "a with b";
  node.taken.clear();
  ASSERT_TRUE(fetch_trust(ask(lying, "b"), node.books(), "a", log));
  EXPECT_EQ(node.taken, std::vector<std::string>{"a and b"});
}

TEST(TrustExchange, AsksNothingWithoutACharterOrOfStrangers) {
  FakeNode node;
  NoLog log;
  const LinkGet never = [](std::string_view) -> Result<std::string> {
    ADD_FAILURE();
    return "";
  };
  node.trusts = false;
  EXPECT_TRUE(fetch_trust(never, node.books(), "a", log));
  node.trusts = true;
  EXPECT_TRUE(fetch_trust(never, node.books(), "stranger", log));
}

TEST(TrustExchange, EndlessOrBrokenAnswersAreErrors) {
  FakeNode node;
  NoLog log;
  std::string many = R"({"versions":["v2")";
  for (std::size_t i = 0; i < kMaxTrustVersions; ++i) many += R"(,"v2")";
  many += "]}";
  for (const std::string& body : {std::string("x"), std::string("{}"), std::string(R"({"versions":[1]})"), many,
                                  std::string(kMaxTrustBytes + 1, ' ')}) {
    EXPECT_FALSE(fetch_trust([&](std::string_view) -> Result<std::string> { return body; }, node.books(), "a", log));
    EXPECT_EQ(node.version, 1);
  }
  // A partner that gives the same version for ever is asked no more than once more.
  int asked = 0;
  const LinkGet same = [&](std::string_view target) -> Result<std::string> {
    ++asked;
    return target.find("charter") != target.npos ? std::string(R"({"versions":["v1"]})")
                                                 : std::string(R"({"agreements":[]})");
  };
  EXPECT_TRUE(fetch_trust(same, node.books(), "a", log));
  EXPECT_EQ(asked, 2);
}

}  // namespace
}  // namespace bongsu::link
