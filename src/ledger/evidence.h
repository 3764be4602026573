// Evidence: entries of logs with their openings and proofs, in one JSON document that anyone can check offline.
//
//   {"format":"bongsu-ledger-evidence/1", "keys":["name+id+key", …],
//    "items":[{"log":"pair/cert-ua","entry":"{…}","opening":{"salt":"base64","content":"{…}"},"proof":"c2sp.org/tlog-proof@v1\n…"}, …],
//    "consistency":[{"old":"<checkpoint>","new":"<checkpoint>","proof":["base64", …]}, …]}
//
//   const auto checked = check_evidence(document, trusted_keys);
//   checked->good, checked->problems                      // every item is looked at; nothing is believed that the document says
//
// The keys in a document are a convenience for people who compare them with what they know; they are trusted by nobody. An item whose
// content was erased has no opening: that the entry is in the log can be shown all the same.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "ledger/checkpoint.h"
#include "ledger/leaf.h"
#include "ledger/store.h"

namespace bongsu::ledger {

inline constexpr std::string_view kEvidenceFormat = "bongsu-ledger-evidence/1";
inline constexpr std::size_t kMaxEvidenceBytes = 512 * 1024 * 1024;

// One entry of a log with everything that shows it. kNotFound: no such entry.
Result<JsonObject> evidence_item(const Store& store, std::string_view log, std::uint64_t index);
JsonObject evidence_document(JsonArray items, JsonArray consistency, std::span<const VerifierKey> keys);

struct CheckedItem {
  std::string origin;  // of the log
  std::uint64_t index = 0;
  Leaf leaf;
  std::string content;  // empty: erased, or not shown
  std::vector<Signed> by;
};
struct Checked {
  std::vector<CheckedItem> items;
  std::uint64_t consistent = 0;         // pairs of checkpoints that continue each other
  std::vector<std::string> problems;    // one sentence each, with the item it is about
  bool good() const { return problems.empty() && (!items.empty() || consistent > 0); }
};
// kInvalid: this is no evidence document. What does not hold is a problem, not an error. A checkpoint must be signed by the log's own
// key; `witnesses`: of whom a cosignature is demanded as well. Two checkpoints of one log and size that differ are a problem, too.
Result<Checked> check_evidence(const Json& document, std::span<const VerifierKey> trusted, std::span<const std::string> witnesses = {});

// A log as a directory of files as C2SP tlog-tiles serves them: checkpoint, tile/… Every entry is hashed, every tile compared.
Result<Checkpoint> check_tiles(Files& files, std::span<const VerifierKey> trusted, std::vector<Signed>* by = nullptr);

}  // namespace bongsu::ledger
