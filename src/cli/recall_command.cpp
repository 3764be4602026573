// bongsu recall: what partners were given and shall destroy.
#include <fmt/format.h>

#include <unistd.h>

#include <charconv>
#include <iostream>

#include "cli/ask.h"
#include "cli/node_commands.h"
#include "cli/terminal.h"
#include "net/http.h"

namespace bongsu::cli {
namespace {

// "90s", "30m", "24h", "7d".
std::optional<std::int64_t> seconds_of(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number <= 0 || number > 1'000'000 || text.data() + text.size() - end != 1)
    return std::nullopt;
  switch (*end) {
    case 's':
      return number;
    case 'm':
      return number * 60;
    case 'h':
      return number * 3600;
    case 'd':
      return number * 86'400;
    default:
      return std::nullopt;
  }
}

std::string names_at(const Json& value, std::string_view key) {
  std::string out;
  if (const Json* list = find(value, key); list != nullptr && list->is_array())
    for (const auto& name : list->get_array()) out += (out.empty() ? "" : ", ") + std::string(name.get_string());
  return out;
}

std::string objects_of(const Json& line) {
  const auto& list = line.at("objects").as_array();
  return list.size() == 1 ? std::string(list.front().get_string()) : fmt::format("{} objects", list.size());
}

int run_status(const Common& common, const std::string& object) {
  const std::string path = object.empty() ? "/recalls" : "/recalls?object=" + net::percent_encode(object);
  return ask(common, "GET", path, nullptr, [](const Json& answer) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& line : answer.at("orders").as_array()) {
      const Json* receipt = find(line, "receipt");
      rows.push_back({text_of(line, "member"), objects_of(line), text_of(line, "reason"), text_of(line, "state"),
                      text_of(line, "deadline"), receipt ? text_of(*receipt, "at") : "",
                      bool_at(line, "exposed").value_or(false)
                          ? "EXPOSED; may be at " + text_of(line, "may_have_passed_on_to")
                          : ""});
    }
    if (rows.empty())
      say("Nothing was recalled from anybody.");
    else
      print_table({"MEMBER", "OBJECT", "REASON", "STATE", "DEADLINE", "CONFIRMED", "EXPOSURE"}, rows);
    rows.clear();
    for (const auto& line : answer.at("taken").as_array())
      rows.push_back({text_of(line, "from"), objects_of(line), text_of(line, "reason"), text_of(line, "at"),
                      fmt::format("{}", int_at(line, "destroyed").value_or(0)),
                      fmt::format("{}", int_at(line, "onward_open").value_or(0))});
    if (!rows.empty()) print_table({"RECALLED BY", "OBJECT", "REASON", "DESTROYED AT", "COPIES", "ONWARD OPEN"}, rows);
    for (const auto& line : answer.at("refused").as_array())
      say(fmt::format("refused {}: {} from {}: {}", text_of(line, "at"), text_of(line, "what"), text_of(line, "from"),
                      text_of(line, "why")));
    say(fmt::format("{} open, {} exposed", int_at(answer, "open").value_or(0), int_at(answer, "exposed").value_or(0)));
  });
}

}  // namespace

int run_recall(const Common& common, const RecallCommand& command) {
  if (command.words.front() == "status") return run_status(common, command.words.size() > 1 ? command.words[1] : "");
  const auto wrong = [&](std::string message) {
    return report({.code = ErrorCode::kInvalid, .message = std::move(message)}, common.json);
  };
  if (command.words.size() != 1) return wrong("one object is recalled at a time");
  if (command.reason.empty() && !command.preview)
    return wrong("--reason says why: withdrawn, erroneous, compromised or personal_data");
  const auto deadline = seconds_of(command.deadline);
  if (!deadline) return wrong("--deadline is a time as 90s, 30m, 24h or 7d");
  JsonObject body{{"object", command.words.front()},
                        {"reason", command.reason.empty() ? "withdrawn" : command.reason},
                        {"deadline_seconds", *deadline},
                        {"by", command.by},
                        {"note", command.note},
                        {"destroy_here", command.destroy_here}};
  const auto say_who = [](const Json& answer) {
    const std::string has = names_at(answer, "told"), maybe = names_at(answer, "unsettled"),
                      fetched = names_at(answer, "fetched"), derived = names_at(answer, "derived");
    say("Was given to: " + (has.empty() ? "nobody" : has));
    if (!maybe.empty()) say("Perhaps given to, which is known when they come again: " + maybe);
    if (!fetched.empty()) say("Fetched by TAXII, where nothing can be destroyed: " + fetched);
    if (!derived.empty()) say("Made of it here, and recalled with it: " + derived);
  };
  const bool asks = !command.preview && !command.yes && !common.json && ::isatty(STDIN_FILENO) != 0;
  if (command.preview || asks) {
    body["preview"] = true;
    const int shown = ask(common, "POST", "/recalls", body, say_who);
    if (command.preview || shown != 0) return shown;
    body["preview"] = false;
    fmt::print(stderr, "Recall it from them? Type yes: ");
    std::string answer;
    std::getline(std::cin, answer);
    if (answer != "yes") return wrong("nothing was recalled");
  }
  return ask(common, "POST", "/recalls", body, [&](const Json& answer) {
    const std::string told = names_at(answer, "told"), unsettled = names_at(answer, "unsettled"),
                      derived = names_at(answer, "derived");
    say(told.empty() ? fmt::format("{} goes to nobody any more; nobody had been given it.", command.words.front())
                     : fmt::format("{} is recalled from {}.", command.words.front(), told));
    if (!unsettled.empty())
      say(fmt::format("When they come again it will be known whether they have it: {}", unsettled));
    if (const auto fetched = names_at(answer, "fetched"); !fetched.empty())
      say(fmt::format("Fetched by TAXII, where nothing can be destroyed; they stay exposed: {}", fetched));
    if (!derived.empty()) say(fmt::format("Recalled with it, made here: {}", derived));
    say("Who confirmed: bongsu recall status " + command.words.front());
  });
}

}  // namespace bongsu::cli
