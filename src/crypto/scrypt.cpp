#include "crypto/scrypt.h"

#include <openssl/err.h>
#include <openssl/evp.h>

namespace bongsu::crypto {

Result<std::string> scrypt(std::string_view password, std::string_view salt, const ScryptCost& cost,
                           std::size_t length) {
  if (cost.log2_n < 1 || cost.log2_n > 20 || cost.r < 1 || cost.r > 64 || cost.p < 1 || cost.p > kScryptMaxP)
    return fail(ErrorCode::kInvalid, "the scrypt cost is out of range");
  const std::uint64_t n = std::uint64_t{1} << cost.log2_n;
  // RFC 7914 §5: V takes 128·N·r bytes, B 128·r·p, and OpenSSL adds a block of scratch.
  const std::uint64_t memory = 128 * n * cost.r + 128ull * cost.r * cost.p + 4096ull * cost.r;
  if (memory > kScryptMaxMemory) return fail(ErrorCode::kInvalid, "the scrypt cost is out of range");
  std::string out(length, '\0');
  if (EVP_PBE_scrypt(password.data(), password.size(), reinterpret_cast<const unsigned char*>(salt.data()), salt.size(),
                     n, cost.r, cost.p, memory, reinterpret_cast<unsigned char*>(out.data()), out.size()) != 1) {
    ERR_clear_error();
    return fail(ErrorCode::kInternal, "scrypt failed: not enough memory");
  }
  return out;
}

}  // namespace bongsu::crypto
