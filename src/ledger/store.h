// The logs of one member on disk: group commit for all of them, tiles as C2SP tlog-tiles has them, proofs.
//
//   BONGSU_TRY(auto store, Store::open(files, {.member = "cert-lt", .key = key}, report));
//   BONGSU_TRY_VOID(store->commit(group));               // durable, cursors with it; one fsync
//   store->head("node")->size;
//   BONGSU_TRY(const Proof proof, store->proof("node", index));
//
//   wal/00000001          groups that are not in tiles yet (wal.h)
//   index                 the logs there are, and where the sources stood at the last settling
//   logs/NAME/checkpoint  signed; logs/NAME/tile/…  as served: hashes and entries
//   logs/NAME/openings/…  salt and content of each leaf: what an erasure destroys, and what is shown to nobody unasked
//   logs/NAME/cosigned    the newest checkpoint with the witnesses' cosignatures
//
// Settling writes tiles for what has come since, then drops the segments of the log ahead that they cover. A crash anywhere loses
// nothing that commit() returned from. What is damaged is named when the store is opened: logs of up to check_at_open entries are
// read completely, of longer ones the right edge; verify() reads everything.
//
// commit, settle, erase and put_cosigned are for one thread at a time; everything else may be called from any.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/keys.h"
#include "ledger/checkpoint.h"
#include "ledger/files.h"
#include "ledger/leaf.h"
#include "ledger/merkle.h"
#include "ledger/note.h"
#include "ledger/tile.h"
#include "ledger/wal.h"

namespace bongsu::ledger {

inline constexpr std::size_t kMaxLogs = 10'000;
inline constexpr std::string_view kNodeLog = "node";
std::string pair_log(std::string_view member);                                  // "pair/cert-ua"
std::string origin_of(std::string_view member, std::string_view log);           // "bongsu/ledger/cert-lt/pair/cert-ua"
std::string witness_name(std::string_view member);                              // "bongsu/ledger/cert-lt/witness"
VerifierKey log_key(std::string_view member, std::string_view log, std::string public_key);
VerifierKey witness_key(std::string_view member, std::string public_key);

struct StoreOptions {
  std::string member;
  crypto::SigningKey key;                         // that cannot sign: for reading only, nothing can be signed
  std::uint64_t segment_bytes = 8 * 1024 * 1024;  // settle() is due beyond
  std::uint64_t check_at_open = 200'000;          // entries
};

struct OpenReport {
  std::string torn_file;         // a group that was being written when the power went
  std::uint64_t torn_bytes = 0;
};

struct Head {
  std::uint64_t size = 0;
  Hash root{};
};

// What settling has to write, in this order. Made under the lock, written without it.
struct Settlement {
  std::uint64_t segment = 0;  // this one and those before are covered
  std::vector<std::pair<std::string, std::string>> puts, appends, heads;
  std::vector<std::string> removals;
  struct Done {
    std::string log;
    std::vector<std::string> pending;
    std::uint64_t size = 0;
    std::vector<std::string> partials;
  };
  std::vector<Done> done;
};
Result<void> write_settlement(Files& files, const Settlement& settlement, bool overwrite_segments);

class Store {
 public:
  static Result<std::unique_ptr<Store>> open(Files& files, StoreOptions options, OpenReport& report);
  ~Store();

  // Fills in `first` of each log. kTooLarge beyond kMaxGroupBytes; kNoSpace: nothing was written, try again later; any other failure
  // ends writing until the store is opened again.
  Result<void> commit(Group& group);
  bool settling_due() const;
  // All at once, or in three parts so that commits go on meanwhile.
  Result<void> settle(bool overwrite_segments = false);
  Result<Settlement> begin_settling();
  void finish_settling(const Settlement& settlement);
  void stop_writing(Error error);  // a settling failed: from now on every write answers this
  // Destroys salt and content of every leaf about a subject, and settles first, so that no copy is left. How many there were.
  // With `which`, only those that it says yes to; one whose erasure was cut off is finished in any case.
  Result<std::uint64_t> erase(std::string_view subject, const WhichLeaves& which = {});

  std::vector<std::string> logs() const;
  std::optional<Head> head(std::string_view log) const;  // nullopt: no entry yet
  std::optional<std::string> cursor(const std::string& key) const;
  std::map<std::string, std::string> cursors() const;

  Result<std::string> entry(std::string_view log, std::uint64_t index) const;
  Result<Opening> opening(std::string_view log, std::uint64_t index) const;
  // Entries first ≤ index < end with their openings, each file read once; false ends it. `end` beyond the log is its end.
  using Visit = std::function<bool(std::uint64_t index, const std::string& entry, const Opening& opening)>;
  Result<void> visit(std::string_view log, std::uint64_t first, std::uint64_t end, const Visit& visit) const;
  Result<std::vector<Hash>> inclusion(std::string_view log, std::uint64_t index, std::uint64_t size) const;
  Result<std::vector<Hash>> consistency(std::string_view log, std::uint64_t old_size, std::uint64_t size) const;
  Result<Hash> root_at(std::string_view log, std::uint64_t size) const;
  // A tile or bundle as it is served; a narrower one is the beginning of what there is. kNotFound.
  Result<std::string> resource(std::string_view log, const TileName& name) const;

  // Signed now, by the log's key. A cosigned checkpoint is the newest that witnesses confirmed; nullopt: none yet.
  Result<Note> checkpoint(std::string_view log) const;
  std::optional<Note> cosigned(std::string_view log) const;
  Result<void> put_cosigned(std::string_view log, const Note& note);
  // Against the newest cosigned checkpoint if it covers the entry, else against one that is signed now.
  Result<Proof> proof(std::string_view log, std::uint64_t index) const;

  // Reads and computes everything of a log: entries, tiles, openings. kCorrupt names the file.
  Result<void> verify(std::string_view log) const;

 private:
  struct Log;
  class Source;
  Store(Files& files, StoreOptions options);
  Result<void> load(OpenReport& report);
  Result<void> load_log(const std::string& name);
  Result<void> check_cosigned(const std::string& name);
  Result<void> check(const Log& log, std::uint64_t from_bundle) const;
  void apply(Group&& group);
  const Log* find(std::string_view log) const;
  template <class Parse>
  auto beginning_of(const Log& log, const std::string& path, Parse parse, unsigned width) const
      -> decltype(parse(std::string_view(), kTileWidth));
  Result<std::vector<Hash>> tile(const Log& log, unsigned level, std::uint64_t index, unsigned width) const;
  Result<std::vector<std::string>> bundle(const Log& log, std::uint64_t index, unsigned width) const;

  Files& files_;
  const StoreOptions options_;
  mutable std::recursive_mutex mutex_;
  std::map<std::string, std::unique_ptr<Log>, std::less<>> logs_;
  std::map<std::string, std::string> cursors_;
  std::uint64_t segment_ = 1, segment_bytes_ = 0;
  Hash chain_{};
  std::optional<Error> broken_;
};

}  // namespace bongsu::ledger
