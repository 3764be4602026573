// `bongsu alerts …`: what was found, one line for each entity and time; what is inside; what is of no interest.
#include <fmt/format.h>

#include "base/config.h"
#include "cli/ask.h"
#include "net/http.h"

namespace bongsu::cli {
namespace {

std::string number_of(const Json& value, std::string_view key) { return std::to_string(int_at(value, key).value_or(0)); }

std::string entity_of(const Json& value) {
  const Json* entity = find(value, "entity");
  return entity == nullptr ? "" : text_of(*entity, "kind") + " " + text_of(*entity, "name");
}

std::string minutes(std::string_view time) { return std::string(time.substr(0, 16)); }

std::string techniques_of(const Json& value) {
  std::string out;
  if (const Json* list = find(value, "techniques"); list != nullptr && list->is_array())
    for (const Json& technique : list->get_array()) out += (out.empty() ? "" : " ") + text_of(technique, "id");
  return out;
}

// What was found: the first, and how many more.
std::string found_of(const Json& group) {
  const Json* lines = find(group, "lines");
  if (lines == nullptr || !lines->is_array() || lines->get_array().empty()) return "";
  const Json& first = lines->get_array().front();
  const std::string name = text_of(first, "language").empty() ? text_of(first, "value") : text_of(first, "rule");
  const std::int64_t all = int_at(group, "subjects").value_or(1);
  return all > 1 ? fmt::format("{} and {} more", name, all - 1) : name;
}

std::string query_of(const AlertsCommand& command) {
  std::string out = fmt::format("?limit={}", command.limit);
  if (command.open) out += "&open=true";
  if (command.suppressed) out += "&suppressed=true";
  if (command.newest) out += "&order=newest";
  if (!command.text.empty()) out += "&text=" + net::percent_encode(command.text);
  return out;
}

int run_flat(const Common& common, const AlertsCommand& command) {
  return ask(common, "GET", "/alerts" + query_of(command), nullptr, [](const Json& answer) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& line : answer.at("alerts").as_array()) {
      const Json& alert = line.at("alert");
      rows.push_back({minutes(text_of(line, "added")), number_of(line, "risk"), number_of(line, "hits"), entity_of(alert), text_of(alert, "source"),
                      text_of(alert, "matched"), text_of(alert, "field"), text_of(alert, "indicator")});
    }
    if (rows.empty()) {
      say("No alerts.");
      return;
    }
    print_table({"TIME", "RISK", "HITS", "ABOUT", "FROM", "MATCHED", "FIELD", "INDICATOR"}, rows);
  });
}

}  // namespace

int run_alerts(const Common& common, const AlertsCommand& command) {
  if (command.flat) return run_flat(common, command);
  return ask(common, "GET", "/groups" + query_of(command), nullptr, [&](const Json& answer) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& group : answer.at("groups").as_array())
      rows.push_back({number_of(group, "risk"), entity_of(group), number_of(group, command.suppressed ? "suppressed_hits" : "hits"),
                      number_of(group, command.suppressed ? "suppressed_alerts" : "alerts"), number_of(group, "open"), minutes(text_of(group, "first")),
                      minutes(text_of(group, "last")), techniques_of(group), int_at(group, "warned_alerts").value_or(0) > 0 ? "listed" : "",
                      text_of(group, "id"), found_of(group)});
    if (rows.empty()) say(command.suppressed ? "Nothing is suppressed." : "No alerts.");
    else print_table({"RISK", "ABOUT", "HITS", "ALERTS", "OPEN", "FIRST", "LAST", "ATT&CK", "WARNING", "GROUP", "FOUND"}, rows);
    const Json& totals = answer.at("totals");
    if (const auto unlisted = int_at(totals, "unlisted").value_or(0); unlisted > 0)
      say(fmt::format("{} hits came faster than triage.alerts_per_minute and are only counted.", unlisted));
    if (const auto hidden = int_at(totals, "suppressed_hits").value_or(0); hidden > 0 && !command.suppressed)
      hint(fmt::format("{} hits are suppressed: bongsu alerts --suppressed", hidden));
    if (!rows.empty()) hint("What is inside one: bongsu alerts show GROUP");
  });
}

int run_alerts_show(const Common& common, const std::string& group, const AlertsCommand& command) {
  return ask(common, "GET", "/groups/" + net::percent_encode(group) + query_of(command), nullptr, [](const Json& answer) {
    const Json& about = answer.at("group");
    say(fmt::format("{}   risk {}   {} hits   {} to {}", entity_of(about), number_of(about, "risk"), number_of(about, "hits"), text_of(about, "first"),
                    text_of(about, "last")));
    std::vector<std::vector<std::string>> rows;
    for (const auto& alert : answer.at("alerts").as_array()) {
      const Json* rule = find(alert, "rule");
      const Json& position = alert.at("position");
      rows.push_back({number_of(alert, "risk"), number_of(alert, "hits"), text_of(alert, "first"), text_of(alert, "verdict"), text_of(alert, "source"),
                      rule != nullptr && rule->is_object() ? text_of(*rule, "name") : text_of(alert.at("value"), "text"), text_of(alert, "field"),
                      fmt::format("{}:{}", text_of(position, "source"), number_of(position, "line")), text_of(alert, "id")});
    }
    print_table({"RISK", "HITS", "FIRST", "STATE", "FROM", "FOUND", "FIELD", "WHERE", "ALERT"}, rows);
    if (const auto total = int_at(answer, "total").value_or(0); total > static_cast<std::int64_t>(rows.size()))
      hint(fmt::format("{} alerts in all: --limit", total));
  });
}

int run_suppress(const Common& common, const SuppressCommand& c) {
  std::string until = c.until;
  if (const auto after = parse_duration(c.until)) until = (SystemClock().now() + std::chrono::nanoseconds(*after)).text(0);
  JsonObject match;
  for (const auto& [key, value] : {std::pair<const char*, const std::string&>{"indicator", c.indicator}, {"value", c.value}, {"entity", c.entity},
                                   {"source", c.source}, {"rule", c.rule}, {"list", c.list}})
    if (!value.empty()) match[key] = value;
  return ask(common, "POST", "/suppressions", JsonObject{{"author", c.author}, {"reason", c.reason}, {"until", until}, {"match", std::move(match)}},
             [](const Json& made) {
               say(fmt::format("{} until {}", text_of(made, "id"), text_of(made, "until")));
               hint("Hits are stored and counted, but make no notification and no sighting. End it: bongsu alerts unsuppress ID");
             });
}

int run_unsuppress(const Common& common, const std::string& id, const std::string& author) {
  return ask(common, "DELETE", fmt::format("/suppressions/{}?by={}", net::percent_encode(id), net::percent_encode(author)), nullptr,
             [&](const Json&) { say(fmt::format("{} has ended.", id)); });
}

int run_suppressions(const Common& common) {
  return ask(common, "GET", "/suppressions", nullptr, [](const Json& answer) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& rule : answer.at("suppressions").as_array())
      rows.push_back({text_of(rule, "id"), bool_at(rule, "in_force").value_or(false) ? text_of(rule, "until") : "ended", number_of(rule, "hits"),
                      text_of(rule, "author"), to_text(rule.at("match")), text_of(rule, "reason")});
    if (rows.empty()) say("Nothing is suppressed.");
    else print_table({"ID", "UNTIL", "HITS", "BY", "WHAT", "WHY"}, rows);
  });
}

}  // namespace bongsu::cli
