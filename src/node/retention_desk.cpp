#include "node/retention_desk.h"

#include <sys/prctl.h>

#include <chrono>

namespace bongsu::node {
namespace {

using namespace std::chrono_literals;
constexpr auto kPoll = 1s;
constexpr std::chrono::milliseconds kLongestPause =
    5min;  // between tries of what fails: a full disk, a file that is read

}  // namespace

Result<void> erase_beside(Core& core, const std::string& object_id) {
  BONGSU_TRY([[maybe_unused]] const auto held, core.quarantine->erase_object(object_id, core.config.member));
  BONGSU_TRY([[maybe_unused]] const auto proposed, core.approvals->erase_subject(object_id));
  return {};
}

Result<std::size_t> RetentionDesk::catch_up(Core& core, const std::atomic<bool>& stopping) {
  std::size_t all = 0;
  while (!stopping) {
    BONGSU_TRY(const bool more, core.retention->follow());
    if (more) continue;
    BONGSU_TRY(const std::size_t gone,
               core.retention->erase_due(kErasedAtOnce, [&](const std::string& id) { return erase_beside(core, id); }));
    if (gone == 0) break;
    all += gone;
  }
  return all;
}

JsonObject RetentionDesk::json(const flow::RetentionReport& report) {
  JsonArray lines, next;
  for (const auto& line : report.lines)
    lines.push_back(JsonObject{{"from", line.origin},
                               {"days", line.days ? Json(*line.days) : Json(nullptr)},
                               {"objects", line.objects},
                               {"due", line.due},
                               {"next", line.next ? Json(line.next->text(0)) : Json(nullptr)}});
  for (const auto& one : report.next)
    next.push_back(JsonObject{{"object", one.object_id}, {"from", one.origin}, {"due", one.due.text(0)}});
  return {{"read", report.read},
          {"last", report.last},
          {"erased", report.erased},
          {"lines", std::move(lines)},
          {"next", std::move(next)}};
}

void RetentionDesk::start() {
  thread_ = std::thread([this] { run(); });
}

void RetentionDesk::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void RetentionDesk::run() {
  ::prctl(PR_SET_NAME, "bongsu-retain");
  auto pause = std::chrono::milliseconds(kPoll);
  auto next = std::chrono::steady_clock::now();
  journal::Seq seen = 0;
  while (!stopping_) {
    const journal::Seq last = core_.journal->wait_beyond(seen, kPoll);
    const auto now = std::chrono::steady_clock::now();
    if (pause > kPoll ? now < next : last == seen && now < next) continue;
    const auto done = catch_up(core_, stopping_);
    if (done) {
      pause = kPoll;
      seen = last;
      next = now + kLookForDue;
      std::this_thread::sleep_for(kPoll);  // what comes in a burst is read together
    } else if (!stopping_) {
      core_.log.error("retention", {{"error", done.error().text()}});
      pause = std::min(2 * pause, kLongestPause);
      next = now + pause;
      std::this_thread::sleep_for(kPoll);
    }
  }
}

}  // namespace bongsu::node
