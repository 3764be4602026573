#include "node/key_protection.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/bytes.h"

namespace bongsu::node {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxSecretBytes = 4096;

fs::path lock_file(const fs::path& keys_dir) { return keys_dir / "lock"; }

// Secrets in files end with the line that editors put there.
Result<std::string> secret_in(const fs::path& file) {
  struct stat info{};
  if (::stat(file.c_str(), &info) != 0)
    return fail(ErrorCode::kNotFound, std::string("cannot be read: ") + std::strerror(errno),
                {.source = file.string()});
  if ((info.st_mode & 077) != 0)
    return fail(ErrorCode::kDenied, "a secret is open to other users; run: chmod 600 " + file.string(),
                {.source = file.string()});
  BONGSU_TRY(std::string secret, read_small_file(file, kMaxSecretBytes));
  while (secret.ends_with('\n') || secret.ends_with('\r')) secret.pop_back();
  return secret;
}

// Asks the person at the controlling terminal, without showing what is typed.
Result<std::string> ask_person(std::string_view what) {
  const int tty = ::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (tty < 0 || ::isatty(STDIN_FILENO) == 0) {
    if (tty >= 0) ::close(tty);
    return fail(ErrorCode::kUnavailable,
                fmt::format("the node's keys are locked, and there is no {} (keys.passphrase_file, keys.pin_file or a "
                            "credential) and nobody to ask",
                            what));
  }
  termios before{};
  const bool quiet = ::tcgetattr(tty, &before) == 0;
  if (quiet) {
    termios silent = before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(tty, TCSAFLUSH, &silent);
  }
  const std::string prompt = fmt::format("{} for the node's keys: ", what);
  [[maybe_unused]] ssize_t written = ::write(tty, prompt.data(), prompt.size());
  std::string typed;
  typed.reserve(crypto::kMaxPassphraseBytes);
  char c = 0;
  while (typed.size() < crypto::kMaxPassphraseBytes && ::read(tty, &c, 1) == 1 && c != '\n') typed += c;
  if (quiet) ::tcsetattr(tty, TCSAFLUSH, &before);
  written = ::write(tty, "\n", 1);
  ::close(tty);
  if (typed.empty()) return fail(ErrorCode::kUnavailable, fmt::format("no {} was given", what));
  return typed;
}

Result<std::string> secret_of(const std::string& configured, std::string_view credential, std::string_view what) {
  if (!configured.empty()) return secret_in(configured);
  if (const char* directory = std::getenv("CREDENTIALS_DIRECTORY"); directory != nullptr) {
    const fs::path file = fs::path(directory) / credential;
    std::error_code ec;
    if (fs::exists(file, ec)) return secret_in(file);
  }
  return ask_person(what);
}

Result<std::shared_ptr<crypto::Pkcs11Token>> open_token(const NodeConfig& config) {
  if (config.keys_pkcs11_module.empty() || config.keys_pkcs11_token.empty())
    return fail(ErrorCode::kInvalid, "a token needs keys.pkcs11_module and keys.pkcs11_token in bongsu.toml",
                {.field = "keys"});
  BONGSU_TRY(std::string pin, secret_of(config.keys_pin_file, "bongsu-pin", "PIN"));
  auto token =
      crypto::Pkcs11Token::open({.module = config.keys_pkcs11_module, .token = config.keys_pkcs11_token, .pin = pin});
  crypto::wipe(pin);
  return token;
}

Result<std::shared_ptr<UnlockedKeys>> open_lock(const crypto::KeyLock& lock, const NodeConfig& config) {
  auto out = std::make_shared<UnlockedKeys>();
  if (lock.by == crypto::KeyLock::By::kToken) {
    BONGSU_TRY(out->token, open_token(config));
    BONGSU_TRY(out->lock_key, out->token->unwrap(lock.wrapped));
    return out;
  }
  BONGSU_TRY(std::string passphrase, secret_of(config.keys_passphrase_file, "bongsu-passphrase", "passphrase"));
  auto key = lock.open_with_passphrase(passphrase);
  crypto::wipe(passphrase);
  if (!key) return std::unexpected(key.error());
  out->lock_key = *key;
  return out;
}

// Files that are a private key or a secret and nothing else; tls.pem has a certificate in front. Secrets agreed with
// members are named as "agreed/cert-ua".
std::vector<std::string> whole_files(const fs::path& keys_dir) {
  std::vector<std::string> out{"ca.key", "signing.key", "master.key"};
  std::error_code ec;
  for (const auto& file : fs::directory_iterator(keys_dir / "agreed", ec))
    if (file.is_regular_file(ec)) out.push_back("agreed/" + file.path().filename().string());
  return out;
}

// Replaces a file and overwrites what it held, as far as the file system lets one.
Result<void> replace_secret(const fs::path& file, std::string_view content) {
  const int old = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
  struct stat info{};
  const bool known = old >= 0 && ::fstat(old, &info) == 0;
  const auto written = write_file_atomically(file, content);
  if (written && known && info.st_nlink <= 1) {
    const std::string zeros(static_cast<std::size_t>(info.st_size), '\0');
    if (::pwrite(old, zeros.data(), zeros.size(), 0) >= 0) ::fsync(old);
  }
  if (old >= 0) ::close(old);
  return written;
}

}  // namespace

