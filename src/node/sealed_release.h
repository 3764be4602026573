// Whether a file may be sealed to members by hand: the decision of any release, asked for all that is in it.
//
//   BONGSU_TRY(const auto file, file_to_seal(core, bytes, "TLP:AMBER", "shared"));
//   BONGSU_TRY_VOID(may_seal(core, file, "cert-lt"));      // kDenied with the reasons
//   // seal, then note_sealed(core, file, "cert-lt", batch) in one commit: the ledger's leaf follows from it
//
// Of STIX content each object is asked about, by its own markings joined with the label that it has here where this
// node made it; what stands here already as well by each copy that another member gave, so that nobody launders it
// through a file. What lowers a guarded label is not sealed where that takes two persons (flow/lowering_gate.h). Any
// other file counts as one `artifact`, and who seals it has to say its label: a TLP, and ids of marking definitions
// that are known here. What is not understood goes to nobody, and neither does what would have to be redacted.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "journal/journal.h"
#include "node/core.h"
#include "policy/decide.h"

namespace bongsu::node {

struct FileToSeal {
  std::vector<policy::ObjectFacts> facts;  // of each object, or of the file
  std::vector<std::string> version_keys;   // likewise; empty: no versions
  policy::Label label;                     // of all of it
  std::string collection;                  // alias
  std::string sha256;
  std::size_t bytes = 0;
  bool is_stix = false;
};

// `said`: "TLP:AMBER", "amber", "TLP:GREEN,marking-definition--…"; in addition to the markings inside of STIX content.
// kInvalid: no label of a file that has none itself, or one that is not understood; an object that is no good.
// kDenied: its markings lower a label that nobody lowers alone.
Result<FileToSeal> file_to_seal(Core& core, std::string_view content, std::string_view said,
                                std::string_view collection);
// kDenied names the object, the member and why.
Result<void> may_seal(Core& core, const FileToSeal& file, const std::string& member);
// Into the commit before it leaves: the note that the ledger's leaf follows from, and that a recall of what is in it goes
// to the member, too.
void note_sealed(Core& core, const FileToSeal& file, const std::string& member, journal::Batch& batch);
// What a sender sealed and recalled before anybody read it is not read. kDenied names the object; what cannot be read
// as STIX is nothing that is recalled.
Result<void> may_open(Core& core, std::string_view sender, std::string_view content);

}  // namespace bongsu::node
