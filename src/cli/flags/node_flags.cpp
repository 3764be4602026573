// The node itself: making, running, keeping it; what goes in and out of it, who may log in, what it found.
#include <cstdio>
#include <string>

#include "cli/enforcement_commands.h"
#include "cli/flags/flags.h"
#include "cli/flags/program.h"
#include "cli/key_commands.h"
#include "cli/ledger_commands.h"
#include "cli/node_commands.h"
#include "cli/seal_commands.h"
#include "cli/serve_command.h"
#include "cli/taxii_commands.h"

namespace bongsu::cli {

void add_init(Program& p) {
  static InitCommand c;
  auto* sub = p.command(&p.app, "init", "Make a node: keys, certificates, configuration",
                        "  bongsu init --member cert-lt --title \"CERT Lithuania\" --country LT\n"
                        "  bongsu init --member cert-ua --data /var/lib/bongsu --name ti.cert.example --base-port 6443\n");
  p.on_node(sub);
  sub->add_option("--member", c.member, "Short name of the member: a-z, 0-9, '-'")->required();
  sub->add_option("--title", c.title, "Name for people");
  sub->add_option("--country", c.country, "ISO 3166-1 alpha-2 code");
  sub->add_option("--name", c.names, "Host name or address in the certificate; may be given again")->allow_extra_args(false);
  sub->add_option("--base-port", c.base_port, "First of four ports: TAXII, link, console, health; 0 = any that are free")->capture_default_str();
  sub->callback([&p] { p.exit = run_init(p.common, c); });
}

void add_serve(Program& p) {
  static ServeCommand c;
  auto* sub = p.command(&p.app, "serve", "Run the node", "  bongsu serve --data bongsu-data\n  bongsu serve --watch /var/log/zeek/current\n");
  p.on_node(sub);
  sub->add_option("--watch", c.watch, "Telemetry to watch beside what the configuration names; may be given again")->allow_extra_args(false);
  sub->callback([&p] { p.exit = run_serve(p.common, c); });

  static SensorCommand sensor;
  auto* hidden = p.app.add_subcommand("sensor", "The sensor process; started by serve")->group("");
  hidden->add_option("--fd", sensor.fd)->required();
  hidden->add_option("--work", sensor.work_fd);
  hidden->callback([&p] { p.exit = run_sensor(sensor); });
}

namespace {

void clearance_options(CLI::App* command, ClearanceOptions& c) {
  command->add_option("--class", c.rank, "Highest classification: unclassified, restricted, confidential, secret, top-secret")->capture_default_str();
  command->add_option("--category", c.categories, "Compartment that is opened to this person; may be given again")->allow_extra_args(false);
  command->add_option("--nationality", c.nationalities, "Two small letters (lt); may be given again")->allow_extra_args(false);
  command->add_flag("--custodian", c.custodian, "May look at what carries markings that this node does not understand");
}

}  // namespace

void add_collections_and_accounts(Program& p) {
  auto* collections = p.group("collection", "Collections of this node");
  static CollectionCommand c;
  auto* add = p.command(collections, "add", "Add a collection",
                        "  bongsu collection add ics --title \"Industrial control systems\" --tlp amber\n");
  p.on_node(add);
  add->add_option("alias", c.alias, "Short name")->required();
  add->add_option("--id", c.id, "UUID; made if absent");
  add->add_option("--title", c.title);
  add->add_option("--description", c.description);
  add->add_option("--tlp", c.tlp, "Label of objects that carry no TLP marking (default amber+strict)");
  add->add_option("--exercise", c.exercise, "UUID of the exercise that it is for: nothing live gets in, nothing of it out");
  add->add_flag("--read-only", c.read_only, "TAXII clients may not add to it");
  add->callback([&p] { p.exit = run_collection_add(p.common, c); });
  auto* list = p.command(collections, "list", "All collections, mirrors too", "  bongsu collection list\n");
  p.on_node(list);
  list->callback([&p] { p.exit = run_collection_list(p.common); });

  auto* accounts = p.group("account", "Accounts for TAXII clients and people");
  static AccountCommand a;
  auto* account = p.command(accounts, "add", "Add an account",
                            "  bongsu account add siem --basic --read '*' --write shared\n"
                            "  bongsu account add olena --token --role analyst --read '*' --write '*'\n"
                            "  bongsu account add poller --member cert-fi --certificate poller.pem --read shared\n");
  p.on_node(account);
  account->add_option("name", a.name)->required();
  account->add_option("--member", a.member, "On whose behalf (default: this node's member)");
  account->add_option("--role", a.role, "reader, analyst or operator")->capture_default_str();
  account->add_flag("--basic", a.basic, "HTTP Basic with a password that is made and shown once");
  account->add_option("--password-file", a.password_file, "HTTP Basic with the password in this file");
  account->add_flag("--token", a.token, "Bearer token, made and shown once");
  account->add_option("--certificate", a.certificate_file, "Client certificate (PEM) that logs in");
  account->add_option("--read", a.read, "Collection it may read, '*' for all; may be given again")->allow_extra_args(false);
  account->add_option("--write", a.write, "Collection it may write, '*' for all; may be given again")->allow_extra_args(false);
  account->add_flag("--enforcement", a.enforcement, "May read the files for enforcement points at /enforcement/");
  account->add_option("--person", a.person, "Whose account it is, as labels name persons (default: the account's name)");
  clearance_options(account, a.clearance);
  account->add_flag("--replace", a.replace, "Replace an account of that name");
  account->callback([&p] { p.exit = run_account_add(p.common, a); });
  auto* all = p.command(accounts, "list", "All accounts", "  bongsu account list\n");
  p.on_node(all);
  all->callback([&p] { p.exit = run_account_list(p.common); });
  static std::string cleared;
  static ClearanceOptions clearance;
  auto* clear = p.command(accounts, "clear", "Say what a person may see: the whole clearance anew; holds at once",
                          "  bongsu account clear olena --class secret --category alpha --nationality lt\n"
                          "  bongsu account clear olena        # nothing above unclassified\n");
  p.on_node(clear);
  clear->add_option("name", cleared)->required();
  clearance_options(clear, clearance);
  clear->callback([&p] { p.exit = run_account_clear(p.common, cleared, clearance); });
  static std::string removed;
  auto* remove = p.command(accounts, "remove", "Remove an account", "  bongsu account remove siem\n");
  p.on_node(remove);
  remove->add_option("name", removed)->required();
  remove->callback([&p] { p.exit = run_account_remove(p.common, removed); });
}

void add_exchange(Program& p) {
  static ImportCommand i;
  auto* import = p.command(&p.app, "import", "Admit STIX objects, and Sigma and YARA rules, from files",
                           "  bongsu import bundle.json --collection shared\n  bongsu import from-ua.bse   # a courier's file: opened, verified, admitted as from its sender\n  zstdcat history.json.zst | bongsu import -\n  bongsu import sigma/rules --collection shared   # each file of rules becomes an indicator\n");
  p.on_node(import);
  import->add_option("files", i.files, "Bundles, envelopes or NDJSON, - for standard input; files of rules (.yml, .yar), directories of such")->required();
  import->add_option("--collection", i.collection)->capture_default_str();
  import->add_option("--authority", i.authority, "Who decides that newer versions may have lower labels");
  import->add_option("--reason", i.reason, "Why they may, also for the second person where that takes one");
  import->callback([&p] {
    // What a partner sealed for us says itself where it belongs.
    p.exit = i.files.size() == 1 && is_sealed_file(i.files[0]) ? run_courier_import(p.common, i.files[0]) : run_import(p.common, i);
  });
  static ExportCommand e;
  auto* out = p.command(&p.app, "export", "Write a collection as a bundle",
                        "  bongsu export --collection shared --out shared.json\n  bongsu export --to cert-lt -o for-lt.bse   # a courier's file: what that partner may have, sealed to it\n  bongsu export --collection shared --member cert-ua   # what that partner may see\n");
  p.on_node(out);
  out->add_option("--collection", e.collection)->capture_default_str();
  out->add_option("--member", e.member, "As this member sees it (default: this node)");
  static CourierExportCommand courier;
  out->add_option("--to", courier.to, "Seal all that this member may have to it, for a courier");
  out->add_option("--out,-o", e.out, "File, - for standard output")->capture_default_str();
  out->add_flag("--all-versions", e.all_versions, "Every version instead of the newest");
  out->require_subcommand(0, 1);
  out->callback([&p, out] {
    if (!out->get_subcommands().empty()) return;
    if (courier.to.empty()) {
      p.exit = run_export(p.common, e);
      return;
    }
    courier.out = e.out;
    if (out->count("--collection") > 0) courier.collections = {e.collection};
    p.exit = run_courier_export(p.common, courier);
  });
  static EnforcementExportCommand f;
  auto* enforcement = p.command(out, "enforcement", "Write files for firewalls, resolvers, proxies and sensors",
                                "  bongsu export enforcement --format rpz --out /etc/bind/bongsu\n  bongsu export enforcement --format suricata --out /var/lib/suricata/rules\n");
  p.on_node(enforcement);
  enforcement->add_option("--format", f.format, "suricata, zeek, rpz, nginx, haproxy or edl")->required();
  enforcement->add_option("--out", f.out, "Directory; made if it is not there")->required();
  enforcement->callback([&p] { p.exit = run_enforcement_export(p.common, f); });
}

void add_taxii(Program& p) {
  auto* taxii = p.group("taxii", "Any TAXII 2.1 server: pull from it, push to it");
  const auto connection = [](CLI::App* sub, TaxiiConnection& c) {
    sub->add_option("url", c.url, "Server, discovery, API root or collection")->required();
    sub->add_option("--collection", c.collection, "Id, alias or title; not needed when there is only one");
    sub->add_option("--user", c.user, "HTTP Basic");
    sub->add_option("--password-file", c.password_file, "File with the password");
    sub->add_option("--token-file", c.token_file, "File with a bearer token");
    sub->add_option("--api-key-file", c.api_key_file, "File with an API key");
    sub->add_option("--api-key-header", c.api_key_header, "Header that carries the key");
    sub->add_option("--cert", c.certificate_file, "Client certificate (PEM)");
    sub->add_option("--key", c.key_file, "Its private key (PEM)");
    sub->add_option("--ca", c.ca_file, "Authorities to trust instead of the system's (PEM)");
    sub->add_option("--pin", c.pin, "SHA-256 of the server's certificate or its issuer, hex");
  };
  static TaxiiPullOptions pull;
  auto* from = p.command(taxii, "pull", "Fetch what is new",
                         "  bongsu taxii pull https://taxii.example/taxii2/ --collection indicators --user lt --password-file pw --state partner.state --out new.ndjson\n"
                         "  bongsu taxii pull https://127.0.0.1:6443/api1/ --collection shared --ca bongsu-data/keys/ca.pem --token-file token\n");
  connection(from, pull.connection);
  from->add_option("--added-after", pull.added_after, "Begin behind this timestamp");
  from->add_option("--state", pull.state_file, "Where the pull stands: go on from here next time");
  from->add_option("--out", pull.out, "File, - for standard output")->capture_default_str();
  from->add_flag("--ndjson", pull.ndjson, "One object a line instead of a bundle");
  from->add_option("--type", pull.types, "Only this STIX type; may be given again")->allow_extra_args(false);
  from->add_flag("--newest-only", pull.newest_only, "Newest version of each object instead of all");
  from->add_option("--limit", pull.limit, "Objects a page")->capture_default_str();
  from->add_flag("--json", pull.json, "Summary as JSON");
  from->callback([&p] { p.exit = run_taxii_pull(pull, stdout, stderr); });
  static TaxiiPushOptions push;
  auto* to = p.command(taxii, "push", "Send objects", "  bongsu taxii push https://taxii.example/api1/ bundle.json --collection shared --user lt --password-file pw\n");
  connection(to, push.connection);
  to->add_option("files", push.files, "Bundles, envelopes or NDJSON; - for standard input")->required();
  to->add_flag("--json", push.json, "Summary as JSON");
  to->callback([&p] { p.exit = run_taxii_push(push, stdout, stderr); });
}

void add_alerts(Program& p) {
  static AlertsCommand c;
  static SuppressCommand s;
  static std::string group, id;
  const auto listing = [&p](CLI::App* sub) {
    p.on_node(sub);
    sub->add_option("--limit", c.limit, "How many")->capture_default_str();
    sub->add_flag("--suppressed", c.suppressed, "The suppressed ones instead");
  };
  auto* alerts = p.command(&p.app, "alerts", "What was found: one line for each machine or account and time, highest risk first",
                           "  bongsu alerts --open\n"
                           "  bongsu alerts --flat --limit 50          # one line an alert, newest first\n"
                           "  bongsu alerts show group--…              # what is inside\n"
                           "  bongsu alerts suppress --entity 10.9.0.0/24 --by olena --reason \"our scanner\" --until 30d\n"
                           "  bongsu alerts suppressions\n");
  listing(alerts);
  alerts->add_flag("--open", c.open, "Only what nobody has judged");
  alerts->add_flag("--flat", c.flat, "Alerts one by one, newest first");
  alerts->add_flag("--newest", c.newest, "Newest first instead of highest risk first");
  alerts->add_option("--text", c.text, "Part of an entity, value, indicator, source, rule or technique");
  alerts->callback([&p, alerts] {
    if (alerts->get_subcommands().empty()) p.exit = run_alerts(p.common, c);
  });
  auto* show = p.command(alerts, "show", "The alerts of one group", "  bongsu alerts show group--…\n");
  listing(show);
  show->add_option("group", group)->required();
  show->callback([&p] { p.exit = run_alerts_show(p.common, group, c); });
  auto* suppress = p.command(alerts, "suppress", "Say that hits are of no interest: they are counted, and make no notification and no sighting",
                             "  bongsu alerts suppress --value vpn.example --by olena --reason \"ours since May\" --until 2026-12-24T00:00:00Z\n"
                             "  bongsu alerts suppress --rule 'Whoami' --entity 'host:admin-*' --by olena --reason \"admins do\" --until 30d\n");
  p.on_node(suppress);
  suppress->add_option("--by", s.author, "Who says so")->required();
  suppress->add_option("--reason", s.reason, "Why, for those who ask later")->required();
  suppress->add_option("--until", s.until, "When it ends: a time, or 12h, 30d from now; at most 90 days")->required();
  suppress->add_option("--indicator", s.indicator, "Id of the indicator");
  suppress->add_option("--value", s.value, "What the indicator looks for");
  suppress->add_option("--entity", s.entity, "An address block or a name with * and ?; host:, address:, user: or log: before it says the kind");
  suppress->add_option("--source", s.source, "The member or list that gave it");
  suppress->add_option("--rule", s.rule, "Name of a rule");
  suppress->add_option("--list", s.list, "Name of a warning list that the value stands in");
  suppress->callback([&p] { p.exit = run_suppress(p.common, s); });
  auto* unsuppress = p.command(alerts, "unsuppress", "End a suppression", "  bongsu alerts unsuppress suppression--… --by olena\n");
  p.on_node(unsuppress);
  unsuppress->add_option("id", id)->required();
  unsuppress->add_option("--by", s.author, "Who ends it")->required();
  unsuppress->callback([&p] { p.exit = run_unsuppress(p.common, id, s.author); });
  auto* list = p.command(alerts, "suppressions", "What is suppressed, by whom, why, until when, and how many hits it took", "  bongsu alerts suppressions\n");
  p.on_node(list);
  list->callback([&p] { p.exit = run_suppressions(p.common); });
}

void add_keys(Program& p) {
  auto* keys = p.group("keys", "How the node's private keys lie on disk (the node is stopped)");
  static KeysCommand c;
  auto* protect = p.command(keys, "protect", "Encrypt them, under a passphrase or a PKCS#11 token",
                            "  bongsu keys protect              # keys.passphrase_file, a credential, or asked at the terminal\n"
                            "  bongsu keys protect --token      # keys.pkcs11_module and keys.pkcs11_token in bongsu.toml\n");
  p.on_node(protect);
  protect->add_flag("--token", c.token, "Lock by the token; it signs as well if it does Ed25519");
  protect->add_flag("--signing-as-file", c.signing_as_file, "Do not put the signing key into the token");
  protect->callback([&p] { p.exit = run_keys_protect(p.common, c); });
  auto* unprotect = p.command(keys, "unprotect", "Keep them in clear, readable by their owner alone", "  bongsu keys unprotect\n");
  p.on_node(unprotect);
  unprotect->callback([&p] { p.exit = run_keys_unprotect(p.common); });
  auto* show = p.command(keys, "show", "How they are kept now", "  bongsu keys show\n");
  p.on_node(show);
  show->callback([&p] { p.exit = run_keys_show(p.common); });
}

void add_upkeep(Program& p) {
  auto* status = p.command(&p.app, "status", "What the node does now", "  bongsu status\n  bongsu status --json\n");
  p.on_node(status);
  status->callback([&p] { p.exit = run_status(p.common); });
  static std::string target, backup, object;
  auto* b = p.command(&p.app, "backup", "Copy the journal and keys while the node runs", "  bongsu backup /mnt/backup/2026-11-21\n");
  p.on_node(b);
  b->add_option("target", target, "Directory to make")->required();
  b->callback([&p] { p.exit = run_backup(p.common, target); });
  auto* r = p.command(&p.app, "restore", "Make a node from a backup; what was erased since stays erased", "  bongsu restore /mnt/backup/2026-11-21 --data bongsu-data\n");
  p.on_node(r);
  r->add_option("backup", backup)->required();
  r->callback([&p] { p.exit = run_restore(p.common, backup); });
  auto* retention = p.command(&p.app, "retention", "Personal data: whose, how much, and when it is erased", "  bongsu retention\n");
  p.on_node(retention);
  retention->callback([&p] { p.exit = run_retention(p.common); });
  auto* e = p.command(&p.app, "erase", "Destroy the keys of every version of an object", "  bongsu erase indicator--…\n");
  p.on_node(e);
  e->add_option("object", object)->required();
  e->callback([&p] { p.exit = run_erase(p.common, object); });
  static RecallCommand recall;
  auto* rc = p.command(&p.app, "recall", "Have destroyed at partners what they were given, and see who confirmed it",
                       "  bongsu recall indicator--… --preview              # who has it\n  bongsu recall indicator--… --reason erroneous --by anna\n  bongsu recall status\n  bongsu recall status indicator--…   # who had it, receipts, what is exposed still\n");
  p.on_node(rc);
  rc->add_option("what", recall.words, "An object's id; or status, and perhaps an object's id")->required()->expected(1, 2);
  rc->add_option("--reason", recall.reason, "withdrawn, erroneous, compromised or personal_data: what partners are told");
  rc->add_option("--deadline", recall.deadline, "How long partners have: 24h, 7d")->capture_default_str();
  rc->add_option("--by", recall.by, "Who decides");
  rc->add_option("--note", recall.note, "In your words; it stays here");
  rc->add_flag("--preview", recall.preview, "Say who has it, and do nothing");
  rc->add_flag("--yes", recall.yes, "Do not show who has it and ask first, as is done on a terminal");
  rc->add_flag("--destroy-here", recall.destroy_here, "This node's own copies as well");
  rc->callback([&p] { p.exit = run_recall(p.common, recall); });
  static VerifyCommand evidence;
  auto* v = p.command(&p.app, "verify", "Check the journal: structure, sequence, every payload; or, offline, evidence from ledgers",
                      "  bongsu verify\n  bongsu verify report.json --keys members.txt      # entries, openings, proofs, signatures; without any node\n"
                      "  bongsu verify tiles/ --key 'bongsu/ledger/cert-lt/node+…' --json\n");
  p.on_node(v);
  v->add_option("files", evidence.files, "Evidence (\"bongsu ledger proof\", \"… report\"), or directories of tiles (C2SP tlog-tiles); none: the node's journal");
  v->add_option("--key", evidence.keys, "A verifier key that you trust; may be given again")->expected(1)->allow_extra_args(false);
  v->add_option("--keys", evidence.key_files, "A file of such keys, one a line; may be given again")->expected(1)->allow_extra_args(false);
  v->add_option("--witness", evidence.witnesses, "Demand a cosignature by this name; may be given again")->expected(1)->allow_extra_args(false);
  v->add_option("--print", evidence.form, "Print what a report shows: markdown or html")
      ->check(CLI::IsMember({"markdown", "html"}));
  v->callback([&p] { p.exit = evidence.files.empty() ? run_verify(p.common) : run_verify_files(p.common, evidence); });
  auto* certificate = p.group("certificate", "The certificate that this node shows");
  auto* renew = p.command(certificate, "renew", "A new one from the node's own authority, without a restart", "  bongsu certificate renew\n");
  p.on_node(renew);
  renew->callback([&p] { p.exit = run_renew(p.common); });
  static bool explain = false;
  auto* config = p.command(&p.app, "config", "Check the configuration, or explain every key", "  bongsu config --explain\n  bongsu config --data bongsu-data\n");
  p.on_node(config);
  config->add_flag("--explain", explain, "Every key with default and meaning");
  config->callback([&p] { p.exit = run_config(p.common, explain); });
}

}  // namespace bongsu::cli