Result<std::optional<crypto::KeyLock>> read_lock(const fs::path& keys_dir) {
  std::error_code ec;
  if (!fs::exists(lock_file(keys_dir), ec)) return std::nullopt;
  BONGSU_TRY(const std::string text, read_small_file(lock_file(keys_dir), crypto::kMaxLockBytes));
  return crypto::KeyLock::parse(text);
}

Result<std::shared_ptr<UnlockedKeys>> unlock_keys(const fs::path& keys_dir, const NodeConfig& config) {
  BONGSU_TRY(const auto lock, read_lock(keys_dir));
  return lock ? open_lock(*lock, config) : nullptr;
}

Result<ProtectReport> protect_keys(const DataDir& directory, const NodeConfig& config, const ProtectOptions& options,
                                   Random& random) {
  const fs::path keys = directory.keys_dir();
  ProtectReport report;
  std::shared_ptr<UnlockedKeys> unlocked;
  BONGSU_TRY(const auto locked, read_lock(keys));
  if (locked) {
    if ((locked->by == crypto::KeyLock::By::kToken) != (options.by == ProtectOptions::By::kToken))
      return fail(ErrorCode::kConflict, "the keys are locked in another way; run `bongsu keys unprotect` first");
    BONGSU_TRY(unlocked, open_lock(*locked, config));
  } else {
    unlocked = std::make_shared<UnlockedKeys>();
    unlocked->lock_key = crypto::fresh_key(random);
    crypto::KeyLock lock;
    if (options.by == ProtectOptions::By::kToken) {
      lock.by = crypto::KeyLock::By::kToken;
      BONGSU_TRY(unlocked->token, open_token(config));
      BONGSU_TRY_VOID(unlocked->token->make_lock());
      BONGSU_TRY(lock.wrapped, unlocked->token->wrap(unlocked->lock_key, random));
    } else {
      BONGSU_TRY(std::string passphrase, secret_of(config.keys_passphrase_file, "bongsu-passphrase", "passphrase"));
      auto made = crypto::KeyLock::with_passphrase(passphrase, unlocked->lock_key, random);
      crypto::wipe(passphrase);
      if (!made) return std::unexpected(made.error());
      lock = std::move(*made);
    }
    BONGSU_TRY_VOID(write_file_atomically(lock_file(keys), lock.text()));
  }

  if (unlocked->token && options.signing_in_token) {
    BONGSU_TRY(std::string text, read_small_file(keys / "signing.key"));
    if (text == kSigningInToken) {
      report.signing_in_token = true;
    } else if (!unlocked->token->can_sign()) {
      report.note =
          "the token does not do Ed25519 (CKM_EDDSA): the signing key stays a file, encrypted under the token's lock";
    } else {
      crypto::SigningKey signing{.private_key_pem = std::move(text)};
      if (crypto::is_protected_key(signing.private_key_pem)) {
        BONGSU_TRY(signing.private_key_pem,
                   crypto::unprotect_key(unlocked->lock_key, "signing.key", signing.private_key_pem));
      }
      BONGSU_TRY(const std::string hex, read_small_file(keys / "signing.pub"));
      BONGSU_TRY(signing.public_key, from_hex(std::string_view(hex).substr(0, hex.find('\n'))));
      const auto imported = unlocked->token->import_signing_key(signing);
      crypto::wipe(signing.private_key_pem);
      if (!imported) return std::unexpected(imported.error());
      BONGSU_TRY_VOID(replace_secret(keys / "signing.key", kSigningInToken));
      report.files.emplace_back("signing.key");
      report.signing_in_token = true;
    }
  }
  for (const std::string& name : whole_files(keys)) {
    BONGSU_TRY(std::string text, read_small_file(keys / name));
    if (crypto::is_protected_key(text) || text == kSigningInToken) continue;
    BONGSU_TRY_VOID(replace_secret(keys / name, crypto::protect_key(unlocked->lock_key, name, text, random)));
    crypto::wipe(text);
    report.files.push_back(name);
  }
  BONGSU_TRY(std::string tls, read_small_file(keys / "tls.pem"));
  if (const std::size_t at = tls.find(kPemKey); at != std::string::npos) {
    BONGSU_TRY_VOID(
        replace_secret(keys / "tls.pem",
                       tls.substr(0, at) + crypto::protect_key(unlocked->lock_key, "tls.pem", tls.substr(at), random)));
    report.files.emplace_back("tls.pem");
  }
  crypto::wipe(tls);
  return report;
}

