#include "net/http_parser.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <optional>
#include <vector>

#include "net/chunked.h"
#include "net/http_syntax.h"

// Beast's basic_parser reads headers and is fed by hand, each header whole. It is lenient where RFC 9112 allows it
// (folded lines, repeated equal lengths, transfer codings it does not know); a strict pass over the raw header refuses
// those before Beast sees them. Bodies are ours.

namespace bongsu::net {
namespace {

namespace http = boost::beast::http;
using BeastString = boost::beast::string_view;
using BeastError = boost::beast::error_code;

std::string_view view(BeastString text) { return {text.data(), text.size()}; }

struct HeaderFacts {
  bool chunked = false;
  bool has_length = false;
  std::uint64_t length = 0;
  bool expects_continue = false;
  int hosts = 0;
};

std::optional<ParseError> bad(int status, std::string_view message) { return ParseError{status, std::string(message)}; }

std::optional<ParseError> check_field(std::string_view name, std::string_view value, bool request, HeaderFacts& facts) {
  if (equal_ignoring_case(name, "content-length")) {
    if (facts.has_length) return bad(400, "more than one Content-Length");
    facts.has_length = true;
    if (value.empty() || value.size() > 19) return bad(400, "Content-Length is not a number");
    for (const char c : value) {  // 19 digits fit into 64 bits
      if (c < '0' || c > '9') return bad(400, "Content-Length is not a number");
      facts.length = facts.length * 10 + static_cast<std::uint64_t>(c - '0');
    }
  } else if (equal_ignoring_case(name, "transfer-encoding")) {
    if (facts.chunked) return bad(400, "more than one Transfer-Encoding");
    // RFC 9112 §6.1: a coding we do not understand is 501.
    if (!equal_ignoring_case(value, "chunked")) return bad(501, "the only transfer coding here is chunked");
    facts.chunked = true;
  } else if (equal_ignoring_case(name, "host")) {
    ++facts.hosts;
    for (const char c : value)
      if (c <= ' ' || c == '/' || c == '@' || c == ',' || static_cast<unsigned char>(c) >= 0x7f)
        return bad(400, "Host is not a host and port");
  } else if (request && equal_ignoring_case(name, "expect")) {
    if (!equal_ignoring_case(value, "100-continue")) return bad(417, "the only expectation here is 100-continue");
    facts.expects_continue = true;
  }
  return std::nullopt;
}

// `block` is the header with its last empty line. Every line must end in CRLF, hold no other CR, LF or control
// character, and every field must be `token ":" value` with nothing before the colon (RFC 9112 §5.1, §5.2).
std::optional<ParseError> check_header(std::string_view block, bool request, HeaderFacts& facts) {
  std::size_t line_start = 0;
  std::size_t fields = 0;
  bool first = true;
  bool http_1_1 = true;
  while (true) {
    const std::size_t end = block.find('\n', line_start);
    if (end == line_start || block[end - 1] != '\r') return bad(400, "a line does not end in CR LF");
    const std::string_view line = block.substr(line_start, end - 1 - line_start);
    line_start = end + 1;
    if (line.empty()) break;
    if (!is_field_value(line)) return bad(400, "a control character in the header");
    if (first) {
      first = false;
      http_1_1 = request ? line.ends_with("HTTP/1.1") : line.starts_with("HTTP/1.1");
      continue;
    }
    if (++fields > kMaxHeaderFields) return bad(431, "more than 256 header fields");
    if (line[0] == ' ' || line[0] == '\t') return bad(400, "a folded header line");
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
      return bad(400, "a header field is not name: value");
    if (auto error = check_field(line.substr(0, colon), trim_ows(line.substr(colon + 1)), request, facts)) return error;
  }
  if (first) return bad(400, "no start line");
  if (facts.chunked && facts.has_length) return bad(400, "both Content-Length and Transfer-Encoding");
  if (facts.chunked && !http_1_1) return bad(400, "Transfer-Encoding before HTTP/1.1");
  if (request && (facts.hosts > 1 || (http_1_1 && facts.hosts == 0))) return bad(400, "not exactly one Host");
  return std::nullopt;
}

ParseError describe(const BeastError& error) {
  if (error == http::error::bad_version) return {505, "only HTTP/1.0 and HTTP/1.1 are spoken here"};
  return {400, "malformed message: " + error.message()};
}

// What Beast found in a header, in our types.
template <bool IsRequest>
class Collector final : public http::basic_parser<IsRequest> {
 public:
  std::string method;
  std::string target;
  int status = 0;
  Headers headers;
  int version = 11;

