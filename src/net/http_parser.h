// HTTP/1.1 messages out of bytes (RFC 9112), without a socket: append what came, ask what it makes.
//
//   RequestParser parser(limits);
//   parser.append(bytes);
//   switch (parser.advance()) {
//     case kNeedMore: …read on…  case kHeader: …may answer 100 Continue…  case kComplete: parser.take()…  case kBad:
//     parser.error()…
//   }
//
// Bytes after a complete message stay for the next one (pipelining). How the bytes were cut into pieces never changes
// the result. What could be read in two ways is refused: a message must mean the same to every proxy before us (RFC
// 9112 §11.2).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "net/http.h"

namespace bongsu::net {

inline constexpr std::size_t kMaxHeaderFields = 256;  // beyond: 431
struct MessageLimits {
  std::uint32_t max_header_bytes = 65'536;
  std::uint64_t max_body_bytes = 104'857'600;
};

enum class ParseState {
  kNeedMore,  // append more and call advance again
  kHeader,    // the header has just become complete; call advance again for the body
  kComplete,  // take() gives the message
  kBad,       // error() says why; the connection has no use any more
};

struct ParseError {
  int status = 400;  // what a server answers: 400, 413, 417, 431, 501, 505
  std::string message;
};

class RequestParser {
 public:
  explicit RequestParser(const MessageLimits& limits);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  void append(std::string_view bytes);
  ParseState advance();
  const ParseError& error() const;

  bool has_input() const;            // bytes of a next message are here
  bool in_header() const;            // the header is not complete yet
  bool expects_continue() const;     // after kHeader: the client waits for 100 Continue
  std::uint64_t body_bytes() const;  // held for the current message
  bool keep_alive() const;           // after kComplete (RFC 9112 §9.3)
  bool http_1_0() const;
  Request take();  // after kComplete; the parser begins the next message

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class ResponseParser {
 public:
  explicit ResponseParser(const MessageLimits& limits);
  ~ResponseParser();
  ResponseParser(const ResponseParser&) = delete;
  ResponseParser& operator=(const ResponseParser&) = delete;

  void expect(bool head_request);  // before each response: an answer to HEAD has no body
  void append(std::string_view bytes);
  ParseState advance();       // 1xx responses are skipped
  ParseState end_of_input();  // the connection ended: kComplete for a body that ends so, else kBad
  const ParseError& error() const;

  bool started() const;    // a byte of this response has come
  bool has_input() const;  // bytes beyond this message are here
  int status() const;      // after kHeader
  const Headers& headers() const;
  std::string take_body();  // what has been decoded since the last call; may be called after every advance()
  bool keep_alive() const;  // after kComplete

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bongsu::net