Result<std::vector<std::string>> unprotect_keys(const DataDir& directory, const NodeConfig& config) {
  const fs::path keys = directory.keys_dir();
  std::error_code ec;
  if (!fs::exists(lock_file(keys), ec)) return fail(ErrorCode::kNotFound, "the keys are not locked");
  BONGSU_TRY(const std::string signing, read_small_file(keys / "signing.key"));
  if (signing == kSigningInToken)
    return fail(ErrorCode::kUnsupported,
                "the signing key is in the token, which does not give it out; a node without the token needs a new key "
                "and has to be paired anew");
  BONGSU_TRY(const auto unlocked, unlock_keys(keys, config));
  std::vector<std::string> files;
  for (const std::string& name : whole_files(keys)) {
    BONGSU_TRY(const std::string text, read_small_file(keys / name));
    if (!crypto::is_protected_key(text)) continue;
    BONGSU_TRY(std::string plain, crypto::unprotect_key(unlocked->lock_key, name, text));
    BONGSU_TRY_VOID(write_file_atomically(keys / name, plain));
    crypto::wipe(plain);
    files.push_back(name);
  }
  BONGSU_TRY(const std::string tls, read_small_file(keys / "tls.pem"));
  if (const std::size_t at = tls.find(kEncryptedKey); at != std::string::npos) {
    BONGSU_TRY(std::string plain,
               crypto::unprotect_key(unlocked->lock_key, "tls.pem", std::string_view(tls).substr(at)));
    BONGSU_TRY_VOID(write_file_atomically(keys / "tls.pem", tls.substr(0, at) + plain));
    crypto::wipe(plain);
    files.emplace_back("tls.pem");
  }
  fs::remove(lock_file(keys), ec);  // last: until then everything can be read
  if (ec) return fail(ErrorCode::kIo, ec.message(), {.source = lock_file(keys).string()});
  return files;
}

}  // namespace bongsu::node
