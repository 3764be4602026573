#include "node/data_dir.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/toml_text.h"
#include "identity/members.h"
#include "node/key_protection.h"

namespace bongsu::node {
namespace {

namespace fs = std::filesystem;
constexpr std::chrono::seconds kCaLifetime = std::chrono::hours{24 * 3653};

std::string system_text(int error) { return std::strerror(error); }

Result<void> make_private_directory(const fs::path& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return fail(ErrorCode::kIo, "cannot be made: " + system_text(errno), {.source = path.string()});
  if (::chmod(path.c_str(), 0700) != 0) return fail(ErrorCode::kIo, system_text(errno), {.source = path.string()});
  return {};
}

Result<std::string> read_key(const fs::path& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) return fail(ErrorCode::kNotFound, "key cannot be read: " + system_text(errno), {.source = file.string()});
  if ((info.st_mode & 077) != 0)
    return fail(ErrorCode::kDenied, "key is open to other users; run: chmod 600 " + file.string(), {.source = file.string()});
  return read_small_file(file);
}

}  // namespace

bool DataDir::exists() const { return fs::exists(config_file()); }

Result<void> DataDir::init(const InitOptions& options, const Clock& clock, Random& random) const {
  if (!identity::is_member_id(options.member))
    return fail(ErrorCode::kInvalid, "a member's short name is made of a-z, 0-9 and '-', and begins with a letter or digit", {.field = "--member"});
  if (exists()) return fail(ErrorCode::kConflict, "a node is there already", {.source = root_.string()});
  std::error_code ec;
  if (root_.has_parent_path()) fs::create_directories(root_.parent_path(), ec);
  BONGSU_TRY_VOID(make_private_directory(root_));
  BONGSU_TRY_VOID(make_private_directory(keys_dir()));

  NodeConfig config;
  config.member = options.member;
  if (!options.names.empty()) config.names = options.names;
  BONGSU_TRY(const crypto::Identity ca, crypto::make_ca(options.member, kCaLifetime, clock));
  BONGSU_TRY(const crypto::Identity tls, crypto::issue(ca, {.common_name = options.member, .names = config.names}, clock));
  BONGSU_TRY(const crypto::SigningKey signing, crypto::make_signing_key());
  const crypto::Key256 master = crypto::fresh_key(random);
  BONGSU_TRY_VOID(write_file_atomically(keys_dir() / "ca.pem", ca.certificate_pem));
  BONGSU_TRY_VOID(write_file_atomically(keys_dir() / "ca.key", ca.private_key_pem));
  BONGSU_TRY_VOID(write_file_atomically(keys_dir() / "tls.pem", tls.certificate_pem + tls.private_key_pem));
  BONGSU_TRY_VOID(write_file_atomically(keys_dir() / "signing.key", signing.private_key_pem));
  BONGSU_TRY_VOID(write_file_atomically(keys_dir() / "signing.pub", to_hex(as_bytes(signing.public_key)) + "\n"));
  BONGSU_TRY_VOID(write_file_atomically(keys_dir() / "master.key", to_hex(master) + "\n"));

  std::string names;
  for (const auto& name : config.names) names += (names.empty() ? "" : ", ") + toml_quoted(name);
  const auto listen = [&](int nth) { return fmt::format("\"127.0.0.1:{}\"", options.base_port == 0 ? 0 : options.base_port + nth); };
  std::string toml = fmt::format(
      "# Configuration of a Bongsu node. `bongsu config --explain` lists every key with its meaning.\n\n"
      "[node]\nmember = {}\ntitle = {}\ncountry = {}\nnames = [{}]\n\n"
      "[taxii]\nlisten = {}\n\n[link]\nlisten = {}\n\n[console]\nlisten = {}\n\n[ops]\nlisten = {}\n\n"
      "# Logs to watch, one table each:\n# [[telemetry]]\n# path = \"/var/log/zeek/current\"\n",
      toml_quoted(options.member), toml_quoted(options.title.empty() ? options.member : options.title), toml_quoted(options.country), names, listen(0), listen(1),
      listen(2), listen(3));
  // The configuration is written last: a directory without it is no node, and init can be run again.
  return write_file_atomically(config_file(), toml);
}

Result<NodeConfig> DataDir::config() const { return read_config(config_file()); }

