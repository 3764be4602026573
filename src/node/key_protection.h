// A node's private keys under a passphrase or a token: keys/lock says which, and every other private key file is
// encrypted under the key that the lock holds (crypto/key_lock.h).
//
//   [keys]
//   passphrase_file = "/run/credentials/bongsu/passphrase"   # or a credential of systemd named "bongsu-passphrase"
//   pkcs11_module = "/usr/lib/softhsm/libsofthsm2.so"         # with pkcs11_token and pin_file: a token
//
// A passphrase comes from keys.passphrase_file, else from the service manager
// ($CREDENTIALS_DIRECTORY/bongsu-passphrase), else from the person at the terminal; never from an argument or an
// environment variable, and it is never logged. A PIN comes from keys.pin_file, $CREDENTIALS_DIRECTORY/bongsu-pin, or
// the terminal.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/random.h"
#include "base/result.h"
#include "crypto/key_lock.h"
#include "crypto/pkcs11.h"
#include "node/config.h"
#include "node/data_dir.h"

namespace bongsu::node {

struct UnlockedKeys {
  crypto::Key256 lock_key{};
  std::shared_ptr<crypto::Pkcs11Token> token;  // null: by a passphrase
  ~UnlockedKeys() { crypto::wipe(lock_key); }
};

// nullopt: the keys are not locked.
Result<std::optional<crypto::KeyLock>> read_lock(const std::filesystem::path& keys_dir);
// nullptr: the keys are not locked. kDenied: another passphrase or PIN; kUnavailable: there is none and nobody to ask.
Result<std::shared_ptr<UnlockedKeys>> unlock_keys(const std::filesystem::path& keys_dir, const NodeConfig& config);

struct ProtectOptions {
  enum class By { kPassphrase, kToken } by = By::kPassphrase;
  bool signing_in_token = true;  // if the token does Ed25519
};
struct ProtectReport {
  std::vector<std::string> files;  // that were encrypted now
  bool signing_in_token = false;
  std::string note;  // what could not be had
};
// Encrypts the keys of a node that is not running; run again after a crash, it goes on where it was. kConflict: they
// are locked in the other way; unprotect first. The old files are overwritten; what the file system or the disk keeps
// of them is out of reach, and so are backups that were made before.
Result<ProtectReport> protect_keys(const DataDir& directory, const NodeConfig& config, const ProtectOptions& options,
                                   Random& random);
// The other way. kUnsupported: the signing key is in a token and cannot be taken out.
Result<std::vector<std::string>> unprotect_keys(const DataDir& directory, const NodeConfig& config);

// How a private key begins in tls.pem, behind the certificate: in clear, and encrypted.
inline constexpr std::string_view kPemKey = "-----BEGIN PRIVATE KEY-----", kEncryptedKey = "bongsu-key:";
// What stands in signing.key when a token has it.
inline constexpr std::string_view kSigningInToken = "bongsu-key:pkcs11\n";

}  // namespace bongsu::node
