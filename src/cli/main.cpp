// The `bongsu` program: flags to options, nothing else. Each command lives in a *_commands file.
#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "cli/agreement_commands.h"
#include "cli/charter_commands.h"
#include "cli/enforcement_commands.h"
#include "cli/hunt_command.h"
#include "cli/key_commands.h"
#include "cli/ledger_commands.h"
#include "cli/match_command.h"
#include "cli/node_commands.h"
#include "cli/label_commands.h"
#include "cli/pattern_commands.h"
#include "cli/policy_commands.h"
#include "cli/range_commands.h"
#include "cli/range_hmi_command.h"
#include "cli/range_wire_commands.h"
#include "cli/seal_commands.h"
#include "cli/serve_command.h"
#include "cli/sigma_commands.h"
#include "cli/stix_commands.h"
#include "cli/taxii_commands.h"
#include "cli/terminal.h"
#include "cli/yara_commands.h"
#include "node/version.h"

namespace {

using namespace bongsu::cli;

// Examples first, then the usual help.
class Help : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override {
    std::string text = CLI::Formatter::make_help(app, name, mode);
    const std::string& footer = app->get_footer();
    if (footer.empty()) return text;
    // CLI11 prints the footer last; examples belong first.
    if (const auto at = text.rfind(footer); at != std::string::npos) text.erase(at);
    return footer + "\n" + text;
  }
};

struct Program {
  CLI::App app{"Bongsu: the cross-border cyber-defence exchange. One member runs one node.", "bongsu"};
  Common common;
  int exit = kExitOk;

  CLI::App* command(CLI::App* parent, const std::string& name, const std::string& about, const std::string& examples) {
    CLI::App* sub = parent->add_subcommand(name, about);
    sub->footer("Examples:\n" + examples);
    return sub;
  }
  CLI::App* group(const std::string& name, const std::string& about) {
    CLI::App* sub = app.add_subcommand(name, about);
    sub->require_subcommand(1);
    return sub;
  }
  // The flags that every command on a node has.
  void on_node(CLI::App* sub) {
    sub->add_option("--data", common.data, "Directory of the node (or BONGSU_DATA)")->envname("BONGSU_DATA")->capture_default_str();
    sub->add_flag("--json", common.json, "Machine-readable output");
  }
};

void add_policy(Program& p) {
  static DecideCommand c;
  auto* policy = p.group("policy", "Who may have what");
  auto* decide = p.command(policy, "decide", "Would this member get this object, and why?",
                           "  bongsu policy decide --object indicator.json --member cert-ua --explain\n"
                           "  bongsu policy decide --object bundle.json --member cert-ua --purpose exercise --state state.json --explain\n");
  p.on_node(decide);
  decide->add_option("--object", c.object, "One STIX object, or with --state a bundle with its marking definitions")->required();
  decide->add_option("--member", c.member, "Who asks")->required();
  decide->add_option("--purpose", c.purpose, "operations, exercise or crisis")->capture_default_str();
  decide->add_option("--collection", c.collection, "Where it stands: an alias on the node, an id in a state file")->capture_default_str();
  decide->add_option("--state", c.state, "A policy state as a file, in place of the node's");
  decide->add_option("--origin", c.origin, "With --state: the member who gave it (default: this node's own)");
  decide->add_option("--at", c.at, "With --state: the time (default: now)");
  decide->add_flag("--redact", c.redact, "With --state: as if parts could be left out");
  decide->add_flag("--explain", c.explain, "Every reason, the agreement and the versions");
  decide->callback([&p] { p.exit = run_policy_decide(p.common, c); });

  static std::string object, member;
  auto* why = p.command(&p.app, "why", "Why does this member have this object, or not: rule, agreement, version",
                        "  bongsu why indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f cert-ua\n");
  p.on_node(why);
  why->add_option("object", object, "Id of a stored object")->required();
  why->add_option("member", member)->required();
  why->callback([&p] { p.exit = run_why(p.common, object, member); });
}

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
  hidden->callback([&p] { p.exit = run_sensor(sensor); });
}

void add_signed_agreements(Program& p, CLI::App* agreement) {
  static AgreementDraftOptions d;
  auto* draft = p.command(agreement, "draft", "Write an agreement to be signed, or the next version of one",
                          "  bongsu agreement draft --charter baltic --party cert-lt --party cert-ua -o energy.toml\n  bongsu agreement draft --from energy.json -o energy2.toml\n");
  draft->add_option("--from", d.from, "The version that is in force");
  draft->add_option("--charter", d.charter, "Name of the charter");
  draft->add_option("--party", d.parties, "Member; give it again for each")->allow_extra_args(false);
  draft->add_option("--title", d.title);
  draft->add_option("--until", d.until, "A time, or a span")->capture_default_str();
  draft->add_option("--notice-days", d.notice_days)->capture_default_str();
  draft->add_option("-o,--out", d.out)->capture_default_str();
  draft->callback([&p] { p.exit = run_agreement_draft(d, stdout, stderr); });

  static AgreementSignOptions s;
  const auto signing = [&p](CLI::App* sub, bool notice) {
    p.on_node(sub);
    sub->add_option("file", s.file, "TOML, or what others signed already")->required();
    sub->add_option("--key", s.key, "A key in a file, instead of the node's");
    sub->add_option("--member", s.member, "Whose key it is");
    sub->add_option("-o,--out", s.out)->capture_default_str();
    sub->callback([&p, notice] {
      s.notice = notice;
      s.data = p.common.data;
      s.json = p.common.json;
      p.exit = run_agreement_sign(s, stdout, stderr);
    });
  };
  signing(p.command(agreement, "sign", "Sign for this member", "  bongsu agreement sign energy.toml -o energy-lt.json\n"), false);
  signing(p.command(agreement, "notice", "Sign that this member ends it, after the days that were agreed", "  bongsu agreement notice energy.json -o ended.json\n"), true);

  static AgreementFilesOptions f;
  auto* merge = p.command(agreement, "merge", "Put the parties' signatures together", "  bongsu agreement merge energy-lt.json energy-ua.json -o energy.json\n");
  merge->add_option("files", f.files)->required();
  merge->add_option("-o,--out", f.out)->capture_default_str();
  merge->callback([&p] { p.exit = run_agreement_merge(f, stdout, stderr); });
  auto* explain = p.command(agreement, "explain", "A file in words that a lawyer can read", "  bongsu agreement explain energy.json --charter charter.json\n");
  explain->add_option("file", f.files)->required()->expected(1);
  explain->add_option("--charter", f.charter, "Check the signatures by this charter");
  explain->add_flag("--json", f.json, "Machine-readable output");
  explain->callback([&p] { p.exit = run_agreement_explain(f, stdout, stderr); });
  auto* diff = p.command(agreement, "diff", "What differs, clause by clause", "  bongsu agreement diff energy.json energy2.toml\n");
  diff->add_option("files", f.files, "Two files")->required()->expected(2);
  diff->add_flag("--json", f.json, "Machine-readable output");
  diff->callback([&p] { p.exit = run_agreement_diff(f, stdout, stderr); });
}

