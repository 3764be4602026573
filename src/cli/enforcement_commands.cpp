#include "cli/enforcement_commands.h"

#include <fmt/format.h>

#include <filesystem>

#include "cli/admin_client.h"
#include "cli/terminal.h"

namespace bongsu::cli {
namespace {

namespace fs = std::filesystem;

Error cannot(const fs::path& path, const std::error_code& ec) {
  return {ErrorCode::kIo, ec.message(), {.source = path.string()}};
}

// Each file whole or as it was: copied beside its place, then renamed.
Result<void> copy_whole(const fs::path& from, const fs::path& to) {
  std::error_code ec;
  const fs::path fresh = to.string() + ".new";
  fs::copy_file(from, fresh, fs::copy_options::overwrite_existing, ec);
  if (ec) return std::unexpected(cannot(fresh, ec));
  fs::rename(fresh, to, ec);
  if (ec) return std::unexpected(cannot(to, ec));
  return {};
}

std::string counts_text(const Json* counts) {
  std::string out;
  if (counts == nullptr || !counts->is_object()) return out;
  for (const auto& entry : counts->get_object())
    out += fmt::format("  {:>9}  {}\n", entry.value().to_number<std::uint64_t>(), std::string_view(entry.key()));
  return out;
}

}  // namespace

int run_enforcement_export(const Common& common, const EnforcementExportCommand& command) {
  auto client = AdminClient::open(common.data);
  if (!client) return report(client.error(), common.json);
  const auto answer = client->call("POST", "/enforcement", JsonObject{{"formats", JsonArray{command.format}}});
  if (!answer) return report(answer.error(), common.json);
  const Json* formats = find(*answer, "formats");
  if (formats == nullptr || !formats->is_array() || formats->get_array().size() != 1)
    return report({ErrorCode::kInternal, "the node's answer names no files", {}}, common.json);
  const Json& written = formats->get_array()[0];
  const fs::path folder(std::string(string_at(written, "directory").value_or("")));
  std::error_code ec;
  fs::create_directories(command.out, ec);
  if (ec) return report(cannot(command.out, ec), common.json);
  if (const Json* files = find(written, "files"); files != nullptr && files->is_object())
    for (const auto& file : files->get_object()) {
      const std::string name(file.key());
      if (const auto copied = copy_whole(folder / name, fs::path(command.out) / name); !copied)
        return report(copied.error(), common.json);
    }
  const std::int64_t unexpressed = int_at(written, "unexpressed").value_or(0);
  if (common.json) {
    print_json(*answer);
  } else {
    const std::string use = command.format == "suricata" || command.format == "zeek" ? "detect" : "block";
    say(fmt::format("{} values written to {}", int_at(written, "expressed").value_or(0), command.out));
    if (unexpressed > 0) {
      say(fmt::format("{} could not be expressed (unexpressed.ndjson names them):", unexpressed));
      fmt::print("{}", counts_text(find(written, "reasons")));
    }
    if (const Json* verdicts = find(*answer, "verdicts")) {
      say(fmt::format("Values of {} indicators by the policy's verdict:", int_at(*answer, "indicators").value_or(0)));
      fmt::print("{}", counts_text(find(*verdicts, use)));
    }
    if (const auto n = int_at(*answer, "not_plain_values").value_or(0); n > 0)
      say(fmt::format(
          "{} indicators are no plain values (patterns of several parts, other languages) and were left out.", n));
    if (const Json* limits = find(written, "limits"); limits != nullptr && limits->is_array())
      for (const Json& limit : limits->get_array())
        if (limit.is_string()) say(fmt::format("Note: {}", std::string_view(limit.get_string())));
  }
  return unexpressed > 0 ? kExitNo : kExitOk;
}

}  // namespace bongsu::cli
