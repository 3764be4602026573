// Charter and signed agreements over a link: each node asks its partners for what is newer. The transport is not
// trusted: what comes is judged by its signatures, exactly as a file that somebody brought.
//
//   GET /link/v1/charter?after=N     {"versions": ["<container>", …]}     in order, at most kMaxTrustVersions
//   GET /link/v1/agreements          {"agreements": ["<container>", …]}   those that the asking member is a party to
//
// Only members by the charter are answered: who is in it is not for others.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "net/http.h"

namespace bongsu::link {

inline constexpr std::size_t kMaxTrustVersions = 4;
inline constexpr std::size_t kMaxTrustRounds = 256;              // of kMaxTrustVersions, in one look
inline constexpr std::size_t kMaxTrustBytes = 16 * 1024 * 1024;  // of one answer
inline constexpr std::size_t kMaxTrustAgreements = 4096;         // in one answer

// What this node has and takes. Called on any thread.
struct TrustBooks {
  std::function<std::optional<std::int64_t>()> version;    // of the charter; nullopt: none is trusted
  std::function<bool(std::string_view member)> is_member;  // by the charter
  std::function<Result<std::vector<std::string>>(std::int64_t after, std::size_t most)> versions;
  std::function<std::vector<std::string>(std::string_view member)> agreements;
  std::function<Result<void>(const std::vector<std::string>& documents)> accept_charter;
  std::function<Result<void>(const std::string& document)> accept_agreement;  // does nothing when it is known
};

class TrustServer {
 public:
  explicit TrustServer(TrustBooks books) : books_(std::move(books)) {}
  static bool is_for(const net::Request& request);
  // `member`: who asks, by its certificate; nullopt: nobody we know.
  net::Response handle(const std::optional<std::string>& member, const net::Request& request) const;

 private:
  TrustBooks books_;
};

// A GET on the partner's node: the body of a 200, or why not.
using LinkGet = std::function<Result<std::string>(std::string_view target)>;
// Looks once. A document that is refused is logged by its reason and changes nothing; the error is of the transport.
Result<void> fetch_trust(const LinkGet& get, const TrustBooks& books, std::string_view partner, Log& log);

}  // namespace bongsu::link
