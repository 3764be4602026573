#include "net/http_parser.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/random.h"

namespace bongsu::net {
namespace {

constexpr MessageLimits kLimits{.max_header_bytes = 1024, .max_body_bytes = 100};

// What a stream of bytes makes: the messages, then the error if there was one.
struct Outcome {
  std::vector<Request> requests;
  std::vector<bool> keep_alive;
  int error = 0;
  std::string why;
};

Outcome parse(std::string_view raw, std::size_t piece) {
  RequestParser parser(kLimits);
  Outcome outcome;
  while (true) {
    switch (parser.advance()) {
      case ParseState::kNeedMore:
        if (raw.empty()) return outcome;
        parser.append(raw.substr(0, piece));
        raw.remove_prefix(std::min(piece, raw.size()));
        break;
      case ParseState::kHeader:
        break;
      case ParseState::kComplete:
        outcome.keep_alive.push_back(parser.keep_alive());
        outcome.requests.push_back(parser.take());
        break;
      case ParseState::kBad:
        outcome.error = parser.error().status;
        outcome.why = parser.error().message;
        return outcome;
    }
  }
}

struct Case {
  const char* name;
  std::string raw;
  std::string expected;  // "METHOD path?query [body]" of each request, or the status of the error
};

std::string describe(const Outcome& outcome) {
  std::string out;
  for (const auto& r : outcome.requests) {
    if (!out.empty()) out += " | ";
    out +=
        r.method + " " + r.path + (r.query.empty() ? "" : "?" + r.query) + (r.body.empty() ? "" : " [" + r.body + "]");
  }
  if (outcome.error != 0) out += (out.empty() ? "" : " | ") + std::to_string(outcome.error);
  return out;
}

std::string headers(int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += "A:\r\n";
  return out;
}

const std::vector<Case> kCases = {
    {"plain", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /"},
    {"query", "GET /a/b?x=1&y HTTP/1.1\r\nHost: a:80\r\n\r\n", "GET /a/b?x=1&y"},
    {"length", "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", "POST /p [hello]"},
    {"length zero", "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "POST /p"},
    {"chunked", "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
     "POST /p [abcde]"},
    {"chunk extension and trailer",
     "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n3;x=\"y\"\r\nabc\r\n0\r\nTrailer: t\r\n\r\n",
     "POST /p [abc]"},
    {"pipelined",
     "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nxGET /3 "
     "HTTP/1.1\r\nHost: a\r\n\r\n",
     "GET /1 | POST /2 [x] | GET /3"},
    {"empty line before", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /"},
    {"two empty lines before", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", "GET /"},
    {"absolute form", "GET http://b:1/x?y HTTP/1.1\r\nHost: a\r\n\r\n", "GET /x?y"},
    {"absolute form without path", "GET https://b?y HTTP/1.1\r\nHost: a\r\n\r\n", "GET /?y"},
    {"asterisk", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS *"},
    {"incomplete", "GET / HTTP/1.1\r\nHost: a\r\n", ""},
    {"incomplete body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel", ""},
    // One message, two meanings.
    {"length and chunked",
     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
    {"chunked and length",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", "400"},
    {"two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", "400"},
    {"two equal lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "400"},
    {"a list of lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello", "400"},
    {"negative length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", "400"},
    {"signed length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello", "400"},
    {"hexadecimal length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\nhello", "400"},
    {"empty length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", "400"},
    {"length beyond 64 bits", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", "400"},
    {"space before colon", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\nhello", "400"},
    {"folded line", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", "400"},
    {"folded first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", "400"},
    {"bare LF", "GET / HTTP/1.1\nHost: a\n\n", "400"},
    {"bare LF in a field", "GET / HTTP/1.1\r\nHost: a\r\nX: b\nTransfer-Encoding: chunked\r\n\r\n", "400"},
    {"bare CR in a field", "GET / HTTP/1.1\r\nHost: a\r\nX: b\rY: c\r\n\r\n", "400"},
    {"NUL in a field", std::string("GET / HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n\r\n", 35), "400"},
    {"unknown coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", "501"},
    {"chunked twice in one field", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
     "501"},
    {"gzip then chunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "501"},
    {"chunked in two fields",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
    {"disguised coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", "501"},
    {"vertical tab before the coding",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0b"
     "chunked\r\n\r\n",
     "400"},
    {"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
    {"chunk without CR", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n", "400"},
    {"chunk longer than said", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
     "400"},
    {"chunk size with 0x", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
     "400"},
    {"chunk size beyond 64 bits",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000003\r\nabc\r\n", "400"},
    {"chunk size with a sign", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n0\r\n\r\n",
     "400"},
    {"chunk extension with a bare LF",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x\nabc\r\n0\r\n\r\n", "400"},
    {"chunk extension over the end of its line",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=\"y\r\nabc\r\n0\r\n\r\n", "400"},
    {"chunk extension with quotes and escapes",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3 ; x=\"y\\\"z\" ;w\r\nabc\r\n0\r\n\r\n",
     "POST / [abc]"},
    {"chunk size and a space",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3 x\r\nabc\r\n0\r\n\r\n", "400"},
    {"chunk without size", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\r\nabc\r\n0\r\n\r\n",
     "400"},
    {"trailer without colon",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nGET / HTTP/1.1\r\n\r\n", "400"},
    {"trailer with a bare LF", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\n\r\n",
     "400"},
    {"trailer with a length",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 3\r\n\r\n", "400"},
    {"endless chunk line",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;" + std::string(13'000, 'x') +
         "\r\nabc\r\n0\r\n\r\n",
     "400"},
    {"endless trailers",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + std::string(5'000, 'x') + ":" +
         std::string(8'000, ' ') + "\r\n\r\n",
     "400"},
    // Limits.
    {"body too large by length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n", "413"},
    {"body too large by chunks",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n" + std::string(100, 'x') +
         "\r\n1\r\ny\r\n0\r\n\r\n",
     "413"},
    {"header too large", "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(1100, 'x') + "\r\n\r\n", "431"},
    {"endless start line", "GET /" + std::string(2000, 'x'), "431"},
    {"too many fields", "GET / HTTP/1.1\r\nHost: a\r\n" + headers(250) + "\r\n", "431"},
    // Grammar.
    {"no Host", "GET / HTTP/1.1\r\n\r\n", "400"},
    {"two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
    {"Host with a user", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", "400"},
    {"Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400"},
    {"no version", "GET /\r\nHost: a\r\n\r\n", "400"},
    {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"},
    {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", "505"},
    {"two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"relative target", "GET x HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"fragment", "GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"other scheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"user in the target", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"asterisk with GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", "501"},
    {"bad method", "G@T / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"field without colon", "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", "400"},
    {"empty field name", "GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", "400"},
    {"another expectation", "POST / HTTP/1.1\r\nHost: a\r\nExpect: more\r\nContent-Length: 1\r\n\r\nx", "417"},
    {"TLS hello to plain HTTP", "\x16\x03\x01\x02\n", "400"},
    {"nothing", "", ""},
    {"good, then bad", "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGARBAGE\r\n\r\n", "GET /1 | 400"},
};

TEST(RequestParser, ReadsEveryCaseTheSameWholeAndInPieces) {
  for (const auto& c : kCases) {
    for (const std::size_t piece :
         {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7}, std::size_t{64}, c.raw.size() + 1}) {
      const Outcome outcome = parse(c.raw, piece);
      EXPECT_EQ(describe(outcome), c.expected) << c.name << " in pieces of " << piece << ": " << outcome.why;
    }
  }
}

TEST(RequestParser, KeepsTheConnectionByVersionAndConnectionField) {
  const auto keeps = [](std::string_view version, std::string_view fields) -> bool {
    return parse(std::string("GET / ") + std::string(version) + "\r\nHost: a\r\n" + std::string(fields) + "\r\n", 5)
        .keep_alive.at(0);
  };
  EXPECT_TRUE(keeps("HTTP/1.1", ""));
  EXPECT_FALSE(keeps("HTTP/1.1", "Connection: close\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.1", "Connection: x, Close\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.0", ""));
  EXPECT_TRUE(keeps("HTTP/1.0", "Connection: keep-alive\r\n"));
}

TEST(RequestParser, TrailersNeverBecomeHeaders) {
  const Outcome outcome = parse(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nAuthorization: Basic "
      "eA==\r\n\r\n",
      1000);
  ASSERT_EQ(outcome.requests.size(), 1u);
  EXPECT_FALSE(outcome.requests[0].headers.get("Authorization").has_value());
}

TEST(RequestParser, AuthorityOfAnAbsoluteTargetReplacesHost) {
  const Outcome outcome = parse("GET http://inner:8080/x HTTP/1.1\r\nHost: outer\r\n\r\n", 9);
  EXPECT_EQ(outcome.requests.at(0).headers.joined("host"), "inner:8080");
}

TEST(RequestParser, SaysWhenTheClientWaitsForContinue) {
  RequestParser parser(kLimits);
  parser.append("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\n");
  ASSERT_EQ(parser.advance(), ParseState::kHeader);
  EXPECT_TRUE(parser.expects_continue());
  EXPECT_EQ(parser.advance(), ParseState::kNeedMore);
  parser.append("abc");
  ASSERT_EQ(parser.advance(), ParseState::kComplete);
  EXPECT_EQ(parser.take().body, "abc");
}

TEST(RequestParser, LargeHeadersAreScannedOnce) {
  // A megabyte of header a byte at a time: quadratic scanning would take minutes.
  RequestParser parser({.max_header_bytes = 1 << 20, .max_body_bytes = 0});
  parser.append("GET / HTTP/1.1\r\nHost: a\r\nX: ");
  for (int i = 0; i < (1 << 20) - 1000; ++i) {
    parser.append("x");
    ASSERT_EQ(parser.advance(), ParseState::kNeedMore);
  }
  parser.append("\r\n\r\n");
  EXPECT_EQ(parser.advance(), ParseState::kHeader);
}

struct Reply {
  int status = 0;
  std::string body;
  bool complete = false;
  bool keep_alive = false;
  std::string error;
};

Reply read_reply(std::string_view raw, std::size_t piece, bool head = false, bool ends = true) {
  ResponseParser parser(kLimits);
  parser.expect(head);
  Reply reply;
  while (true) {
    ParseState state = parser.advance();
    if (state == ParseState::kNeedMore) {
      reply.body += parser.take_body();
      if (!raw.empty()) {
        parser.append(raw.substr(0, piece));
        raw.remove_prefix(std::min(piece, raw.size()));
        continue;
      }
      if (!ends) return reply;
      state = parser.end_of_input();
    }
    if (state == ParseState::kHeader) continue;
    if (state == ParseState::kBad) {
      reply.error = parser.error().message;
      return reply;
    }
    reply.status = parser.status();
    reply.body += parser.take_body();
    reply.complete = true;
    reply.keep_alive = parser.keep_alive();
    return reply;
  }
}

TEST(ResponseParser, ReadsBodiesByLengthChunksAndEnd) {
  for (const std::size_t piece : {1u, 4u, 1000u}) {
    const Reply by_length = read_reply("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", piece, false, false);
    EXPECT_EQ(by_length.body, "abc");
    EXPECT_TRUE(by_length.complete && by_length.keep_alive);
    const Reply chunked = read_reply(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n", piece, false, false);
    EXPECT_EQ(chunked.body, "abcd");
    EXPECT_TRUE(chunked.complete);
    const Reply by_end = read_reply("HTTP/1.1 200 OK\r\n\r\nabc", piece);
    EXPECT_EQ(by_end.body, "abc");
    EXPECT_TRUE(by_end.complete);
    EXPECT_FALSE(by_end.keep_alive);
    EXPECT_TRUE(read_reply("HTTP/1.1 204 No Content\r\n\r\n", piece, false, false).complete);
    EXPECT_TRUE(read_reply("HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n", piece, true, false).complete) << "HEAD";
    EXPECT_EQ(read_reply("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", piece, false,
                         false)
                  .status,
              201);
  }
}

TEST(ResponseParser, HalfABodyIsNeverAWholeOne) {
  EXPECT_FALSE(read_reply("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc", 1000).complete);
  EXPECT_FALSE(read_reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", 1000).complete);
  EXPECT_FALSE(read_reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n", 1000).complete);
  EXPECT_FALSE(read_reply("HTTP/1.1 200 OK\r\nContent-", 1000).complete);
  EXPECT_FALSE(read_reply("", 1000).complete);
}

TEST(ResponseParser, RefusesWhatHasTwoMeanings) {
  EXPECT_FALSE(read_reply("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 1000)
                   .error.empty());
  EXPECT_FALSE(read_reply("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\nx", 1000).error.empty());
  EXPECT_FALSE(read_reply("HTTP/1.1 101 Switching\r\n\r\n", 1000).error.empty());
  EXPECT_FALSE(read_reply("HTTP/1.1 999 What\r\n\r\n", 1000).error.empty());
  EXPECT_FALSE(read_reply("HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", 1000).error.empty()) << "limit";
}

}  // namespace
}  // namespace bongsu::net
