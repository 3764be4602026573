#include "crypto/gcm.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <climits>
#include <memory>

namespace bongsu::crypto {
namespace {

struct CipherContext {
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  CipherContext() = default;
  CipherContext(const CipherContext&) = delete;
  CipherContext& operator=(const CipherContext&) = delete;
  ~CipherContext() { EVP_CIPHER_CTX_free(context); }
};

// Fetched once: a fetch by name for every payload costs more than sealing a kilobyte.
const EVP_CIPHER* aes_256_gcm() {
  static const std::unique_ptr<EVP_CIPHER, void (*)(EVP_CIPHER*)> cipher(
      EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr), EVP_CIPHER_free);
  return cipher.get();
}

// One context a thread and direction; the cipher is set the first time only.
EVP_CIPHER_CTX* thread_context(bool sealing) {
  thread_local CipherContext seal_context;
  thread_local CipherContext open_context;
  EVP_CIPHER_CTX* context = sealing ? seal_context.context : open_context.context;
  BONGSU_CHECK(context != nullptr);
  if (EVP_CIPHER_CTX_get0_cipher(context) == nullptr) {
    BONGSU_CHECK(aes_256_gcm() != nullptr);
    BONGSU_CHECK(EVP_CipherInit_ex2(context, aes_256_gcm(), nullptr, nullptr, sealing ? 1 : 0, nullptr) == 1);
  }
  return context;
}

// A thread's context outlives the payload: its key schedule is overwritten with that of a key without meaning.
void forget_key(EVP_CIPHER_CTX* context) {
  static constexpr Key256 kNoKey{};
  EVP_CipherInit_ex2(context, nullptr, kNoKey.data(), nullptr, -1, nullptr);
}

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

// EVP counts in int; longer inputs go in pieces.
constexpr std::size_t kPiece = std::size_t{1} << 30;

bool update(EVP_CIPHER_CTX* context, unsigned char* out, std::string_view in) {
  while (!in.empty()) {
    const std::string_view piece = in.substr(0, kPiece);
    int written = 0;
    if (EVP_CipherUpdate(context, out, &written, bytes_of(piece), static_cast<int>(piece.size())) != 1) return false;
    if (out != nullptr) out += written;
    in.remove_prefix(piece.size());
  }
  return true;
}

}  // namespace

std::string gcm_seal(const Key256& key, const Nonce96& nonce, std::string_view plaintext, std::string_view context) {
  EVP_CIPHER_CTX* ctx = thread_context(true);
  std::string sealed(plaintext.size() + kGcmTagBytes, '\0');
  auto* out = reinterpret_cast<unsigned char*>(sealed.data());
  unsigned char none[kGcmTagBytes];
  int written = 0;
  const bool ok = EVP_CipherInit_ex2(ctx, nullptr, key.data(), nonce.data(), 1, nullptr) == 1 &&
                  update(ctx, nullptr, context) && update(ctx, out, plaintext) &&
                  EVP_CipherFinal_ex(ctx, none, &written) == 1 &&
                  EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, kGcmTagBytes, out + plaintext.size()) == 1;
  forget_key(ctx);
  BONGSU_CHECK(ok);  // with a cipher at hand, sealing fails for no input
  return sealed;
}

Result<std::string> gcm_open(const Key256& key, const Nonce96& nonce, std::string_view sealed,
                             std::string_view context) {
  if (sealed.size() < kGcmTagBytes) return fail(ErrorCode::kCorrupt, "the sealed data is shorter than its tag");
  const std::string_view ciphertext = sealed.substr(0, sealed.size() - kGcmTagBytes);
  std::array<unsigned char, kGcmTagBytes> tag;
  std::copy_n(sealed.end() - kGcmTagBytes, kGcmTagBytes, tag.begin());

  EVP_CIPHER_CTX* ctx = thread_context(false);
  std::string plaintext(ciphertext.size(), '\0');
  unsigned char none[kGcmTagBytes];
  int written = 0;
  const bool ok = EVP_CipherInit_ex2(ctx, nullptr, key.data(), nonce.data(), 0, nullptr) == 1 &&
                  update(ctx, nullptr, context) &&
                  update(ctx, reinterpret_cast<unsigned char*>(plaintext.data()), ciphertext) &&
                  EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, kGcmTagBytes, tag.data()) == 1 &&
                  EVP_CipherFinal_ex(ctx, none, &written) == 1;
  forget_key(ctx);
  if (!ok) {
    OPENSSL_cleanse(plaintext.data(), plaintext.size());
    return fail(ErrorCode::kCorrupt, "the sealed data does not fit its key and context");
  }
  return plaintext;
}

std::string gcm_seal_with_nonce(const Key256& key, std::string_view plaintext, std::string_view context,
                                Random& random) {
  Nonce96 nonce;
  random.fill(nonce);
  return std::string(reinterpret_cast<const char*>(nonce.data()), nonce.size()) +
         gcm_seal(key, nonce, plaintext, context);
}

Result<std::string> gcm_open_with_nonce(const Key256& key, std::string_view sealed, std::string_view context) {
  Nonce96 nonce;
  if (sealed.size() < nonce.size()) return fail(ErrorCode::kCorrupt, "the sealed data is shorter than its nonce");
  std::copy_n(sealed.begin(), nonce.size(), nonce.begin());
  return gcm_open(key, nonce, sealed.substr(nonce.size()), context);
}

}  // namespace bongsu::crypto
