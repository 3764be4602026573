#include "crypto/pkcs11.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <p11-kit/pkcs11.h>

#include <algorithm>
#include <array>
#include <functional>
#include <mutex>
#include <vector>

#include "crypto/gcm.h"
#include "crypto/openssl_types.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/lsan_interface.h>
#define BONGSU_LEAKS_ARE_FOUND 1
#endif
#endif

namespace bongsu::crypto {
namespace {

// SoftHSM 2.6 loses an ASN.1 string with each C_SignInit. What a token's module allocates while one of these lives is
// not looked for by the leak sanitizer.
struct ForeignLeaks {
#ifdef BONGSU_LEAKS_ARE_FOUND
  ForeignLeaks() { __lsan_disable(); }
  ~ForeignLeaks() { __lsan_enable(); }
  ForeignLeaks(const ForeignLeaks&) = delete;
  ForeignLeaks& operator=(const ForeignLeaks&) = delete;
#endif
};

constexpr std::string_view kLockLabel = "bongsu-lock", kSigningLabel = "bongsu-signing";
constexpr CK_ULONG kMostSlots = 64;
// PKCS #11 3.0 §2.3.5: the curve by its name, DER PrintableString "edwards25519".
constexpr std::string_view kEdwards25519(
    "\x13\x0c"
    "edwards25519",
    14);

std::unexpected<Error> refused(std::string_view what, CK_RV code) {
  if (code == CKR_PIN_INCORRECT || code == CKR_PIN_INVALID || code == CKR_PIN_LEN_RANGE)
    return fail(ErrorCode::kDenied, "the token refuses the PIN");
  if (code == CKR_PIN_LOCKED) return fail(ErrorCode::kDenied, "the token's PIN is locked");
  if (code == CKR_MECHANISM_INVALID)
    return fail(ErrorCode::kUnsupported, fmt::format("{}: the token does not do that", what));
  return fail(ErrorCode::kUnavailable, fmt::format("{}: the token answers 0x{:x}", what, code));
}

std::string_view trimmed(const unsigned char* text, std::size_t size) {
  std::string_view out(reinterpret_cast<const char*>(text), size);
  while (out.ends_with(' ') || out.ends_with('\0')) out.remove_suffix(1);
  return out;
}

CK_ATTRIBUTE attribute(CK_ATTRIBUTE_TYPE type, std::string_view value) {
  return {type, const_cast<char*>(value.data()), value.size()};
}
template <class T>
CK_ATTRIBUTE attribute(CK_ATTRIBUTE_TYPE type, T& value) {
  return {type, &value, sizeof value};
}

CK_BBOOL kYes = CK_TRUE, kNo = CK_FALSE;

Result<std::string> raw_private_key(const SigningKey& key) {
  BioPtr bio = text_bio(key.private_key_pem);
  PkeyPtr pkey(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  std::string raw(32, '\0');
  std::size_t size = raw.size();
  const bool ok = pkey && EVP_PKEY_get_base_id(pkey.get()) == EVP_PKEY_ED25519 &&
                  EVP_PKEY_get_raw_private_key(pkey.get(), reinterpret_cast<unsigned char*>(raw.data()), &size) == 1;
  ERR_clear_error();
  if (!ok || size != 32) return fail(ErrorCode::kInvalid, "not an Ed25519 private key");
  return raw;
}

}  // namespace

struct Pkcs11Token::Impl {
  CK_FUNCTION_LIST* f = nullptr;
  CK_SLOT_ID slot = 0;
  CK_SESSION_HANDLE session = 0;
  bool open = false;
  std::mutex mutex;

  // The module stays loaded and initialized: it is one for the whole process, and another token may be open. Closing
  // the last session logs out (PKCS #11 3.0 §5.6.4).
  ~Impl() {
    if (open) f->C_CloseSession(session);
  }

  bool has(CK_MECHANISM_TYPE mechanism) const {
    CK_MECHANISM_INFO info{};
    return f->C_GetMechanismInfo(slot, mechanism, &info) == CKR_OK;
  }

