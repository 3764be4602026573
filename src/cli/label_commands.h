// bongsu label read, bongsu label write: labels in the forms that others use, without any node.
//
//   bongsu label read report.xml                 STANAG 4774 label or 4778 binding
//   bongsu label read bundle.json                STIX objects with the marking definitions beside them
//   bongsu label write "amber marked class:secret" --as stanag --bind report.json=application/json
//
// Exit status: 0 read and understood; 1 some label was not understood (it releases to nobody), or breaks the policy
// given with --spif; 2 trouble: the file cannot be read, or is no label.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

namespace bongsu::cli {

struct LabelReadOptions {
  std::vector<std::string> files;
  std::string authority = "military";     // who marked it, for labels of STANAG 4774
  std::string fallback = "amber+strict";  // TLP of what has none
  std::string spif;                       // a policy that labels have to keep to
  bool json = false;
};
int run_label_read(const LabelReadOptions& options, std::FILE* out, std::FILE* err);

struct LabelWriteOptions {
  std::string label;              // as `label read` shows it
  std::string as = "stanag";      // or "stix"
  std::string created;            // RFC 3339; empty: now
  std::string review;             // RFC 3339; empty: five years after
  std::string originator;         // mail address, or with "stix" the member who issues it
  std::vector<std::string> bind;  // URI[=content type]
};
int run_label_write(const LabelWriteOptions& options, std::FILE* out, std::FILE* err);

}  // namespace bongsu::cli
