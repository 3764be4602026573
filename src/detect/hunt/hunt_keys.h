// What stored telemetry is looked up by: the same keys that the matcher probes its index with (key_walk.h), as numbers
// for a segment's dictionary.
//
//   HuntKeys keys(seed);
//   keys.add(indicators);
//   keys.sort();
//   std::vector<std::uint32_t> parts = keys.parts_in(dictionary, n);      // where any of them may be
//
// Everything but addresses is looked up by hash. Addresses are ordered keys, so that a network is a range: an IPv4
// address behind 32 ones, the first 64 bits of an IPv6 address. What is found is matched anyway: a key may name a part
// too many, never one too few.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "detect/indicator.h"
#include "detect/key.h"
#include "telemetry/field_map.h"
#include "telemetry/store/dictionary.h"

namespace bongsu::detect {

// Changes when key_walk.h gives other keys for the same event; segments made by other rules are looked at whole.
inline constexpr std::uint64_t kHuntKeyRules = 2;

// By which rules and field map a dictionary was made. Fields that a rule merely asked for change no key.
std::uint64_t hunt_keyed_by(const telemetry::FieldMap& map);

// The ordered key of an address in stored form (key.h), its prefix left out.
std::uint64_t ordered_key(Kind kind, std::string_view bytes);

class HuntKeys {
 public:
  explicit HuntKeys(std::uint64_t seed) : seeds_(seed) {}

  // kInvalid: a value that is not in normal form (and nothing of the batch was added).
  Result<void> add(std::span<const Indicator> indicators);
  void sort();
  std::size_t size() const { return hashes_.size() + ranges_.size(); }

  // Parts of blocks that may hold one of them, rising, each once; the segment has `parts`.
  std::vector<std::uint32_t> parts_in(const telemetry::KeyDictionary& dictionary, std::size_t parts) const;

 private:
  struct Range {
    std::uint64_t low, high;
    auto operator<=>(const Range&) const = default;
  };
  Seeds seeds_;
  std::vector<std::uint64_t> hashes_;
  std::vector<Range> ranges_;
};

}  // namespace bongsu::detect
