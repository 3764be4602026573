// A drill's letters by SMTP (RFC 5321, by libcurl), each marked as exercise: "EXERCISE" before its subject, X-Exercise
// in its head, the label at head and foot of its text.
//
//   BONGSU_TRY(auto mail, Mail::to("smtp://127.0.0.1:2525"));
//   BONGSU_TRY(const std::string refused, mail->send(letter));   // "": taken; else the server's refusal, for good
//
// Letters may come twice: who sends cannot know whether what was cut off had been taken. Both have one Message-ID. What
// the scenario says (subject, sender, text) is encoded whole, so that none of it becomes a header or a command.
// TLS is used where the server offers it; a server beyond loopback has to offer it, with a certificate that the system
// trusts. On loopback no certificate is asked for.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace bongsu::desk {

struct MailLetter {
  std::string id;        // of its Message-ID's left side: the same letter has the same
  std::string exercise;  // names the drill in addresses and in X-Exercise: "lt-ua-winter"
  std::string to;        // an entity, or "everyone"
  std::string sender;    // as shown
  std::string subject, text, banner;
  Instant at;  // of the drill
};

// The letter as it goes over the wire (RFC 5322, 2045, 2047), in ASCII with CRLF.
std::string mail_text(const MailLetter& letter);
std::string mail_address(std::string_view who, std::string_view exercise);  // "lt-blue@lt-ua-winter.example"

class Mail {
 public:
  // kInvalid: not smtp://HOST:PORT or smtps://.
  static Result<std::unique_ptr<Mail>> to(const std::string& url);
  // kUnavailable: nobody there, or not now; for some seconds then every call says so at once.
  Result<std::string> send(const MailLetter& letter);

 private:
  Mail(std::string url, bool loopback) : url_(std::move(url)), loopback_(loopback) {}
  const std::string url_;
  const bool loopback_;
  SystemClock clock_;
  std::chrono::nanoseconds again_at_{0};  // monotonic
  std::string trouble_;
};

}  // namespace bongsu::desk
