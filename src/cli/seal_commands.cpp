#include "cli/seal_commands.h"

#include <fmt/format.h>

#include <fstream>

#include "base/bytes.h"
#include "cli/admin_client.h"
#include "cli/signed_files.h"
#include "cli/terminal.h"
#include "crypto/envelope.h"
#include "node/data_dir.h"

namespace bongsu::cli {
namespace {

constexpr std::string_view kBytes = "application/octet-stream";

std::string joined(const std::vector<std::string>& items) {
  std::string out;
  for (const auto& item : items) out += (out.empty() ? "" : ",") + net::percent_encode(item);
  return out;
}

Result<std::string> read_in(const std::string& file) { return node::read_small_file(file, node::kMaxImportBytes); }

}  // namespace

int run_seal(const Common& common, const SealCommand& command) {
  if (!command.together && command.to.size() > 1 && !command.out.empty())
    return report({ErrorCode::kInvalid,
                   "several members get a file each; leave --out away, or say --together",
                   {.field = "--out"}},
                  common.json);
  auto client = AdminClient::open(common.data);
  if (!client) return report(client.error(), common.json);
  const auto content = read_in(command.file);
  if (!content) return report(content.error(), common.json);
  std::vector<std::vector<std::string>> groups;
  if (command.together)
    groups.push_back(command.to);
  else
    for (const auto& member : command.to) groups.push_back({member});
  JsonArray written;
  for (const auto& members : groups) {
    const auto sealed = client->exchange(
        "POST",
        fmt::format("/seal?to={}&label={}&collection={}", joined(members), net::percent_encode(command.label),
                    net::percent_encode(command.collection)),
        *content, kBytes);
    if (!sealed) return report(sealed.error(), common.json);
    const std::string out = !command.out.empty() ? command.out
                            : command.together   ? command.file + ".sealed"
                                                 : fmt::format("{}.{}.sealed", command.file, members[0]);
    if (const auto done = write_document(out, *sealed, stdout); !done) return report(done.error(), common.json);
    if (common.json)
      written.push_back(JsonObject{{"file", out}, {"bytes", sealed->size()}});
    else if (out != "-")
      say(fmt::format("{}: {} bytes, for {}", out, sealed->size(), joined(members)));
  }
  if (common.json) print_json(JsonObject{{"sealed", std::move(written)}});
  return kExitOk;
}

int run_open(const Common& common, const OpenCommand& command) {
  auto client = AdminClient::open(common.data);
  if (!client) return report(client.error(), common.json);
  auto file = read_in(command.file);
  if (!file) return report(file.error(), common.json);
  // The node destroys the one-time key when it opens the file: what cannot be written would be lost.
  auto place = ReservedFile::make(command.out, file->size());
  if (!place) return report(place.error(), common.json);
  const auto answer = client->exchange("POST", command.keep ? "/open?keep=1" : "/open", std::move(*file), kBytes);
  if (!answer) return report(answer.error(), common.json);
  const auto json = parse_json(*answer);
  const auto content = json ? from_base64(string_at(*json, "content").value_or("!"))
                            : Result<std::string>(std::unexpected(json.error()));
  if (!content) return report({ErrorCode::kInternal, "the node's answer is not understood", {}}, common.json);
  if (const auto done = place->keep(*content, stdout); !done) return report(done.error(), common.json);
  const auto text = [&](std::string_view key) { return printable(string_at(*json, key).value_or("")); };
  if (common.json && command.out != "-")
    print_json(JsonObject{{"sender", text("sender")},
                          {"label", text("label")},
                          {"sealed_at", text("sealed_at")},
                          {"bytes", content->size()}});
  else
    fmt::print(stderr, "sealed by {} at {}, {}\n", text("sender"), text("sealed_at"), text("label"));
  return kExitOk;
}

int run_courier_export(const Common& common, const CourierExportCommand& command) {
  auto client = AdminClient::open(common.data);
  if (!client) return report(client.error(), common.json);
  const auto file = client->exchange(
      "GET",
      fmt::format("/courier?member={}&collection={}", net::percent_encode(command.to), joined(command.collections)), "",
      "");
  if (!file) return report(file.error(), common.json);
  if (const auto done = write_document(command.out, *file, stdout); !done) return report(done.error(), common.json);
  if (common.json && command.out != "-")
    print_json(JsonObject{{"file", command.out}, {"bytes", file->size()}, {"to", command.to}});
  else if (command.out != "-")
    say(fmt::format("{}: {} bytes, sealed to {}", command.out, file->size(), command.to));
  return kExitOk;
}

bool is_sealed_file(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string head(crypto::kEnvelopeMagic.size(), '\0');
  return in.read(head.data(), static_cast<std::streamsize>(head.size())) && head == crypto::kEnvelopeMagic;
}

int run_courier_import(const Common& common, const std::string& name) {
  auto client = AdminClient::open(common.data);
  if (!client) return report(client.error(), common.json);
  auto file = read_in(name);
  if (!file) return report(file.error(), common.json);
  const auto answer = client->exchange("POST", "/courier", std::move(*file), kBytes);
  if (!answer) return report(answer.error(), common.json);
  const auto json = parse_json(*answer);
  if (!json) return report(json.error(), common.json);
  const std::int64_t refused = int_at(*json, "refused").value_or(0);
  if (common.json) {
    print_json(*json);
  } else {
    say(fmt::format("from {}: {} admitted, {} there already, {} refused.", string_at(*json, "sender").value_or(""),
                    int_at(*json, "admitted").value_or(0), int_at(*json, "duplicates").value_or(0), refused));
    if (const Json* problems = find(*json, "problems"); problems != nullptr && problems->is_array())
      for (const auto& p : problems->get_array())
        fmt::print(stderr, "bongsu: {}: {}: {}\n", name, printable(string_at(p, "id").value_or("")),
                   printable(string_at(p, "message").value_or("")));
  }
  return refused == 0 ? kExitOk : kExitNo;
}

int run_prekeys_show(const Common& common, const std::string& member, const std::string& out) {
  auto client = AdminClient::open(common.data);
  if (!client) return report(client.error(), common.json);
  const auto bundle = client->exchange("GET", "/prekeys/" + net::percent_encode(member), "", "");
  if (!bundle) return report(bundle.error(), common.json);
  if (const auto done = write_document(out, *bundle + "\n", stdout); !done) return report(done.error(), common.json);
  return kExitOk;
}

int run_prekeys_take(const Common& common, const std::string& member, const std::string& file) {
  auto client = AdminClient::open(common.data);
  if (!client) return report(client.error(), common.json);
  auto bundle = node::read_small_file(file, crypto::kMaxBundleBytes);
  if (!bundle) return report(bundle.error(), common.json);
  const auto answer = client->exchange("POST", "/prekeys/" + net::percent_encode(member), std::move(*bundle), kBytes);
  if (!answer) return report(answer.error(), common.json);
  const auto json = parse_json(*answer);
  if (!json) return report(json.error(), common.json);
  if (common.json)
    print_json(*json);
  else
    say(fmt::format("{}: {} one-time keys to seal with.", member, int_at(*json, "one_time_left").value_or(0)));
  return kExitOk;
}

}  // namespace bongsu::cli
