// The data directory of a node: configuration, keys, stores. Only its owner may look into it.
//
//   bongsu.toml            configuration
//   keys/ca.pem, ca.key    the node's own certificate authority: what partners pin
//   keys/tls.pem           the certificate it shows now with its key, in one file so that they change together
//   keys/signing.key, .pub Ed25519
//   keys/master.key        wraps the payload keys of the journal
//   keys/agreed/MEMBER     a secret agreed with this member, 32 bytes or more in hexadecimal: sealing in PSK mode. Both sides need the
//                          same; its name in envelopes is the first half of its SHA-256
//   keys/lock              there when the private keys are encrypted: by a passphrase or a token (key_protection.h)
//   journal.db search.db   stores
//   ledger/                Merkle logs of what this node did (src/ledger/README.md)
//   telemetry/             what the sensor keeps of what it reads; the one place where it may write
//   admin.sock             where the command line talks to a running node
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/files.h"
#include "base/random.h"
#include "base/result.h"
#include "crypto/envelope.h"
#include "crypto/keys.h"
#include "crypto/secret.h"
#include "node/config.h"

namespace bongsu::node {

struct UnlockedKeys;  // key_protection.h

struct NodeKeys {
  crypto::Identity ca;
  crypto::Identity tls;
  crypto::SigningKey signing;
  crypto::Key256 master{};
  std::map<std::string, crypto::SharedSecret, std::less<>> secrets;  // by member
  std::shared_ptr<UnlockedKeys> unlocked;  // null: the key files are not encrypted
};

struct InitOptions {
  std::string member, title, country;
  std::vector<std::string> names;
  std::uint16_t base_port = 6443;    // taxii, then link, console, ops; 0: each port free, chosen at start
};

class DataDir {
 public:
  explicit DataDir(std::filesystem::path root) : root_(std::move(root)) {}

  // Makes directory, keys and configuration. kConflict if a node is there already; then nothing is changed.
  Result<void> init(const InitOptions& options, const Clock& clock, Random& random) const;
  bool exists() const;

  Result<NodeConfig> config() const;
  // kDenied if a key file is open to others, or the passphrase or PIN is another one. Asks for it where it is not
  // configured and somebody is there.
  Result<NodeKeys> keys() const;
  // A new leaf certificate from the CA (key rotation). `known`: the keys as they were read before, so that nobody is
  // asked for a passphrase again.
  Result<crypto::Identity> renew_tls(const NodeConfig& config, const Clock& clock, const NodeKeys* known = nullptr) const;

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path config_file() const { return root_ / "bongsu.toml"; }
  std::filesystem::path keys_dir() const { return root_ / "keys"; }
  std::filesystem::path admin_socket() const { return root_ / "admin.sock"; }
  std::filesystem::path telemetry_dir() const { return root_ / "telemetry"; }
  // Makes it if it is not there, and gives it to the user that the sensor runs as when root starts the node.
  Result<std::filesystem::path> make_telemetry_dir(const std::string& sensor_user) const;

 private:
  std::filesystem::path root_;
};

using bongsu::read_small_file;
using bongsu::write_file_atomically;

}  // namespace bongsu::node
