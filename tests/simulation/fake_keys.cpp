#include "fake_keys.h"

#include <fmt/format.h>

#include <memory>

#include "base/bytes.h"
#include "base/hash.h"

namespace bongsu::simulation {
namespace {

std::string fake_signature(std::string_view public_key, std::string_view message) {
  const Sha256 first = sha256(std::string(public_key).append(message));
  const Sha256 second = sha256(as_text(first));
  return std::string(as_text(first)).append(as_text(second));
}

class FakeSigner final : public crypto::Signer {
 public:
  explicit FakeSigner(std::string public_key) : public_key_(std::move(public_key)) {}
  Result<std::string> sign(std::string_view message) const override { return fake_signature(public_key_, message); }

 private:
  const std::string public_key_;
};

}  // namespace

std::string public_key_hex(std::string_view holder) { return fmt::format("{:064x}", hash64(holder)); }

crypto::SigningKey signing_key_of(std::string_view holder) {
  std::string key = *from_hex(public_key_hex(holder));
  auto signer = std::make_shared<const FakeSigner>(key);
  return {.private_key_pem = "of no use: the token signs", .public_key = std::move(key), .token = std::move(signer)};
}

bool simulated_verify(std::string_view public_key, std::string_view message, std::string_view signature) {
  return public_key.size() == 32 && signature == fake_signature(public_key, message);
}

}  // namespace bongsu::simulation

// crypto::verify of the simulator. The linker puts it in the place of the real one (--wrap).
extern "C" bool __wrap__ZN6bongsu6crypto6verifyESt17basic_string_viewIcSt11char_traitsIcEES4_S4_(
    std::string_view public_key, std::string_view message, std::string_view signature);

extern "C" bool __wrap__ZN6bongsu6crypto6verifyESt17basic_string_viewIcSt11char_traitsIcEES4_S4_(
    std::string_view public_key, std::string_view message, std::string_view signature) {
  return bongsu::simulation::simulated_verify(public_key, message, signature);
}
