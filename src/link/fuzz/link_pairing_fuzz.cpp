// What a stranger posts, and what an answering node says: parsed, judged, never believed without a signature.
#include <cstdlib>

#include "link/pairing.h"
#include "link/runner.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu;
  const std::string text(reinterpret_cast<const char*>(data), size);
  static FakeClock clock;
  if (const auto json = parse_json(text)) (void)link::parse_introduction(*json, clock.now());
  static link::OwnIdentity own;
  static identity::Invitation invitation{.inviter = "cert-lt", .ca_fingerprint = std::string(64, 'a')};
  if (link::read_pair_answer(invitation, own, 200, text, clock))
    std::abort();  // nobody has that authority's certificate
  (void)link::parse_collections(text, "cert-lt", 10);
  return 0;
}
