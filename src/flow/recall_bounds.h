// What of one object one member may not give any more: which versions never again, and which up to a decision.
//
//   RecallBounds bounds;
//   bounds.add_for_good("2026-01-01T00:00:03");          // withdrawn: up to this version, whatever is released later
//   bounds.add_decided(7, "2026-01-01T00:00:05");        // narrowed by tombstone 7: what was decided before it
//   bounds.refuses("2026-01-01T00:00:05", 6)  → true     a release that says that there were six tombstones
//   bounds.refuses("2026-01-01T00:00:05", 7)  → false    a later decision (docs/decisions/0008)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace bongsu::flow {

inline constexpr std::size_t kMaxRecallSteps = 16;  // of one object; older ones are widened into the next

// Whether this version is up to that one.
bool up_to(std::string_view upto_key, std::string_view version_key);
std::string wider(const std::string& a, const std::string& b);

// Version keys (stix::Timestamp::key); empty = every version, and an object without versions is meant by each of them.
class RecallBounds {
 public:
  void add_for_good(std::string upto);
  void add_raised(std::string upto);  // for good as well: a version with a stricter label came after these
  void add_decided(std::uint64_t number, std::string upto);
  void add(const RecallBounds& other);

  // Whether a release of this version that was decided when there were `after` tombstones is refused.
  bool refuses(std::string_view version_key, std::uint64_t after) const;
  // Whether it was taken from whoever had it: recalled or removed, and not only followed by a stricter version.
  bool took(std::string_view version_key) const { return for_good_ && up_to(*for_good_, version_key); }

  std::string text() const;
  static Result<RecallBounds> parse(std::string_view text);
  bool operator==(const RecallBounds&) const = default;

 private:
  std::optional<std::string> for_good_, raised_;
  std::vector<std::pair<std::uint64_t, std::string>>
      decided_;  // newest number first; each goes further than those before
};

}  // namespace bongsu::flow
