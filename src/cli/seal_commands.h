// Files sealed to members, and courier's files: `bongsu seal | open`, `export --to`, `import` of what was sealed,
// `prekeys`.
#pragma once

#include <string>
#include <vector>

#include "cli/node_commands.h"

namespace bongsu::cli {

struct SealCommand {
  std::vector<std::string> to;
  std::string file, label, collection, out;  // out empty: FILE.MEMBER.sealed for each
  bool together = false;         // one file for all; each can read who the others are
};
int run_seal(const Common& common, const SealCommand& command);

struct OpenCommand {
  std::string file, out = "-";
  bool keep = false;  // the one-time key, so that it can be opened again
};
int run_open(const Common& common, const OpenCommand& command);

struct CourierExportCommand {
  std::string to, out;
  std::vector<std::string> collections;  // empty: all that the member may read
};
int run_courier_export(const Common& common, const CourierExportCommand& command);
bool is_sealed_file(const std::string& file);
int run_courier_import(const Common& common, const std::string& file);

int run_prekeys_show(const Common& common, const std::string& member, const std::string& out);
int run_prekeys_take(const Common& common, const std::string& member, const std::string& file);

}  // namespace bongsu::cli
