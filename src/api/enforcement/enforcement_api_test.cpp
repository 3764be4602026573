#include "api/enforcement/enforcement_api.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "crypto/secret.h"

namespace bongsu::api {
namespace {

class OneBody : public net::BodySource {
 public:
  explicit OneBody(std::string text) : text_(std::move(text)) {}
  Result<bool> read(std::string& out) override {
    out += text_;
    return !std::exchange(text_, "").empty();
  }

 private:
  std::string text_;
};

class EnforcementApiTest : public testing::Test {
 protected:
  EnforcementApiTest() {
    std::map<std::string, identity::Account> accounts;
    for (const auto& [name, member, right] :
         {std::tuple{"firewall", "cert-lt", true}, {"siem", "cert-lt", false}, {"partner", "cert-fi", true}}) {
      identity::Account account{.name = name, .member = member};
      account.token_digests = {crypto::token_digest(std::string("bst_") + name)};
      account.read = {"*"};
      account.enforcement = right;
      accounts[name] = *identity::Account::parse(account.json());
    }
    accounts["firewall"].certificate_fingerprints = {std::string(64, 'c')};
    book_.replace(accounts);
  }
  net::Response get(const std::string& path, net::Headers headers = {}, const std::string& who = "firewall",
                    const std::string& method = "GET") {
    if (!who.empty()) headers.set("Authorization", "Bearer bst_" + who);
    net::Request request;
    request.method = method;
    request.path = path;
    request.headers = std::move(headers);
    return api_.handle(std::move(request));
  }
  static std::string body(net::Response& response) {
    if (auto* text = std::get_if<std::string>(&response.body)) return *text;
    std::string out;
    auto& source = *std::get<std::unique_ptr<net::BodySource>>(response.body);
    while (*source.read(out)) {
    }
    return out;
  }

  SeededRandom random_{7};
  FakeClock clock_;
  identity::AccountBook book_{clock_, random_};
  std::string etag_ = "abc";
  int opened_ = 0;
  EnforcementApi api_{book_,
                      "cert-lt",
                      {.open = [this](std::string_view format, std::string_view file) -> Result<EnforcementBody> {
                         ++opened_;
                         if (format == "rpz") return fail(ErrorCode::kUnavailable, "withdrawn");
                         if (format != "edl" || file != "ip.txt") return fail(ErrorCode::kNotFound, "no file");
                         return EnforcementBody{.content_type = "text/plain",
                                                .etag = etag_,
                                                .changed = *Instant::parse("1994-11-06T08:49:37Z"),
                                                .body = std::make_unique<OneBody>("198.51.100.7\n")};
                       },
                       .listing =
                           [] {
                             return Json(JsonObject{{"edl", JsonObject{}}});
                           }}};
};

TEST_F(EnforcementApiTest, OnlyAnAccountWithThatRightMayRead) {
  auto stranger = get("/enforcement/edl/ip.txt", {}, "");
  EXPECT_EQ(stranger.status, 401);
  EXPECT_TRUE(stranger.headers.get("WWW-Authenticate"));
  EXPECT_EQ(get("/enforcement/edl/ip.txt", {}, "nobody").status, 401);
  EXPECT_EQ(get("/enforcement/edl/ip.txt", {}, "siem").status, 403) << "reading every collection is another right";
  EXPECT_EQ(get("/enforcement/", {}, "siem").status, 403);
  EXPECT_EQ(get("/enforcement/", {}, "partner").status, 403) << "R12: what this node may know is not what they may";
  EXPECT_EQ(get("/enforcement/edl/ip.txt", {}, "partner").status, 403);
  EXPECT_EQ(get("/enforcement/no/such", {}, "").status, 401) << "a stranger does not learn what there is";
  EXPECT_EQ(opened_, 0);
  auto response = get("/enforcement/edl/ip.txt");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(body(response), "198.51.100.7\n");
  net::Request request;
  request.method = "GET";
  request.path = "/enforcement/edl/ip.txt";
  request.peer.certificate_fingerprint = std::string(64, 'c');
  EXPECT_EQ(api_.handle(std::move(request)).status, 200);
}

TEST_F(EnforcementApiTest, EntityTagsAndDatesSaveTheBody) {
  auto first = get("/enforcement/edl/ip.txt");
  EXPECT_EQ(first.headers.get("ETag"), "\"abc\"");
  EXPECT_EQ(first.headers.get("Last-Modified"), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(first.headers.get("Cache-Control"), "private, no-cache");
  const struct {
    net::Headers headers;
    int status;
  } rows[] = {
      {{{"If-None-Match", "\"abc\""}}, 304},
      {{{"If-None-Match", "W/\"abc\""}}, 304},
      {{{"If-None-Match", "\"x\", \"abc\""}}, 304},
      {{{"If-None-Match", "*"}}, 304},
      {{{"If-None-Match", "\"abcd\""}}, 200},
      {{{"If-None-Match", "abc"}}, 200},
      {{{"If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"}}, 304},
      {{{"If-Modified-Since", "Sun, 06 Nov 1994 08:49:36 GMT"}}, 200},
      // The tag decides where there is one (RFC 9110 §13.2.2).
      {{{"If-None-Match", "\"old\""}, {"If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"}}, 200},
  };
  for (const auto& row : rows) {
    auto response = get("/enforcement/edl/ip.txt", row.headers);
    EXPECT_EQ(response.status, row.status) << row.headers.begin()->second;
    EXPECT_EQ(response.headers.get("ETag"), "\"abc\"");
    if (row.status == 304) EXPECT_EQ(body(response), "");
  }
  etag_ = "new";
  EXPECT_EQ(get("/enforcement/edl/ip.txt", {{"If-None-Match", "\"abc\""}}).status, 200);
}

TEST_F(EnforcementApiTest, OtherMethodsAndNamesAreRefused) {
  EXPECT_EQ(get("/enforcement/edl/ip.txt", {}, "firewall", "POST").status, 405);
  EXPECT_EQ(get("/enforcement/edl/ip.txt", {}, "firewall", "HEAD").status, 200);
  for (const char* path : {"/enforcement/edl", "/enforcement/edl/", "/enforcement/edl/../../keys/ca.key",
                           "/enforcement//ip.txt", "/enforcement/edl/ip.txt/", "/enforcement/EDL/ip.txt"})
    EXPECT_EQ(get(path).status, 404) << path;
  auto withdrawn = get("/enforcement/rpz/bongsu.rpz", {{"If-None-Match", "*"}});
  EXPECT_EQ(withdrawn.status, 503);
  EXPECT_TRUE(withdrawn.headers.get("Retry-After"));
  EXPECT_EQ(body(withdrawn), R"({"error":"unavailable","message":"withdrawn"})");
  auto listing = get("/enforcement/");
  EXPECT_EQ(body(listing), R"({"edl":{}})");
}

}  // namespace
}  // namespace bongsu::api
