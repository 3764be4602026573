#include "cli/node_commands.h"

#include <fmt/format.h>

#include <fstream>

#include "base/text.h"
#include "cli/ask.h"
#include "cli/terminal.h"
#include "identity/accounts.h"
#include "node/backup.h"
#include "node/core.h"
#include "policy/memorandum.h"

namespace bongsu::cli {
namespace {

std::string yes_no(const Json& value, std::string_view key) { return bool_at(value, key).value_or(false) ? "yes" : "no"; }

std::string texts_of(const Json& value, std::string_view key) {
  std::string out;
  if (const Json* list = find(value, key); list != nullptr && list->is_array())
    for (const auto& item : list->get_array())
      if (item.is_string()) out += (out.empty() ? "" : ",") + std::string(item.get_string());
  return out;
}

}  // namespace

int run_init(const Common& common, const InitCommand& command) {
  const SystemClock clock;
  SystemRandom random;
  const node::DataDir directory{std::filesystem::absolute(common.data)};
  const auto made = directory.init({.member = command.member, .title = command.title, .country = command.country, .names = command.names,
                                    .base_port = command.base_port}, clock, random);
  if (!made) return report(made.error(), common.json);
  const auto log = make_stderr_log(LogLevel::kWarn);
  auto core = node::Core::open(directory, *log);
  if (!core) return report(core.error(), common.json);
  const auto token = (*core)->first_run();
  if (!token) return report(token.error(), common.json);
  const std::string spoken = crypto::spoken_fingerprint((*core)->ca_fingerprint);
  if (common.json) {
    print_json(JsonObject{{"member", command.member}, {"data", directory.root().string()}, {"operator_token", *token},
                          {"ca_fingerprint", (*core)->ca_fingerprint}, {"spoken_fingerprint", spoken}});
    return kExitOk;
  }
  say(fmt::format("Node \"{}\" is made in {}.", command.member, directory.root().string()));
  say(fmt::format("Its fingerprint, to read out to partners:  {}", spoken));
  say(fmt::format("Console log-in, shown this once:           {}", *token));
  say("");
  say(fmt::format("Next:  bongsu serve --data {}            starts it", common.data));
  say(fmt::format("       bongsu member invite --data {}    pairs it with a partner", common.data));
  return kExitOk;
}

int run_collection_add(const Common& common, const CollectionCommand& command) {
  JsonObject body{{"alias", command.alias}, {"writable", !command.read_only}};
  if (!command.id.empty()) body["id"] = command.id;
  if (!command.title.empty()) body["title"] = command.title;
  if (!command.description.empty()) body["description"] = command.description;
  if (!command.tlp.empty()) body["tlp"] = command.tlp;
  if (!command.exercise.empty()) body["exercise"] = command.exercise;
  return ask(common, "POST", "/collections", body, [&](const Json& answer) {
    say(fmt::format("Collection \"{}\" has the id {}.", text_of(answer, "alias"), text_of(answer, "id")));
    hint("Partners see it when an agreement names it: bongsu agreement set FILE");
  });
}

int run_collection_list(const Common& common) {
  return ask(common, "GET", "/collections", nullptr, [](const Json& answer) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& c : answer.at("collections").as_array())
      rows.push_back({text_of(c, "alias"), text_of(c, "id"), text_of(c, "mirror_of").empty() ? "own" : "from " + text_of(c, "mirror_of"), text_of(c, "exercise").empty() ? "live" : "exercise " + text_of(c, "exercise"), text_of(c, "title")});
    print_table({"ALIAS", "ID", "WHOSE", "FOR", "TITLE"}, rows);
  });
}

namespace {

Json json_of(const ClearanceOptions& clearance) {
  return identity::to_json({.rank = clearance.rank,
                            .categories = {clearance.categories.begin(), clearance.categories.end()},
                            .nationalities = {clearance.nationalities.begin(), clearance.nationalities.end()},
                            .custodian = clearance.custodian});
}

// "secret +alpha (lt) custodian"
std::string clearance_text(const Json& account) {
  const Json* clearance = find(account, "clearance");
  if (clearance == nullptr) return "";
  std::string out(text_of(*clearance, "rank"));
  if (const auto categories = texts_of(*clearance, "categories"); !categories.empty()) out += " +" + categories;
  if (const auto nations = texts_of(*clearance, "nationalities"); !nations.empty()) out += " (" + nations + ")";
  if (bool_at(*clearance, "custodian").value_or(false)) out += " custodian";
  return out;
}

}  // namespace

