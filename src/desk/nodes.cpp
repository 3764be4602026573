#include "desk/nodes.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <thread>

#include "base/files.h"

namespace bongsu::desk {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto kLook = 50ms;
constexpr auto kInitDeadline = 60s;
constexpr auto kStartDeadline = 60s;
constexpr auto kOldNodeDeadline = 30s;  // one that a killed host left needs so long to end, at most
constexpr auto kLinksDeadline = 120s;
constexpr auto kStartAgain = 1s;
constexpr auto kStopGrace = 10s;
constexpr std::size_t kLastWordsBytes = 500;
constexpr std::uint16_t kPorts = 4;                               // of one node: TAXII, link, console, ops
constexpr std::uint16_t kFirstPort = 20'000, kPastPort = 32'000;  // below what the kernel gives to clients
constexpr int kPortAttempts = 1000;
constexpr std::chrono::hours kAgreementLasts{24 * 366};

// In tests of seconds and drills of hours alike, nobody waits for a link's slow defaults.
constexpr std::string_view kLinkSettings = "[link]\nrediscover = \"500ms\"\nheartbeat = \"2s\"\n";
// A second firing has to raise an alert of its own: the shortest windows that a node takes.
constexpr std::string_view kFurtherSettings =
    "\n[sensor]\nsighting_window = \"2s\"\n\n[triage]\nalert_window = \"1s\"\n";

bool is_free(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  const bool free = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return free;
}

Result<std::uint16_t> free_ports(Random& random) {
  for (int i = 0; i < kPortAttempts; ++i) {
    const auto base = static_cast<std::uint16_t>(kFirstPort + random.below(kPastPort - kFirstPort));
    bool all = true;
    for (std::uint16_t p = 0; p < kPorts && all; ++p) all = is_free(static_cast<std::uint16_t>(base + p));
    if (all) return base;
  }
  return fail(ErrorCode::kUnavailable, "no four free ports in a row were found for a node");
}

// The last line of a log, as far as it is short.
std::string last_words(const fs::path& log) {
  std::ifstream in(log);
  std::string line, last = "it said nothing";
  while (std::getline(in, line))
    if (!line.empty()) last = line;
  return last.substr(0, kLastWordsBytes);
}

}  // namespace

bool node_is_made(const fs::path& nodes, const std::string& member) {
  std::error_code ec;
  return fs::exists(nodes / member / "journal.db", ec) && !fs::exists(nodes / (member + ".making"), ec);
}

std::string drill_settings(std::string toml) {
  constexpr std::string_view kLink = "[link]\n";
  if (const std::size_t at = toml.find(kLink); at != std::string::npos) toml.replace(at, kLink.size(), kLinkSettings);
  return toml += kFurtherSettings;
}

Nodes::Nodes(fs::path directory, std::string program, const exercise::scenario::Scenario& scenario,
             const Players& players, Say say)
    : directory_(std::move(directory)),
      program_(std::move(program)),
      scenario_(scenario),
      players_(players),
      say_(std::move(say)) {
  for (const Player& player : players_.all()) {
    Node node;
    node.player = &player;
    node.home = directory_ / "nodes" / player.member;
    nodes_.push_back(std::move(node));
  }
}

Nodes::~Nodes() { stop(); }

Result<void> Nodes::set_up() {
  std::error_code ec;
  fs::create_directories(directory_ / "nodes", ec);
  fs::permissions(directory_ / "nodes", fs::perms::owner_all, ec);
  for (Node& node : nodes_) {
    fs::create_directories(telemetry_of(node.player->member), ec);
    if (ec) return fail(ErrorCode::kIo, ec.message(), {.source = telemetry_of(node.player->member).string()});
    BONGSU_TRY_VOID(make(node));
  }
  for (Node& node : nodes_) BONGSU_TRY_VOID(start(node));
  BONGSU_TRY_VOID(wait_until_up());
  for (Node& node : nodes_) {
    BONGSU_TRY(const auto collections, node.admin->collections());
    const auto drills = std::ranges::find_if(
        collections, [](const NodeCollection& c) { return c.mirror_of.empty() && c.alias == kDrillCollection; });
    if (drills != collections.end()) continue;
    BONGSU_TRY([[maybe_unused]] const Json made, node.admin->call("POST", "/collections",
                                                                  JsonObject{{"alias", kDrillCollection},
                                                                             {"title", "Exercise " + scenario_.name},
                                                                             {"exercise", players_.exercise()}}));
  }
  BONGSU_TRY_VOID(pair());
  BONGSU_TRY_VOID(agree());
  BONGSU_TRY_VOID(wait_for_links());
  ready_ = true;
  for (Node& node : nodes_) node.admin->be_brief(kLookDeadline);
  return {};
}