void add_members(Program& p) {
  auto* member = p.group("member", "Partners: pair, list, confirm");
  auto* list = p.command(member, "list", "Members this node has paired with", "  bongsu member list\n");
  p.on_node(list);
  list->callback([&p] { p.exit = run_member_list(p.common); });
  auto* invite = p.command(member, "invite", "Make an invitation for a partner", "  bongsu member invite > invitation.txt\n");
  p.on_node(invite);
  invite->callback([&p] { p.exit = run_member_invite(p.common); });
  static std::string invitation, confirmed;
  auto* accept = p.command(member, "accept", "Accept a partner's invitation: exchange and pin keys", "  bongsu member accept 'bongsu-invite:1:…'\n");
  p.on_node(accept);
  accept->add_option("invitation", invitation, "The line that the partner sent")->required();
  accept->callback([&p] { p.exit = run_member_accept(p.common, invitation); });
  auto* confirm = p.command(member, "confirm", "Say that the fingerprint was compared by voice", "  bongsu member confirm cert-ua\n");
  p.on_node(confirm);
  confirm->add_option("member", confirmed)->required();
  confirm->callback([&p] { p.exit = run_member_change(p.common, confirmed, "confirm"); });

  auto* agreement = p.group("agreement", "What may flow to whom");
  static std::string file, partner;
  auto* set = p.command(agreement, "set", "Make or replace an agreement: local (TOML), or signed by its parties",
                        "  bongsu agreement set cert-ua.toml\n  bongsu agreement set energy.json\n");
  p.on_node(set);
  set->add_option("file", file)->required();
  set->callback([&p] { p.exit = run_agreement_set(p.common, file); });
  auto* show = p.command(agreement, "show", "All agreements of this node, in words and as data; or a file's words", "  bongsu agreement show\n  bongsu agreement show energy.json\n");
  p.on_node(show);
  show->add_option("file", file);
  show->callback([&p] {
    p.exit = file.empty() ? run_agreement_show(p.common) : run_agreement_explain({.files = {file}, .json = p.common.json}, stdout, stderr);
  });
  auto* end = p.command(agreement, "end", "End an agreement: nothing flows any more", "  bongsu agreement end cert-ua\n");
  p.on_node(end);
  end->add_option("partner", partner)->required();
  end->callback([&p] { p.exit = run_agreement_end(p.common, partner); });

  add_signed_agreements(p, agreement);

  auto* release = p.group("release", "The way out: stop, resume, preview");
  static std::string stopped, object, collection = "shared";
  for (const char* action : {"stop", "resume"}) {
    auto* sub = p.command(release, action, action == std::string("stop") ? "Cut one partner off at once" : "Let it flow again",
                          std::string("  bongsu release ") + action + " cert-ua\n");
    p.on_node(sub);
    sub->add_option("member", stopped)->required();
    sub->callback([&p, action] { p.exit = run_member_change(p.common, stopped, action); });
  }
  auto* preview = p.command(release, "preview", "Who would get this object?", "  bongsu release preview indicator.json --collection shared\n");
  p.on_node(preview);
  preview->add_option("file", object, "One STIX object")->required();
  preview->add_option("--collection", collection)->capture_default_str();
  preview->callback([&p] { p.exit = run_preview(p.common, object, collection); });
}

