#include "base/hash.h"

#include <openssl/evp.h>

#include <cstring>

#include "base/result.h"

namespace bongsu {
namespace {

// Fetched once: EVP's implicit fetch costs more than hashing a short message.
const EVP_MD* fetched(const char* name) { return EVP_MD_fetch(nullptr, name, nullptr); }

template <std::size_t N>
std::array<std::uint8_t, N> digest(const EVP_MD* md, std::string_view data) {
  struct Context {
    EVP_MD_CTX* ctx = EVP_MD_CTX_new();
    ~Context() { EVP_MD_CTX_free(ctx); }
  };
  thread_local Context context;
  std::array<std::uint8_t, N> out{};
  unsigned int size = 0;
  BONGSU_CHECK(EVP_DigestInit_ex2(context.ctx, md, nullptr) == 1);
  BONGSU_CHECK(EVP_DigestUpdate(context.ctx, data.data(), data.size()) == 1);
  BONGSU_CHECK(EVP_DigestFinal_ex(context.ctx, out.data(), &size) == 1 && size == N);
  return out;
}

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

Sha256 sha256(std::string_view data) {
  static const EVP_MD* md = fetched("SHA256");
  return digest<32>(md, data);
}

Sha1 sha1(std::string_view data) {
  static const EVP_MD* md = fetched("SHA1");
  return digest<20>(md, data);
}

std::uint64_t hash64(std::string_view data, std::uint64_t seed) {
  constexpr std::uint64_t k0 = 0xa0761d6478bd642f, k1 = 0xe7037ed1a0b428db, k2 = 0x8ebc6af09c88c6e3;
  std::uint64_t h = seed ^ k0 ^ data.size();
  const char* p = data.data();
  std::size_t left = data.size();
  while (left >= 16) {
    std::uint64_t a, b;
    std::memcpy(&a, p, 8);
    std::memcpy(&b, p + 8, 8);
    h = mix(a ^ k1, b ^ h);
    p += 16;
    left -= 16;
  }
  std::uint64_t a = 0, b = 0;
  if (left > 8) {
    std::memcpy(&a, p, 8);
    std::memcpy(&b, p + 8, left - 8);
  } else if (left > 0) {
    std::memcpy(&a, p, left);
  }
  h = mix(a ^ k1, b ^ h);
  return mix(h ^ k2, data.size() ^ k1);
}

}  // namespace bongsu
