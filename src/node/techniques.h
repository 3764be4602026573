// ATT&CK techniques of an indicator, as the journal's relations say: indicator —indicates→ attack-pattern (STIX 2.1
// §4.7), the attack-pattern's external reference of the source "mitre-attack" and its kill chain phases (§2.12).
//
//   TechniqueBook book(journal, search);
//   book.of(alert);       // {{"T1071.004", "DNS", {"command-and-control"}, collection of the relationship}, …}
//
// Each names the collection that says so, for only who may read that may be told. A relationship counts
// only with the attack-pattern's copy in its own collection: another's is for that one's readers. What was looked up is
// remembered for a minute.
#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "detect/alert.h"
#include "detect/triage/groups.h"
#include "journal/journal.h"
#include "journal/search.h"

namespace bongsu::node {

inline constexpr std::size_t kMaxTechniqueRelations = 64;        // of one indicator that are looked at
inline constexpr std::size_t kRememberedIndicators = 10'000;
inline constexpr std::chrono::seconds kTechniquesAge{60};

// Safe from any thread.
class TechniqueBook {
 public:
  TechniqueBook(journal::Journal& journal, journal::Search& search) : journal_(journal), search_(search) {}
  std::vector<detect::triage::Technique> of(const detect::Alert& alert);

 private:
  std::vector<detect::triage::Technique> look_up(const std::string& indicator_id);

  struct Known {
    std::vector<detect::triage::Technique> techniques;
    std::chrono::steady_clock::time_point looked;
  };
  journal::Journal& journal_;
  journal::Search& search_;
  std::mutex mutex_;
  std::unordered_map<std::string, Known> known_;
};

}  // namespace bongsu::node