void add_charter(Program& p) {
  auto* charter = p.group("charter", "Who belongs to the exchange: a document that k of n sponsors sign");
  const auto json = [](CLI::App* sub, bool& flag) { sub->add_flag("--json", flag, "Machine-readable output"); };
  static CharterKeyOptions key;
  auto* k = p.command(charter, "key", "Make a sponsor's key", "  bongsu charter key lt.key\n");
  k->add_option("file", key.file)->required();
  k->callback([&p] { p.exit = run_charter_key(key, stdout, stderr); });

  static CharterDraftOptions d;
  auto* draft = p.command(charter, "draft", "Write the next version, to be signed",
                          "  bongsu charter draft --new baltic --sponsor lt=lt.key.pub --sponsor ee=ee.key.pub --threshold 2 --admit cert-lt.application -o c1.json\n"
                          "  bongsu charter draft --from c1.json --admit grid-lv.application --probation 90d -o c2.json\n"
                          "  bongsu charter draft --from c2.json --remove cert-xx -o c3.json\n");
  const auto many = [&](const char* flag, std::vector<std::string>& target, const char* about) {
    draft->add_option(flag, target, about)->allow_extra_args(false);
  };
  draft->add_option("--from", d.from, "The version that is in force");
  draft->add_option("--new", d.fresh, "Name of a new charter");
  draft->add_option("--title", d.title);
  draft->add_option("--expires", d.expires, "A time, or a span from now")->capture_default_str();
  draft->add_option("--issued", d.issued, "A time; now if absent");
  draft->add_option("--threshold", d.threshold, "How many sponsors have to sign");
  many("--sponsor", d.sponsors, "NATION=FILE of the public key[=TITLE]; new, or with another key");
  many("--drop-sponsor", d.dropped_sponsors, "NATION");
  many("--community", d.communities, "NAME=TITLE");
  many("--admit", d.admit, "File of an application");
  many("--remove", d.remove, "Member that goes out, for ever");
  draft->add_option("--clearance", d.clearance, "Of those who are admitted")->capture_default_str();
  draft->add_option("--probation", d.probation, "Of those who are admitted: a time, or a span")->capture_default_str();
  draft->add_option("--ceiling-tlp", d.ceiling_tlp, "While on probation")->capture_default_str();
  draft->add_option("--ceiling-rank", d.ceiling_rank, "While on probation")->capture_default_str();
  many("--member-clearance", d.clearances, "MEMBER=RANK");
  many("--member-communities", d.member_communities, "MEMBER=NAME,NAME");
  many("--group", d.groups, "NAME[@TIME]=MEMBER,MEMBER: who is in it from then on");
  many("--equivalence", d.equivalences, "NATION/KIND/MARKING=RANK");
  draft->add_option("-o,--out", d.out)->capture_default_str();
  json(draft, d.json);
  draft->callback([&p] { p.exit = run_charter_draft(d, stdout, stderr); });

  static CharterSignOptions s;
  auto* sign = p.command(charter, "sign", "Put a sponsor's signature to it", "  bongsu charter show c2.json --since c1.json && bongsu charter sign c2.json --key lt.key -o c2-lt.json\n");
  sign->add_option("file", s.file)->required();
  sign->add_option("--key", s.key, "File that `bongsu charter key` made")->required();
  sign->add_option("-o,--out", s.out, "In place if absent");
  json(sign, s.json);
  sign->callback([&p] { p.exit = run_charter_sign(s, stdout, stderr); });

  static CharterMergeOptions m;
  auto* merge = p.command(charter, "merge", "Put the signatures of several sponsors together", "  bongsu charter merge c2-lt.json c2-ee.json -o c2.json\n");
  merge->add_option("files", m.files)->required();
  merge->add_option("-o,--out", m.out)->capture_default_str();
  json(merge, m.json);
  merge->callback([&p] { p.exit = run_charter_merge(m, stdout, stderr); });

  static CharterShowOptions w;
  auto* show = p.command(charter, "show", "In words: a file's, or the one this node trusts", "  bongsu charter show c2.json\n  bongsu charter show c2.json --since c1.json\n  bongsu charter show\n");
  show->add_option("file", w.file);
  show->add_option("--since", w.since, "Only what differs from this version");
  p.on_node(show);
  show->callback([&p] {
    w.json = p.common.json;
    p.exit = w.file.empty() ? run_charter_status(p.common) : run_charter_show(w, stdout, stderr);
  });

  static CharterVerifyOptions v;
  auto* verify = p.command(charter, "verify", "Does each version follow from the one before, and is the last in force?", "  bongsu charter verify c1.json c2.json c3.json --digest '0123 4567 …'\n");
  verify->add_option("files", v.files, "In the order of their versions")->required();
  verify->add_option("--digest", v.digest, "Of the first one, as it was read out");
  verify->add_option("--at", v.at, "As of this time");
  json(verify, v.json);
  verify->callback([&p] { p.exit = run_charter_verify(v, stdout, stderr); });

  static CharterInviteOptions i;
  auto* invite = p.command(charter, "invite", "A sponsor's word that an organisation may apply", "  bongsu charter invite --charter baltic --sponsor lt --key lt.key --member grid-lv --nation lv --kind operator --role observer -o grid-lv.invitation\n");
  invite->add_option("--charter", i.charter, "Name of the charter")->required();
  invite->add_option("--sponsor", i.sponsor, "The sponsor's nation")->required();
  invite->add_option("--key", i.key, "The sponsor's key")->required();
  invite->add_option("--member", i.member, "Short name that the member will have")->required();
  invite->add_option("--nation", i.nation)->required();
  invite->add_option("--kind", i.kind, "civil, military, operator")->required();
  invite->add_option("--role", i.role, "sponsoring-nation, contributing-participant, observer")->required();
  invite->add_option("--lifetime", i.lifetime, "A time, or a span")->capture_default_str();
  invite->add_option("-o,--out", i.out)->capture_default_str();
  json(invite, i.json);
  invite->callback([&p] { p.exit = run_charter_invite(i, stdout, stderr); });

  static CharterApplyOptions a;
  auto* apply = p.command(charter, "apply", "This node's keys, and the proof that it holds them", "  bongsu charter apply --invitation grid-lv.invitation -o grid-lv.application\n  bongsu charter apply --charter baltic --kind civil --role sponsoring-nation -o cert-lt.application\n");
  p.on_node(apply);
  apply->add_option("--invitation", a.invitation);
  apply->add_option("--charter", a.charter, "Founders and new keys of a member: without an invitation");
  apply->add_option("--kind", a.kind);
  apply->add_option("--role", a.role);
  apply->add_option("--nation", a.nation, "The node's country if absent");
  apply->add_option("--identity", a.identity, "The node's STIX identity (bongsu status), which nobody else may speak under");
  apply->add_option("--title", a.title);
  apply->add_option("-o,--out", a.out)->capture_default_str();
  apply->callback([&p] {
    a.data = p.common.data;
    a.json = p.common.json;
    p.exit = run_charter_apply(a, stdout, stderr);
  });

  static std::vector<std::string> accepted;
  static std::string digest;
  auto* accept = p.command(charter, "accept", "Let this node trust it: the first by its digest, the next by the signatures", "  bongsu charter accept c1.json --digest '0123 4567 …'\n  bongsu charter accept c2.json c3.json\n");
  p.on_node(accept);
  accept->add_option("files", accepted, "In the order of their versions")->required();
  accept->add_option("--digest", digest, "Of the first charter, compared by voice");
  accept->callback([&p] { p.exit = run_charter_accept(p.common, accepted, digest); });
}

