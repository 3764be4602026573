// A desk without nodes, for the browser tests of its pages (console/test/desk.mjs) and for whoever wants to see them:
// the real drill, range and API, on a scenario that scripted teams have played up to some moment and that goes on from
// there.
//
//   desk_page_host --scenario S.yaml [--world world.toml] [--data DIR] [--until SECONDS] [--teams good,slow] [--port N]
//                  [--nodes '[{"member": "cert-lt", "console": "https://localhost:1/", …}]']
//
// Without a world nobody has a range. What the pages show of nodes is what --nodes says (Nodes::status).
// Prints one line of JSON, {"url", "tokens": {"white", "observer", "team/lt-blue", …}}, and runs until its input ends.
// Deliveries are carried out by showing them; telemetry has no sensor to go to.
#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <thread>

#include "api/console/embedded_files.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/log.h"
#include "desk/desk_api.h"
#include "desk/players.h"
#include "desk/table.h"
#include "exercise/drill/baseline.h"
#include "exercise/drill/table_top.h"
#include "exercise/drill/world_range.h"
#include "exercise/range/world_file.h"
#include "exercise/scenario/read.h"
#include "net/server.h"

namespace bongsu {
namespace {

using namespace exercise;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr std::size_t kMaxInput = 256 * 1024 * 1024;
constexpr auto kRound = 100ms;

int trouble(const std::string& text) {
  fmt::print(stderr, "desk_page_host: {}\n", text);
  return 2;
}

Result<WorldConfig> world_of(const std::string& file, const std::string& data) {
  BONGSU_TRY(const std::string text, read_small_file(file, kMaxInput));
  return read_world(text, file, [&](const std::string& name) -> Result<std::string> {
    const fs::path own = fs::path(file).parent_path() / name;
    return read_small_file(data.empty() || fs::exists(own) ? own : fs::path(data) / name, kMaxInput);
  });
}

// What scripted teams make of the beginning, as a log that the desk goes on with.
Result<void> play(const fs::path& log, const scenario::Scenario& scenario, const drill::Settings& settings,
                  const drill::RangeMaker& ranges, const std::vector<drill::Policy>& teams, std::chrono::seconds until,
                  const Instant& now) {
  BONGSU_TRY(auto table, drill::TableTop::make(scenario, settings, ranges, teams, now - until));
  drill::LogWriter writer;
  std::string text;
  const auto keep = [&](const drill::Step& step) {
    for (const drill::Entry& entry : step.entries) text += writer.line(entry);
  };
  keep(table.start());
  for (auto next = table.next(); next && *next <= now; next = table.next()) keep(table.live(*next));
  keep(table.live(now));
  return write_file_atomically(log, text);
}

struct Options {
  std::map<std::string, std::string> by_name;
  std::string text(const std::string& name) const {
    const auto found = by_name.find(name);
    return found == by_name.end() ? "" : found->second;
  }
  int number(const std::string& name) const {
    const std::string value = text(name);
    int out = 0;
    std::from_chars(value.data(), value.data() + value.size(), out);
    return out;
  }
};

Result<void> host(const Options& options, const fs::path& directory) {
  const SystemClock clock;
  SystemRandom random;
  const std::string file = options.text("--scenario");
  BONGSU_TRY(const std::string yaml, read_small_file(file, kMaxInput));
  const auto scenario = scenario::read_scenario(yaml, file);
  if (!scenario) return std::unexpected(scenario.error().list.front());
  drill::RangeMaker ranges = drill::no_range();
  if (const std::string world = options.text("--world"); !world.empty()) {
    BONGSU_TRY(const WorldConfig config, world_of(world, options.text("--data")));
    BONGSU_TRY(ranges, drill::world_ranges(config, scenario->exercise.seed));
  }
  Json nodes = JsonArray{};
  if (const std::string text = options.text("--nodes"); !text.empty()) {
    BONGSU_TRY(nodes, parse_json(text));
  }
  const drill::Settings settings;
  std::vector<drill::Policy> teams;
  std::string names = options.text("--teams");
  if (names.empty()) names = "good,slow,leaky";
  for (std::string_view rest = names; !rest.empty();) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    BONGSU_TRY(drill::Policy policy, drill::policy(rest.substr(0, end)));
    teams.push_back(std::move(policy));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  BONGSU_TRY_VOID(play(directory / "drill.ndjson", *scenario, settings, ranges, teams,
                       std::chrono::seconds(options.number("--until")), clock.now()));
  BONGSU_TRY(auto table, desk::Table::open(directory, *scenario, settings, ranges, clock));
  BONGSU_TRY_VOID(table->come_back());
  BONGSU_TRY(const desk::Players players, desk::Players::of(*scenario, "00000000-0000-4000-8000-000000000001"));
  const desk::DeskTokens tokens = desk::DeskTokens::fresh(players, random);
  const auto nothing = [] { return Json(JsonArray()); };
  desk::DeskApi api({.table = *table,
                     .players = players,
                     .clock = clock,
                     .random = random,
                     .nodes = [&nodes] { return nodes; },
                     .troubles = nothing,
                     .scoreboard = nothing,
                     .files = api::console::embedded_desk_files()},
                    tokens);
  table->on_change([&] { api.wake(); });
  const auto log = make_null_log();
  net::Server server(
      {.name = "desk", .port = static_cast<std::uint16_t>(options.number("--port"))},
      [&](net::Request&& request) { return api.handle(std::move(request)); }, *log);
  BONGSU_TRY_VOID(server.start());
  JsonObject by_account;
  for (const auto& [account, token] : tokens.by_account) by_account[account] = token;
  fmt::print("{}\n", to_text(Json(JsonObject{{"url", fmt::format("http://127.0.0.1:{}", server.port())},
                                             {"tokens", std::move(by_account)}})));
  std::fflush(stdout);

  std::jthread drives([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      if (!table->advance()) return;
      std::vector<std::string> out;
      table->look([&](const desk::Tabled& t) {
        for (const auto& delivery : t.drill.pending_deliveries()) out.push_back(delivery.id);
        for (const auto& lines : t.drill.pending_telemetry()) out.push_back(lines.id);
      });
      for (const std::string& id : out)
        (void)table->take(drill::Evidence{.as = drill::As::kDelivered, .by = "page-host", .object = id});
      api.wake();
      std::this_thread::sleep_for(kRound);
    }
  });
  char byte = 0;
  while (::read(STDIN_FILENO, &byte, 1) > 0) {
  }
  drives.request_stop();
  drives.join();
  server.stop(1s);
  return {};
}

int run(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) options.by_name[argv[i]] = argv[i + 1];
  if (options.text("--scenario").empty())
    return trouble(
        "usage: --scenario S.yaml [--world world.toml] [--data DIR] [--until SECONDS] [--teams good,slow] [--port N] "
        "[--nodes JSON]");
  std::string name = (fs::temp_directory_path() / "bongsu-desk-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) return trouble("no temporary directory");
  const auto done = host(options, name);
  std::error_code ignored;
  fs::remove_all(name, ignored);
  return done ? 0 : trouble(done.error().text());
}

}  // namespace
}  // namespace bongsu

int main(int argc, char** argv) { return bongsu::run(argc, argv); }
