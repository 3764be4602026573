// MISP's warning lists: values that are often false positives. They mark an alert; they never hide one.
//
//   WarningLists lists;
//   BONGSU_TRY_VOID(lists.load("warninglists/"));        // a folder, a list.json, or a tar archive (.zst, .gz)
//   lists.finish();
//   for (const WarningListHit& hit : lists.find(value)) …
//
// How a list matches, by its type (MISP/misp-warninglists, README): string: the whole value; hostname: the value's host
// or a domain above it; cidr: the address, or block, lies within; substring: the value contains the entry; regex: RE2
// finds it (PHP delimiters and the flag i are understood). A list with matching_attributes is asked only about kinds
// that they name.
//
// Loading: one thread. After finish(), find is safe from any thread.
#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "detect/alert.h"
#include "telemetry/bad_lines.h"

namespace bongsu::detect {

inline constexpr std::size_t kMaxWarningLists = 60'000;
inline constexpr std::size_t kMaxWarningListBytes = 64 * 1024 * 1024;
inline constexpr std::size_t kMaxWarningListHits = 64;  // reported for one value

class WarningLists {
 public:
  WarningLists();
  ~WarningLists();
  WarningLists(WarningLists&&) noexcept;
  WarningLists& operator=(WarningLists&&) noexcept;

  // Errors are for what cannot be read at all; bad lists and entries go to troubles().
  Result<void> load(const std::string& path);
  Result<void> add_list(std::string_view json, const std::string& source);
  void finish();

  std::vector<WarningListHit> find(const Value& value) const;

  std::size_t lists() const;
  std::size_t entries() const;
  const telemetry::BadLines& troubles() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bongsu::detect
