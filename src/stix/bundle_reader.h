// Objects out of bundles, envelopes, arrays and NDJSON of any size, one at a time, in bounded memory.
//
//   stix::BundleReader reader("feed.json");
//   while (more input) BONGSU_TRY_VOID(reader.feed(piece, [&](stix::BundleItem&& item) { … return true; }));
//   BONGSU_TRY_VOID(reader.finish(callback));
//
// Accepts a STIX bundle, a TAXII envelope ({"objects":[…]}), a bare array of objects, a single object, or several of
// these one after the other (NDJSON). A bad object never costs the good ones: it comes as an item with an error.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "stix/object.h"

namespace bongsu::stix {

inline constexpr std::size_t kMaxRawBytes = 64 * 1024;

struct BundleItem {
  std::uint64_t index = 0;   // of the object within the whole input, from 0
  std::uint64_t offset = 0;  // of its first byte within the whole input
  std::uint64_t line = 0;    // 1-based line of that byte
  Result<Object> object;     // the error says why; where has source, line, offset, and in field the property at fault
  std::string raw;           // the bytes of an object that could not be read, up to kMaxRawBytes; empty for a good one
  std::string raw_id;        // the "id" as far as it could be read, for messages
};

class BundleReader {
 public:
  // Return false to stop early (feed and finish then return kCancelled).
  using Callback = std::function<bool(BundleItem&&)>;

  explicit BundleReader(std::string source_name);
  ~BundleReader();

  // Errors are for the container only: broken JSON outside an object, truncated input. Objects before the break were
  // delivered. Where the list can be followed in spite of a flaw (a comma too many or too few), it is, and finish tells
  // of the flaw.
  Result<void> feed(std::string_view piece, const Callback& callback);
  Result<void> finish(const Callback& callback);

  // What a bundle itself lacks by STIX 2.1 §8.1 (its id); it costs no object. The first kMaxRemarks of them.
  static constexpr std::size_t kMaxRemarks = 100;
  const std::vector<Error>& remarks() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bongsu::stix