int run_account_clear(const Common& common, const std::string& name, const ClearanceOptions& clearance) {
  return ask(common, "POST", "/accounts/" + net::percent_encode(name) + "/clearance", JsonObject{{"clearance", json_of(clearance)}}, [](const Json& answer) {
    say(fmt::format("Account \"{}\" (person {}) is cleared for: {}.", text_of(answer, "name"), text_of(answer, "person"), clearance_text(answer)));
  });
}

int run_account_add(const Common& common, const AccountCommand& command) {
  JsonArray read, write;
  for (const auto& r : command.read) read.emplace_back(r);
  for (const auto& w : command.write) write.emplace_back(w);
  JsonObject body{{"name", command.name}, {"role", command.role}, {"basic", command.basic || !command.password_file.empty()}, {"token", command.token},
                  {"replace", command.replace}, {"enforcement", command.enforcement}, {"read", std::move(read)}, {"write", std::move(write)}};
  if (!command.member.empty()) body["member"] = command.member;
  if (!command.person.empty()) body["person"] = command.person;
  body["clearance"] = json_of(command.clearance);
  if (!command.password_file.empty()) {
    auto password = node::read_small_file(command.password_file, 4096);
    if (!password) return report(password.error(), common.json);
    while (password->ends_with('\n') || password->ends_with('\r')) password->pop_back();
    body["password"] = *password;
  }
  if (!command.certificate_file.empty()) {
    const auto pem = node::read_small_file(command.certificate_file);
    if (!pem) return report(pem.error(), common.json);
    body["certificate"] = *pem;
  }
  return ask(common, "POST", "/accounts", body, [](const Json& answer) {
    say(fmt::format("Account \"{}\" acts for {} as {}.", text_of(answer, "name"), text_of(answer, "member"), text_of(answer, "role")));
    if (const auto password = string_at(answer, "password")) say(fmt::format("Password, shown this once: {}", *password));
    if (const auto token = string_at(answer, "token")) say(fmt::format("Bearer token, shown this once: {}", *token));
  });
}

int run_account_list(const Common& common) {
  return ask(common, "GET", "/accounts", nullptr, [](const Json& answer) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& a : answer.at("accounts").as_array())
      rows.push_back({text_of(a, "name"), text_of(a, "member"), text_of(a, "role"), yes_no(a, "basic"),
                      std::to_string(int_at(a, "tokens").value_or(0)), texts_of(a, "read"), texts_of(a, "write"), text_of(a, "person"), clearance_text(a)});
    print_table({"NAME", "MEMBER", "ROLE", "BASIC", "TOKENS", "READS", "WRITES", "PERSON", "CLEARANCE"}, rows);
  });
}

int run_account_remove(const Common& common, const std::string& name) {
  return ask(common, "DELETE", "/accounts/" + net::percent_encode(name), nullptr, [&](const Json&) { say(fmt::format("Account \"{}\" is gone.", name)); });
}

int run_member_list(const Common& common) {
  return ask(common, "GET", "/members", nullptr, [](const Json& answer) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& m : answer.at("members").as_array())
      rows.push_back({text_of(m, "id"), text_of(m, "title"), yes_no(m, "confirmed"), yes_no(m, "stopped"),
                      text_of(m, "agreement_until").empty() ? "none" : text_of(m, "highest_tlp") + " until " + text_of(m, "agreement_until"),
                      text_of(m, "link_url")});
    if (rows.empty()) {
      say("No members yet. Pair with one: bongsu member invite");
      return;
    }
    print_table({"MEMBER", "NAME", "CONFIRMED", "STOPPED", "AGREEMENT", "LINK"}, rows);
  });
}

int run_member_invite(const Common& common, const std::string& member) {
  JsonObject asked;
  if (!member.empty()) asked["member"] = member;
  return ask(common, "POST", "/invite", asked, [](const Json& answer) {
    say(text_of(answer, "invitation"));
    hint(fmt::format("\nGive this line to the partner over a channel you trust; it works once, until {}. This node must be running at {}.\n"
                     "They run:  bongsu member accept 'bongsu-invite:…'\n"
                     "Then compare fingerprints by telephone. Yours: {}",
                     text_of(answer, "expires"), text_of(answer, "link_url"), text_of(answer, "spoken_fingerprint")));
  });
}