Result<NodeKeys> DataDir::keys() const {
  NodeKeys keys;
  std::error_code ec;
  if (fs::exists(keys_dir() / "lock", ec)) {
    BONGSU_TRY(const NodeConfig settings, config());
    BONGSU_TRY(keys.unlocked, unlock_keys(keys_dir(), settings));
  }
  // A file in clear beside a lock is one that `keys protect` had not come to yet.
  const auto open_key = [&](std::string_view name, std::string text) -> Result<std::string> {
    if (!crypto::is_protected_key(text)) return text;
    if (!keys.unlocked)
      return fail(ErrorCode::kCorrupt, "is encrypted, but keys/lock is missing", {.source = (keys_dir() / name).string()});
    return crypto::unprotect_key(keys.unlocked->lock_key, name, text);
  };
  BONGSU_TRY(keys.ca.certificate_pem, read_small_file(keys_dir() / "ca.pem"));
  BONGSU_TRY(std::string ca, read_key(keys_dir() / "ca.key"));
  BONGSU_TRY(keys.ca.private_key_pem, open_key("ca.key", std::move(ca)));
  BONGSU_TRY(const std::string tls, read_key(keys_dir() / "tls.pem"));
  const std::size_t key_at = std::min(tls.find(kPemKey), tls.find(kEncryptedKey));
  if (key_at == std::string::npos)
    return fail(ErrorCode::kCorrupt, "holds no private key", {.source = (keys_dir() / "tls.pem").string()});
  keys.tls.certificate_pem = tls.substr(0, key_at);
  BONGSU_TRY(keys.tls.private_key_pem, open_key("tls.pem", tls.substr(key_at)));
  BONGSU_TRY(const std::string public_key, read_small_file(keys_dir() / "signing.pub"));
  BONGSU_TRY(keys.signing.public_key, from_hex(std::string_view(public_key).substr(0, public_key.find('\n'))));
  BONGSU_TRY(std::string signing, read_key(keys_dir() / "signing.key"));
  if (signing == kSigningInToken) {
    if (!keys.unlocked || !keys.unlocked->token)
      return fail(ErrorCode::kCorrupt, "is in a token, but keys/lock names none", {.source = (keys_dir() / "signing.key").string()});
    BONGSU_TRY(keys.signing.token, keys.unlocked->token->signer(keys.signing.public_key));
  } else {
    BONGSU_TRY(keys.signing.private_key_pem, open_key("signing.key", std::move(signing)));
  }
  BONGSU_TRY(std::string master_file, read_key(keys_dir() / "master.key"));
  BONGSU_TRY(std::string master, open_key("master.key", std::move(master_file)));
  BONGSU_TRY(std::string raw, from_hex(std::string_view(master).substr(0, master.find('\n'))));
  crypto::wipe(master);
  if (raw.size() != keys.master.size())
    return fail(ErrorCode::kCorrupt, "the master key has another length than 256 bits", {.source = (keys_dir() / "master.key").string()});
  std::memcpy(keys.master.data(), raw.data(), raw.size());
  crypto::wipe(raw);
  if (fs::exists(keys_dir() / "agreed", ec)) {
    for (const auto& file : fs::directory_iterator(keys_dir() / "agreed", ec)) {
      const std::string member = file.path().filename().string();
      if (!identity::is_member_id(member)) continue;  // an editor's copy
      BONGSU_TRY(std::string text, read_key(file.path()));
      BONGSU_TRY(std::string hex, open_key("agreed/" + member, std::move(text)));
      auto secret = from_hex(std::string_view(hex).substr(0, hex.find('\n')));
      crypto::wipe(hex);
      if (!secret || secret->size() < crypto::kHpkeMinPskBytes)
        return fail(ErrorCode::kCorrupt, "an agreed secret has at least 32 bytes, in hexadecimal", {.source = file.path().string()});
      keys.secrets[member] = {.id = to_hex(sha256(*secret)).substr(0, 32), .secret = std::move(*secret)};
    }
  }
  return keys;
}

Result<crypto::Identity> DataDir::renew_tls(const NodeConfig& config, const Clock& clock, const NodeKeys* known) const {
  NodeKeys read;
  if (known == nullptr) {
    BONGSU_TRY(read, keys());
    known = &read;
  }
  BONGSU_TRY(crypto::Identity fresh, crypto::issue(known->ca, {.common_name = config.member, .names = config.names}, clock));
  SystemRandom random;
  const std::string key = known->unlocked ? crypto::protect_key(known->unlocked->lock_key, "tls.pem", fresh.private_key_pem, random) : fresh.private_key_pem;
  BONGSU_TRY_VOID(write_file_atomically(keys_dir() / "tls.pem", fresh.certificate_pem + key));
  return fresh;
}

Result<std::filesystem::path> DataDir::make_telemetry_dir(const std::string& sensor_user) const {
  const std::filesystem::path path = std::filesystem::absolute(telemetry_dir());
  const auto failed = [&](const char* what) {
    return fail(ErrorCode::kIo, fmt::format("{}: {}", what, std::strerror(errno)), {.source = path.string()});
  };
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return failed("cannot be made");
  if (::geteuid() != 0 || sensor_user.empty()) return path;
  const passwd* entry = ::getpwnam(sensor_user.c_str());
  if (entry == nullptr) return fail(ErrorCode::kNotFound, fmt::format("there is no user \"{}\" to run the sensor as", sensor_user), {.field = "sensor.user"});
  // What is in it as well: the sensor may have run as somebody else before.
  if (::lchown(path.c_str(), entry->pw_uid, entry->pw_gid) != 0) return failed("cannot be given to the sensor's user");
  std::error_code ec;
  for (const auto& file : std::filesystem::directory_iterator(path, ec))
    if (::lchown(file.path().c_str(), entry->pw_uid, entry->pw_gid) != 0) return failed("cannot be given to the sensor's user");
  return path;
}

}  // namespace bongsu::node
