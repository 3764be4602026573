// Requests as they come and what the standard says of the answer, one row each.
#include "api/taxii/taxii_server.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "api/taxii/negotiation.h"
#include "api/taxii/taxii_test_support.h"

namespace bongsu::api {
namespace {

constexpr std::string_view kAuth = "Authorization: Bearer writer-token\r\n";

struct Row {
  const char* section;
  const char* request;  // "METHOD target", then header lines
  int status;
  const char* header = nullptr;  // one header that must be there, "Name: value"
  const char* body = nullptr;    // text that the body must contain
};

class Table : public ::testing::Test {
 protected:
  static std::string message(const Row& row, bool authenticated) {
    const std::string text = row.request;
    const auto split = text.find('\n');
    std::string out = text.substr(0, split) + " HTTP/1.1\r\n" + std::string(authenticated ? kAuth : "");
    bool accept = false;
    for (auto at = split; at != std::string::npos && at + 1 < text.size();) {
      const auto end = text.find('\n', at + 1);
      const std::string line = text.substr(at + 1, end == std::string::npos ? end : end - at - 1);
      if (line.starts_with("Accept:")) accept = true;
      if (line.empty())
        return out + (accept ? "" : "Accept: application/taxii+json;version=2.1\r\n") + "\r\n" +
               text.substr(end == std::string::npos ? text.size() : end + 1);
      if (line != "Accept: -") out += line + "\r\n";
      at = end;
    }
    return out + (accept ? "" : "Accept: application/taxii+json;version=2.1\r\n") + "\r\n";
  }
  void check(const Row& row, bool authenticated = true) {
    SCOPED_TRACE(fmt::format("§{} {}", row.section, row.request));
    const Answer answer = world_.raw(message(row, authenticated));
    EXPECT_EQ(answer.status, row.status) << answer.body;
    EXPECT_EQ(answer.header("Content-Type"), kTaxiiMediaType);  // §3.1: all responses
    if (row.header) {
      const std::string_view header = row.header;
      const auto colon = header.find(": ");
      EXPECT_NE(answer.headers.joined(header.substr(0, colon)).find(header.substr(colon + 2)), std::string::npos)
          << answer.headers.joined(header.substr(0, colon));
    }
    if (row.body) EXPECT_NE(answer.body.find(row.body), std::string::npos) << answer.body;
    if (answer.status >= 400 && !std::string_view(row.request).starts_with("HEAD")) {  // §3.6.1
      const Json error = answer.json();
      EXPECT_TRUE(string_at(error, "title"));
      EXPECT_EQ(string_at(error, "http_status"), std::to_string(answer.status));
    }
  }
  World world_;
};

TEST_F(Table, WithoutCredentialsEverythingIs401WithChallenges) {
  for (const char* target :
       {"/taxii2/", "/api1/", "/api1/collections/", "/api1/collections/$shared/", "/api1/collections/$shared/objects/",
        "/api1/nothing/", "/nothing", "/api1/status/2d086da7-4bdc-4f91-900e-d77486753710/"})
    for (const char* method : {"GET", "POST", "DELETE", "HEAD"})
      check({"1.6.9", fmt::format("{} {}", method, target).c_str(), 401, "WWW-Authenticate: Basic realm="}, false);
  check({"1.6.9", "GET /taxii2/", 401, "WWW-Authenticate: Bearer realm="}, false);
  check({"1.6.9", "GET /taxii2/\nAuthorization: Bearer wrong", 401}, false);
  check({"1.6.9", "GET /taxii2/\nAuthorization: Digest x=y", 401}, false);
  check({"1.6.9", "GET /taxii2/\nAuthorization: ", 401}, false);
}

TEST_F(Table, BasicBearerAndCertificateLogIn) {
  check({"8.2.2", "GET /taxii2/\nAuthorization: Basic d3JpdGVyOnBhc3M6d29yZA==", 200}, false);  // writer:pass:word
  check({"8.2.2", "GET /taxii2/\nAuthorization: Basic d3JpdGVyOndyb25n", 401}, false);
  check({"1.6.9", "GET /taxii2/\nAuthorization: bearer writer-token", 200}, false);
  net::Peer peer;
  peer.certificate_fingerprint = std::string(64, 'a');
  EXPECT_EQ(world_.raw("GET /taxii2/ HTTP/1.1\r\n\r\n", peer).status, 200);  // §8.3.1
  peer.certificate_fingerprint = std::string(64, 'b');
  EXPECT_EQ(world_.raw("GET /taxii2/ HTTP/1.1\r\n\r\n", peer).status, 401);
  peer.certificate_fingerprint = std::string(64, 'a');  // a bad Authorization is not made good by a certificate
  EXPECT_EQ(world_.raw("GET /taxii2/ HTTP/1.1\r\nAuthorization: Bearer x\r\n\r\n", peer).status, 401);
}

TEST_F(Table, ServerInformation) {
  check({"4.1", "GET /taxii2/", 200, nullptr, R"("api_roots":["/api1/"])"});
  check({"4.1", "GET /taxii2/", 200, nullptr, R"("default":"/api1/")"});
  check({"4.2", "GET /api1/", 200, nullptr, R"("versions":["application/taxii+json;version=2.1"])"});
  check({"4.2", "GET /api1/", 200, nullptr, R"("max_content_length":104857600)"});
  check({"4.3", "GET /api1/status/2d086da7-4bdc-4f91-900e-d77486753710/", 404});
  check({"4.3", "GET /api1/status/nonsense/", 404});
  check({"5.1", "GET /api1/collections/", 200, nullptr, R"("collections":[{"id":")"});
  check({"5.2", "GET /api1/collections/$shared/", 200, nullptr, R"("can_read":true,"can_write":true)"});
  check({"5.2.1", "GET /api1/collections/shared/", 200, nullptr, R"("alias":"shared")"});
  check({"5.2", "GET /api1/collections/2d086da7-4bdc-4f91-900e-d77486753710/", 404});
  check({"5.2", "GET /api1/collections/$mirror/", 200, nullptr, R"("can_read":true,"can_write":false)"});
}

TEST_F(Table, PathsAndMethods) {
  check({"3.1", "GET /taxii2", 404});  // every endpoint's path ends with a slash
  check({"3.1", "GET /api1", 404});
  check({"3.1", "GET /api1/collections/$shared/objects", 404});
  check({"3.1", "GET /api1//collections/", 404});
  check({"3.1", "GET /api1/collections/$shared/nothing/", 404});
  check({"3.1", "GET /api1/collections/$shared/objects/a/versions/b/", 404});
  check({"3.1", "GET /api1/collections/%zz/", 404});
  check({"3.1", "GET /", 404});
  check({"3.1", "GET /api2/", 404});
  check({"3.1", "POST /taxii2/", 405, "Allow: GET, HEAD, OPTIONS"});
  check({"3.1", "PUT /api1/collections/$shared/objects/", 405, "Allow: GET, HEAD, POST, OPTIONS"});
  check({"3.1", "DELETE /api1/collections/$shared/objects/", 405});
  check({"3.1", "POST /api1/collections/$shared/objects/indicator--1/", 405, "Allow: GET, HEAD, DELETE, OPTIONS"});
  check({"3.1", "FROB /api1/", 405, "Allow: GET"});
  check({"3.1", "OPTIONS /api1/collections/$shared/objects/", 200, "Allow: GET, HEAD, POST, OPTIONS"});
  check({"3.1", "HEAD /taxii2/", 200});
}

TEST_F(Table, AcceptIsNegotiatedAsHttpHasIt) {
  for (const char* accept :
       {"application/taxii+json;version=2.1", "application/taxii+json", "application/taxii+json; version=2.1",
        "application/taxii+json ; version=\"2.1\"", "Application/TAXII+json;Version=2.1", "*/*", "application/*",
        "text/html, application/taxii+json;q=0.2", "application/taxii+json;version=2.0, */*;q=0.1",
        "application/xml;q=1, application/taxii+json;version=2.1;q=0.001", "application/taxii+json;charset=utf-8"})
    check({"1.6.8", fmt::format("GET /api1/\nAccept: {}", accept).c_str(), 200});
  for (const char* accept :
       {"application/json", "application/taxii+json;version=2.0", "application/taxii+json;version=3.0", "text/*",
        "application/vnd.oasis.taxii+json; version=2.0", "*/*;q=0", "application/taxii+json;version=2.1;q=0",
        "application/taxii+json;q=0, */*", "application/taxii+json;version=2.1;q=0, application/taxii+json", "nonsense",
        "application/stix+json;version=2.1"})
    check({"1.6.8", fmt::format("GET /api1/\nAccept: {}", accept).c_str(), 406});
  check({"RFC 9110 12.5.1", "GET /api1/\nAccept: -", 200});  // no field: anything is acceptable
  check({"5.3", "GET /api1/collections/$shared/manifest/\nAccept: application/stix+json;version=2.1", 200});
  check({"5.3",
         "GET /api1/collections/$shared/manifest/\n"
         "Accept: application/taxii+json;version=2.1,application/stix+json;version=2.1",
         200});
  check({"5.4", "GET /api1/collections/$shared/objects/\nAccept: application/stix+json;version=2.1", 406});
}

TEST_F(Table, FiltersThatAreMalformedAre400AtEveryEndpointThatHasThem) {
  for (const char* query : {"added_after=yesterday",
                            "added_after=2024-01-01",
                            "added_after=2024-01-01T00:00:00.000000",
                            "added_after=2024-01-01T00:00:00.000000%2B01:00",
                            "added_after=2024-13-01T00:00:00.000000Z",
                            "added_after=",
                            "added_after=2024-01-01T00:00:00.000000Z,2024-01-02T00:00:00.000000Z",
                            "limit=0",
                            "limit=-1",
                            "limit=1.5",
                            "limit=x",
                            "limit=",
                            "limit=+1",
                            "limit=%201",
                            "limit=9007199254740992",
                            "limit=99999999999999999999999",
                            "limit=1&limit=1",
                            "next=",
                            "next=x",
                            "next=a&next=b",
                            "match[spec_version]=",
                            "match[spec_version]=two",
                            "match[spec_version]=2",
                            "match[spec_version]=2.",
                            "match[spec_version]=2.1&match[spec_version]=2.0",
                            "match[=1",
                            "match=1",
                            "%zz=1",
                            "limit=%f"})
    for (const char* end : {"objects/", "manifest/", "objects/indicator--00000000-0000-4000-8000-000000000001/",
                            "objects/indicator--00000000-0000-4000-8000-000000000001/versions/"})
      check({"3.4", fmt::format("GET /api1/collections/$shared/{}?{}", end, query).c_str(), 400});
  for (const char* query :
       {"match[type]=", "match[type]=a,,b", "match[type]=a,%20b", "match[type]=a&match[type]=b", "match[id]=x",
        "match[id]=", "match[version]=newest", "match[version]=all,last", "match[version]=last,last",
        "match[version]=2024-01-01", "match[version]=2024-01-01T00:00:00Z,2024-01-01T00:00:00.000Z"})
    for (const char* end : {"objects/", "manifest/"})
      check({"3.4.1", fmt::format("GET /api1/collections/$shared/{}?{}", end, query).c_str(), 400});
  // Fields that this endpoint does not have would otherwise be answered with objects that do not match.
  check({"5.6", "GET /api1/collections/$shared/objects/indicator--00000000-0000-4000-8000-000000000001/?match[type]=a",
         400});
  check({"5.8",
         "GET /api1/collections/$shared/objects/indicator--00000000-0000-4000-8000-000000000001/versions/"
         "?match[version]=all",
         400});
}

TEST_F(Table, FiltersThatTheStandardDoesNotDefineAreIgnored) {
  check({"3.4", "GET /api1/collections/$shared/objects/?match[x_custom]=1&foo=bar&limit=5", 200});
  check({"3.4", "GET /api1/collections/$shared/objects/?match%5Btype%5D=indicator,x-never-heard-of", 200});
  check({"2", "GET /api1/collections/$shared/objects/?added_after=2024-01-01T00:00:00Z",
         200});  // fewer digits are common
}

TEST_F(Table, EmptyAnswersAreEmptyObjectsWithBothHeaders) {
  check({"5.4", "GET /api1/collections/$shared/objects/", 200, "X-TAXII-Date-Added-First: 1970-01-01T00:00:00.000000Z",
         "{}"});
  check({"5.3", "GET /api1/collections/$shared/manifest/?added_after=2024-01-01T00:00:00.5Z", 200,
         "X-TAXII-Date-Added-Last: 2024-01-01T00:00:00.500000Z", "{}"});
}

TEST_F(Table, BodiesOfAPost) {
  constexpr const char* kTarget = "POST /api1/collections/$shared/objects/";
  const auto row = [&](const std::string& type, const std::string& body, int status, const char* header = nullptr) {
    check({"5.5", fmt::format("{}\n{}\n\n{}", kTarget, type, body).c_str(), status, header});
  };
  const std::string good = fmt::format(R"({{"objects":[{}]}})", indicator(1));
  for (const char* type : {"application/taxii+json;version=2.1", "application/taxii+json",
                           "application/taxii+json; version=2.1", "application/taxii+json;version=2.1;charset=utf-8"})
    row(fmt::format("Content-Type: {}", type), good, 202);
  for (const char* type : {"application/json", "application/stix+json;version=2.1", "text/plain",
                           "application/taxii+json;version=2.0", "nonsense", "application/taxii+json;version="})
    row(fmt::format("Content-Type: {}", type), good, 415, "Accept-Post: application/taxii+json");
  row("X-Nothing: 1", good, 415);
  row("Content-Type: application/taxii+json\nContent-Encoding: gzip", good, 415);
  row("Content-Type: application/taxii+json\nAccept: application/xml", good, 406);
  for (const char* body :
       {"", "x", "[]", "{}", "null", R"({"objects":[]})", R"({"objects":{}})", R"({"objects":[{})",
        R"({"objects":[{]}]})", R"({"objects":[{}],"objects":[{}]})", R"({"more":1,"objects":[{}]})"})
    row("Content-Type: application/taxii+json", body, 422);
  // §7.1.1: custom properties are ignored.
  row("Content-Type: application/taxii+json", fmt::format(R"({{"x_acme":{{"a":[1]}},"objects":[{}]}})", indicator(1)),
      202);
}

TEST(TaxiiServer, BodyBeyondMaxContentLengthIs413AndTheLimitItselfIsNot) {  // §4.2.1
  const std::string body = fmt::format(R"({{"objects":[{}]}})", indicator(1));
  World world({.max_content_length = body.size()});
  EXPECT_EQ(world.post(body).status, 202);
  EXPECT_EQ(world.post(body + " ").status, 413);
}

TEST(TaxiiServer, HeadIsAnsweredAsGet) {
  World world;
  world.add({indicator(1)});
  const auto path = world.objects();
  const auto get = world.get(path);
  const auto head = world.raw(fmt::format("HEAD {} HTTP/1.1\r\nAuthorization: Bearer writer-token\r\n\r\n", path));
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("X-TAXII-Date-Added-Last"), get.header("X-TAXII-Date-Added-Last"));
}

TEST(TaxiiServer, AbsoluteApiRootWhenThePublicUrlIsKnown) {  // §4.1.1
  World world({.title = "A \"title\"", .contact = "soc@example", .public_url = "https://taxii.example:8443"});
  const auto json = world.get("/taxii2/").json();
  EXPECT_EQ(string_at(json, "default"), "https://taxii.example:8443/api1/");
  EXPECT_EQ(string_at(json, "title"), "A \"title\"");
  EXPECT_EQ(string_at(json, "contact"), "soc@example");
  EXPECT_EQ(find(json, "description"), nullptr);
}

TEST(TaxiiServer, CollectionsShowWhatTheAskerMayDo) {  // §5.2.1
  World world;
  const auto rights = [&](std::string_view account) {
    std::string out;
    const Json json = world.get("/api1/collections/", account).json();
    const Json* list = find(json, "collections");
    if (!list) return std::string("none");
    for (const Json& c : list->get_array())
      out += fmt::format("{}:{}{} ", *string_at(c, "alias"), *bool_at(c, "can_read") ? "r" : "-",
                         *bool_at(c, "can_write") ? "w" : "-");
    return out;
  };
  EXPECT_EQ(rights("writer"), "cert-ee.theirs:r- other:rw shared:rw ");
  EXPECT_EQ(rights("reader"), "shared:r- ");
  EXPECT_EQ(rights("dropbox"), "shared:-w ");
  EXPECT_EQ(rights("stranger"), "none");
  EXPECT_EQ(world.get("/api1/collections/", "stranger").body, "{}");  // §5.1.1
}

TEST(TaxiiServer, WhatAnAskerMayNotSeeAnswersAsWhatDoesNotExist) {
  World world;
  const auto nowhere = world.get("/api1/collections/2d086da7-4bdc-4f91-900e-d77486753710/objects/", "reader");
  for (const char* end : {"", "objects/", "manifest/", "objects/indicator--00000000-0000-4000-8000-000000000001/"}) {
    const auto hidden = world.get("/api1/collections/" + world.other.id + "/" + end, "reader");
    EXPECT_EQ(hidden.status, 404);
    EXPECT_EQ(hidden.body, nowhere.body);
  }
}

TEST(TaxiiServer, RightsDecideBetween403And404) {
  World world;
  world.add({indicator(1)});
  const std::string one = world.objects(indicator_id(1) + "/");
  const std::string body = fmt::format(R"({{"objects":[{}]}})", indicator(2));
  EXPECT_EQ(world.get(world.objects(), "dropbox").status, 403);  // §5.4: can_read false
  EXPECT_EQ(world.get(one, "dropbox").status, 403);
  EXPECT_EQ(world.post(body, "dropbox").status, 202);
  EXPECT_EQ(world.post(body, "reader").status, 403);  // §5.5: can_write false
  EXPECT_EQ(world.post(body, "stranger").status, 404);
  EXPECT_EQ(world.post(body, "writer", "$mirror").status, 403);  // a mirror is written by its link only
  EXPECT_EQ(world.remove(one, "reader").status, 403);            // §5.7: the table
  EXPECT_EQ(world.remove(one, "dropbox").status, 403);
  EXPECT_EQ(world.remove(one, "stranger").status, 404);
  EXPECT_EQ(world.remove(one).status, 200);
}

}  // namespace
}  // namespace bongsu::api
