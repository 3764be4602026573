// bongsu charter: the document that says who belongs to the exchange. All but `accept` and `show` without a file work
// on files alone, so that sponsors can do their part on a machine that has no network.
//
//   bongsu charter key lt.key                                                         once, for each sponsor
//   bongsu charter apply --charter baltic --kind civil --role sponsoring-nation -o lt.application     on a founder's
//   node bongsu charter draft --new baltic --title "Baltic exchange" --sponsor lt=lt.key.pub … --threshold 2 --admit
//   lt.application -o c.json bongsu charter sign c.json --key lt.key -o c-lt.json                                each
//   sponsor bongsu charter merge c-lt.json c-ee.json -o c.json bongsu charter verify c.json bongsu charter accept
//   c.json --digest "0123 4567 …"                                 on each node
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "cli/node_commands.h"

namespace bongsu::cli {

struct CharterKeyOptions {
  std::string file;
};
int run_charter_key(const CharterKeyOptions& options, std::FILE* out, std::FILE* err);

struct CharterDraftOptions {
  std::string from, fresh, title, expires = "365d", issued, out = "-";
  std::int64_t threshold = 0;                           // 0: as it is
  std::vector<std::string> sponsors, dropped_sponsors;  // "lt=lt.key.pub", "lt=lt.key.pub=Ministry of Defence"
  std::vector<std::string> communities;                 // "energy=Electricity and gas"
  std::vector<std::string> admit, remove;               // files of applications; members
  std::string clearance = "unclassified", probation = "90d", ceiling_tlp = "green", ceiling_rank = "unclassified";
  std::vector<std::string> member_communities;  // "cert-lt=energy,finance"
  std::vector<std::string> clearances;          // "cert-lt=secret"
  std::vector<std::string> groups;        // "NATO=cert-lt,cert-ee"; from `issued`, or "NATO@2027-01-01T00:00:00Z=…"
  std::vector<std::string> equivalences;  // "se/military/HEMLIG/SECRET=secret"
  bool json = false;
};
int run_charter_draft(const CharterDraftOptions& options, std::FILE* out, std::FILE* err);

struct CharterSignOptions {
  std::string file, key, out;  // out empty: in place
  bool json = false;
};
int run_charter_sign(const CharterSignOptions& options, std::FILE* out, std::FILE* err);

struct CharterMergeOptions {
  std::vector<std::string> files;
  std::string out = "-";
  bool json = false;
};
int run_charter_merge(const CharterMergeOptions& options, std::FILE* out, std::FILE* err);

struct CharterShowOptions {
  std::string file, since;
  bool json = false;
};
int run_charter_show(const CharterShowOptions& options, std::FILE* out, std::FILE* err);

struct CharterVerifyOptions {
  std::vector<std::string> files;  // in the order of their versions; the first one is trusted by `digest`, or as it is
  std::string digest, at;          // at: RFC 3339; empty: now
  bool json = false;
};
// 0: each follows from the one before and the last is in force; 1: refused, with the reason; 2: trouble.
int run_charter_verify(const CharterVerifyOptions& options, std::FILE* out, std::FILE* err);

struct CharterInviteOptions {
  std::string charter, key, sponsor, member, nation, kind, role, lifetime = "30d", out = "-";
  bool json = false;
};
int run_charter_invite(const CharterInviteOptions& options, std::FILE* out, std::FILE* err);

struct CharterApplyOptions {
  std::string data = "bongsu-data", invitation, charter, kind, role, nation, title, identity, out = "-";
  bool json = false;
};
int run_charter_apply(const CharterApplyOptions& options, std::FILE* out, std::FILE* err);

// On a node.
int run_charter_accept(const Common& common, const std::vector<std::string>& files, const std::string& digest,
                       const std::string& reason);
int run_charter_status(const Common& common);

}  // namespace bongsu::cli
