// Keys in a PKCS#11 token (OASIS PKCS #11 3.0): the module of the token's maker is loaded, nothing is linked.
//
//   BONGSU_TRY(auto token, Pkcs11Token::open({.module = "/usr/lib/softhsm/libsofthsm2.so", .token = "bongsu", .pin =
//   pin})); BONGSU_TRY_VOID(token->make_lock());                           // an AES-256 key that cannot be taken out
//   BONGSU_TRY(std::string wrapped, token->wrap(lock_key, random));
//   BONGSU_TRY_VOID(token->import_signing_key(key));               // Ed25519
//   key.token = token->signer(key.public_key);
//
// What a token has to be able to do: CKM_AES_KEY_GEN and CKM_AES_GCM for the lock; CKM_EDDSA over edwards25519 for
// signatures (SoftHSM 2.6 does both). A token without CKM_EDDSA can still lock the keys; the signing key then stays a
// file under that lock. TLS keys and prekeys are always files under the lock: they change too often.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "crypto/keys.h"
#include "crypto/secret.h"

namespace bongsu::crypto {

struct Pkcs11Options {
  std::string module;  // path of the shared library
  std::string token;   // its label
  std::string pin;
};

// Safe from any thread: one session, one call at a time. The module stays loaded until the process ends, and a process
// that is logged in already is not asked for the PIN again.
class Pkcs11Token : public std::enable_shared_from_this<Pkcs11Token> {
 public:
  // kNotFound: no such module or token; kDenied: the PIN is not right; kUnsupported: the module does not do AES-GCM.
  static Result<std::shared_ptr<Pkcs11Token>> open(const Pkcs11Options& options);
  ~Pkcs11Token();
  Pkcs11Token(const Pkcs11Token&) = delete;
  Pkcs11Token& operator=(const Pkcs11Token&) = delete;

  Result<void> make_lock();                                     // nothing to do when it is there
  Result<std::string> wrap(const Key256& key, Random& random);  // as wrap_key()
  Result<Key256> unwrap(std::string_view wrapped);              // kDenied: not wrapped by this token

  bool can_sign() const;  // CKM_EDDSA
  // Puts an Ed25519 key into the token, not to be taken out any more, in the place of one that is there. kUnsupported:
  // the token does not do Ed25519. The private key is checked by a signature before this returns.
  Result<void> import_signing_key(const SigningKey& key);
  // kNotFound: the token has no such key. Signs for this public key; a key that gives another signature is refused.
  Result<std::shared_ptr<const Signer>> signer(std::string_view public_key);

 private:
  Result<void> remove_signing_key();
  struct Impl;
  explicit Pkcs11Token(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bongsu::crypto
