// bongsu agreement: what may flow to whom, as data that its parties sign. On files alone; `set` and `show` without a
// file are for a node (node_commands.h).
//
//   bongsu agreement draft --charter baltic --party cert-lt --party cert-ua -o energy.toml      then edited by people
//   bongsu agreement explain energy.toml                                                      in words
//   bongsu agreement sign energy.toml --data bongsu-data -o energy-lt.json                    each party
//   bongsu agreement merge energy-lt.json energy-ua.json -o energy.json
//   bongsu agreement set energy.json                                                          on each party's node
//   bongsu agreement draft --from energy.json -o energy2.toml && bongsu agreement diff energy.json energy2.toml
#pragma once

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

namespace bongsu::cli {

struct AgreementDraftOptions {
  std::string from, charter, title, until, out = "-";  // until empty: 365 days from now, or as in `from`
  std::vector<std::string> parties;                    // these and the charter stay in a next version
  std::optional<std::int64_t> notice_days;             // absent: 90, or as in `from`
  bool json = false;
};
int run_agreement_draft(const AgreementDraftOptions& options, std::FILE* out, std::FILE* err);

struct AgreementSignOptions {
  std::string file, out = "-";
  std::string data = "bongsu-data";  // the node that signs,
  std::string member, key;           // or a key in a file
  bool notice = false;               // sign that it ends
  bool json = false;
};
int run_agreement_sign(const AgreementSignOptions& options, std::FILE* out, std::FILE* err);

struct AgreementFilesOptions {
  std::vector<std::string> files;
  std::string out = "-", charter;  // charter: check the signatures by it
  bool json = false;
};
int run_agreement_merge(const AgreementFilesOptions& options, std::FILE* out, std::FILE* err);
// The words of one file: TOML of either form, or signed. 1: a signature does not hold, by the charter or, without one,
// by the key that stands beside it in the file.
int run_agreement_explain(const AgreementFilesOptions& options, std::FILE* out, std::FILE* err);
// Two files; 0: the same, 1: they differ.
int run_agreement_diff(const AgreementFilesOptions& options, std::FILE* out, std::FILE* err);

}  // namespace bongsu::cli