  // 0: no such object.
  Result<CK_OBJECT_HANDLE> find(CK_OBJECT_CLASS kind, std::string_view label) {
    CK_ATTRIBUTE wanted[] = {attribute(CKA_CLASS, kind), attribute(CKA_LABEL, label), attribute(CKA_TOKEN, kYes)};
    if (const CK_RV rv = f->C_FindObjectsInit(session, wanted, std::size(wanted)); rv != CKR_OK)
      return refused("looking for a key", rv);
    std::array<CK_OBJECT_HANDLE, 2> found{};
    CK_ULONG count = 0;
    const CK_RV rv = f->C_FindObjects(session, found.data(), found.size(), &count);
    f->C_FindObjectsFinal(session);
    if (rv != CKR_OK) return refused("looking for a key", rv);
    if (count > 1) return fail(ErrorCode::kConflict, fmt::format("the token has two keys with the label {}", label));
    return count == 0 ? 0 : found[0];
  }

  Result<std::string> sign(CK_OBJECT_HANDLE key, std::string_view message) {
    [[maybe_unused]] const ForeignLeaks leaks{};
    CK_MECHANISM mechanism{CKM_EDDSA, nullptr, 0};
    if (const CK_RV rv = f->C_SignInit(session, &mechanism, key); rv != CKR_OK) return refused("signing", rv);
    std::string signature(64, '\0');
    CK_ULONG size = signature.size();
    const CK_RV rv = f->C_Sign(session, reinterpret_cast<CK_BYTE*>(const_cast<char*>(message.data())), message.size(),
                               reinterpret_cast<CK_BYTE*>(signature.data()), &size);
    if (rv != CKR_OK) return refused("signing", rv);
    if (size != signature.size()) return fail(ErrorCode::kUnsupported, "the token's signature is none of Ed25519's");
    return signature;
  }

  // AES-GCM inside of the token.
  Result<std::string> gcm(CK_OBJECT_HANDLE key, std::string nonce, std::string_view in, bool encrypt) {
    CK_GCM_PARAMS parameters{};
    parameters.iv_ptr = reinterpret_cast<unsigned char*>(nonce.data());
    parameters.iv_len = nonce.size();
    parameters.iv_bits = nonce.size() * 8;
    parameters.tag_bits = kGcmTagBytes * 8;
    CK_MECHANISM mechanism{CKM_AES_GCM, &parameters, sizeof parameters};
    CK_RV rv = encrypt ? f->C_EncryptInit(session, &mechanism, key) : f->C_DecryptInit(session, &mechanism, key);
    if (rv != CKR_OK) return refused("the token's lock", rv);
    std::string out(in.size() + kGcmTagBytes, '\0');
    CK_ULONG size = out.size();
    auto* from = reinterpret_cast<CK_BYTE*>(const_cast<char*>(in.data()));
    auto* to = reinterpret_cast<CK_BYTE*>(out.data());
    rv =
        encrypt ? f->C_Encrypt(session, from, in.size(), to, &size) : f->C_Decrypt(session, from, in.size(), to, &size);
    if (rv != CKR_OK) {
      if (encrypt) return refused("the token's lock", rv);
      return fail(ErrorCode::kDenied, "the keys were not locked by this token");
    }
    out.resize(size);
    return out;
  }
};

namespace {

class TokenSigner final : public Signer {
 public:
  using Sign = std::function<Result<std::string>(std::string_view)>;
  explicit TokenSigner(Sign sign) : sign_(std::move(sign)) {}
  Result<std::string> sign(std::string_view message) const override { return sign_(message); }

 private:
  Sign sign_;
};

}  // namespace

Pkcs11Token::Pkcs11Token(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Pkcs11Token::~Pkcs11Token() = default;

Result<std::shared_ptr<Pkcs11Token>> Pkcs11Token::open(const Pkcs11Options& options) {
  auto impl = std::make_unique<Impl>();
  if (!options.module.starts_with('/'))
    return fail(ErrorCode::kInvalid, "a PKCS#11 module is named by its whole path", {.source = options.module});
  void* const library = ::dlopen(options.module.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* why = ::dlerror();
    return fail(ErrorCode::kNotFound, fmt::format("the PKCS#11 module cannot be loaded: {}", why ? why : "?"),
                {.source = options.module});
  }
  const auto list = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library, "C_GetFunctionList"));
  if (list == nullptr || list(&impl->f) != CKR_OK || impl->f == nullptr)
    return fail(ErrorCode::kInvalid, "is no PKCS#11 module", {.source = options.module});
  CK_C_INITIALIZE_ARGS arguments{};
  arguments.flags = CKF_OS_LOCKING_OK;
  const CK_RV begun = impl->f->C_Initialize(&arguments);
  if (begun != CKR_OK && begun != CKR_CRYPTOKI_ALREADY_INITIALIZED)
    return refused("starting the PKCS#11 module", begun);

