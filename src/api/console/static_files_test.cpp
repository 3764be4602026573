#include "api/console/static_files.h"

#include <gtest/gtest.h>

#include <vector>

namespace bongsu::api::console {
namespace {

const std::vector<StaticFile> kFiles{
    {"/", "text/html; charset=utf-8", "abc", false, "<!doctype html>", ""},
    {"/assets/a-1.js", "text/javascript; charset=utf-8", "def", true, "let a = 1", "zipped"}};

net::Response get(std::string path, net::Headers headers = {}, std::string method = "GET") {
  return serve_static(kFiles, {.method = std::move(method), .path = std::move(path), .headers = std::move(headers)});
}
std::string body(const net::Response& response) { return std::get<std::string>(response.body); }

TEST(StaticFiles, AreServedByExactPathWithTypeAndETag) {
  const auto page = get("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(body(page), "<!doctype html>");
  EXPECT_EQ(page.headers.get("Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(page.headers.get("ETag"), "\"abc\"");
  EXPECT_EQ(page.headers.get("Cache-Control"), "no-cache");
  EXPECT_EQ(get("/index.html").status, 200);
  for (const auto* path : {"/nothing", "/assets/", "/assets/../", "//", "/%2e%2e/etc/passwd", ""})
    EXPECT_EQ(get(path).status, 404) << path;
}

TEST(StaticFiles, AreZippedOnlyWhereTheBrowserTakesIt) {
  EXPECT_EQ(body(get("/assets/a-1.js")), "let a = 1");
  const auto zipped = get("/assets/a-1.js", {{"Accept-Encoding", "br, gzip;q=0.8"}});
  EXPECT_EQ(body(zipped), "zipped");
  EXPECT_EQ(zipped.headers.get("Content-Encoding"), "gzip");
  EXPECT_EQ(zipped.headers.get("ETag"), "\"def-gz\"");
  EXPECT_EQ(zipped.headers.get("Vary"), "Accept-Encoding");
  for (const auto* field : {"gzip;q=0", "gzip;q=0.000", "br", "xgzip", ""})
    EXPECT_EQ(body(get("/assets/a-1.js", {{"Accept-Encoding", field}})), "let a = 1") << field;
  EXPECT_EQ(body(get("/", {{"Accept-Encoding", "gzip"}})), "<!doctype html>") << "no zipped form is kept of it";
}

TEST(StaticFiles, AnswerNotModifiedForTheSameForm) {
  EXPECT_EQ(get("/", {{"If-None-Match", "\"abc\""}}).status, 304);
  EXPECT_EQ(get("/", {{"If-None-Match", "\"old\", \"abc\""}}).status, 304);
  EXPECT_EQ(get("/", {{"If-None-Match", "\"old\""}}).status, 200);
  EXPECT_EQ(get("/assets/a-1.js", {{"If-None-Match", "\"def\""}, {"Accept-Encoding", "gzip"}}).status, 200);
}

TEST(StaticFiles, TakeNoOtherMethodAndSayWhenThereIsNoPage) {
  EXPECT_EQ(get("/", {}, "POST").status, 405);
  EXPECT_EQ(get("/", {}, "HEAD").status, 200);
  const auto none = serve_static({}, {.method = "GET", .path = "/"});
  EXPECT_EQ(none.status, 501);
  EXPECT_NE(body(none).find("without its console page"), std::string::npos);
}

TEST(StaticFiles, EveryAnswerLetsNothingInButThePagesOwnFiles) {
  auto response = get("/");
  add_security_headers(response);
  const std::string policy(*response.headers.get("Content-Security-Policy"));
  for (const auto* part : {"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'",
                           "require-trusted-types-for 'script'"})
    EXPECT_NE(policy.find(part), std::string::npos) << part;
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  EXPECT_EQ(policy.find("data:"), std::string::npos);
  EXPECT_EQ(policy.find('*'), std::string::npos);
  EXPECT_EQ(response.headers.get("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(response.headers.get("Cross-Origin-Opener-Policy"), "same-origin");
}

}  // namespace
}  // namespace bongsu::api::console
