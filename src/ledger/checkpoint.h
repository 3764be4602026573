// Checkpoints (C2SP tlog-checkpoint) and proofs that can be checked offline (C2SP tlog-proof).
//
//   BONGSU_TRY(const auto proof, Proof::parse(text));
//   BONGSU_TRY(const auto verified, proof.verify(entry, trusted_keys));   // included, and signed by whom
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ledger/merkle.h"
#include "ledger/note.h"

namespace bongsu::ledger {

struct Checkpoint {
  std::string origin;
  std::uint64_t size = 0;
  Hash root{};
  std::vector<std::string> extensions;

  std::string text() const;  // the note's text
  static Result<Checkpoint> parse(std::string_view note_text);
  bool operator==(const Checkpoint&) const = default;
};

// "c2sp.org/tlog-proof@v1": index, path, checkpoint with all its signatures.
struct Proof {
  std::string extra;  // opaque and not authenticated
  std::uint64_t index = 0;
  std::vector<Hash> path;
  Note checkpoint;

  std::string text() const;
  static Result<Proof> parse(std::string_view text);

  struct Verified {
    Checkpoint checkpoint;
    std::vector<Signed> by;
  };
  // The entry is in the log that the checkpoint describes, and trusted keys signed that. kDenied with the reason.
  Result<Verified> verify(std::string_view entry, std::span<const VerifierKey> trusted) const;
};

inline constexpr std::size_t kMaxProofBytes = 128 * 1024;

}  // namespace bongsu::ledger
