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

// Runs one call on the node and hands its answer to `show`, or prints it as it is with --json.
template <class Show>
int ask(const Common& common, std::string_view method, std::string_view path, const Json& body, Show show) {
  auto client = AdminClient::open(common.data);
  if (!client) return report(client.error(), common.json);
  auto answer = client->call(method, path, body);
  if (!answer) return report(answer.error(), common.json);
  if (common.json) print_json(*answer);
  else show(*answer);
  return kExitOk;
}

}  // namespace bongsu::cli
