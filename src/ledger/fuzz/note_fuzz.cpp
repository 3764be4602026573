// Notes and verifier keys: texts that strangers send. What parses is written back as it was; a signature of nobody verifies.
#include <cstdlib>

#include "ledger/note.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu::ledger;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto note = Note::parse(text)) {
    const auto again = Note::parse(note->whole());
    if (!again || again->text != note->text || again->signatures != note->signatures) std::abort();
    const VerifierKey key{.name = note->signatures.front().name, .type = SignatureType::kEd25519, .public_key = std::string(32, '\1')};
    if (note->verify({&key, 1})) std::abort();
  }
  if (const auto key = VerifierKey::parse(text)) {
    const auto again = VerifierKey::parse(key->text());
    if (!again || *again != *key) std::abort();
  }
  return 0;
}
