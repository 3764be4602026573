// Whom this node trusts, who gets what, and what can be proven of it.
#include <cstdio>
#include <string>
#include <vector>

#include "cli/agreement_commands.h"
#include "cli/charter_commands.h"
#include "cli/flags/flags.h"
#include "cli/flags/program.h"
#include "cli/ledger_commands.h"
#include "cli/node_commands.h"
#include "cli/policy_commands.h"
#include "cli/seal_commands.h"

namespace bongsu::cli {

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

namespace {

void add_signed_agreements(Program& p, CLI::App* agreement) {
  static AgreementDraftOptions d;
  auto* draft = p.command(agreement, "draft", "Write an agreement to be signed, or the next version of one",
                          "  bongsu agreement draft --charter baltic --party cert-lt --party cert-ua -o energy.toml\n  bongsu agreement draft --from energy.json -o energy2.toml\n");
  draft->add_option("--from", d.from, "The version that is in force");
  draft->add_option("--charter", d.charter, "Name of the charter; a next version stays under it");
  draft->add_option("--party", d.parties, "Member; give it again for each. They stay in a next version")
      ->allow_extra_args(false);
  draft->add_option("--title", d.title);
  draft->add_option("--until", d.until, "A time, or a span from now (default: 365d; with --from as before)");
  draft->add_option("--notice-days", d.notice_days, "Default: 90; with --from as before");
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

}  // namespace

void add_members(Program& p) {
  auto* member = p.group("member", "Partners: pair, list, confirm");
  auto* list = p.command(member, "list", "Members this node has paired with", "  bongsu member list\n");
  p.on_node(list);
  list->callback([&p] { p.exit = run_member_list(p.common); });
  auto* invite = p.command(member, "invite", "Make an invitation for a partner", "  bongsu member invite --member cert-ua > invitation.txt\n");
  p.on_node(invite);
  static std::string invited, invitation, confirmed;
  invite->add_option("--member", invited, "The partner's id: of no use to anybody else");
  invite->callback([&p] { p.exit = run_member_invite(p.common, invited); });
  auto* accept = p.command(member, "accept", "Accept a partner's invitation: exchange and pin keys", "  bongsu member accept 'bongsu-invite:1:…'\n");
  p.on_node(accept);
  accept->add_option("invitation", invitation, "The line that the partner sent")->required();
  accept->callback([&p] { p.exit = run_member_accept(p.common, invitation); });
  auto* confirm = p.command(member, "confirm", "Say that the fingerprint was compared by voice", "  bongsu member confirm cert-ua\n");
  p.on_node(confirm);
  confirm->add_option("member", confirmed)->required();
  confirm->callback([&p] { p.exit = run_member_change(p.common, confirmed, "confirm"); });

  auto* agreement = p.group("agreement", "What may flow to whom");
  static std::string file, charter, partner, why;
  auto* set = p.command(agreement, "set", "Make or replace an agreement: local (TOML), or signed by its parties",
                        "  bongsu agreement set cert-ua.toml\n  bongsu agreement set energy.json\n");
  p.on_node(set);
  set->add_option("file", file)->required();
  set->add_option("--reason", why, "For the second person, where one is wanted");
  set->callback([&p] { p.exit = run_agreement_set(p.common, file, why); });
  auto* show = p.command(agreement, "show", "All agreements of this node, in words and as data; or a file's words", "  bongsu agreement show\n  bongsu agreement show energy.json\n");
  p.on_node(show);
  show->add_option("--charter", charter, "Check the file's signatures by this charter")
      ->needs(show->add_option("file", file));
  show->callback([&p] {
    p.exit = file.empty()
                 ? run_agreement_show(p.common)
                 : run_agreement_explain({.files = {file}, .charter = charter, .json = p.common.json}, stdout, stderr);
  });
  auto* end = p.command(agreement, "end", "End an agreement: nothing flows any more", "  bongsu agreement end cert-ua\n");
  p.on_node(end);
  end->add_option("partner", partner)->required();
  end->add_option("--reason", why, "For the second person, where one is wanted");
  end->callback([&p] { p.exit = run_agreement_end(p.common, partner, why); });

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
  static std::string digest, why;
  auto* accept = p.command(charter, "accept", "Let this node trust it: the first by its digest, the next by the signatures", "  bongsu charter accept c1.json --digest '0123 4567 …'\n  bongsu charter accept c2.json c3.json\n");
  p.on_node(accept);
  accept->add_option("files", accepted, "In the order of their versions")->required();
  accept->add_option("--digest", digest, "Of the first charter, compared by voice");
  accept->add_option("--reason", why, "For the second person, where one is wanted");
  accept->callback([&p] { p.exit = run_charter_accept(p.common, accepted, digest, why); });
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
  auto* rule = p.group("rule", "Rules that were set aside because they ended the sensor or came to no end; bongsu status lists them");
  auto* retry = p.command(rule, "retry", "Give a rule that was set aside to the sensor again", "  bongsu rule retry 3f2a91c0 --reason \"libyara was updated\"\n");
  p.on_node(retry);
  retry->add_option("digest", id, "As status shows it, or its beginning")->required();
  retry->add_option("--reason", reason, "For those who ask later")->required();
  retry->callback([&p] { p.exit = run_rule_retry(p.common, id, reason); });
  auto* link = p.group("link", "Links to partners");
  auto* resume = p.command(link, "resume", "Go on with a partner's links that were suspended for a wrong proof", "  bongsu link resume cert-ua\n");
  p.on_node(resume);
  resume->add_option("member", member)->required();
  resume->callback([&p] { p.exit = run_link_resume(p.common, member); });
}

void add_approvals(Program& p) {
  auto* group = p.group("approvals", "What one person does not do alone: look, approve, refuse");
  static std::string id;
  static bool all = false;
  auto* list = p.command(group, "list", "What waits for a second person", "  bongsu approvals list\n");
  p.on_node(list);
  list->add_flag("--all", all, "Also what was decided");
  list->callback([&p] { p.exit = run_approvals_list(p.common, all); });
  auto* show = p.command(group, "show", "One with what it would change, and its content", "  bongsu approvals show 0b7e…\n");
  p.on_node(show);
  show->add_option("id", id)->required();
  show->callback([&p] { p.exit = run_approvals_show(p.common, id); });
  static ApprovalDecision d;
  for (const char* decision : {"approve", "refuse"}) {
    auto* sub = p.command(group, decision, decision == std::string("approve") ? "Do it as it was proposed" : "It is not done",
                          std::string("  bongsu approvals ") + decision + " 0b7e… --token-file ~/.bongsu-token --reason \"agreed with the ministry\"\n");
    p.on_node(sub);
    sub->add_option("id", d.id)->required();
    sub->add_option("--token-file", d.token_file, "The token of your account, in a file of your own: another person's than who proposed it")->required();
    sub->add_option("--reason", d.reason, "For those who ask later")->required();
    sub->callback([&p, decision] {
      d.decision = decision;
      p.exit = run_approvals_decide(p.common, d);
    });
  }
}

void add_crisis(Program& p) {
  auto* group = p.group("crisis", "A crisis: until it ends, agreements for the purpose crisis hold here");
  static CrisisCommand c;
  auto* show = p.command(group, "show", "Whether one lasts, and what the last one was", "  bongsu crisis show\n");
  p.on_node(show);
  show->callback([&p] { p.exit = run_crisis_show(p.common); });
  const auto with = [&p](CLI::App* sub) {
    p.on_node(sub);
    sub->add_option("--token-file", c.token_file, "The token of your account, an operator's, in a file of your own")->required();
    sub->add_option("--reason", c.reason, "For those who ask later")->required();
  };
  auto* declare = p.command(group, "declare", "From now on, for a time; again, while it lasts, for longer or shorter",
                            "  bongsu crisis declare --for 72h --token-file ~/.bongsu-token --reason \"attacks on the grid\"\n");
  with(declare);
  declare->add_option("--for", c.lasting, "How long, at most 720h; it ends by itself")->required();
  declare->callback([&p] { p.exit = run_crisis_declare(p.common, c); });
  auto* end = p.command(group, "end", "Now, before its time", "  bongsu crisis end --token-file ~/.bongsu-token --reason \"the grid is stable\"\n");
  with(end);
  end->callback([&p] { p.exit = run_crisis_end(p.common, c); });
}

void add_sealing(Program& p) {
  static SealCommand s;
  auto* seal = p.command(&p.app, "seal", "Seal a file to members: only they can read it, and that it is from here is signed",
                         "  bongsu seal --to cert-lt --to cert-ee --label TLP:AMBER+STRICT report.pdf\n  bongsu seal --to cert-lt bundle.json   # by its objects' markings\n");
  p.on_node(seal);
  seal->add_option("--to", s.to, "Member; may be given again, each gets a file of its own")->required()->allow_extra_args(false);
  seal->add_option("--label", s.label, "TLP and ids of marking definitions, with commas; STIX says its own, any other file needs it. The TLP is readable on the way");
  seal->add_option("--collection", s.collection, "As if it stood in this one: what an agreement says of it counts (default: shared)");
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

}  // namespace bongsu::cli
