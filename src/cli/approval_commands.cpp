// bongsu approvals list|show|approve|refuse: what one person does not do alone.
#include <fmt/format.h>

#include "base/text.h"
#include "cli/ask.h"
#include "cli/node_commands.h"
#include "cli/terminal.h"
#include "node/data_dir.h"

namespace bongsu::cli {
namespace {

constexpr std::size_t kMaxTokenBytes = 4096;

void show_changes(const Json& item) {
  const Json* changes = find(item, "changes");
  if (changes == nullptr || !changes->is_array()) return;
  for (const Json& change : changes->get_array()) {
    const std::string before = text_of(change, "before"), after = text_of(change, "after");
    say(fmt::format("\n{}\n  before  {}\n  after   {}", text_of(change, "what"), before.empty() ? "(nothing)" : before,
                    after.empty() ? "(nothing)" : after));
  }
}

}  // namespace

int run_approvals_list(const Common& common, bool all) {
  return ask(common, "GET", "/approvals", nullptr, [&](const Json& answer) {
    if (!bool_at(answer, "four_eyes").value_or(false))
      say("Four eyes are off: one person decides here ([people] four_eyes).");
    std::vector<std::vector<std::string>> rows;
    if (const Json* items = find(answer, "items"); items != nullptr && items->is_array())
      for (const Json& item : items->get_array())
        if (all || text_of(item, "state") == "open")
          rows.push_back({text_of(item, "id"), text_of(item, "since"), text_of(item, "expires"), text_of(item, "state"),
                          printable(text_of(item, "by"), 24), printable(text_of(item, "summary"), 100)});
    print_table({"ID", "SINCE", "EXPIRES", "STATE", "BY", "WHAT"}, rows);
  });
}

int run_approvals_show(const Common& common, const std::string& id) {
  return ask(common, "GET", "/approvals/" + net::percent_encode(id), nullptr, [](const Json& item) {
    for (const char* key : {"id", "kind", "subject", "summary", "by", "why", "since", "expires", "state", "sha256",
                            "decided", "decided_by", "decided_why"})
      if (const std::string text = text_of(item, key); !text.empty()) fmt::print("{:<12} {}\n", key, printable(text));
    show_changes(item);
    if (const std::string content = text_of(item, "content"); !content.empty()) say("\n" + content);
  });
}

// What is approved is what the node holds now under this id: its hash is fetched, shown, and sent with the decision.
int run_approvals_decide(const Common& common, const ApprovalDecision& decision) {
  auto token = node::read_small_file(decision.token_file, kMaxTokenBytes);
  if (!token) return report(token.error(), common.json);
  auto client = AdminClient::open(common.data);
  if (!client) return report(client.error(), common.json);
  const std::string path = "/approvals/" + net::percent_encode(decision.id);
  const auto item = client->call("GET", path);
  if (!item) return report(item.error(), common.json);
  if (!common.json) {
    say(fmt::format("{}, proposed by {}: {}", text_of(*item, "summary"), text_of(*item, "by"), text_of(*item, "why")));
    show_changes(*item);
  }
  const auto done = client->call("POST", path,
                                 JsonObject{{"decision", decision.decision},
                                            {"token", trim(*token)},
                                            {"sha256", text_of(*item, "sha256")},
                                            {"reason", decision.reason}});
  if (!done) return report(done.error(), common.json);
  if (common.json)
    print_json(*done);
  else
    say(fmt::format("\n{} by {}", text_of(*done, "state"), text_of(*done, "decided_by")));
  return kExitOk;
}

}  // namespace bongsu::cli
