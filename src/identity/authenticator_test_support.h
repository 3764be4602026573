// An authenticator in a few lines, for tests: makes a passkey of Ed25519 and logs in with it, and can lie.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/hash.h"
#include "crypto/keys.h"
#include "identity/cbor.h"

namespace bongsu::identity::test {

inline std::string hex(std::string_view text) { return *from_hex(text); }

inline std::string none_object(const std::string& authenticator_data) {
  return "\xa3\x63"
         "fmt\x64none\x67"
         "attStmt\xa0\x68"
         "authData" +
         write_cbor({.kind = Cbor::Kind::kBytes, .bytes = authenticator_data, .items = {}, .members = {}});
}

struct Authenticator {
  crypto::SigningKey key = *crypto::make_signing_key();
  std::string rp_id = "node.example", origin = "https://node.example:8444", more;
  std::uint8_t flags = 0x01 | 0x04;
  std::uint32_t counter = 1;
  std::string extra;  // behind the authenticator data

  std::string client_data(std::string_view type, std::string_view challenge) const {
    return R"({"type":")" + std::string(type) + R"(","challenge":")" + to_base64url(as_bytes(challenge)) +
           R"(","origin":")" + origin + "\"" + more + "}";
  }
  std::string head(std::uint8_t with) const {
    const Sha256 hash = sha256(rp_id);
    std::string out(as_text(hash));
    out.push_back(static_cast<char>(flags | with));
    for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(counter >> shift));
    return out;
  }
  std::string attestation() const {
    // {1: 1, 3: -8, -1: 6, -2: x}
    const std::string cose = hex("a4010103272006215820") + key.public_key;
    return none_object(head(0x40) + std::string(16, 'a') + std::string("\0\4", 2) + "cred" + cose + extra);
  }
  std::string assertion() const { return head(0) + extra; }
  std::string signature(const std::string& data) const {
    const Sha256 hash = sha256(data);
    return *crypto::sign(key, assertion() + std::string(as_text(hash)));
  }
};
}  // namespace bongsu::identity::test