  std::vector<CK_SLOT_ID> slots(kMostSlots);
  CK_ULONG count = kMostSlots;
  if (const CK_RV rv = impl->f->C_GetSlotList(CK_TRUE, slots.data(), &count); rv != CKR_OK)
    return refused("looking for tokens", rv);
  slots.resize(std::min(count, kMostSlots));
  const auto slot = std::find_if(slots.begin(), slots.end(), [&](CK_SLOT_ID id) {
    CK_TOKEN_INFO info{};
    return impl->f->C_GetTokenInfo(id, &info) == CKR_OK && trimmed(info.label, sizeof info.label) == options.token;
  });
  if (slot == slots.end())
    return fail(ErrorCode::kNotFound, fmt::format("there is no token with the label \"{}\"", options.token),
                {.source = options.module});
  impl->slot = *slot;
  if (!impl->has(CKM_AES_GCM))
    return fail(ErrorCode::kUnsupported, "the token does not do AES-GCM, which locks the keys");
  if (const CK_RV rv =
          impl->f->C_OpenSession(impl->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr, &impl->session);
      rv != CKR_OK)
    return refused("opening the token", rv);
  impl->open = true;
  std::string pin = options.pin;
  const CK_RV in = impl->f->C_Login(impl->session, CKU_USER, reinterpret_cast<CK_UTF8CHAR*>(pin.data()), pin.size());
  wipe(pin);
  if (in != CKR_OK && in != CKR_USER_ALREADY_LOGGED_IN) return refused("logging in to the token", in);
  return std::shared_ptr<Pkcs11Token>(new Pkcs11Token(std::move(impl)));
}

Result<void> Pkcs11Token::make_lock() {
  const std::lock_guard lock(impl_->mutex);
  BONGSU_TRY(const CK_OBJECT_HANDLE there, impl_->find(CKO_SECRET_KEY, kLockLabel));
  if (there != 0) return {};
  CK_OBJECT_CLASS kind = CKO_SECRET_KEY;
  CK_KEY_TYPE type = CKK_AES;
  CK_ULONG size = 32;
  CK_ATTRIBUTE wanted[] = {attribute(CKA_CLASS, kind),     attribute(CKA_KEY_TYPE, type),
                           attribute(CKA_VALUE_LEN, size), attribute(CKA_LABEL, kLockLabel),
                           attribute(CKA_TOKEN, kYes),     attribute(CKA_PRIVATE, kYes),
                           attribute(CKA_SENSITIVE, kYes), attribute(CKA_EXTRACTABLE, kNo),
                           attribute(CKA_ENCRYPT, kYes),   attribute(CKA_DECRYPT, kYes)};
  CK_MECHANISM mechanism{CKM_AES_KEY_GEN, nullptr, 0};
  CK_OBJECT_HANDLE made = 0;
  const CK_RV rv = impl_->f->C_GenerateKey(impl_->session, &mechanism, wanted, std::size(wanted), &made);
  if (rv != CKR_OK) return refused("making the token's lock", rv);
  return {};
}

Result<std::string> Pkcs11Token::wrap(const Key256& key, Random& random) {
  const std::lock_guard lock(impl_->mutex);
  BONGSU_TRY(const CK_OBJECT_HANDLE handle, impl_->find(CKO_SECRET_KEY, kLockLabel));
  if (handle == 0) return fail(ErrorCode::kNotFound, "the token has no lock for a node's keys");
  std::string nonce(kNonceBytes, '\0');
  random.fill({reinterpret_cast<std::uint8_t*>(nonce.data()), nonce.size()});
  BONGSU_TRY(const std::string sealed,
             impl_->gcm(handle, nonce, {reinterpret_cast<const char*>(key.data()), key.size()}, true));
  if (nonce.size() + sealed.size() != kWrappedKeyBytes)
    return fail(ErrorCode::kUnsupported, "the token's AES-GCM has another form");
  return nonce + sealed;
}

Result<Key256> Pkcs11Token::unwrap(std::string_view wrapped) {
  if (wrapped.size() != kWrappedKeyBytes) return fail(ErrorCode::kCorrupt, "a locked key has another length");
  const std::lock_guard lock(impl_->mutex);
  BONGSU_TRY(const CK_OBJECT_HANDLE handle, impl_->find(CKO_SECRET_KEY, kLockLabel));
  if (handle == 0) return fail(ErrorCode::kNotFound, "the token has no lock for a node's keys");
  BONGSU_TRY(std::string opened,
             impl_->gcm(handle, std::string(wrapped.substr(0, kNonceBytes)), wrapped.substr(kNonceBytes), false));
  if (opened.size() != 32) return fail(ErrorCode::kDenied, "the keys were not locked by this token");
  return take_key(opened);
}

bool Pkcs11Token::can_sign() const { return impl_->has(CKM_EDDSA); }

Result<void> Pkcs11Token::remove_signing_key() {
  const std::lock_guard lock(impl_->mutex);
  BONGSU_TRY(const CK_OBJECT_HANDLE there, impl_->find(CKO_PRIVATE_KEY, kSigningLabel));
  if (there == 0) return {};
  if (const CK_RV rv = impl_->f->C_DestroyObject(impl_->session, there); rv != CKR_OK)
    return refused("removing a key from the token", rv);
  return {};
}

Result<void> Pkcs11Token::import_signing_key(const SigningKey& key) {
  if (!can_sign()) return fail(ErrorCode::kUnsupported, "the token does not do Ed25519 (CKM_EDDSA)");
  BONGSU_TRY(std::string raw, raw_private_key(key));
  BONGSU_TRY_VOID(remove_signing_key());
  {
    const std::lock_guard lock(impl_->mutex);
    CK_OBJECT_CLASS kind = CKO_PRIVATE_KEY;
    CK_KEY_TYPE type = CKK_EC_EDWARDS;
    CK_ATTRIBUTE wanted[] = {attribute(CKA_CLASS, kind),
                             attribute(CKA_KEY_TYPE, type),
                             attribute(CKA_LABEL, kSigningLabel),
                             attribute(CKA_ID, std::string_view("\x01", 1)),
                             attribute(CKA_TOKEN, kYes),
                             attribute(CKA_PRIVATE, kYes),
                             attribute(CKA_SENSITIVE, kYes),
                             attribute(CKA_EXTRACTABLE, kNo),
                             attribute(CKA_SIGN, kYes),
                             attribute(CKA_EC_PARAMS, kEdwards25519),
                             attribute(CKA_VALUE, std::string_view(raw))};
    CK_OBJECT_HANDLE made = 0;
    const CK_RV rv = impl_->f->C_CreateObject(impl_->session, wanted, std::size(wanted), &made);
    wipe(raw);
    if (rv != CKR_OK) return refused("putting a key into the token", rv);
  }
  auto tried = signer(key.public_key);
  if (!tried) {
    (void)remove_signing_key();
    return std::unexpected(tried.error());
  }
  return {};
}

Result<std::shared_ptr<const Signer>> Pkcs11Token::signer(std::string_view public_key) {
  CK_OBJECT_HANDLE handle = 0;
  {
    const std::lock_guard lock(impl_->mutex);
    BONGSU_TRY(handle, impl_->find(CKO_PRIVATE_KEY, kSigningLabel));
  }
  if (handle == 0) return fail(ErrorCode::kNotFound, "the token has no signing key of a node");
  const auto sign = [token = shared_from_this(), handle](std::string_view message) {
    const std::lock_guard lock(token->impl_->mutex);
    return token->impl_->sign(handle, message);
  };
  constexpr std::string_view kTrial = "bongsu/token trial/v1\n";
  BONGSU_TRY(const std::string signature, sign(kTrial));
  if (!verify(public_key, kTrial, signature))
    return fail(ErrorCode::kConflict, "the token's signing key is another one than this node's");
  return std::make_shared<const TokenSigner>(sign);
}

}  // namespace bongsu::crypto