int run_member_accept(const Common& common, const std::string& invitation) {
  return ask(common, "POST", "/accept", JsonObject{{"invitation", invitation}}, [&](const Json& answer) {
    say(fmt::format("Paired with {} ({}).", text_of(answer, "id"), text_of(answer, "title")));
    say(fmt::format("Their fingerprint: {}", text_of(answer, "spoken_fingerprint")));
    say(fmt::format("Compare it by telephone, then:  bongsu member confirm {} --data {}", text_of(answer, "id"), common.data));
    hint("Nothing flows until an agreement says what may: bongsu agreement set FILE");
  });
}

int run_member_change(const Common& common, const std::string& member, const std::string& action) {
  return ask(common, "POST", fmt::format("/members/{}/{}", net::percent_encode(member), action), JsonObject{}, [&](const Json& answer) {
    if (action == "confirm") say(fmt::format("The fingerprint of {} is confirmed.", member));
    else if (action == "stop") say(fmt::format("Release to {} is stopped: its connections are cut and nothing flows until `bongsu release resume {}`.", member, member));
    else say(fmt::format("Release to {} goes on as its agreement says.", member));
    tell_what_was_lifted(answer);
  });
}

int run_agreement_set(const Common& common, const std::string& file, const std::string& reason) {
  auto toml = node::read_small_file(file);
  if (!toml) return report(toml.error(), common.json);
  auto client = AdminClient::open(common.data);
  if (!client) return report(client.error(), common.json);
  const bool signed_form = trim(*toml).starts_with('{');
  if (!signed_form && policy::is_memorandum(*toml))
    return report({.code = ErrorCode::kInvalid, .message = "nobody signed it yet: bongsu agreement sign", .where = {.source = file}}, common.json);
  const std::string query = "?source=" + net::percent_encode(file) + "&reason=" + net::percent_encode(reason);
  auto text = signed_form ? client->exchange("PUT", "/signed-agreements" + query, std::move(*toml), "application/vnd.bongsu.agreement+json")
                          : client->exchange("PUT", "/agreements" + query, std::move(*toml), "application/toml");
  auto answer = text ? parse_json(*text) : Result<Json>(std::unexpected(text.error()));
  if (!answer) return report(answer.error(), common.json);
  if (common.json) print_json(*answer);
  else if (!told_that_it_waits(*answer)) say(text_of(*answer, "explained"));
  return find(*answer, "waits") == nullptr ? kExitOk : kExitNo;
}

int run_agreement_show(const Common& common) {
  return ask(common, "GET", "/agreements", nullptr, [](const Json& answer) {
    for (const auto& a : answer.at("agreements").as_array()) say(text_of(a, "explained") + "\n\n" + text_of(a, "toml"));
    const auto& signed_ones = answer.at("signed").as_array();
    for (const auto& a : signed_ones) {
      say(text_of(a, "explained"));
      say(fmt::format("Signed by {}; {}.\n", texts_of(a, "signed_by"), bool_at(a, "in_force").value_or(false) ? "in force" : "NOT in force: " + text_of(a, "trouble")));
    }
    if (answer.at("agreements").as_array().empty() && signed_ones.empty()) say("No agreements: nothing flows to anybody.");
  });
}

int run_agreement_end(const Common& common, const std::string& partner, const std::string& reason) {
  return ask(common, "DELETE", "/agreements/" + net::percent_encode(partner) + "?reason=" + net::percent_encode(reason), nullptr, [&](const Json&) { say(fmt::format("The agreement with {} is ended.", partner)); });
}

