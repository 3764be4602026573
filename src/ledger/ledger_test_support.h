// A slow twin of a log, straight from RFC 6962 §2.1, and what tests of the store share.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ledger/merkle.h"
#include "ledger/store.h"
#include "ledger/witness.h"

namespace bongsu::ledger {

Hash slow_root(const std::vector<std::string>& entries, std::size_t begin, std::size_t end);
std::vector<Hash> slow_path(std::size_t index, const std::vector<std::string>& entries, std::size_t begin, std::size_t end);
std::vector<Hash> slow_consistency(std::size_t old_size, const std::vector<std::string>& entries, std::size_t begin, std::size_t end, bool whole);

// Subtrees by looking at every entry.
class SlowSource final : public HashSource {
 public:
  explicit SlowSource(const std::vector<std::string>& entries) : entries_(entries) {}
  Result<Hash> subtree(unsigned level, std::uint64_t index) override;

 private:
  const std::vector<std::string>& entries_;
};

const crypto::SigningKey& test_key(int which = 0);  // made once
StoreOptions test_options(std::uint64_t segment_bytes = 1 << 20);
Sealed test_entry(std::uint64_t number, const std::string& subject = "");
Group test_group(const std::string& log, std::uint64_t first, std::uint64_t count);

class MemoryWitnessRecord final : public WitnessRecord {
 public:
  Result<std::optional<std::string>> newest(const std::string& origin) override;
  Result<void> put(const std::string& origin, const std::string& note) override;
  std::map<std::string, std::string> notes;
  bool broken = false;
};

}  // namespace bongsu::ledger
