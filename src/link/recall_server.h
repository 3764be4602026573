// What partners ask about recalls on the link listener (mutual TLS 1.3), as a function of requests.
//
//   GET  /link/v1/recalls     what this member is to destroy and has not confirmed:
//                             {"tombstones":[{"text","signature"}],"upto":3}: with them, it was told all up to number 3
//   POST /link/v1/receipts    {"receipts":[{"text","signature"}]} → {"accepted":1,"refused":0}
//
// Asked by whoever was given something, so that it works through the same firewalls as the links. A member is told its
// own tombstones, also when it is stopped or its agreement has ended: they say nothing that it was not given before.
#pragma once

#include <vector>

#include "base/log.h"
#include "flow/recall.h"
#include "link/tail_server.h"
#include "net/http.h"

namespace bongsu::link {

inline constexpr std::string_view kRecallsPath = "/link/v1/recalls";
inline constexpr std::string_view kReceiptsPath = "/link/v1/receipts";
inline constexpr std::size_t kMaxRecallAnswer = 1024 * 1024;  // bytes, of an answer and of a request

class RecallServer {
 public:
  RecallServer(flow::Recall& recall, MemberOf member_of, Log& log);
  static bool is_for(const net::Request& request);
  net::Response handle(net::Request&& request);

 private:
  flow::Recall& recall_;
  MemberOf member_of_;
  Log& log_;
};

// The two bodies, for both sides. kInvalid, kTooLarge.
std::string signed_texts_body(std::string_view name, const std::vector<flow::SignedText>& texts,
                              std::uint64_t upto = 0);
struct SignedTexts {
  std::vector<flow::SignedText> texts;
  std::uint64_t upto = 0;
};
Result<SignedTexts> parse_signed_texts(std::string_view name, std::string_view body, std::size_t most);

}  // namespace bongsu::link