int run_preview(const Common& common, const std::string& file, const std::string& collection) {
  auto object = node::read_small_file(file, stix::kMaxObjectBytes);
  if (!object) return report(object.error(), common.json);
  auto client = AdminClient::open(common.data);
  if (!client) return report(client.error(), common.json);
  auto text = client->exchange("POST", "/preview?collection=" + net::percent_encode(collection), std::move(*object), "application/stix+json");
  auto answer = text ? parse_json(*text) : Result<Json>(std::unexpected(text.error()));
  if (!answer) return report(answer.error(), common.json);
  if (common.json) {
    print_json(*answer);
    return kExitOk;
  }
  say(fmt::format("{} with label {} in \"{}\":", text_of(*answer, "object"), text_of(*answer, "label"), collection));
  std::vector<std::vector<std::string>> rows;
  for (const auto& line : answer->at("members").as_array()) {
    std::string why;
    for (const auto& reason : line.at("reasons").as_array()) why += (why.empty() ? "" : "; ") + text_of(reason, "sentence");
    std::string without;
    if (const Json* parts = find(line, "left_out"))
      for (const auto& part : parts->as_array())
        for (const auto& selector : part.at("selectors").as_array())
          without += (without.empty() ? "" : ", ") + std::string(selector.as_string());
    rows.push_back({text_of(line, "member"),
                    bool_at(line, "released").value_or(false) ? "gets it" : without.empty() ? "withheld" : "without " + without, why});
  }
  print_table({"MEMBER", "DECISION", "WHY"}, rows);
  return kExitOk;
}

int run_status(const Common& common) {
  return ask(common, "GET", "/status", nullptr, [](const Json& s) {
    say(fmt::format("{} ({}), {}", text_of(s, "member"), text_of(s, "title"), bool_at(s, "running").value_or(false) ? "running" : "not running"));
    say(fmt::format("fingerprint  {}", text_of(s, "spoken_fingerprint")));
    if (const Json* crisis = find(s, "crisis"))
      say(fmt::format("CRISIS       until {}, declared by {}: {}", text_of(*crisis, "until"), printable(text_of(*crisis, "by")), printable(text_of(*crisis, "reason"))));
    const Json& journal = s.at("journal");
    say(fmt::format("journal      {} entries, {:.1f} MB", int_at(journal, "last_seq").value_or(0), static_cast<double>(int_at(journal, "bytes").value_or(0)) / 1e6));
    say(fmt::format("alerts       {} open of {}", int_at(s.at("alerts"), "open").value_or(0), int_at(s.at("alerts"), "total").value_or(0)));
    if (const Json* hunt = find(s, "hunt")) {
      const auto count = [&](const char* key) { return int_at(*hunt, key).value_or(0); };
      const std::int64_t files = std::max<std::int64_t>(1, count("files"));
      say(fmt::format("telemetry    {} segments, {:.1f} MB{}", count("segments"), static_cast<double>(count("stored_bytes")) / 1e6,
                      count("hunting") > 0 ? fmt::format("; looking back for {} indicators: {} %", count("hunting") + count("waiting"), count("files_done") * 100 / files)
                                           : fmt::format("; looked back {} times, {} alerts", count("hunts"), count("alerts"))));
    }
    if (const Json* detection = find(s, "detection"); detection != nullptr)
      if (const Json* aside = find(*detection, "aside"); aside != nullptr && aside->is_array())
        for (const Json& rule : aside->get_array())
          say(fmt::format("set aside    {} rule {} of {} ({}), since {}: {}", text_of(rule, "language"), text_of(rule, "digest").substr(0, 12),
                          printable(text_of(rule, "giver").empty() ? "this node" : text_of(rule, "giver")), text_of(rule, "indicator"), text_of(rule, "since"),
                          printable(text_of(rule, "reason"))));
    if (const Json* listeners = find(s, "listeners"); listeners != nullptr && listeners->is_object())
      for (const auto& [name, url] : listeners->get_object()) say(fmt::format("{:<12} {}", std::string_view(name), std::string_view(url.as_string())));
    if (const Json* links = find(s, "links"); links != nullptr && links->is_array() && !links->get_array().empty()) {
      std::vector<std::vector<std::string>> rows;
      for (const auto& l : links->get_array())
        rows.push_back({text_of(l, "member"), text_of(l, "collection"), text_of(l, "phase"), std::to_string(int_at(l, "applied").value_or(0)),
                        int_at(l, "delay_us") ? fmt::format("{:.1f} ms", static_cast<double>(*int_at(l, "delay_us")) / 1000) : "-", text_of(l, "last_error")});
      say("");
      print_table({"FROM", "COLLECTION", "LINK", "OBJECTS", "DELAY", "LAST ERROR"}, rows);
    }
  });
}

