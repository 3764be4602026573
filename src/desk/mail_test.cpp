#include "desk/mail.h"

#include <gtest/gtest.h>

namespace bongsu::desk {
namespace {

MailLetter hostile() {
  return {.id = "mail--1",
          .exercise = "winter",
          .to = "lt-blue.soc\r\nRCPT TO:<x@y>",
          .sender = "Eve\r\nBcc: a@b.example",
          .subject = std::string(200, 'x') + "\r\n\r\nžąsis",
          .text = ".\r\nQUIT",
          .banner = "EXERCISE · TLP:AMBER",
          .at = *Instant::parse("2027-01-19T06:15:00Z")};
}

TEST(Mail, HostileWordsBecomeNoHeaderAndNoLineOfTheProtocol) {
  const std::string text = mail_text(hostile());
  std::size_t empty = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find("\r\n", at);
    ASSERT_NE(end, std::string::npos) << "every line ends";
    const std::string line = text.substr(at, end - at);
    EXPECT_LE(line.size(), 120U) << line;
    EXPECT_NE(line, ".");
    EXPECT_EQ(line.find_first_of("\r\n"), std::string::npos);
    for (const char c : line) EXPECT_TRUE(c >= ' ' && c < 127) << line;
    empty += line.empty() ? 1 : 0;
    at = end + 2;
  }
  EXPECT_EQ(empty, 1U) << "head and body";
  EXPECT_EQ(text.find("Bcc"), std::string::npos);
  EXPECT_NE(text.find("Date: Tue, 19 Jan 2027 06:15:00 +0000\r\n"), std::string::npos);
  EXPECT_NE(text.find("Subject: EXERCISE EXERCISE EXERCISE\r\n =?UTF-8?B?"), std::string::npos);
  EXPECT_NE(text.find("X-Exercise: winter\r\n"), std::string::npos);
  EXPECT_EQ(mail_text(hostile()), text) << "the same letter has the same Message-ID";
  EXPECT_EQ(mail_address("a\r\nb>", "x y"), "a--b-@x-y.example");
}

TEST(Mail, OnlyAServersAddressIsOne) {
  for (const char* good : {"smtp://127.0.0.1:2525", "smtps://mail.example", "smtp://[::1]:25"})
    EXPECT_TRUE(Mail::to(good)) << good;
  for (const char* bad :
       {"", "127.0.0.1:25", "http://127.0.0.1:25", "smtp://", "smtp://a b", "smtp://a/b", "smtp://u@h"})
    EXPECT_FALSE(Mail::to(bad)) << bad;
}

TEST(Mail, WhereNobodyListensTheLetterWaits) {
  const auto mail = *Mail::to("smtp://127.0.0.1:1");
  EXPECT_EQ(mail->send(hostile()).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(mail->send(hostile()).error().code, ErrorCode::kUnavailable) << "and is not tried at every call";
}

}  // namespace
}  // namespace bongsu::desk