 private:
  void on_request_impl(http::verb, BeastString method_text, BeastString target_text, int http_version,
                       BeastError&) override {
    method = view(method_text);
    target = view(target_text);
    version = http_version;
  }
  void on_response_impl(int code, BeastString, int http_version, BeastError&) override {
    status = code;
    version = http_version;
  }
  void on_field_impl(http::field, BeastString name, BeastString value, BeastError&) override {
    headers.add(std::string(view(name)), std::string(view(value)));
  }
  void on_header_impl(BeastError&) override {}
  // Beast is told that there is no body.
  void on_body_init_impl(const boost::optional<std::uint64_t>&, BeastError&) override {}
  std::size_t on_body_impl(BeastString, BeastError&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, BeastString, BeastError&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, BeastString, BeastError&) override { return 0; }
  void on_finish_impl(BeastError&) override {}
};

// One message after another from one buffer.
template <bool IsRequest>
class Reader {
 public:
  explicit Reader(const MessageLimits& limits) : limits_(limits) { begin_message(); }

  void begin_message() {
    message_.emplace();
    message_->header_limit(UINT32_MAX);  // ours is checked on the raw bytes
    message_->skip(true);
    facts_ = {};
    body.clear();
    left_ = received_ = 0;
    framing_ = Framing::kNone;
    scanned_ = 0;
    line_start_ = 0;
    state_ = State::kStart;
  }

  void append(std::string_view bytes) {
    if (begin_ == buffer_.size()) {
      buffer_.clear();
      begin_ = 0;
      // One large piece must not pin its memory to an idle connection.
      if (buffer_.capacity() > kKeptBufferBytes) buffer_.shrink_to_fit();
    } else if (begin_ > 4096) {
      buffer_.erase(0, begin_);
      begin_ = 0;
    }
    buffer_.append(bytes);
  }

  ParseState advance() {
    switch (state_) {
      case State::kStart:
      case State::kHeader:
        return read_header();
      case State::kBody:
        return read_body();
      case State::kDone:
        return ParseState::kComplete;
      case State::kBad:
        break;
    }
    return ParseState::kBad;
  }

  ParseState refuse(ParseError error) {
    error_ = std::move(error);
    state_ = State::kBad;
    return ParseState::kBad;
  }

  ParseState end_of_input() {
    if (state_ == State::kDone) return ParseState::kComplete;
    if (state_ == State::kBad) return ParseState::kBad;
    if (state_ != State::kBody || framing_ != Framing::kUntilEnd)
      return refuse({400, "the connection ended within a message"});
    state_ = State::kDone;
    return ParseState::kComplete;
  }

  std::string_view input() const { return std::string_view(buffer_).substr(begin_); }
  bool in_header() const { return state_ == State::kStart || state_ == State::kHeader; }
  bool started() const { return state_ != State::kStart || begin_ < buffer_.size(); }
  Collector<IsRequest>& message() { return *message_; }
  const Collector<IsRequest>& message() const { return *message_; }
  const ParseError& error() const { return error_; }
  const HeaderFacts& facts() const { return facts_; }
  bool is_done() const { return state_ == State::kDone; }
  bool keep_alive() const { return framing_ != Framing::kUntilEnd && message_->keep_alive(); }

  bool head_request = false;  // of a response: it has no body
  std::string body;

 private:
  enum class State { kStart, kHeader, kBody, kDone, kBad };
  enum class Framing { kNone, kLength, kChunked, kUntilEnd };
  static constexpr std::size_t kKeptBufferBytes = 65'536;

