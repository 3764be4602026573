// Commands that make, feed, ask and keep a node. Each returns the exit code: 0 done, 1 done but some objects were refused, 2 trouble.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bongsu::cli {

struct Common {
  std::string data = "bongsu-data";
  bool json = false;
};

struct InitCommand {
  std::string member, title, country;
  std::vector<std::string> names;
  std::uint16_t base_port = 6443;
};
int run_init(const Common& common, const InitCommand& command);

struct CollectionCommand {
  std::string alias, id, title, description, tlp, exercise;
  bool read_only = false;
};
int run_collection_add(const Common& common, const CollectionCommand& command);
int run_collection_list(const Common& common);

struct ClearanceOptions {
  std::string rank = "unclassified";
  std::vector<std::string> categories, nationalities;
  bool custodian = false;
};
struct AccountCommand {
  ClearanceOptions clearance;
  std::string person;
  std::string name, member, role = "reader", password_file, certificate_file;
  std::vector<std::string> read, write;
  bool basic = false, token = false, enforcement = false, replace = false;
};
int run_account_add(const Common& common, const AccountCommand& command);
int run_account_list(const Common& common);
int run_account_clear(const Common& common, const std::string& name, const ClearanceOptions& clearance);
int run_account_remove(const Common& common, const std::string& name);

int run_member_list(const Common& common);
int run_member_invite(const Common& common, const std::string& member);  // "": whoever comes with it
int run_member_accept(const Common& common, const std::string& invitation);
int run_member_change(const Common& common, const std::string& member, const std::string& action);  // confirm, stop, resume

int run_agreement_set(const Common& common, const std::string& file, const std::string& reason);
int run_agreement_show(const Common& common);
int run_agreement_end(const Common& common, const std::string& partner, const std::string& reason);
int run_preview(const Common& common, const std::string& file, const std::string& collection);

struct ImportCommand {
  std::vector<std::string> files;
  std::string collection = "shared";
  std::string authority, reason;  // who lowers labels, and why
};
int run_import(const Common& common, const ImportCommand& command);

struct ExportCommand {
  std::string collection = "shared", member, out = "-";
  bool all_versions = false;
};
int run_export(const Common& common, const ExportCommand& command);

int run_status(const Common& common);
int run_rule_retry(const Common& common, const std::string& digest, const std::string& reason);

int run_quarantine_list(const Common& common, bool all);
int run_quarantine_show(const Common& common, const std::string& id);
// decision: admit, discard
int run_quarantine_decide(const Common& common, const std::string& id, const std::string& decision, const std::string& reason);
// What waits for a second person; to decide takes the token of an account.
int run_approvals_list(const Common& common, bool all);
int run_approvals_show(const Common& common, const std::string& id);
struct ApprovalDecision {
  std::string id, decision, reason, token_file;  // decision: approve, refuse
};
int run_approvals_decide(const Common& common, const ApprovalDecision& decision);
// Declared and ended with the token of an operator's account.
struct CrisisCommand {
  std::string token_file, reason, lasting;  // lasting: "72h"
};
int run_crisis_show(const Common& common);
int run_crisis_declare(const Common& common, const CrisisCommand& command);
int run_crisis_end(const Common& common, const CrisisCommand& command);
int run_link_resume(const Common& common, const std::string& member);

struct AlertsCommand {
  std::uint32_t limit = 20;
  bool open = false, flat = false, suppressed = false, newest = false;
  std::string text;
};
int run_alerts(const Common& common, const AlertsCommand& command);
int run_alerts_show(const Common& common, const std::string& group, const AlertsCommand& command);

struct SuppressCommand {
  std::string author, reason, until;  // until: RFC 3339, or "7d", "12h" from now
  std::string indicator, value, entity, source, rule, list;
};
int run_suppress(const Common& common, const SuppressCommand& command);
int run_unsuppress(const Common& common, const std::string& id, const std::string& author);
int run_suppressions(const Common& common);

int run_backup(const Common& common, const std::string& target);
int run_restore(const Common& common, const std::string& backup);
int run_retention(const Common& common);
int run_erase(const Common& common, const std::string& object);
struct RecallCommand {
  std::vector<std::string> words;  // an object; or "status", and perhaps an object
  std::string reason, deadline = "24h", by, note;
  bool destroy_here = false, preview = false, yes = false;
};
int run_recall(const Common& common, const RecallCommand& command);
int run_verify(const Common& common);
int run_renew(const Common& common);
int run_config(const Common& common, bool explain);

}  // namespace bongsu::cli