void clearance_options(CLI::App* command, ClearanceOptions& c) {
  command->add_option("--class", c.rank, "Highest classification: unclassified, restricted, confidential, secret, top-secret")->capture_default_str();
  command->add_option("--category", c.categories, "Compartment that is opened to this person; may be given again")->allow_extra_args(false);
  command->add_option("--nationality", c.nationalities, "Two small letters (lt); may be given again")->allow_extra_args(false);
  command->add_flag("--custodian", c.custodian, "May look at what carries markings that this node does not understand");
}

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

void add_quarantine(Program& p) {
  auto* group = p.group("quarantine", "What was not admitted because it speaks for others: look, admit, discard");
  static std::string id, reason, member;
  static bool all = false;
  auto* list = p.command(group, "list", "What is held, and why", "  bongsu quarantine list\n");
  p.on_node(list);
  list->add_flag("--all", all, "Also what was decided");
  list->callback([&p] { p.exit = run_quarantine_list(p.common, all); });
  auto* show = p.command(group, "show", "One item with its content", "  bongsu quarantine show 0b7e…\n");
  p.on_node(show);
  show->add_option("id", id)->required();
  show->callback([&p] { p.exit = run_quarantine_show(p.common, id); });
  for (const char* decision : {"admit", "discard"}) {
    auto* sub = p.command(group, decision, decision == std::string("admit") ? "Let it in, through admission" : "Erase its content; the record stays",
                          std::string("  bongsu quarantine ") + decision + " 0b7e… --reason \"asked CERT-EE by telephone\"\n");
    p.on_node(sub);
    sub->add_option("id", id)->required();
    sub->add_option("--reason", reason, "For those who ask later")->required();
    sub->callback([&p, decision] { p.exit = run_quarantine_decide(p.common, id, decision, reason); });
  }
  auto* link = p.group("link", "Links to partners");
  auto* resume = p.command(link, "resume", "Go on with a partner's links that were suspended for a wrong proof", "  bongsu link resume cert-ua\n");
  p.on_node(resume);
  resume->add_option("member", member)->required();
  resume->callback([&p] { p.exit = run_link_resume(p.common, member); });
}

