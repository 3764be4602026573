// What this node knows of an object by its id: the newest copy from each member, live and in each exercise, with its
// label. A bounded cache over
// the journal.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "journal/journal.h"
#include "policy/decide.h"

namespace bongsu::flow {

inline constexpr std::size_t kKnownObjects = 65'536;  // ids remembered

struct KnownCopy {
  std::string origin;
  std::string version_key;
  policy::Label label;  // who may know that it is there (label_of_existence)
  // What else is asked of who may know: where it stands, as any version; and of the newest, its sectors and what it
  // refers to.
  std::set<std::string> collections{};
  std::set<std::string> sectors{};
  std::set<policy::Target> targets{};
};
KnownCopy known_copy(const policy::ObjectFacts& facts, std::string version_key);
// What is known of an object with one more copy.
void merge_copy(std::vector<KnownCopy>& copies, KnownCopy copy);

// Safe from any thread.
class KnownObjects {
 public:
  explicit KnownObjects(journal::Journal& journal) : journal_(journal) {}

  // One look at a batch of objects: at most one snapshot, taken when something is not in memory.
  class Look {
   public:
    // Newest copy of each origin, for each exercise apart; empty: no object with this id is here.
    Result<std::vector<KnownCopy>> copies(const std::string& id);

   private:
    friend class KnownObjects;
    explicit Look(KnownObjects& known) : known_(known) {}
    KnownObjects& known_;
    std::unique_ptr<journal::Snapshot> snapshot_;
    std::uint64_t generation_ = 0;
  };
  Look look() { return Look(*this); }

  // An object was admitted.
  void admitted(const std::string& id, KnownCopy copy);
  // Something of an object was deleted: what is remembered of it is read anew.
  void forget(const std::string& id);

 private:
  struct Entry {
    std::vector<KnownCopy> copies;
    std::list<std::string>::iterator age;
  };
  void remember(const std::string& id, std::vector<KnownCopy> copies);  // under mutex_

  journal::Journal& journal_;
  std::mutex mutex_;
  std::uint64_t generation_ = 0;  // grows with every change: what was read before one is not remembered after it
  std::unordered_map<std::string, Entry> entries_;
  std::list<std::string> ages_;  // newest first
};

// A drill's copies say nothing of what is live: neither TLP nor recipients nor whose it is.
void leave_out_drills(std::vector<KnownCopy>& copies);

// The copy that stands for an object when another one refers to it: ours, whatever a partner says later of the same id
// (a partner's copy that is newer and hidden would decide about who sees what refers to ours); else the newest version.
const KnownCopy* standing_copy(const std::vector<KnownCopy>& copies, std::string_view self);

}  // namespace bongsu::flow
