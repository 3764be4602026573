// What partners ask about recalls on the link listener (mutual TLS 1.3), as a function of requests.
//
//   GET  /link/v1/recalls     what this member is to destroy and has not confirmed:
//                             {"tombstones":[{"text","signature"}],"upto":3,"run":"9f…"}: with them, it was told all up
//                             to number 3; `run` names this process of the node
//   POST /link/v1/recalls     {"run":"9f…","cursors":[{"collection","cursor"}]} → the same answer. Where the member's
//   links
//                             came to rest that bring nothing now: how far it was handed what it follows, which a node
//                             that died may not know. Of another process they say nothing: something may be on its way.
//   POST /link/v1/receipts    {"receipts":[{"text","signature"}]} → {"accepted":1,"refused":0}
//
// Asked by whoever was given something, so that it works through the same firewalls as the links. A member is told its
// own tombstones, also when it is stopped or its agreement has ended: they say nothing that it was not given before.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "flow/recall.h"
#include "link/tail_server.h"
#include "net/http.h"

namespace bongsu::link {

inline constexpr std::string_view kRecallsPath = "/link/v1/recalls";
inline constexpr std::string_view kReceiptsPath = "/link/v1/receipts";
inline constexpr std::size_t kMaxRecallAnswer = 1024 * 1024;  // bytes, of an answer and of a request

// A member's cursor: TailServer::shown.
using CursorShown =
    std::function<Result<void>(const std::string& member, const std::string& collection, std::string_view cursor)>;

class RecallServer {
 public:
  // `run`: another one for each process, such as 16 random hex digits.
  RecallServer(flow::Recall& recall, MemberOf member_of, CursorShown shown, std::string run, Log& log);
  static bool is_for(const net::Request& request);
  net::Response handle(net::Request&& request);

 private:
  net::Response tell(const std::string& member);
  net::Response take_receipts(const std::string& member, const std::string& body);

  flow::Recall& recall_;
  MemberOf member_of_;
  CursorShown shown_;
  const std::string run_;
  Log& log_;
};

// Where a link stands: the partner's id of a collection, and the cursor that it gave.
struct RestingCursor {
  std::string collection, cursor;
};
struct RestingCursors {
  std::string run;
  std::vector<RestingCursor> cursors;
};
inline constexpr std::size_t kMaxRestingCursors = 1000;  // in one request
inline constexpr std::size_t kMaxRunBytes = 64;
std::string resting_cursors_body(const RestingCursors& resting);
Result<RestingCursors> parse_resting_cursors(std::string_view body);  // kInvalid, kTooLarge

// The other bodies, for both sides. kInvalid, kTooLarge.
std::string signed_texts_body(std::string_view name, const std::vector<flow::SignedText>& texts, std::uint64_t upto = 0,
                              std::string_view run = {});
struct SignedTexts {
  std::vector<flow::SignedText> texts;
  std::uint64_t upto = 0;
  std::string run{};
};
Result<SignedTexts> parse_signed_texts(std::string_view name, std::string_view body, std::size_t most);

}  // namespace bongsu::link
