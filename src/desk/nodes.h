// The members' nodes of a drill on one machine: each a real node in a directory of its own, started as this same
// program and kept running. They are paired with each other, each has a collection of the exercise, and agreements let
// it flow.
//
//   Nodes nodes(dir, program, scenario, players, say);
//   BONGSU_TRY_VOID(nodes.set_up());       // makes what is not there yet; waits until every link is live
//   for (;;) nodes.tend();                 // a node that died is started again
//   nodes.stop();
//
// Layout: DIR/nodes/MEMBER (the node), MEMBER.log (what it says), MEMBER.token (the log-in to its console),
// MEMBER.making (only while the node is made);
// DIR/telemetry/MEMBER/ is what its sensor follows. Ports are chosen when the node is made and stay.
//
// One thread, the program's main one: children end when the thread that started them does (process.h).
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "desk/admin_node.h"
#include "desk/players.h"
#include "desk/process.h"

namespace bongsu::desk {

// Whether a member's node has been made in NODES/MEMBER. While one is being made, NODES/MEMBER.making says so: a node
// that bears no such mark and has a journal is never made anew, whatever else is missing beside it.
bool node_is_made(const std::filesystem::path& nodes, const std::string& member);
// A fresh node's bongsu.toml with what is else in a drill.
std::string drill_settings(std::string toml);

class Nodes {
 public:
  using Say = std::function<void(const std::string& sentence)>;

  Nodes(std::filesystem::path directory, std::string program, const exercise::scenario::Scenario& scenario,
        const Players& players, Say say);
  ~Nodes();

  // Everything is done once: called again, it finds what is there. kTimeout names the links that did not come.
  Result<void> set_up();
  void tend();  // never waits
  void stop();

  // nullptr: it does not answer now (it is being started again, or rests: admin_node.h).
  MemberNode* find(const std::string& member);
  std::filesystem::path telemetry_of(const std::string& member) const { return directory_ / "telemetry" / member; }
  JsonArray status() const;  // [{member, entity, running, answers, pid, restarts, console, token_file}]

 private:
  struct Node {
    const Player* player = nullptr;
    std::filesystem::path home;
    std::unique_ptr<AdminNode> admin;
    std::unique_ptr<Process> process;
    bool up = false;
    std::size_t restarts = 0;
    std::chrono::nanoseconds again_at{0};  // monotonic; when it is started again
    Json listeners;
  };
  Result<void> make(Node& node);
  Result<void> start(Node& node);
  Result<bool> look(Node& node);  // true: it is up
  Result<void> wait_until_up();
  Result<void> pair();
  Result<void> agree();
  Result<void> wait_for_links();

  const std::filesystem::path directory_;
  const std::string program_;
  const exercise::scenario::Scenario& scenario_;
  const Players& players_;
  const Say say_;
  const SystemClock clock_;
  SystemRandom random_;
  bool ready_ = false;  // set up: from now on nobody waits long
  std::vector<Node> nodes_;
};

}  // namespace bongsu::desk
