// Proofs and evidence documents. Nothing verifies under a key that signed nothing.
#include <cstdlib>

#include "ledger/evidence.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu::ledger;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const VerifierKey key{.name = "log", .type = SignatureType::kEd25519, .public_key = std::string(32, '\1')};
  if (const auto proof = Proof::parse(text)) {
    const auto again = Proof::parse(proof->text());
    if (!again || again->text() != proof->text()) std::abort();
    if (proof->verify(text, {&key, 1})) std::abort();
  }
  if (const auto json = bongsu::parse_json(text))
    if (const auto checked = check_evidence(*json, {&key, 1}); checked && checked->good()) std::abort();
  return 0;
}
