// Envelopes and prekey bundles come from partners, couriers and relays. Reading must never crash; what was read must be
// written the same way; and nothing that the fuzzer makes may open.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "crypto/envelope.h"

namespace {
struct Keys final : bongsu::crypto::EnvelopeKeys {
  bongsu::crypto::X25519Key key = bongsu::crypto::x25519_key_of(std::string(32, 'k')).value();
  std::optional<std::string> signing_key(std::string_view) override { return std::string(32, '\x07'); }
  bongsu::Result<bongsu::crypto::X25519Key> prekey(std::string_view, std::string_view) override { return key; }
  std::optional<bongsu::crypto::SharedSecret> secret(std::string_view) override { return std::nullopt; }
};
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const bongsu::Instant now{1'800'000'000, 0};
  if (const auto envelope = bongsu::crypto::read_envelope(text)) {
    bongsu::crypto::Sealed again{.content = std::string(envelope->content)};
    for (const auto& h : envelope->headers) again.headers.push_back(h.part + h.signature + h.encapsulated + h.wrapped);
    if (again.together() != text) std::abort();
  }
  Keys keys;
  if (bongsu::crypto::open_envelope(text, "cert-lt", keys, now)) std::abort();
  if (bongsu::crypto::PrekeyBundle::read(text, std::string(32, '\x07'), "cert-lt", "cert-ua", now)) std::abort();
  (void)bongsu::crypto::PrekeyShelf::load(text);
  return 0;
}
