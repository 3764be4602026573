// bongsu crisis show|declare|end: whether agreements that are for crises hold here.
#include <fmt/format.h>

#include "base/config.h"
#include "base/text.h"
#include "cli/ask.h"
#include "cli/node_commands.h"
#include "cli/terminal.h"
#include "node/data_dir.h"

namespace bongsu::cli {
namespace {

constexpr std::size_t kMaxTokenBytes = 4096;

std::string words_of(const Json& crisis) {
  return fmt::format("until {}, declared by {}: {}", text_of(crisis, "until"), printable(text_of(crisis, "by")),
                     printable(text_of(crisis, "reason")));
}

int act(const Common& common, const char* method, const CrisisCommand& command, JsonObject body, const char* done) {
  auto token = node::read_small_file(command.token_file, kMaxTokenBytes);
  if (!token) return report(token.error(), common.json);
  body["token"] = trim(*token);
  body["reason"] = command.reason;
  return ask(common, method, "/crisis", std::move(body),
             [&](const Json& answer) { say(fmt::format("{} {}", done, words_of(answer))); });
}

}  // namespace

int run_crisis_show(const Common& common) {
  return ask(common, "GET", "/crisis", nullptr, [](const Json& answer) {
    const Json* crisis = find(answer, "crisis");
    if (crisis == nullptr || crisis->is_null()) return say("No crisis was ever declared on this node.");
    say(fmt::format(
        "{} {}", bool_at(answer, "in_force").value_or(false) ? "A crisis lasts" : "No crisis lasts. The last one was",
        words_of(*crisis)));
  });
}

int run_crisis_declare(const Common& common, const CrisisCommand& command) {
  const auto lasting = parse_duration(command.lasting);
  if (!lasting) return report(lasting.error(), common.json);
  return act(common, "POST", command, {{"seconds", std::chrono::duration_cast<std::chrono::seconds>(*lasting).count()}},
             "A crisis lasts");
}

int run_crisis_end(const Common& common, const CrisisCommand& command) {
  return act(common, "DELETE", command, {}, "It lasted");
}

}  // namespace bongsu::cli
