// The `bongsu` program: flags to options, nothing else. Each command lives in a *_commands file, its flags in flags/.
#include <cstdio>
#include <exception>
#include <memory>
#include <string>

#include "cli/flags/flags.h"
#include "cli/flags/program.h"
#include "cli/terminal.h"
#include "node/version.h"

using namespace bongsu::cli;

int main(int argc, char** argv) {
  Program p;
  p.app.formatter(std::make_shared<Help>());
  p.app.set_version_flag("--version", std::string("bongsu ") + bongsu::node::kVersion);
  p.app.require_subcommand(1);
  p.app.footer("Examples:\n"
               "  bongsu match --indicators feed.json logs/*.json.zst     look for indicators in logs, without any server\n"
               "  bongsu init --member cert-lt && bongsu serve            make a node and run it\n"
               "  bongsu taxii pull https://taxii.example/api1/ --collection shared\n");
  add_init(p);
  add_serve(p);
  add_policy(p);
  add_members(p);
  add_charter(p);
  add_collections_and_accounts(p);
  add_exchange(p);
  add_quarantine(p);
  add_approvals(p);
  add_alerts(p);
  add_keys(p);
  add_crisis(p);
  add_sealing(p);
  add_match(p);
  add_hunt(p);
  add_stix(p);
  add_label(p);
  add_pattern(p);
  add_taxii(p);
  add_yara(p);
  add_sigma(p);
  add_range(p);
  add_exercise(p);
  add_drill(p);
  add_course(p);
  add_ledger(p);
  add_upkeep(p);
  try {
    p.app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = p.app.exit(error);
    return code == 0 ? kExitOk : kExitTrouble;
  } catch (const std::exception& error) {
    // Output that cannot be written (a full disk, a closed pipe) comes as an exception of the formatting library.
    std::fprintf(stderr, "bongsu: %s\n", error.what());
    return kExitTrouble;
  }
  return p.exit;
}