  ParseState read_header() {
    if (state_ == State::kStart) {
      // RFC 9112 §2.2: an empty line before a request line is skipped. One: more is no client.
      const std::string_view in = input();
      if (in.empty() || in == "\r") return ParseState::kNeedMore;
      if (IsRequest && in.starts_with("\r\n")) begin_ += 2;
      state_ = State::kHeader;
      if (input().empty()) return ParseState::kNeedMore;
    }
    const std::string_view in = input();
    const auto end = find_header_end(in.substr(0, limits_.max_header_bytes));
    if (state_ == State::kBad) return ParseState::kBad;
    if (!end) {
      if (in.size() >= limits_.max_header_bytes) return refuse({431, "the header is larger than this server takes"});
      return ParseState::kNeedMore;
    }
    const std::string_view block = in.substr(0, *end);
    if (auto error = check_header(block, IsRequest, facts_)) return refuse(std::move(*error));
    BeastError error;
    const std::size_t used = message_->put({block.data(), block.size()}, error);
    if (error) return refuse(describe(error));
    if (used != block.size() || !message_->is_header_done()) return refuse({400, "malformed header"});
    begin_ += used;
    return begin_body();
  }

  // Goes on line by line from where the last look ended; a line that does not end in CR LF is refused as soon as it is
  // seen, since a lenient reader would find the end of the header elsewhere. Returns the size of the header.
  std::optional<std::size_t> find_header_end(std::string_view in) {
    while (true) {
      const std::size_t newline = in.find('\n', scanned_);
      if (newline == std::string_view::npos) {
        scanned_ = in.size();
        return std::nullopt;
      }
      if (newline == line_start_ || in[newline - 1] != '\r') {
        refuse({400, "a line does not end in CR LF"});
        return std::nullopt;
      }
      const bool empty = newline == line_start_ + 1;
      scanned_ = line_start_ = newline + 1;
      if (empty) return scanned_;
    }
  }

  // RFC 9112 §6.3.
  ParseState begin_body() {
    const int status = message_->status;
    const bool bodiless = !IsRequest && (head_request || status / 100 == 1 || status == 204 || status == 304);
    if (bodiless) {
      framing_ = Framing::kNone;
    } else if (facts_.chunked) {
      framing_ = Framing::kChunked;
      chunks_ = ChunkedDecoder(limits_.max_body_bytes);
    } else if (facts_.has_length) {
      framing_ = facts_.length == 0 ? Framing::kNone : Framing::kLength;
      left_ = facts_.length;
      if (left_ > limits_.max_body_bytes) return refuse({413, "the body is too large"});
      // A length is a claim: memory follows what comes, from this start.
      body.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(left_, 65'536)));
    } else {
      framing_ = IsRequest ? Framing::kNone : Framing::kUntilEnd;
    }
    state_ = framing_ == Framing::kNone ? State::kDone : State::kBody;
    return ParseState::kHeader;
  }

  ParseState read_body() {
    std::string_view in = input();
    if (in.empty()) return ParseState::kNeedMore;
    if (framing_ == Framing::kChunked) {
      const auto state = chunks_.decode(in, body);
      begin_ = buffer_.size() - in.size();
      if (state == ChunkedDecoder::State::kBad) return refuse({400, chunks_.error()});
      if (state == ChunkedDecoder::State::kTooLarge) return refuse({413, chunks_.error()});
      if (state == ChunkedDecoder::State::kMore) return ParseState::kNeedMore;
      state_ = State::kDone;
      return ParseState::kComplete;
    }
    if (framing_ == Framing::kUntilEnd) {
      received_ += in.size();
      if (received_ > limits_.max_body_bytes) return refuse({413, "the body is too large"});
      body.append(in);
      begin_ += in.size();
      return ParseState::kNeedMore;
    }
    in = in.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, in.size())));
    body.append(in);
    begin_ += in.size();
    left_ -= in.size();
    if (left_ > 0) return ParseState::kNeedMore;
    state_ = State::kDone;
    return ParseState::kComplete;
  }

  MessageLimits limits_;
  std::optional<Collector<IsRequest>> message_;
  HeaderFacts facts_;
  Framing framing_ = Framing::kNone;
  ChunkedDecoder chunks_;
  std::uint64_t left_ = 0;      // of a body with a length
  std::uint64_t received_ = 0;  // of a body that ends with the connection
  std::string buffer_;
  std::size_t begin_ = 0;
  std::size_t scanned_ = 0;     // of input(), looked at for the end of the header
  std::size_t line_start_ = 0;  // of input(), where the line at scanned_ begins
  State state_ = State::kStart;
  ParseError error_;
};