int run_backup(const Common& common, const std::string& target) {
  return ask(common, "POST", "/backup", JsonObject{{"target", std::filesystem::absolute(target).string()}}, [&](const Json&) {
    say(fmt::format("Backup written to {}. It holds keys: keep it as safe as the node.", target));
    hint(fmt::format("Restore with: bongsu restore {} --data DIR", target));
  });
}

int run_restore(const Common& common, const std::string& backup) {
  const SystemClock clock;
  SystemRandom random;
  const auto log = make_stderr_log(LogLevel::kWarn);
  const node::DataDir directory{std::filesystem::absolute(common.data)};
  const auto done = node::restore_node(std::filesystem::absolute(backup), directory, clock, random, *log);
  if (!done) return report(done.error(), common.json);
  if (common.json) {
    print_json(JsonObject{{"data", directory.root().string()}, {"last_seq", done->last_seq}, {"removals", done->removals},
                          {"had_journal", done->had_journal}, {"had_ledger", done->had_ledger}, {"replaced", done->replaced.string()}});
    return kExitOk;
  }
  say(fmt::format("Restored into {}: {} entries.", directory.root().string(), done->last_seq));
  if (done->had_journal) say(fmt::format("{} deletions and erasures that came after the backup were repeated.", done->removals));
  else say("No earlier journal was there: what was erased after this backup cannot be known here. Erase it again: bongsu erase OBJECT");
  if (done->had_ledger) hint("Its ledger is that of the backup. Partners that have cosigned more of it since will say so: talk to them before they call it a second history.");
  else say("The backup holds no ledger: a new one is made, which partners that cosigned the old one will take for a second history.");
  if (!done->replaced.empty()) say(fmt::format("The directory that was there is now {}; delete it when you are sure.", done->replaced.string()));
  return kExitOk;
}

int run_retention(const Common& common) {
  return ask(common, "GET", "/retention", nullptr, [](const Json& answer) {
    const auto count = [](const Json& value, std::string_view key) { return int_at(value, key).value_or(0); };
    const auto or_dash = [](std::string text) { return text.empty() ? std::string("-") : text; };
    std::vector<std::vector<std::string>> rows;
    for (const auto& line : answer.at("lines").as_array()) {
      const auto days = int_at(line, "days");
      rows.push_back({text_of(line, "from"), days ? fmt::format("{}", *days) : "not said", fmt::format("{}", count(line, "objects")),
                      fmt::format("{}", count(line, "due")), or_dash(text_of(line, "next"))});
    }
    print_table({"FROM", "DAYS", "OBJECTS", "DUE NOW", "NEXT"}, rows);
    rows.clear();
    for (const auto& one : answer.at("next").as_array()) rows.push_back({text_of(one, "due"), text_of(one, "from"), text_of(one, "object")});
    if (!rows.empty()) say("");
    if (!rows.empty()) print_table({"DUE", "FROM", "OBJECT"}, rows);
    say(fmt::format("\n{} objects were erased so far.", count(answer, "erased")));
    if (count(answer, "read") < count(answer, "last")) say(fmt::format("Read {} of {} entries of the journal; what is not read is not counted yet.", count(answer, "read"), count(answer, "last")));
  });
}

int run_erase(const Common& common, const std::string& object) {
  return ask(common, "POST", "/erase", JsonObject{{"object", object}}, [&](const Json&) { say(fmt::format("{} is erased: its keys are destroyed.", object)); });
}

int run_verify(const Common& common) {
  return ask(common, "POST", "/verify", JsonObject{}, [](const Json& answer) { say(fmt::format("The journal is whole: {} entries verified.", int_at(answer, "verified").value_or(0))); });
}

int run_renew(const Common& common) {
  return ask(common, "POST", "/renew", JsonObject{}, [](const Json& answer) {
    say(fmt::format("New certificate {}, valid until {}. Partners pin the authority and need nothing.", text_of(answer, "fingerprint"), text_of(answer, "not_after")));
  });
}

int run_config(const Common& common, bool explain) {
  if (explain) {
    fmt::print("{}", node::explain_config());
    return kExitOk;
  }
  const node::DataDir directory{std::filesystem::absolute(common.data)};
  const auto config = directory.config();
  if (!config) return report(config.error(), common.json);
  say(fmt::format("{} is good.", directory.config_file().string()));
  return kExitOk;
}

}  // namespace bongsu::cli
