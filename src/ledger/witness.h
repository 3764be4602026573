// A witness (C2SP tlog-witness): cosigns checkpoints of logs that it knows after it has seen that each continues the one before.
//
//   Witness witness({.name = witness_name("cert-ua"), .key = key}, record, clock);
//   const auto answer = witness.add_checkpoint(body, [&](std::string_view origin) { return keys; });   // status, body and type for HTTP
//   if (answer.forked) …                                     // two histories: both checkpoints, signed by the log
//
// and the log's side of it:
//
//   POST add_checkpoint_request(old_size, proof, checkpoint)
//   read_add_checkpoint(status, body, checkpoint, witness_key) → what to do next
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/keys.h"
#include "ledger/checkpoint.h"

namespace bongsu::ledger {

inline constexpr std::size_t kMaxAddCheckpointBytes = kMaxNoteBytes + 16 * 1024;
inline constexpr std::string_view kSizeType = "text/x.tlog.size";

struct AddCheckpoint {
  std::uint64_t old_size = 0;
  std::vector<Hash> proof;
  Note checkpoint;
};
std::string add_checkpoint_request(const AddCheckpoint& request);
Result<AddCheckpoint> parse_add_checkpoint(std::string_view body);  // kInvalid with the line, kTooLarge

// The newest checkpoint that was cosigned, by origin. Safe from any thread; put is durable when it returns.
class WitnessRecord {
 public:
  virtual ~WitnessRecord() = default;
  virtual Result<std::optional<std::string>> newest(const std::string& origin) = 0;  // Note::whole()
  virtual Result<void> put(const std::string& origin, const std::string& note) = 0;
};

// A log that showed two histories: both checkpoints carry its signature.
struct Fork {
  std::string origin;
  std::string reason;
  std::string first, second;  // Note::whole()
};

struct WitnessAnswer {
  int status = 500;
  std::string body, content_type = "text/plain; charset=utf-8";
  std::optional<Fork> forked;
  // The log showed less than was cosigned already: its checkpoint was signed, so this is not a matter of the network.
  std::optional<Fork> rolled_back;
};

struct WitnessOptions {
  std::string name;
  crypto::SigningKey key;
};

class Witness {
 public:
  // The keys that are trusted for an origin; empty: unknown here, or not for who asks.
  using KeysOf = std::function<std::vector<VerifierKey>(std::string_view origin)>;
  Witness(WitnessOptions options, WitnessRecord& record, const Clock& clock) : options_(std::move(options)), record_(record), clock_(clock) {}

  // Safe from any thread.
  WitnessAnswer add_checkpoint(std::string_view body, const KeysOf& keys_of);

 private:
  const WitnessOptions options_;
  WitnessRecord& record_;
  const Clock& clock_;
  std::mutex mutex_;  // looking at the newest and replacing it is one step
};

// What the log makes of an answer.
struct WitnessSays {
  enum class Kind {
    kCosigned,   // `note` has the witness's cosignature now
    kOtherSize,  // the witness stands at `size`: prove from there
    kRefused,    // `reason`
  } kind = Kind::kRefused;
  Note note;
  std::uint64_t size = 0;
  std::string reason;
};
WitnessSays read_add_checkpoint(int status, std::string_view body, const Note& checkpoint, const VerifierKey& witness);

}  // namespace bongsu::ledger
