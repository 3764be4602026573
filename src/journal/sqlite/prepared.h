// What can be made of a batch before the writer's turn: identifiers split, payloads hashed and sealed. Runs on the
// caller's thread.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "crypto/secret.h"
#include "journal/journal.h"
#include "journal/version_code.h"

namespace bongsu::journal::sqlite {

struct Sealed {
  std::string sealed, wrapped;  // payload and proof under their own key; that key under the master key
  std::size_t proof = 0;        // how many bytes at the end are the proof
};

// Seals and opens payloads. Safe from any thread.
class Sealer {
 public:
  Sealer(const crypto::Key256& master, Random& random) : master_(master), random_(random) {}
  Sealed seal(std::string_view payload, std::string_view proof, std::string context);
  Result<Content> open(std::string_view sealed, std::string_view wrapped, std::size_t proof, std::string context) const;

 private:
  crypto::Key256 master_;
  Random& random_;
  std::mutex random_mutex_;  // a seeded Random is not thread-safe
};

// Bound to each payload, so that rows cannot be exchanged: own payload or redacted variant, whose it is, which version.
std::string payload_context(bool variant, std::string_view object_id, std::string_view version_code);

// How a version was written: digits of its fraction, or the text itself; nothing for an object without version.
struct VersionForm {
  std::optional<int> digits;
  std::string text;  // when no number of digits makes it
};

struct PreparedEntry {
  const NewEntry* entry = nullptr;
  ObjectCode object;
  Sha256 hash{};
  std::string version;  // encode_version_key; empty: without version
  std::string dedupe;   // version, or the mark and 16 bytes of the hash
  VersionForm form;
  std::optional<Sealed> payload;
  std::vector<std::optional<Sealed>> variants;  // beside entry->releases
};

struct PreparedBatch {
  const Batch* batch = nullptr;
  Sealer* sealer = nullptr;  // for what is sealed in the writer's turn: variants of entries that are stored already
  std::vector<PreparedEntry> entries;
  std::size_t bytes = 0;
};

// kInvalid: releases of something that is not an object. kTooLarge: beyond the limits of journal.h.
Result<PreparedBatch> prepare(const Batch& batch, Sealer& sealer);

}  // namespace bongsu::journal::sqlite
