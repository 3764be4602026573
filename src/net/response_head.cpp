#include "net/response_head.h"

#include <fmt/format.h>

#include <ctime>
#include <iterator>

#include "net/http_syntax.h"

namespace bongsu::net {
namespace {

std::string_view reason(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "";  // the phrase is optional (RFC 9112 §4)
  }
}

bool is_ours(std::string_view name) {
  return equal_ignoring_case(name, "content-length") || equal_ignoring_case(name, "transfer-encoding") ||
         equal_ignoring_case(name, "connection") || equal_ignoring_case(name, "keep-alive");
}

// A date is made once a second and thread, not once a response.
const std::string& date_now(Instant now) {
  thread_local std::int64_t second = -1;
  thread_local std::string text;
  if (second != now.seconds) {
    second = now.seconds;
    text = http_date(now);
  }
  return text;
}

}  // namespace

std::string http_date(Instant now) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t seconds = now.seconds;
  std::tm t{};
  gmtime_r(&seconds, &t);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[t.tm_wday], t.tm_mday, kMonths[t.tm_mon],
                     t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

bool append_head(std::string& out, const Response& response, const HeadFacts& facts, Instant now) {
  if (response.status < 200 || response.status > 599) return false;
  bool has_date = false;
  for (const auto& [name, value] : response.headers) {
    if (!is_token(name) || !is_field_value(value)) return false;
    has_date |= equal_ignoring_case(name, "date");
  }
  auto to = std::back_inserter(out);
  fmt::format_to(to, "HTTP/1.1 {} {}\r\n", response.status, reason(response.status));
  for (const auto& [name, value] : response.headers) {
    if (is_ours(name)) continue;
    out.append(name).append(": ").append(value).append("\r\n");
  }
  if (!has_date) out.append("Date: ").append(date_now(now)).append("\r\n");
  if (facts.chunked) out += "Transfer-Encoding: chunked\r\n";
  if (facts.content_length) fmt::format_to(to, "Content-Length: {}\r\n", *facts.content_length);
  if (!facts.keep_alive) out += "Connection: close\r\n";
  out += "\r\n";
  return true;
}

}  // namespace bongsu::net