// One whose making was broken off is made anew.
Result<void> Nodes::make(Node& node) {
  const fs::path nodes = directory_ / "nodes", token_file = nodes / (node.player->member + ".token"),
                 making = nodes / (node.player->member + ".making");
  std::error_code ec;
  if (node_is_made(nodes, node.player->member)) {
    if (!fs::exists(token_file, ec))
      say_(fmt::format("{} is gone: the console of {} has no log-in that is known here", token_file.string(),
                       node.player->member));
    return {};
  }
  say_("making the node " + node.player->member);
  BONGSU_TRY_VOID(write_file_atomically(making, ""));
  fs::remove_all(node.home, ec);
  BONGSU_TRY(const std::uint16_t port, free_ports(random_));
  std::vector<std::string> command = {program_,      "init",
                                      "--member",    node.player->member,
                                      "--title",     node.player->title,
                                      "--data",      node.home.string(),
                                      "--base-port", std::to_string(port),
                                      "--json"};
  if (!node.player->country.empty()) command.insert(command.end(), {"--country", node.player->country});
  BONGSU_TRY(const std::string said, run_command(command, kInitDeadline));
  BONGSU_TRY(const Json answer, parse_json(said));
  const auto token = string_at(answer, "operator_token");
  if (!token) return fail(ErrorCode::kInternal, "init told no token", {.source = node.player->member});
  BONGSU_TRY(std::string toml, read_small_file(node.home / "bongsu.toml"));
  BONGSU_TRY_VOID(write_file_atomically(node.home / "bongsu.toml", drill_settings(std::move(toml))));
  BONGSU_TRY_VOID(write_file_atomically(token_file, std::string(*token) + "\n"));
  fs::remove(making, ec);
  if (ec) return fail(ErrorCode::kIo, ec.message(), {.source = making.string()});
  return {};
}

Result<void> Nodes::start(Node& node) {
  std::vector<std::string> command = {program_, "serve", "--data", node.home.string(), "--json"};
  if (!node.player->white) command.insert(command.end(), {"--watch", telemetry_of(node.player->member).string()});
  node.up = false;
  node.admin = std::make_unique<AdminNode>(node.home, clock_);
  if (ready_) node.admin->be_brief(kLookDeadline);
  BONGSU_TRY(node.process, Process::start(command, directory_ / "nodes" / (node.player->member + ".log")));
  return {};
}

Result<bool> Nodes::look(Node& node) {
  if (node.up) return true;
  const auto line = node.process->first_line();
  if (!line) {
    if (const auto end = node.process->ended()) {
      const fs::path log = directory_ / "nodes" / (node.player->member + ".log");
      return fail(ErrorCode::kUnavailable, fmt::format("the node {} ended with {}: {}; see {}", node.player->member, *end,
                                                       last_words(log), log.string()));
    }
    return false;
  }
  if (const auto json = parse_json(*line)) {
    const Json* listeners = bongsu::find(*json, "listeners");
    if (listeners != nullptr) node.listeners = *listeners;
  }
  node.up = true;
  return true;
}

Result<void> Nodes::wait_until_up() {
  const auto until = clock_.monotonic() + kStartDeadline;
  // One whose host was killed may still hold its stores for a moment.
  const auto patient_until = clock_.monotonic() + kOldNodeDeadline;
  for (bool all = false; !all;) {
    all = true;
    for (Node& node : nodes_) {
      auto up = look(node);
      if (!up && clock_.monotonic() < patient_until) {
        BONGSU_TRY_VOID(start(node));
        std::this_thread::sleep_for(kLook);
        up = false;
      }
      if (!up) return std::unexpected(up.error());
      all = all && *up;
    }
    if (!all && clock_.monotonic() > until) return fail(ErrorCode::kTimeout, "the nodes did not come up in time");
    if (!all) std::this_thread::sleep_for(kLook);
  }
  return {};
}

