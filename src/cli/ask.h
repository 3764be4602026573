// What the commands on a node have in common: one call, and its answer shown.
//
//   return ask(common, "GET", "/members", nullptr, [](const Json& answer) { print_table(…); });
#pragma once

#include <string>
#include <string_view>

#include "cli/admin_client.h"
#include "cli/node_commands.h"
#include "cli/terminal.h"

namespace bongsu::cli {

inline std::string text_of(const Json& value, std::string_view key) { return std::string(string_at(value, key).value_or("")); }

// What a second person has to approve is not done yet: says so, and how it goes on. False: it was done.
inline bool told_that_it_waits(const Json& answer) {
  const Json* waits = find(answer, "waits");
  if (waits == nullptr) return false;
  say("Not done yet: it waits for a second person. It " + text_of(*waits, "summary") + ".");
  say("  bongsu approvals approve " + text_of(*waits, "id") + " --token-file TOKEN --reason WHY");
  return true;
}

// A member that was caught lying is suspended until a person lifts that: whoever did so by this call is told what it was.
inline void tell_what_was_lifted(const Json& answer) {
  const Json* lifted = find(answer, "lifted");
  if (lifted == nullptr) return;
  const bool gave = bool_at(*lifted, "stops_giving").value_or(false);
  say("This lifts a suspension of " + text_of(*lifted, "at") + ": " + printable(text_of(*lifted, "reason")));
  say(std::string("  What it had ended goes on: ") + (gave ? "what is taken from this member, and what is given to it." : "what is taken from this member."));
}

// Runs one call on the node and hands its answer to `show`, or prints it as it is with --json.
template <class Show>
int ask(const Common& common, std::string_view method, std::string_view path, const Json& body, Show show) {
  auto client = AdminClient::open(common.data);
  if (!client) return report(client.error(), common.json);
  auto answer = client->call(method, path, body);
  if (!answer) return report(answer.error(), common.json);
  if (common.json) print_json(*answer);
  else if (!told_that_it_waits(*answer)) show(*answer);
  return find(*answer, "waits") == nullptr ? kExitOk : kExitNo;
}

}  // namespace bongsu::cli
