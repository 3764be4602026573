#include "cli/drill_start.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/bytes.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/json.h"
#include "cli/drill_text.h"
#include "exercise/range/world_file.h"
#include "telemetry/byte_source.h"

namespace bongsu::cli {
namespace {

namespace fs = std::filesystem;
using namespace exercise;

constexpr const char* kFile = "start.json";
constexpr std::string_view kPeople = "people";
constexpr int kFormat = 1;

std::string whole_path(const std::string& path) {
  return path.empty() ? path : fs::absolute(path).lexically_normal().string();
}

Result<std::string> digest_of_file(const std::string& file) {
  BONGSU_TRY(const std::string text, telemetry::read_whole(file, kMaxWorldFileBytes));
  return to_hex(sha256(text));
}

std::string names_of(const std::vector<DrillScript>& scripts) {
  std::string out;
  for (const DrillScript& script : scripts) out += (out.empty() ? "" : ",") + script.name;
  return out.empty() ? "none" : out;
}

std::unexpected<Error> other(std::string_view option, std::string_view began) {
  return fail(ErrorCode::kConflict,
              fmt::format("the drill began with {}; leave the option away to go on, or name another directory",
                          began.empty() ? "none" : began),
              {.field = std::string(option)});
}

// What the file says as texts, and as true or not at all.
auto texts_of(auto& start) {
  return std::array{std::pair("world", &start.world), std::pair("world_sha256", &start.world_sha256),
                    std::pair("data", &start.data), std::pair("mail", &start.mail),
                    std::pair("cap_post", &start.cap_post)};
}
auto flags_of(auto& start) {
  return std::array{std::pair("wait", &start.wait), std::pair("exit_at_end", &start.exit_at_end),
                    std::pair("baseline", &start.baseline)};
}

}  // namespace

Result<drill::Policy> policy_of(const DrillScript& script) {
  return script.policy.empty() ? drill::policy(script.name) : drill::read_policy(script.policy, script.name);
}

Result<DrillStart> start_of(DrillStart named, const std::vector<std::string>& scripted) {
  DrillStart out = std::move(named);
  out.world = whole_path(out.world);
  out.data = whole_path(out.data);
  for (const std::string& name : script_names(scripted)) {
    DrillScript script{.name = name};
    if (name.ends_with(".json")) {
      BONGSU_TRY(script.policy, telemetry::read_whole(name, kMaxPolicyBytes));
    }
    if (!out.nodes || name != kPeople) {
      BONGSU_TRY([[maybe_unused]] const drill::Policy policy, policy_of(script));
    }
    out.scripts.push_back(std::move(script));
  }
  if (!out.world.empty()) {
    BONGSU_TRY(out.world_sha256, digest_of_file(out.world));
  }
  return out;
}

Result<DrillStart> go_on_with(const DrillStart& kept, const DrillStart& given) {
  if (given.nodes && !kept.nodes)
    return fail(ErrorCode::kConflict, "the drill there was begun in one process, without nodes", {.field = "--nodes"});
  if (!given.scripts.empty() && given.scripts != kept.scripts) return other("--scripted", names_of(kept.scripts));
  if (!given.world.empty() && given.world != kept.world) return other("--world", kept.world);
  if (!given.data.empty() && given.data != kept.data) return other("--data", kept.data);
  if (given.seed && given.seed != kept.seed)
    return other("--seed", kept.seed ? std::to_string(*kept.seed) : "the scenario's seed");
  if (given.speed && given.speed != kept.speed)
    return other("--speed", kept.speed ? fmt::format("speed {:g}", *kept.speed) : "the scenario's least speed");
  DrillStart out = kept;
  if (given.port != 0) out.port = given.port;
  if (!given.mail.empty()) out.mail = given.mail;
  if (!given.cap_post.empty()) out.cap_post = given.cap_post;
  out.exit_at_end = kept.exit_at_end || given.exit_at_end;
  out.baseline = kept.baseline || given.baseline;
  if (!out.world.empty()) {
    BONGSU_TRY(const std::string digest, digest_of_file(out.world));
    if (digest != out.world_sha256)
      return fail(ErrorCode::kConflict, "the world was changed since the drill began with it", {.source = out.world});
  }
  return out;
}

Result<void> write_start(const fs::path& dir, const DrillStart& start) {
  JsonArray scripts;
  for (const DrillScript& script : start.scripts) {
    JsonObject one{{"name", script.name}};
    if (!script.policy.empty()) one["policy"] = script.policy;
    scripts.push_back(std::move(one));
  }
  JsonObject out{{"format", kFormat}, {"nodes", start.nodes}, {"scripts", std::move(scripts)}};
  for (const auto& [name, text] : texts_of(start))
    if (!text->empty()) out[name] = *text;
  if (start.seed) out["seed"] = std::to_string(*start.seed);  // as text: a number in JSON has 53 bits
  if (start.speed) out["speed"] = *start.speed;
  if (start.port != 0) out["port"] = start.port;
  for (const auto& [name, is] : flags_of(start))
    if (*is) out[name] = true;
  return write_file_atomically(dir / kFile, to_pretty_text(out));
}

Result<std::optional<DrillStart>> read_start(const fs::path& dir) {
  const fs::path file = dir / kFile;
  std::error_code ec;
  if (!fs::exists(file, ec)) return std::nullopt;
  BONGSU_TRY(const std::string text, read_small_file(file));
  const auto corrupt = [&](std::string_view field) {
    return fail(ErrorCode::kCorrupt, "is missing or of another kind",
                {.source = file.string(), .field = std::string(field)});
  };
  auto json = parse_json(text);
  if (!json) {
    json.error().where.source = file.string();
    return std::unexpected(json.error());
  }
  if (int_at(*json, "format") != kFormat) return corrupt("format");
  DrillStart out;
  const auto nodes = bool_at(*json, "nodes");
  if (!nodes) return corrupt("nodes");
  out.nodes = *nodes;
  const Json* scripts = find(*json, "scripts");
  if (scripts == nullptr || !scripts->is_array()) return corrupt("scripts");
  for (const Json& one : scripts->get_array()) {
    const auto name = string_at(one, "name");
    if (!name) return corrupt("scripts.name");
    out.scripts.push_back({std::string(*name), std::string(string_at(one, "policy").value_or(""))});
  }
  for (const auto& [name, to] : texts_of(out)) *to = std::string(string_at(*json, name).value_or(""));
  if (const Json* seed = find(*json, "seed")) {
    const std::string digits = seed->is_string() ? std::string(seed->get_string()) : "";
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return corrupt("seed");
    out.seed = value;
  }
  if (const Json* speed = find(*json, "speed")) {
    if (!speed->is_number()) return corrupt("speed");
    out.speed = speed->to_number<double>();
  }
  const auto port = int_at(*json, "port").value_or(0);
  if (port < 0 || port > UINT16_MAX) return corrupt("port");
  out.port = static_cast<std::uint16_t>(port);
  for (const auto& [name, to] : flags_of(out)) *to = bool_at(*json, name).value_or(false);
  return out;
}

}  // namespace bongsu::cli
