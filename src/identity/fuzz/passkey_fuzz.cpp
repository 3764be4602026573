// Arbitrary bytes as CBOR, as a COSE key and as the answers of both ceremonies. What is read is written back as it was.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "identity/cbor.h"
#include "identity/passkey.h"

using namespace bongsu::identity;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::size_t used = 0;
  if (const auto value = read_cbor_prefix(bytes, used); value && write_cbor(*value) != bytes.substr(0, used))
    std::abort();
  if (const auto key = read_cose_key(bytes, used); key && !bongsu::crypto::check(*key)) std::abort();
  const RelyingParty party{.id = "example.org", .origin = "https://example.org"};
  const std::size_t half = size / 2;
  (void)register_passkey(party, "challenge", bytes.substr(0, half), bytes.substr(half));
  (void)challenge_of(bytes);
  Passkey passkey{.id = "id", .rp_id = "example.org"};
  (void)assert_passkey(party, "challenge", passkey, bytes.substr(0, half), bytes.substr(half), bytes);
  return 0;
}
