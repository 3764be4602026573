#include "cli/key_commands.h"

#include <fmt/format.h>

#include "cli/admin_client.h"
#include "cli/terminal.h"
#include "node/key_protection.h"

namespace bongsu::cli {
namespace {

Result<node::NodeConfig> stopped_node(const node::DataDir& directory) {
  if (!directory.exists()) return fail(ErrorCode::kNotFound, "there is no node", {.source = directory.root().string()});
  if (node_listens(directory))
    return fail(ErrorCode::kConflict, "the node is running: stop it first", {.source = directory.root().string()});
  return directory.config();
}

JsonArray names(const std::vector<std::string>& files) {
  JsonArray out;
  for (const auto& file : files) out.emplace_back(file);
  return out;
}

}  // namespace

int run_keys_protect(const Common& common, const KeysCommand& command) {
  const node::DataDir directory(common.data);
  const auto config = stopped_node(directory);
  if (!config) return report(config.error(), common.json);
  SystemRandom random;
  using By = node::ProtectOptions::By;
  const auto done = node::protect_keys(
      directory, *config,
      {.by = command.token ? By::kToken : By::kPassphrase, .signing_in_token = !command.signing_as_file}, random);
  if (!done) return report(done.error(), common.json);
  if (common.json) {
    print_json(JsonObject{
        {"encrypted", names(done->files)}, {"signing_in_token", done->signing_in_token}, {"note", done->note}});
    return kExitOk;
  }
  fmt::print("{} key files are encrypted now.\n", done->files.size());
  if (done->signing_in_token) fmt::print("The signing key is in the token and cannot be taken out.\n");
  if (!done->note.empty()) fmt::print("{}\n", done->note);
  fmt::print("Backups that were made before hold the keys as they were.\n");
  return kExitOk;
}

int run_keys_unprotect(const Common& common) {
  const node::DataDir directory(common.data);
  const auto config = stopped_node(directory);
  if (!config) return report(config.error(), common.json);
  const auto done = node::unprotect_keys(directory, *config);
  if (!done) return report(done.error(), common.json);
  if (common.json)
    print_json(JsonObject{{"decrypted", names(*done)}});
  else
    fmt::print("{} key files are in clear now, readable by their owner.\n", done->size());
  return kExitOk;
}

int run_keys_show(const Common& common) {
  const node::DataDir directory(common.data);
  if (!directory.exists())
    return report({ErrorCode::kNotFound, "there is no node", {.source = common.data}}, common.json);
  std::string by = "none";
  bool signing_in_token = false;
  const auto lock = node::read_lock(directory.keys_dir());
  if (!lock) return report(lock.error(), common.json);
  if (*lock) {
    by = (*lock)->by == crypto::KeyLock::By::kToken ? "token" : "passphrase";
    const auto signing = node::read_small_file(directory.keys_dir() / "signing.key");
    signing_in_token = signing && *signing == node::kSigningInToken;
  }
  if (common.json)
    print_json(JsonObject{{"locked_by", by}, {"signing_in_token", signing_in_token}});
  else
    fmt::print("private keys are locked by: {}\nsigning key: {}\n", by, signing_in_token ? "in the token" : "file");
  return kExitOk;
}

}  // namespace bongsu::cli
