#include "desk/mail.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>

#include "base/bytes.h"
#include "net/response_head.h"

namespace bongsu::desk {
namespace {

constexpr long kConnect_ms = 1000, kWhole_ms = 3000;  // the drill's loop waits for it
constexpr auto kWaitAfterTrouble = std::chrono::seconds(5);
constexpr std::size_t kEncodedBytes = 42, kLine = 76;  // of an encoded word's content; of a line of base64
constexpr long kPermanent = 500;                       // RFC 5321 §4.2.1: from here on the answer is no

std::string base64_of(std::string_view text) {
  return to_base64(Bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

// RFC 2047: words of whole characters, each on a line of its own.
std::string encoded(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::size_t n = std::min(text.size(), kEncodedBytes);
    while (n < text.size() && n > 1 && (static_cast<unsigned char>(text[n]) & 0xC0U) == 0x80U) --n;
    if (!out.empty()) out += "\r\n ";
    out += "=?UTF-8?B?" + base64_of(text.substr(0, n)) + "?=";
    text.remove_prefix(n);
  }
  return out;
}

// RFC 5322 §3.3: HTTP's date, but for the zone.
std::string date_of(const Instant& at) {
  std::string date = net::http_date(at);
  date.replace(date.rfind("GMT"), 3, "+0000");
  return date;
}

// What an address may hold without quotes.
std::string atom(std::string_view text) {
  std::string out;
  for (const char c : text) out += (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '-';
  return out.empty() ? "nobody" : out;
}

struct Unread {
  std::string_view rest;
};
std::size_t hand_over(char* to, std::size_t size, std::size_t count, void* from) {
  Unread& unread = *static_cast<Unread*>(from);
  const std::size_t n = std::min(size * count, unread.rest.size());
  std::memcpy(to, unread.rest.data(), n);
  unread.rest.remove_prefix(n);
  return n;
}

}  // namespace

std::string mail_address(std::string_view who, std::string_view exercise) {
  return fmt::format("{}@{}.example", atom(who), atom(exercise));
}

std::string mail_text(const MailLetter& letter) {
  std::string out = fmt::format(
      "Date: {}\r\nFrom: {} <{}>\r\nTo: <{}>\r\nSubject: EXERCISE EXERCISE EXERCISE\r\n {}\r\nMessage-ID: <{}>\r\n"
      "X-Exercise: {}\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
      "Content-Transfer-Encoding: base64\r\n\r\n",
      date_of(letter.at), encoded("EXERCISE " + letter.sender), mail_address("inject", letter.exercise),
      mail_address(letter.to, letter.exercise), encoded(letter.subject.empty() ? "(no subject)" : letter.subject),
      mail_address(letter.id, letter.exercise), atom(letter.exercise));
  const std::string body = base64_of(fmt::format("{0}\r\n\r\n{1}\r\n\r\n{0}\r\n", letter.banner, letter.text));
  for (std::size_t at = 0; at < body.size(); at += kLine) out += body.substr(at, kLine) + "\r\n";
  return out;
}

Result<std::unique_ptr<Mail>> Mail::to(const std::string& url) {
  const auto wrong = [&] {
    return fail(ErrorCode::kInvalid,
                fmt::format("a mail server is smtp://HOST:PORT or smtps://HOST:PORT, not \"{}\"", url),
                {.field = "--mail"});
  };
  std::string_view rest = url;
  const bool tls = rest.starts_with("smtps://");
  if (!tls && !rest.starts_with("smtp://")) return wrong();
  rest.remove_prefix(tls ? 8 : 7);
  const std::size_t end = rest.starts_with('[') ? rest.find(']') : rest.find(':');
  const std::string_view host = rest.substr(0, rest.starts_with('[') && end != rest.npos ? end + 1 : end);
  if (host.empty() || rest.find_first_of("/?#@ \r\n\t") != rest.npos) return wrong();
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (ready != CURLE_OK) return fail(ErrorCode::kInternal, curl_easy_strerror(ready));
  return std::unique_ptr<Mail>(new Mail(url, host == "localhost" || host == "127.0.0.1" || host == "[::1]"));
}

Result<std::string> Mail::send(const MailLetter& letter) {
  if (clock_.monotonic() < again_at_) return fail(ErrorCode::kUnavailable, trouble_, {.source = url_});
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(), curl_easy_cleanup);
  if (!curl) return fail(ErrorCode::kInternal, "no memory for a mail");
  const std::string text = mail_text(letter), from = mail_address("inject", letter.exercise);
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> to(
      curl_slist_append(nullptr, mail_address(letter.to, letter.exercise).c_str()), curl_slist_free_all);
  Unread unread{text};
  char said[CURL_ERROR_SIZE] = {};
  CURL* c = curl.get();
  curl_easy_setopt(c, CURLOPT_URL, url_.c_str());
  curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(c, CURLOPT_USE_SSL, static_cast<long>(loopback_ ? CURLUSESSL_TRY : CURLUSESSL_ALL));
  curl_easy_setopt(c, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_3));
  if (loopback_) {
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  curl_easy_setopt(c, CURLOPT_PROXY, "");
  curl_easy_setopt(c, CURLOPT_MAIL_FROM, from.c_str());
  curl_easy_setopt(c, CURLOPT_MAIL_RCPT, to.get());
  curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(c, CURLOPT_READFUNCTION, hand_over);
  curl_easy_setopt(c, CURLOPT_READDATA, &unread);
  curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, kConnect_ms);
  curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, kWhole_ms);
  curl_easy_setopt(c, CURLOPT_ERRORBUFFER, said);
  const CURLcode done = curl_easy_perform(c);
  if (done == CURLE_OK) return std::string();
  long status = 0;
  curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
  const std::string why = said[0] != '\0' ? said : curl_easy_strerror(done);
  // Only the recipient or the letter itself is refused for good; who is refused at the door asks again.
  if (status >= kPermanent && (done == CURLE_SEND_ERROR || done == CURLE_WEIRD_SERVER_REPLY)) return why;
  trouble_ = why;
  again_at_ = clock_.monotonic() + kWaitAfterTrouble;
  return fail(ErrorCode::kUnavailable, why, {.source = url_});
}

}  // namespace bongsu::desk
