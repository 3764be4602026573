#include "desk/post.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/files.h"
#include "formats/cap.h"

namespace bongsu::desk {

using namespace exercise::drill;
namespace scenario = exercise::scenario;

namespace {
constexpr std::chrono::milliseconds kCapDeadline{3000}, kCapAgain{5000};
}  // namespace

Post::Post(std::filesystem::path directory, const scenario::Scenario& scenario, const Players& players, PostWays ways)
    : directory_(std::move(directory)),
      scenario_(scenario),
      players_(players),
      ways_(std::move(ways)),
      maker_(scenario.exercise.start, players.exercise()) {}

Result<void> Post::write(const TelemetryLines& lines) {
  const Player* player = players_.by_entity(lines.team);
  if (player == nullptr) return fail(ErrorCode::kInternal, fmt::format("there is no team {}", lines.team));
  auto file = files_.find(player->member);
  if (file == files_.end()) {
    const std::filesystem::path telemetry = directory_ / "telemetry";
    std::error_code ec;
    std::filesystem::create_directories(telemetry / player->member, ec);
    BONGSU_TRY(TelemetryFile opened,
               TelemetryFile::open(telemetry / player->member / "sensor.log", telemetry / (player->member + ".index")));
    file = files_.emplace(player->member, std::move(opened)).first;
  }
  auto done = file->second.put(lines.id, lines.lines);
  if (!done) files_.erase(file);  // opened again, it says what is there
  return done;
}

Result<std::string> Post::deliver(const Delivery& delivery) {
  switch (delivery.via) {
    case scenario::Channel::kConsole:
      return std::string();
    case scenario::Channel::kTaxii:
      return by_taxii(delivery);
    case scenario::Channel::kMail:
      return by_mail(delivery);
    case scenario::Channel::kCap:
      return by_cap(delivery);
  }
  return std::string();
}

Result<std::string> Post::by_taxii(const Delivery& delivery) {
  const Player* to = players_.by_entity(delivery.to);
  if (to == nullptr || to->white) return std::string("in the console: the recipient has no node");
  MemberNode* white = ways_.node(players_.white().member);
  if (white == nullptr) return fail(ErrorCode::kUnavailable, "exercise control's node is not there now");
  const std::string subject = delivery.subject.empty() ? delivery.inject : delivery.subject;
  std::vector<std::string> authors;
  if (!delivery.sender.empty()) authors.push_back(delivery.sender);
  const JsonArray objects = maker_.text("note", delivery.id, subject, "EXERCISE. " + delivery.text,
                                        {maker_.id("identity", players_.white().member)}, scenario_.exercise.label,
                                        {to->member, players_.white().member}, delivery.due_ms, {}, authors);
  BONGSU_TRY(const Published done, white->publish(std::string(kDrillCollection), objects));
  if (!done.problems.empty())
    return fail(ErrorCode::kInvalid, fmt::format("exercise control's node refused it: {}", done.problems.front()));
  return std::string();
}

Result<std::string> Post::by_mail(const Delivery& delivery) {
  if (ways_.mail == nullptr) return std::string("in the console: this drill has no mail server");
  BONGSU_TRY(const std::string refused,
             ways_.mail->send({.id = maker_.id("mail", delivery.id),
                               .exercise = scenario_.exercise.id,
                               .to = delivery.to.empty() ? "everyone" : delivery.to,
                               .sender = delivery.sender,
                               .subject = delivery.subject,
                               .text = delivery.text,
                               .banner = exercise_banner(scenario_),
                               .at = scenario_.exercise.start + std::chrono::milliseconds(delivery.due_ms)}));
  return refused.empty() ? refused : "in the console: the mail server refused it: " + refused;
}

Result<std::string> Post::by_cap(const Delivery& delivery) {
  // UTC is -00:00 there (§3.2.1).
  const std::string sent =
      (scenario_.exercise.start + std::chrono::milliseconds(delivery.due_ms)).text(0).substr(0, 19) + "-00:00";
  const formats::CapAlert alert{.identifier = maker_.id("cap", delivery.id),
                                .sender = players_.white().member,
                                .sent = sent,
                                .status = "Exercise",
                                .message_type = "Alert",
                                .source = delivery.sender,
                                .scope = "Restricted",
                                .restriction = exercise_banner(scenario_),
                                .note = "EXERCISE",
                                .info = {{.categories = {"Other"},
                                          .event = delivery.inject.empty() ? "Exercise" : delivery.inject,
                                          .urgency = "Unknown",
                                          .severity = "Unknown",
                                          .certainty = "Unknown",
                                          .sender_name = delivery.sender,
                                          .headline = "EXERCISE " + delivery.subject,
                                          .description = delivery.text}}};
  BONGSU_TRY(const std::string xml, formats::write_cap(alert));
  const std::filesystem::path folder = directory_ / "cap";
  std::error_code ec;
  std::filesystem::create_directories(folder, ec);
  std::string name = delivery.id;
  std::ranges::replace(name, '/', '_');
  BONGSU_TRY_VOID(write_file_atomically(folder / (name + ".xml"), xml));
  return ways_.cap ? post_cap(xml) : std::string();
}

Result<std::string> Post::post_cap(std::string xml) {
  if (clock_.monotonic() < cap_again_at_) return fail(ErrorCode::kUnavailable, "who takes CAP alerts is not there now");
  net::ClientRequest request{.method = "POST", .url = *ways_.cap, .headers = {}, .body = std::move(xml)};
  request.headers.add("Content-Type", "application/cap+xml");
  request.headers.add("X-Exercise", scenario_.exercise.id);
  const auto answer = cap_client_.send(request, kCapDeadline);
  if (answer && answer->status < 300) return std::string();
  // What is refused as it is will be refused again.
  if (answer && answer->status >= 400 && answer->status < 500)
    return fmt::format("as a file: its receiver answered {}", answer->status);
  cap_again_at_ = clock_.monotonic() + kCapAgain;
  if (!answer) return std::unexpected(answer.error());
  return fail(ErrorCode::kUnavailable, fmt::format("who takes CAP alerts answered {}", answer->status));
}

}  // namespace bongsu::desk
