// Proofs come from partners, with redacted copies that are said to fit them: reading both must never crash, what was
// read must be written back as it was, and nothing that a fuzzer finds can be signed by a key that it has not.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "crypto/origin.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu::crypto;
  static const SigningKey key = *make_signing_key();
  // The proof, and behind a NUL line the object; or one proof alone.
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  constexpr std::string_view kCut("\0\n\0", 3);
  const auto cut = text.find(kCut);
  auto proof = OriginProof::parse(text.substr(0, cut));
  if (!proof) return 0;
  if (proof->bytes() != text.substr(0, cut)) std::abort();
  const std::string_view object = cut == text.npos ? std::string_view("{}") : text.substr(cut + kCut.size());
  proof->key_id = key_id_of(key.public_key);
  if (verify_origin(*proof, object, key.public_key) == OriginFault::kNone) std::abort();
  (void)proof->for_part(object, object);
  return 0;
}
