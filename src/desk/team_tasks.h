// What a team's desk offers it to do beside forms and orders: steps of playbooks, and the way to its node's console.
//
//   table.look([&](const Tabled& t) { return playbooks_json(t, "lt-blue", true); });
//   console_json(nodes.status(), "cert-lt");
#pragma once

#include <string_view>

#include "base/json.h"
#include "desk/table.h"

namespace bongsu::desk {

// The playbooks by which the scenario has this team respond: [{playbook, steps: ["isolate-host"], injects: [{inject,
// subject}]}], in the scenario's order. Steps are told from the start, as kinds of forms are; injects once they have
// fired for the team, and with `found_alone` only those of which a delivery has arrived.
JsonArray playbooks_json(const Tabled& t, std::string_view team, bool found_alone);

// {member, console, token_file, running} out of the nodes' status; null: there is no node.
Json console_json(const Json& nodes, std::string_view member);

}  // namespace bongsu::desk
