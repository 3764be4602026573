// Certificates come from partners: reading one, as PEM text or as the DER inside it, must never crash, and what was
// read must be printable.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/bytes.h"
#include "crypto/keys.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string der_as_pem =
      "-----BEGIN CERTIFICATE-----\n" + bongsu::to_base64({data, size}) + "\n-----END CERTIFICATE-----\n";
  for (const std::string_view pem : {text, std::string_view(der_as_pem)}) {
    const auto facts = bongsu::crypto::read_certificate(pem);
    if (!facts) continue;
    if (bongsu::crypto::spoken_fingerprint(facts->fingerprint).size() != 49) std::abort();
    if (facts->not_after.text().empty() || facts->subject.find('\0') != std::string::npos) std::abort();
  }
  return 0;
}