void add_exchange(Program& p) {
  static ImportCommand i;
  auto* import = p.command(&p.app, "import", "Admit STIX objects, and Sigma and YARA rules, from files",
                           "  bongsu import bundle.json --collection shared\n  bongsu import from-ua.bse   # a courier's file: opened, verified, admitted as from its sender\n  zstdcat history.json.zst | bongsu import -\n  bongsu import sigma/rules --collection shared   # each file of rules becomes an indicator\n");
  p.on_node(import);
  import->add_option("files", i.files, "Bundles, envelopes or NDJSON, - for standard input; files of rules (.yml, .yar), directories of such")->required();
  import->add_option("--collection", i.collection)->capture_default_str();
  import->add_option("--authority", i.authority, "Who decides that newer versions may have lower labels");
  import->add_option("--reason", i.reason, "Why they may");
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

void add_sealing(Program& p) {
  static SealCommand s;
  auto* seal = p.command(&p.app, "seal", "Seal a file to members: only they can read it, and that it is from here is signed",
                         "  bongsu seal --to cert-lt --to cert-ee --label TLP:RED report.pdf\n");
  p.on_node(seal);
  seal->add_option("--to", s.to, "Member; may be given again, each gets a file of its own")->required()->allow_extra_args(false);
  seal->add_option("--label", s.label, "How to handle it, readable on the way (default TLP:AMBER+STRICT)");
  seal->add_flag("--together", s.together, "One file for all; each can read who the others are");
  seal->add_option("--out,-o", s.out, "File, - for standard output (default: FILE.MEMBER.sealed)");
  seal->add_option("file", s.file)->required();
  seal->callback([&p] { p.exit = run_seal(p.common, s); });
  static OpenCommand o;
  auto* open = p.command(&p.app, "open", "Open a file that was sealed to this node", "  bongsu open report.pdf.cert-lt.sealed -o report.pdf\n");
  p.on_node(open);
  open->add_option("file", o.file)->required();
  open->add_option("--out,-o", o.out, "File, - for standard output")->capture_default_str();
  open->add_flag("--keep-key", o.keep, "Keep the one-time key, so that the file can be opened again");
  open->callback([&p] { p.exit = run_open(p.common, o); });
  auto* prekeys = p.group("prekeys", "Keys to seal to, where no link carries them: courier, air gap");
  static std::string member, out = "-", file;
  auto* show = p.command(prekeys, "show", "This node's keys for a member", "  bongsu prekeys show cert-ua -o for-ua.json\n");
  p.on_node(show);
  show->add_option("member", member)->required();
  show->add_option("--out,-o", out, "File, - for standard output")->capture_default_str();
  show->callback([&p] { p.exit = run_prekeys_show(p.common, member, out); });
  auto* take = p.command(prekeys, "take", "Take a member's keys for this node", "  bongsu prekeys take cert-lt from-lt.json\n");
  p.on_node(take);
  take->add_option("member", member)->required();
  take->add_option("file", file)->required();
  take->callback([&p] { p.exit = run_prekeys_take(p.common, member, file); });
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

void add_stix(Program& p) {
  auto* stix = p.group("stix", "STIX 2.1 files, without any node");
  static StixValidateOptions v;
  auto* validate = p.command(stix, "validate", "Name every rule that an object breaks", "  bongsu stix validate bundle.json\n  zstdcat history.json.zst | bongsu stix validate - --json\n");
  validate->add_option("files", v.files, "Bundles, envelopes, arrays, NDJSON, also .gz and .zst; - for standard input")->required();
  validate->add_flag("--json", v.json, "One JSON object a finding, and a summary");
  validate->add_flag("--warnings", v.warnings, "What the standard only advises, too");
  validate->callback([&p] { p.exit = run_stix_validate(v, stdout, stderr); });
  static StixIdOptions i;
  auto* id = p.command(stix, "id", "Deterministic identifiers of observables", "  bongsu stix id observables.json\n");
  id->add_option("files", i.files, "As for validate")->required();
  id->add_flag("--json", i.json, "One JSON object a line");
  id->callback([&p] { p.exit = run_stix_id(i, stdout, stderr); });
}

void add_label(Program& p) {
  auto* label = p.group("label", "Labels of STIX and STANAG 4774, without any node");
  static LabelReadOptions r;
  auto* read = p.command(label, "read", "What a label means here. 0 understood, 1 not, or against the policy, 2 trouble",
                         "  bongsu label read report-label.xml --spif nato.xml\n  bongsu label read bundle.json --json\n");
  read->add_option("files", r.files, "Labels (STANAG 4774), bindings (STANAG 4778), or STIX with its marking definitions; - for standard input");
  read->add_option("--authority", r.authority, "Who marked it: civil, military or operator")->capture_default_str();
  read->add_option("--fallback", r.fallback, "TLP of what has none")->capture_default_str();
  read->add_option("--spif", r.spif, "A security policy (Open XML SPIF 2.1) that the labels have to keep to");
  read->add_flag("--json", r.json, "One JSON object a label");
  read->callback([&p] { p.exit = run_label_read(r, stdout, stderr); });
  static LabelWriteOptions w;
  auto* write = p.command(label, "write", "A label as STANAG 4774 says it, bound by 4778 if wanted, or as a STIX marking definition",
                          "  bongsu label write \"amber marked to:cert-lt,cert-ua class:secret\" --bind report.json=application/json > report.label.xml\n"
                          "  bongsu label write \"clear class:restricted\" --as stix --originator cert-lt\n");
  write->add_option("label", w.label, "As label read shows it")->required();
  write->add_option("--as", w.as, "stanag or stix")->capture_default_str();
  write->add_option("--created", w.created, "Instead of now");
  write->add_option("--review", w.review, "When to look at it again; five years after, if not said");
  write->add_option("--originator", w.originator, "A mail address; with stix the member who issues it");
  write->add_option("--bind", w.bind, "URI[=content type] of what it is bound to; may be given again")->expected(1)->allow_extra_args(false);
  write->callback([&p] { p.exit = run_label_write(w, stdout, stderr); });
}

void add_pattern(Program& p) {
  auto* pattern = p.group("pattern", "STIX patterns, without any node");
  static PatternCheckOptions c;
  auto* check = p.command(pattern, "check", "Is it a good pattern? Shows the place where it is not",
                          "  bongsu pattern check \"[file:name = 'a.exe'] REPEATS 5 TIMES\"\n  bongsu pattern check @pattern.txt --json\n");
  check->add_option("pattern", c.pattern, "The pattern; - for standard input, @FILE for a file")->required();
  check->add_flag("--json", c.json, "Machine-readable output");
  check->callback([&p] { p.exit = run_pattern_check(c, stdout, stderr); });
  static PatternEvalOptions e;
  auto* eval = p.command(pattern, "eval", "Does it match observed data? 0 yes, 1 no, 2 trouble",
                         "  bongsu pattern eval \"[file:name = 'a.exe']\" observed.json\n  zstdcat observed.ndjson.zst | bongsu pattern eval @pattern.txt -\n");
  eval->add_option("pattern", e.pattern, "The pattern; @FILE for a file")->required();
  eval->add_option("observed", e.files, "Bundles, arrays or NDJSON of observed data, also .gz and .zst; - for standard input");
  eval->add_flag("--json", e.json, "One JSON object");
  eval->add_flag("--quiet,-q", e.quiet, "The exit status alone");
  eval->callback([&p] { p.exit = run_pattern_eval(e, stdout, stderr); });
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

void add_match(Program& p) {
  static MatchOptions m;
  auto* sub = p.command(&p.app, "match", "Look for indicators and rules in logs, without any server",
                        "  bongsu match --indicators feed.json --warninglists lists/ logs/*.json.zst\n"
                        "  bongsu match --sigma sigma/rules --yara yara/ --patterns patterns.txt events.ndjson\n"
                        "  zcat conn.log.gz | bongsu match --indicators bad-domains.txt -\n");
  sub->add_option("--indicators", m.indicators, "STIX bundles, plain lists, TSV or CSV (type, value); may be given again")->allow_extra_args(false);
  sub->add_option("--patterns", m.patterns, "STIX patterns, one a line, or STIX bundles; may be given again")->allow_extra_args(false);
  sub->add_option("--sigma", m.sigma, "Sigma rules: a file or a directory; may be given again")->allow_extra_args(false);
  sub->add_option("--pipeline", m.pipelines, "A pySigma processing pipeline for them; may be given again")->allow_extra_args(false);
  sub->add_option("--yara", m.yara, "YARA rules, for fields of text: a file, a directory or an archive; may be given again")->allow_extra_args(false);
  sub->add_option("--map", m.maps, "What further fields of logs hold (TOML); may be given again")->allow_extra_args(false);
  sub->add_option("--warninglists", m.warning_lists, "MISP warning lists: a directory, a list.json or a tar archive; may be given again")->allow_extra_args(false);
  sub->add_option("logs", m.logs, "Files or directories; - for standard input");
  sub->add_option("--jobs", m.jobs, "Threads; 0 = as many as the machine has")->capture_default_str();
  sub->add_flag("--json", m.json, "One JSON alert a line, also on a terminal");
  sub->add_option("--min-confidence", m.min_confidence, "Leave out indicators below it (0 to 100)")->capture_default_str();
  sub->add_flag("--strict", m.strict, "A refused indicator or a bad line is trouble (exit 2)");
  sub->add_flag("--quiet", m.quiet, "No progress, no summary");
  sub->callback([&p] { p.exit = run_match(m, stdout, stderr); });
}

void add_hunt(Program& p) {
  static HuntOptions h;
  auto* hunt = p.command(&p.app, "hunt", "Look for indicators in telemetry that was stored before: a node's, or a directory of logs with an index",
                         "  bongsu hunt --indicators feed.json /var/log/zeek          (the index is made on the first pass)\n"
                         "  bongsu hunt --indicators feed.json --store bongsu-data/telemetry --since 2026-11-01T00:00:00Z\n"
                         "  bongsu hunt index /var/log/zeek\n");
  const auto places = [](CLI::App* sub) {
    sub->add_option("logs", h.logs, "Log files or directories");
    sub->add_option("--store", h.store, "Directory of a node's stored telemetry (DATA/telemetry)");
    sub->add_option("--cache", h.cache, "Where the index of the logs is; else .bongsu-hunt beside them");
    sub->add_flag("--json", h.json, "Machine-readable output on a terminal too");
    sub->add_flag("--quiet", h.quiet, "No progress, no summary");
    sub->add_option("--jobs", h.jobs, "Threads that index; 0 = as many as the machine has")->capture_default_str();
  };
  places(hunt);
  hunt->add_option("--indicators", h.indicators, "As for match; may be given again")->allow_extra_args(false);
  hunt->add_option("--warninglists", h.warning_lists, "As for match; may be given again")->allow_extra_args(false);
  hunt->add_option("--min-confidence", h.min_confidence, "Leave out indicators below it (0 to 100)")->capture_default_str();
  hunt->add_option("--since", h.since, "Leave out blocks of events that are all older");
  hunt->add_option("--until", h.until, "Leave out blocks of events that are all newer");
  hunt->require_subcommand(0, 1);
  hunt->callback([&p, hunt] {
    if (hunt->get_subcommands().empty()) p.exit = run_hunt(h, stdout, stderr);
  });
  const std::tuple<const char*, const char*, int (*)(const HuntOptions&, std::FILE*, std::FILE*)> kinds[] = {
      {"index", "Bring the index of logs up to date", run_hunt_index},
      {"verify", "Read everything that is stored and check it", run_hunt_verify},
      {"status", "What is stored", run_hunt_status}};
  for (const auto& [name, about, run] : kinds) {
    auto* sub = p.command(hunt, name, about, std::string("  bongsu hunt ") + name + " /var/log/zeek\n");
    places(sub);
    sub->callback([&p, run] { p.exit = run(h, stdout, stderr); });
  }
}

void add_yara(Program& p) {
  auto* yara = p.group("yara", "YARA rules, without any node");
  static YaraCheckOptions c;
  auto* check = p.command(yara, "check", "Name every rule that cannot be used", "  bongsu yara check rules/\n  bongsu yara check signature-base.tar.zst --json\n");
  check->add_option("rules", c.rules, "Rule files, directories, tar archives")->required();
  check->add_flag("--json", c.json, "One JSON object a finding, and a summary");
  check->callback([&p] { p.exit = run_yara_check(c, stdout, stderr); });
  static YaraScanOptions s;
  auto* scan = p.command(yara, "scan", "Scan files", "  bongsu yara scan --rules rules/ /srv/upload\n  bongsu yara scan --rules rules/ --timeout 10 suspicious.exe\n");
  scan->add_option("--rules", s.rules, "Rule files, directories, tar archives; may be given again")->allow_extra_args(false)->required();
  scan->add_option("paths", s.paths, "Files and directories")->required();
  scan->add_option("--define", s.defines, "NAME=VALUE of an external variable; may be given again")->allow_extra_args(false);
  scan->add_option("--max-bytes", s.max_file_bytes, "Larger files are left out")->capture_default_str();
  scan->add_option("--timeout", s.timeout_seconds, "Seconds a file may take")->capture_default_str();
  scan->add_option("--jobs", s.jobs, "Threads; 0 = as many as the machine has")->capture_default_str();
  scan->add_flag("--json", s.json, "One JSON hit a line, also on a terminal");
  scan->add_flag("--quiet", s.quiet, "No progress, no summary");
  scan->callback([&p] { p.exit = run_yara_scan(s, stdout, stderr); });
}

// Control systems on the wire: below `range`, beside the commands of its physics.
void add_range_wire(Program& p, CLI::App* range) {
  static RangeRtuOptions r;
  auto* rtu = p.command(range, "rtu", "Be a remote terminal unit that speaks IEC 60870-5-104",
                        "  bongsu range rtu --points samples/exercise/substation-points.csv\n"
                        "  physics | bongsu range rtu --points points.csv --iec104 192.0.2.7:2404 --input --record session.pcap\n");
  rtu->add_option("--points", r.points, "List of points (CSV)")->required();
  rtu->add_option("--iec104", r.listen, "ADDRESS:PORT to listen on")->capture_default_str();
  rtu->add_option("--common-address", r.common_address, "Of the station")->capture_default_str();
  rtu->add_option("-k", r.k, "I frames that may wait for an acknowledgement")->capture_default_str();
  rtu->add_option("-w", r.w, "I frames after which it acknowledges")->capture_default_str();
  rtu->add_option("--t1", r.t1, "Seconds until an answer must be there")->capture_default_str();
  rtu->add_option("--t2", r.t2, "Seconds until it acknowledges")->capture_default_str();
  rtu->add_option("--t3", r.t3, "Seconds of idleness until it tests")->capture_default_str();
  rtu->add_option("--max-events", r.max_events, "Changes that wait while nobody takes them")->capture_default_str();
  rtu->add_option("--select-timeout", r.select_timeout, "Seconds that a selection holds")->capture_default_str();
  rtu->add_flag("--each-connection", r.each_connection, "All masters at once, instead of one redundancy group");
  static RangePlcOptions c;
  auto* plc = p.command(range, "plc", "Be a controller that speaks Modbus/TCP",
                        "  bongsu range plc --points samples/exercise/substation-points.csv --modbus 127.0.0.1:1502\n");
  plc->add_option("--points", c.points, "List of points (CSV)")->required();
  plc->add_option("--modbus", c.listen, "ADDRESS:PORT to listen on")->capture_default_str();
  plc->add_option("--unit", c.unit, "Unit identifier")->capture_default_str();
  plc->add_option("--vendor", c.vendor, "What it says of itself")->capture_default_str();
  plc->add_option("--product", c.product)->capture_default_str();
  plc->add_option("--revision", c.revision)->capture_default_str();
  plc->add_option("--model", c.model);
  const auto common = [](CLI::App* sub, auto& o) {
    sub->add_option("--max-connections", o.max_connections, "Further ones are closed at once")->capture_default_str();
    sub->add_option("--record", o.record, "Packet capture of everything that is said");
    sub->add_option("--log", o.log, "What a network sensor in front would log: JSON lines as Zeek's");
    sub->add_flag("--input", o.input, "Lines of standard input set points: {\"point\":\"u1\",\"value\":112.4}");
    sub->add_flag("--json", o.json, "NDJSON, also on a terminal");
  };
  common(rtu, r);
  common(plc, c);
  rtu->callback([&p] { p.exit = run_range_rtu(r, stdout, stderr); });
  plc->callback([&p] { p.exit = run_range_plc(c, stdout, stderr); });

  static RangeHmiOptions h;
  auto* hmi = p.command(range, "hmi", "Be the operator of one of them: values, commands",
                        "  bongsu range hmi --points samples/exercise/substation-points.csv --iec104 127.0.0.1:2404\n"
                        "  bongsu range hmi --points points.csv --iec104 127.0.0.1:2404 --command line1.breaker=1 --once\n"
                        "  bongsu range hmi --iec104 127.0.0.1:2404 --command C_DC_NA_1:1100=1:select --once\n");
  hmi->add_option("--points", h.points, "List of points (CSV): names, units, commands");
  hmi->add_option("--iec104", h.iec104, "ADDRESS:PORT of a remote terminal unit");
  hmi->add_option("--modbus", h.modbus, "ADDRESS:PORT of a controller");
  hmi->add_option("--common-address", h.common_address, "Of the station")->capture_default_str();
  hmi->add_option("--originator", h.originator, "Originator address, 0: none")->capture_default_str();
  hmi->add_option("--unit", h.unit, "Modbus unit identifier")->capture_default_str();
  hmi->add_option("--poll", h.poll_ms, "Milliseconds between two rounds of reading (Modbus)")->capture_default_str();
  hmi->add_option("--interrogate-every", h.interrogate_every, "Seconds; 0: at the start only (IEC 104)")->capture_default_str();
  hmi->add_option("--retry", h.retry_s, "Seconds until it connects again")->capture_default_str();
  hmi->add_option("--command", h.commands, "NAME=VALUE or TYPE:OBJECT=VALUE[:select]; may be given again")->allow_extra_args(false);
  hmi->add_option("--record", h.record, "Packet capture of everything that is said");
  hmi->add_flag("--once", h.once, "End when the first reading and the commands are done");
  hmi->add_flag("--json", h.json, "NDJSON, also on a terminal");
  hmi->callback([&p] { p.exit = run_range_hmi(h, stdout); });
}

void add_range(Program& p) {
  auto* range = p.group("range", "The exercise range, without any node: its physics, its control systems on the wire");
  static PowerflowOptions f;
  auto* flow = p.command(range, "powerflow", "What flows in a network: a MATPOWER case, solved as runpf does",
                         "  bongsu range powerflow case118.m\n  bongsu range powerflow case118.m --q-limits --csv > solution.csv\n");
  flow->add_option("case", f.file, "MATPOWER case (format version 2); - for standard input")->required();
  flow->add_flag("--dc", f.dc, "The linear model: angles only, no losses");
  flow->add_flag("--q-limits", f.q_limits, "Hold generators' reactive limits (runpf's ENFORCE_Q_LIMS)");
  flow->add_flag("--flat", f.flat, "Start at 1 pu and 0 degrees, not at the case's voltages");
  flow->add_option("--tolerance", f.tolerance_pu, "Largest mismatch left, per unit")->capture_default_str();
  flow->add_flag("--csv", f.csv, "Every bus, an empty line, every branch");
  flow->add_flag("--json", f.json, "One JSON object a line: buses, generators, branches, a summary");
  flow->callback([&p] { p.exit = run_range_powerflow(f, stdout, stderr); });
  static ContingencyCommand c;
  auto* outages = p.command(range, "contingency", "Each branch out in its turn: what is cut off, which limits break",
                            "  bongsu range contingency case118.m\n  bongsu range contingency case9241pegase.m --csv > outages.csv\n");
  outages->add_option("case", c.file, "MATPOWER case; - for standard input")->required();
  outages->add_flag("--csv", c.csv, "One line an outage");
  outages->add_flag("--json", c.json, "One JSON object an outage, and a summary");
  outages->add_flag("--quiet", c.quiet, "No progress");
  outages->callback([&p] { p.exit = run_range_contingency(c, stdout, stderr); });
  static BuildGridCommand b;
  auto* build = p.command(range, "build-grid", "A network of countries from the ENTSO-E extract; impedances and loads are estimated, and it says so",
                          "  bongsu range build-grid --from grid-europe/ --countries LT,UA,PL -o lt-ua-pl.m\n"
                          "  bongsu range build-grid --from grid-europe/ --countries LT --load LT=1400\n");
  build->add_option("--from", b.from, "Directory of buses.csv, lines.csv, transformers.csv, generators.csv")->required();
  build->add_option("--countries", b.countries, "ISO 3166-1 alpha-2 codes, with commas or given again")->allow_extra_args(false)->required();
  build->add_option("--load", b.loads, "COUNTRY=MW, in place of the estimate; may be given again")->allow_extra_args(false);
  build->add_option("-o,--out", b.out, "File, - for standard output")->capture_default_str();
  build->callback([&p] { p.exit = run_range_build_grid(b, stdout, stderr); });
  static RangeRunCommand r;
  auto* run = p.command(range, "run", "Let time pass in a network: demand, protection, cascades, under a seed",
                        "  bongsu range run lt-ua-pl.m --seed 7 --hours 24 --outages 20\n  bongsu range run case118.m --dc --outages 500 --hidden 0.2 --json\n");
  run->add_option("case", r.file, "MATPOWER case; - for standard input")->required();
  run->add_option("--seed", r.seed, "The same seed gives the same run")->capture_default_str();
  run->add_option("--hours", r.hours)->capture_default_str();
  run->add_option("--step", r.step_s, "Seconds between two solutions when nothing happens")->capture_default_str();
  run->add_option("--outages", r.outages, "Branches that go out at random, a day")->capture_default_str();
  run->add_option("--hidden", r.hidden_failure, "Chance that a branch beside one that trips does so, too")->capture_default_str();
  run->add_option("--swing", r.swing, "Part by which demand swings over a day")->capture_default_str();
  run->add_flag("--dc", r.dc, "The linear model");
  run->add_flag("--json", r.json, "One JSON object an event, and a summary");
  run->add_flag("--quiet", r.quiet, "No progress");
  run->callback([&p] { p.exit = run_range_run(r, stdout, stderr); });
  add_range_wire(p, range);
}

void add_sigma(Program& p) {
  auto* sigma = p.group("sigma", "Sigma rules, without any server");
  static SigmaOptions c;
  const auto common = [](CLI::App* sub) {
    sub->add_option("--pipeline", c.pipelines, "Processing pipeline (pySigma's YAML); may be given again")->allow_extra_args(false);
    sub->add_option("--map", c.maps, "Map of fields and log sources (TOML); may be given again")->allow_extra_args(false);
    sub->add_flag("--json", c.json, "One JSON object a line, also on a terminal");
    sub->add_flag("--quiet", c.quiet, "No summary");
  };
  auto* check = p.command(sigma, "check", "Name every rule that cannot be used, with place and reason", "  bongsu sigma check sigma/rules\n  bongsu sigma check --pipeline ours.yml rules/ --json\n");
  check->add_option("rules", c.rules, "Files or directories")->required();
  common(check);
  check->callback([&p] { p.exit = run_sigma_check(c, stdout, stderr); });
  auto* eval = p.command(sigma, "eval", "Which events does a rule match?",
                         "  bongsu sigma eval rule.yml events.json\n  zcat log.gz | bongsu sigma eval rules/ -\n");
  static std::vector<std::string> paths;
  eval->add_option("paths", paths, "Files or directories of rules, and at last one of events; - for standard input")->required()->expected(2, -1);
  common(eval);
  eval->callback([&p] {
    c.events = {paths.back()};
    c.rules.assign(paths.begin(), paths.end() - 1);
    p.exit = run_sigma_eval(c, stdout, stderr);
  });
}

void add_ledger(Program& p) {
  auto* ledger = p.group("ledger", "What this node did, provably: logs, proofs, reports");
  auto* status = p.command(ledger, "status", "The logs, and what of them is cosigned", "  bongsu ledger status\n");
  p.on_node(status);
  status->callback([&p] { p.exit = run_ledger_status(p.common); });
  auto* keys = p.command(ledger, "keys", "The keys by which others check these logs", "  bongsu ledger keys > members.txt\n");
  p.on_node(keys);
  keys->callback([&p] { p.exit = run_ledger_keys(p.common); });
  static LedgerProofCommand proof;
  auto* prove = p.command(ledger, "proof", "Evidence for one entry, or for everything about an object",
                          "  bongsu ledger proof --object indicator--… --out proof.json\n  bongsu ledger proof --log pair/cert-ua --index 17\n");
  p.on_node(prove);
  prove->add_option("--object", proof.object, "Id of an object");
  prove->add_option("--log", proof.log, "node, or pair/MEMBER")->capture_default_str();
  prove->add_option("--index", proof.index, "Number of the entry, from 0");
  prove->add_option("--count", proof.count, "How many entries from there")->capture_default_str();
  prove->add_option("--out", proof.out, "File, - for standard output")->capture_default_str();
  prove->callback([&p] { p.exit = run_ledger_proof(p.common, proof); });
  auto* verify = p.command(ledger, "verify", "Read and compute this node's logs anew", "  bongsu ledger verify\n");
  p.on_node(verify);
  verify->callback([&p] { p.exit = run_ledger_verify(p.common); });
  static LedgerReportCommand r;
  auto* say = p.command(ledger, "report", "What did we give a partner, under which agreement, and who decided?",
                        "  bongsu ledger report --member cert-ua --from 2026-11-01T00:00:00Z --form html --out report.html\n"
                        "  bongsu ledger report --member cert-ua --form json --out report.json && bongsu verify report.json --keys members.txt\n");
  p.on_node(say);
  say->add_option("--member", r.member, "The partner")->required();
  say->add_option("--from", r.from, "Beginning, inclusive");
  say->add_option("--until", r.until, "End, exclusive");
  say->add_option("--form", r.form, "markdown, html (to print) or json (with proofs)")->check(CLI::IsMember({"markdown", "html", "json"}))->capture_default_str();
  say->add_option("--out", r.out, "File, - for standard output")->capture_default_str();
  say->callback([&p] { p.exit = run_ledger_report(p.common, r); });
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
  v->add_option("--print", evidence.form, "Print what the document shows: markdown or html")->check(CLI::IsMember({"markdown", "html"}));
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

}  // namespace

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
  add_alerts(p);
  add_keys(p);
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
