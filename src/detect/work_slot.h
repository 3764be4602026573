// What one thread is doing with rules just now: written down before it is done, in memory that may outlive the process
// (a shared mapping), so that whoever looks after a crash knows which rules were at work, on which event.
//
//   engine.watch(&slot, suspects);              // this engine's sessions and builds write into the slot
//   …the process dies…
//   if (const auto work = read(slot)) …         // in the other process
//
// Only one thread writes a slot. Its reader looks when the writer is dead, or at `sequence` alone.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "detect/rule.h"

namespace bongsu::detect {

enum class Step : std::uint8_t {
  kNone,
  kBuild,  // all rules of a language are built into a set
  kMatch,  // all rules of a language look at an event
  kTry,    // those of `refs` alone (rule_trial.h), with an event or by being built
};

struct RefRange {  // first and last
  std::uint64_t first = 0, last = std::numeric_limits<std::uint64_t>::max();
  bool operator==(const RefRange&) const = default;
};

// Where an event stands: the hash of its source's name, and its offset there.
struct EventMark {
  std::uint64_t source = 0, offset = 0;
  bool operator==(const EventMark&) const = default;
};

struct Work {
  Step step = Step::kNone;
  Language language = Language::kStix;
  std::optional<EventMark> event;  // none: while building
  RefRange refs;
  bool operator==(const Work&) const = default;
};

// Rules that are to be tried apart before they are trusted together: those of a range, when this event comes or,
// without one, before they are built; or an event that no rule of the language is to see.
struct Suspect {
  Language language = Language::kStix;
  std::optional<EventMark> event;
  RefRange refs;
  bool leave_out = false;
  bool operator==(const Suspect&) const = default;
};
using Suspects = std::vector<Suspect>;

// Zeroes are a slot at rest.
struct WorkSlot {
  std::atomic<std::uint64_t> sequence;  // moves with every step
  std::atomic<std::uint64_t> source, offset, first, last;
  std::atomic<std::uint8_t> step, language, has_event;

  // Each store stands before what follows it in the program: a crash sees them all (x86 and ARM keep a dead thread's
  // stores).
  void begin(Step now, Language of, const EventMark* event, const RefRange& refs = {}) noexcept {
    rest();
    sequence.store(sequence.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    language.store(static_cast<std::uint8_t>(of), std::memory_order_relaxed);
    has_event.store(event != nullptr, std::memory_order_relaxed);
    if (event != nullptr) {
      source.store(event->source, std::memory_order_relaxed);
      offset.store(event->offset, std::memory_order_relaxed);
    }
    first.store(refs.first, std::memory_order_relaxed);
    last.store(refs.last, std::memory_order_relaxed);
    step.store(static_cast<std::uint8_t>(now), std::memory_order_release);
  }
  void rest() noexcept { step.store(static_cast<std::uint8_t>(Step::kNone), std::memory_order_release); }
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

// The writer is not trusted: nothing at rest, and nothing of what no writer of ours would leave.
inline std::optional<Work> read(const WorkSlot& slot) {
  const std::uint8_t step = slot.step.load(std::memory_order_acquire),
                     language = slot.language.load(std::memory_order_relaxed);
  if (step == 0 || step > static_cast<std::uint8_t>(Step::kTry) || language >= kLanguages) return std::nullopt;
  Work work{.step = static_cast<Step>(step),
            .language = static_cast<Language>(language),
            .event = {},
            .refs = {slot.first.load(std::memory_order_relaxed), slot.last.load(std::memory_order_relaxed)}};
  if (slot.has_event.load(std::memory_order_relaxed) != 0)
    work.event = EventMark{slot.source.load(std::memory_order_relaxed), slot.offset.load(std::memory_order_relaxed)};
  if (work.refs.first > work.refs.last) return std::nullopt;
  return work;
}

}  // namespace bongsu::detect
