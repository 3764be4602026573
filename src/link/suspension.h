// Links that were suspended because the partner passed on something with a wrong proof of origin. It stays so, also
// through restarts, until a person resumes it.
//
//   suspensions.suspend("cert-ua", "indicator--… has a proof in the name of cert-ee that …");
//   suspensions.reason_of("cert-ua")       // asked before each connection and each batch
//   suspensions.resume("cert-ua");         // bongsu link resume cert-ua
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "journal/journal.h"

namespace bongsu::link {

inline constexpr std::size_t kMaxSuspensionReasonBytes = 2'000;

// Safe from any thread.
class Suspensions {
 public:
  static Result<std::unique_ptr<Suspensions>> load(journal::Journal& journal);

  // Holds at once, whatever the disk says; the first reason stays.
  Result<void> suspend(std::string_view member, std::string_view why);
  Result<void> resume(std::string_view member);  // kNotFound: it is not suspended
  std::optional<std::string> reason_of(std::string_view member) const;
  std::vector<std::pair<std::string, std::string>> list() const;  // member, reason

 private:
  explicit Suspensions(journal::Journal& journal) : journal_(journal) {}
  journal::Journal& journal_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> reasons_;
};

}  // namespace bongsu::link
