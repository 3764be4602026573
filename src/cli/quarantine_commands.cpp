// bongsu quarantine list|show|admit|discard, bongsu link resume, bongsu rule retry: what was not admitted, links that were suspended, rules that were set aside.
#include <fmt/format.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/node_commands.h"
#include "cli/terminal.h"

namespace bongsu::cli {
namespace {

std::string at(const Json& json, std::string_view key) { return std::string(string_at(json, key).value_or("")); }

std::string user() {
  const char* name = ::getlogin();
  return name != nullptr ? name : fmt::format("uid {}", ::getuid());
}

}  // namespace

int run_quarantine_list(const Common& common, bool all) {
  return ask(common, "GET", "/quarantine", nullptr, [&](const Json& answer) {
    std::vector<std::vector<std::string>> rows;
    if (const Json* items = find(answer, "items"); items != nullptr && items->is_array())
      for (const Json& item : items->get_array())
        if (all || at(item, "state") == "open")
          rows.push_back({at(item, "id"), at(item, "since"), printable(at(item, "member"), 24), at(item, "state"),
                          at(item, "reason"), printable(at(item, "object_id"), 80)});
    print_table({"ID", "SINCE", "FROM", "STATE", "REASON", "OBJECT"}, rows);
  });
}

int run_quarantine_show(const Common& common, const std::string& id) {
  return ask(common, "GET", "/quarantine/" + net::percent_encode(id), nullptr, [&](const Json& item) {
    for (const char* key : {"id", "since", "member", "originator", "state", "reason", "why", "object_id", "version",
                            "sha256", "decided", "decided_by", "decided_why"})
      if (const std::string text = at(item, key); !text.empty()) fmt::print("{:<12} {}\n", key, printable(text));
    if (const Json* object = find(item, "object"); object != nullptr && object->is_object())
      fmt::print("\n{}\n", for_terminal(to_pretty_text(*object)));
  });
}

int run_quarantine_decide(const Common& common, const std::string& id, const std::string& decision,
                          const std::string& reason) {
  const JsonObject body{{"decision", decision}, {"by", user()}, {"reason", reason}};
  return ask(common, "POST", "/quarantine/" + net::percent_encode(id), body, [&](const Json& item) {
    fmt::print("{} {}\n", printable(at(item, "object_id")), at(item, "state"));
  });
}

int run_rule_retry(const Common& common, const std::string& digest, const std::string& reason) {
  return ask(common, "POST", "/rules/" + net::percent_encode(digest), JsonObject{{"by", user()}, {"reason", reason}}, [&](const Json& rule) {
    fmt::print("the {} rule of {} is given to the sensor again\n", printable(at(rule, "language")), printable(at(rule, "indicator")));
  });
}

int run_link_resume(const Common& common, const std::string& member) {
  return ask(common, "POST", "/links/" + net::percent_encode(member), JsonObject{{"by", user()}},
             [&](const Json& answer) {
               fmt::print("the links from {} go on\n", member);
               tell_what_was_lifted(answer);
             });
}

}  // namespace bongsu::cli
