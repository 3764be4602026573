// Events against the index: which indicators does an event hit, and where.
//
//   Matcher matcher;
//   matcher.use(index.snapshot());
//   std::vector<Hit> hits;
//   matcher.match(event, clock.now(), hits);
//
// The field map says what kind of value a field holds; README.md says what is looked up for each kind. An indicator
// hits a field of an event once; a hit in free text is left out when a field of a kind gave the same indicator.
// Validity is held against the event's own time, and against `now` when it has none.
//
// One thread at a time; make one a thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "detect/index.h"
#include "detect/key_walk.h"
#include "detect/verdicts.h"
#include "telemetry/event.h"

namespace bongsu::detect {

inline constexpr std::size_t kMaxHitsPerEvent = 10'000;
inline constexpr std::size_t kRememberedBytes = 512;  // longer values are seldom the same

struct Hit {
  std::uint64_t ref = 0;
  Value value;          // of the indicator
  std::string field;    // path in the event
  std::string matched;  // the field's text, or the token in free text, or the URL that host and target make
  int confidence = -1;
};

class Matcher {
 public:
  Matcher() : walk_(*this) {}
  Matcher(const Matcher&) = delete;
  Matcher& operator=(const Matcher&) = delete;

  void use(SnapshotPtr snapshot);
  // Appends the event's hits in the order of its fields.
  void match(const telemetry::EventView& event, const Instant& now, std::vector<Hit>& hits);

  // Hits that were dropped because an event had more than kMaxHitsPerEvent.
  std::uint64_t dropped() const { return dropped_; }

 private:
  friend class KeyWalk<Matcher>;

  struct Pending {
    const telemetry::Leaf* leaf;
    bool text;
    std::uint64_t ref;
    Value value;
    int confidence;
    std::string matched;
  };

  void key(Kind kind, std::string_view bytes, std::uint64_t hash) {
    if (snapshot_->may_hold(hash)) look_up(kind, bytes, hash);
  }
  void look_up(Kind kind, std::string_view bytes, std::uint64_t hash);
  bool skip_word(std::string_view word) {
    word_print_ = Verdicts::print(word, word_seed_);
    word_hit_ = false;
    return verdicts_.nothing(word_print_);
  }
  void remember_word(std::string_view) {
    if (!word_hit_) verdicts_.remember(word_print_);
  }
  bool skip_request(const telemetry::Leaf* host, const telemetry::Leaf& uri, const telemetry::Leaf* port);
  void remember_request() {
    if (!leaf_hit_) verdicts_.remember(request_print_);
  }
  bool of_no_interest(const telemetry::Leaf& leaf) const;
  const Instant& time();
  void finish(std::vector<Hit>& hits);

  SnapshotPtr snapshot_;
  KeyWalk<Matcher> walk_;

  // What had no entry under any of its keys, whatever its validity, since the last addition.
  Verdicts verdicts_;
  std::uint64_t leaf_seed_ = 0, word_seed_ = 0;
  std::uint64_t word_print_ = 0, request_print_ = 0;
  bool word_hit_ = false, leaf_hit_ = false;

  // Of the event at hand.
  const Instant* now_ = nullptr;
  std::optional<Instant> time_;  // the event's own, else now; once it was asked for
  std::vector<Pending> pending_;
  std::uint64_t dropped_ = 0;
};

}  // namespace bongsu::detect
