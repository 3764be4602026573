// What travels in a live tail: one server-sent event for each row of the member's outbox, in order, without a gap.
//
//   id: 42-5f0c9a…                 the cursor: give it back to go on behind this row
//   event: object                  | withdrawn (identity follows) | void (a row whose content is gone)
//   data: {"pos":42,"id":"indicator--…","version":"…","date_added":"…Z","sha256":"…","label":"green","proof":"…",
//   "tombstones":3}
//   data: {"type":"indicator",     the object's bytes, exactly: one data line for each of its lines
//   data:  …}
//
// "proof" is who made it (crypto::OriginProof), base64url; absent: nobody signed. Relays pass it on as it is, and a change of the
// bytes or of the proof shows at whoever knows the originator's key.
//
// "label" is the label that the producer decided on, as the consumer may know it (flow/label_beside.h): what the bytes do
// not say, because it comes from what they refer to. The consumer's is never weaker. Absent: an older producer; then what
// refers to something that the consumer does not know goes to nobody else from there.
//
// "tombstones" is how many the producer had made for this consumer when it read the row (flow/recall.h): those up to
// this number were decided before the release; absent: none.
//
// Bytes that hold a CR (which would end a line) come as one line of base64, and the header says "encoding":"base64".
// An object whose label asks for it travels sealed to the member's prekeys (sealing.h). Then id, version and hash are
// inside, and a relay of the stream learns the position and the date alone:
//   event: object
//   data: {"pos":42,"date_added":"…Z","sealed":"bse1"}
//   data: <base64 of an envelope (crypto/envelope.h), content type tail_content_type(collection)>
// What is inside is what would have stood there in clear: header line, newline, bytes. A row that would have to be
// sealed but cannot be is void and says why: data: {"pos":42,"withheld":"…"}.
//
// Between rows: "event: live" when the consumer has everything there is, comments as heartbeats, and
//   event: gone                    a row that was sent before was withdrawn since (deleted, erased, not permitted any
//   more); no cursor of its own data: {"id":"indicator--…","version":"…"}
// An object without versions of its own (a cyber-observable) may have several contents in a view. Then a withdrawal
// names what of it is still there, by hash, and everything else of it is gone: "kept":["<sha256>",…], at most kMaxKept.
// A withdrawal may be told more than once, and to one who never had the object; it is harmless both times.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "base/result.h"
#include "journal/journal.h"
#include "link/sse.h"

namespace bongsu::link {

struct TailItem {
  enum class Kind : std::uint8_t { kObject, kWithdrawn, kVoid } kind = Kind::kVoid;
  journal::Pos pos = 0;  // 0: gone, not a row of its own
  std::string cursor;    // opaque to the consumer; empty for gone
  std::string object_id;
  std::string version;                   // withdrawn: empty = every version but those of
  std::vector<Sha256> kept;              // withdrawn without a version: hashes of what stays
  std::optional<std::int64_t> added_us;  // objects: date_added at the producer
  std::string bytes;                     // objects
  std::string label;                     // objects; empty: the producer says none
  std::string proof;                     // objects; empty: there is none
  std::uint64_t tombstones = 0;          // objects; see above
  std::string sealed;                    // an envelope, instead of id, version and bytes, which are inside
  std::string withheld;                  // void: why, where this is told
};

// Of an object with more contents than this the newest stay.
inline constexpr std::size_t kMaxKept = 256;

void append_tail_event(std::string& out, const TailItem& item);

// For sealing: what stands inside of the envelope, and back. `item` keeps position and cursor.
std::string tail_object_text(const TailItem& item);
Result<void> read_tail_object(std::string text, TailItem& item);  // kInvalid as below, or for another position
std::string tail_content_type(std::string_view collection);

void append_live_event(std::string& out);  // "nothing more for now"
void append_heartbeat(std::string& out);

// kInvalid: not an event of this form, or the bytes do not have the hash that the header names.
// nullopt: an event that carries no row ("live", or one of a later version of this protocol that may be ignored).
Result<std::optional<TailItem>> parse_tail_event(SseEvent& event);

// A place in a member's outbox, as its cursors name it.
struct Place {
  journal::ViewId origin = 0;  // the view whose positions are meant (flow::Release::origin_of): a split goes unnoticed
  journal::Pos pos = 0;        // of the last row that was sent
  journal::Seq seq = 0;        // of that row's entry and
  std::int64_t added_us = 0;   // its date: a producer that was restored from a backup may have another row there now
  std::uint64_t round = 0;     // how often the outbox was begun anew for what had been withheld
};

// Cursors are sealed: a consumer can only present places that it was given, and they say nothing about views.
// Text: "<pos>-<mac of the place><mac of the mark>", from the first round on "<pos>.<round>-…". The mark says which withdrawals were told up to there (0: not
// all); if it is another one now, the producer looks through the rows before.
class CursorSeal {
 public:
  explicit CursorSeal(std::string secret) : secret_(std::move(secret)) {}
  std::string make(std::string_view member, std::string_view collection, const Place& place, std::uint64_t mark) const;
  struct Said {
    journal::Pos pos = 0;
    std::uint64_t round = 0;
  };
  static std::optional<Said> read(std::string_view cursor);  // what it says, unproven
  enum class Verdict { kForeign, kPlace, kPlaceAndMark };
  Verdict judge(std::string_view cursor, std::string_view member, std::string_view collection, const Place& place,
                std::uint64_t mark) const;

 private:
  std::string secret_;
};

// The secret of this node's cursors, made at the first call (journal state "link", "cursor_secret").
Result<std::string> load_cursor_secret(journal::Journal& journal, Random& random);

inline constexpr std::size_t kMaxCursorBytes = 64;

}  // namespace bongsu::link