// Splits the request target (RFC 9112 §3.2) into path and query; for the absolute form, its authority replaces Host.
std::optional<ParseError> set_target(std::string target, Request& request) {
  if (request.method == "CONNECT") return bad(501, "this is not a proxy");
  if (target == "*" && request.method == "OPTIONS") {
    request.path = std::move(target);
    return std::nullopt;
  }
  if (!target.starts_with('/')) {
    const std::size_t scheme = target.find("://");
    const std::string_view name = std::string_view(target).substr(0, scheme);
    if (scheme == std::string::npos || !(equal_ignoring_case(name, "https") || equal_ignoring_case(name, "http")))
      return bad(400, "the request target is neither a path nor a URL");
    const std::size_t path = std::min(target.find_first_of("/?", scheme + 3), target.size());
    const std::string authority = target.substr(scheme + 3, path - scheme - 3);
    if (authority.empty() || authority.find('@') != std::string::npos)
      return bad(400, "the request target has no host");
    request.headers.set("Host", authority);
    target.erase(0, path);
    if (!target.starts_with('/')) target.insert(0, "/");
  }
  if (target.find('#') != std::string::npos) return bad(400, "a fragment in the request target");
  const std::size_t mark = target.find('?');
  if (mark != std::string::npos) request.query = target.substr(mark + 1);
  target.resize(std::min(mark, target.size()));
  request.path = std::move(target);
  return std::nullopt;
}

}  // namespace

struct RequestParser::Impl : Reader<true> {
  using Reader::Reader;
  Request request;
};

RequestParser::RequestParser(const MessageLimits& limits) : impl_(std::make_unique<Impl>(limits)) {}
RequestParser::~RequestParser() = default;

void RequestParser::append(std::string_view bytes) { impl_->append(bytes); }

ParseState RequestParser::advance() {
  const ParseState state = impl_->advance();
  if (state != ParseState::kHeader) return state;
  auto& message = impl_->message();
  impl_->request = {};
  impl_->request.method = std::move(message.method);
  impl_->request.headers = std::move(message.headers);
  if (auto error = set_target(std::move(message.target), impl_->request)) return impl_->refuse(std::move(*error));
  return state;
}

const ParseError& RequestParser::error() const { return impl_->error(); }
bool RequestParser::has_input() const { return !impl_->input().empty(); }
bool RequestParser::in_header() const { return impl_->in_header(); }
bool RequestParser::expects_continue() const {
  // RFC 9110 §10.1.1: no 100 for HTTP/1.0, nor when there is no body to wait for.
  return impl_->facts().expects_continue && !http_1_0() && !impl_->is_done();
}
std::uint64_t RequestParser::body_bytes() const { return impl_->body.size(); }
bool RequestParser::keep_alive() const { return impl_->keep_alive(); }
bool RequestParser::http_1_0() const { return impl_->message().version < 11; }

Request RequestParser::take() {
  Request request = std::move(impl_->request);
  request.body = std::move(impl_->body);
  impl_->begin_message();
  return request;
}

struct ResponseParser::Impl : Reader<false> {
  using Reader::Reader;
};

ResponseParser::ResponseParser(const MessageLimits& limits) : impl_(std::make_unique<Impl>(limits)) {}
ResponseParser::~ResponseParser() = default;

void ResponseParser::expect(bool head_request) {
  impl_->head_request = head_request;
  impl_->begin_message();
}

void ResponseParser::append(std::string_view bytes) { impl_->append(bytes); }

ParseState ResponseParser::advance() {
  while (true) {
    const ParseState state = impl_->advance();
    if (state != ParseState::kHeader) return state;
    const int code = impl_->message().status;
    if (code == 101) return impl_->refuse({400, "the server switches protocols unasked"});
    if (code < 100 || code > 599) return impl_->refuse({400, "a status code out of range"});
    if (code >= 200) return state;
    expect(impl_->head_request);  // an interim response (RFC 9110 §15.2)
  }
}

ParseState ResponseParser::end_of_input() { return impl_->end_of_input(); }
const ParseError& ResponseParser::error() const { return impl_->error(); }
bool ResponseParser::started() const { return impl_->started(); }
bool ResponseParser::has_input() const { return !impl_->input().empty(); }
int ResponseParser::status() const { return impl_->message().status; }
const Headers& ResponseParser::headers() const { return impl_->message().headers; }
std::string ResponseParser::take_body() { return std::exchange(impl_->body, {}); }
bool ResponseParser::keep_alive() const { return impl_->keep_alive(); }

}  // namespace bongsu::net