Result<void> Nodes::pair() {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    for (std::size_t j = i + 1; j < nodes_.size(); ++j) {
      const auto knows = [](Node& node, const std::string& member) -> Result<bool> {
        BONGSU_TRY(const Json list, node.admin->call("GET", "/members"));
        const Json* members = bongsu::find(list, "members");
        if (members == nullptr || !members->is_array()) return false;
        for (const Json& m : members->get_array())
          if (string_at(m, "id") == member) return true;
        return false;
      };
      BONGSU_TRY(const bool first, knows(nodes_[i], nodes_[j].player->member));
      BONGSU_TRY(const bool second, knows(nodes_[j], nodes_[i].player->member));
      if (first && second) continue;
      BONGSU_TRY(const Json invited, nodes_[i].admin->call("POST", "/invite", JsonObject{}));
      BONGSU_TRY([[maybe_unused]] const Json accepted,
                 nodes_[j].admin->call("POST", "/accept",
                                       JsonObject{{"invitation", string_at(invited, "invitation").value_or("")}}));
    }
  }
  return {};
}

Result<void> Nodes::agree() {
  const Instant until = clock_.now() + kAgreementLasts;
  for (Node& from : nodes_) {
    BONGSU_TRY(const Json list, from.admin->call("GET", "/agreements"));
    std::set<std::string> there;
    if (const Json* agreements = bongsu::find(list, "agreements"); agreements != nullptr && agreements->is_array())
      for (const Json& a : agreements->get_array()) there.emplace(string_at(a, "partner").value_or(""));
    for (const Node& to : nodes_) {
      if (&from == &to || there.contains(to.player->member)) continue;
      BONGSU_TRY([[maybe_unused]] const Json made,
                 from.admin->send("PUT", "/agreements", agreement_toml(scenario_, *from.player, *to.player, until),
                                  "application/toml"));
    }
  }
  return {};
}

Result<void> Nodes::wait_for_links() {
  say_("waiting for the links");
  const auto until = clock_.monotonic() + kLinksDeadline;
  for (;;) {
    std::vector<std::string> missing;
    for (Node& node : nodes_) {
      BONGSU_TRY(const Json status, node.admin->call("GET", "/status"));
      std::set<std::string> live;
      if (const Json* links = bongsu::find(status, "links"); links != nullptr && links->is_array())
        for (const Json& link : links->get_array())
          if (string_at(link, "phase") == "live") live.emplace(string_at(link, "member").value_or(""));
      for (const Node& other : nodes_)
        if (&other != &node && !live.contains(other.player->member))
          missing.push_back(fmt::format("{} from {}", node.player->member, other.player->member));
    }
    if (missing.empty()) return {};
    if (clock_.monotonic() > until)
      return fail(ErrorCode::kTimeout, fmt::format("links did not come: {}", fmt::join(missing, ", ")));
    std::this_thread::sleep_for(kLook);
  }
}

void Nodes::tend() {
  for (Node& node : nodes_) {
    const auto now = clock_.monotonic();
    if (!node.process) {
      if (now < node.again_at) continue;
      if (auto started = start(node); !started) {
        say_(fmt::format("{} can't be started: {}", node.player->member, started.error().text()));
        node.again_at = now + kStartAgain;
      }
      continue;
    }
    const bool was_up = node.up;
    if (!was_up) {
      if (const auto up = look(node); up && *up) say_(node.player->member + " is up again");
    }
    if (const auto end = node.process->ended()) {
      say_(fmt::format("the node {} ended ({}); it is started again", node.player->member, *end));
      node.process.reset();
      node.up = false;
      ++node.restarts;
      node.again_at = now + kStartAgain;
    }
  }
}

void Nodes::stop() {
  for (Node& node : nodes_)
    if (node.process) node.process->ask_to_stop();
  for (Node& node : nodes_) {
    if (node.process) node.process->stop(kStopGrace);
    node.process.reset();
    node.up = false;
  }
}

MemberNode* Nodes::find(const std::string& member) {
  for (Node& node : nodes_)
    if (node.player->member == member) return node.up && !node.admin->rests() ? node.admin.get() : nullptr;
  return nullptr;
}

JsonArray Nodes::status() const {
  JsonArray out;
  for (const Node& node : nodes_) {
    JsonObject line{{"member", node.player->member},
                    {"entity", node.player->entity},
                    {"running", node.up},
                    {"answers", node.up && !node.admin->rests()},
                    {"restarts", node.restarts}};
    line["token_file"] = (directory_ / "nodes" / (node.player->member + ".token")).string();
    if (node.process) line["pid"] = node.process->pid();
    if (node.up)
      if (const auto console = string_at(node.listeners, "console")) line["console"] = *console;
    out.push_back(std::move(line));
  }
  return out;
}

}  // namespace bongsu::desk
