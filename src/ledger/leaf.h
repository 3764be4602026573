// What goes into a log, and what stays outside: a leaf is a commitment, its opening (salt and content) is kept by the node and
// destroyed with the content.
//
//   Event event{.kind = "release", .time = now, .details = {{"object", id}, …}, .subject = id};
//   const Sealed sealed = seal(event, salt);      sealed.leaf goes into the log, sealed.opening beside it
//   check_opening(leaf, opening)                  what an auditor does with both
//
// A leaf is RFC 8785 text, {"commitment":"<hex>","kind":"release","time":"2026-…Z","v":1}, commitment = SHA-256(salt ‖ content),
// content = the details in RFC 8785 text. Without the salt nobody can find out whether a guess of the content is right.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "base/hash.h"

namespace bongsu::ledger {

using Salt = std::array<std::uint8_t, 32>;

inline constexpr std::size_t kMaxKindBytes = 40;
inline constexpr std::size_t kMaxContentBytes = 16 * 1024;
inline constexpr std::size_t kMaxSubjectBytes = 256;

struct Event {
  std::string kind;     // [a-z]+(-[a-z]+)*: "admission", "release", "agreement-put" …
  Instant time;         // when it happened, to the microsecond
  JsonObject details;   // object, member, versions, who decided
  std::string subject;  // object id: erased with it; empty = not about an object
  std::uint64_t row = 0;  // which of the object's entries in the journal it is about; 0: none is named
};

struct Opening {
  Salt salt{};
  std::string content;  // canonical JSON; empty when erased
  std::string subject;
  std::uint64_t row = 0;
  bool erased = false;
};

// Picks leaves about one subject by the log that they are in and their opening.
using WhichLeaves = std::function<bool(std::string_view log, const Opening& opening)>;

struct Leaf {
  std::string kind;
  Instant time;
  Sha256 commitment{};

  std::string text() const;
  static Result<Leaf> parse(std::string_view text);  // kInvalid unless it is exactly the text that text() gives
};

struct Sealed {
  std::string leaf;
  Opening opening;
};

// kInvalid for a kind of another form or details that have no canonical text; kTooLarge.
Result<Sealed> seal(const Event& event, const Salt& salt);
Sha256 commitment_of(const Salt& salt, std::string_view content);
// kDenied: the opening is not the leaf's. kNotFound: it was erased.
Result<void> check_opening(const Leaf& leaf, const Opening& opening);

}  // namespace bongsu::ledger
