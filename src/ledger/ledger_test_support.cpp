#include "ledger/ledger_test_support.h"

#include <algorithm>

namespace bongsu::ledger {
namespace {

std::size_t split(std::size_t n) {
  std::size_t k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

}  // namespace

Hash slow_root(const std::vector<std::string>& entries, std::size_t begin, std::size_t end) {
  if (begin == end) return sha256("");
  if (end - begin == 1) return sha256(std::string(1, '\0') + entries[begin]);
  const std::size_t middle = begin + split(end - begin);
  const Hash left = slow_root(entries, begin, middle), right = slow_root(entries, middle, end);
  return sha256("\1" + std::string(left.begin(), left.end()) + std::string(right.begin(), right.end()));
}

std::vector<Hash> slow_path(std::size_t index, const std::vector<std::string>& entries, std::size_t begin, std::size_t end) {
  if (end - begin == 1) return {};
  const std::size_t k = split(end - begin);
  std::vector<Hash> path;
  if (index < k) {
    path = slow_path(index, entries, begin, begin + k);
    path.push_back(slow_root(entries, begin + k, end));
  } else {
    path = slow_path(index - k, entries, begin + k, end);
    path.push_back(slow_root(entries, begin, begin + k));
  }
  return path;
}

std::vector<Hash> slow_consistency(std::size_t old_size, const std::vector<std::string>& entries, std::size_t begin, std::size_t end, bool whole) {
  if (old_size == end - begin) return whole ? std::vector<Hash>{} : std::vector<Hash>{slow_root(entries, begin, end)};
  const std::size_t k = split(end - begin);
  std::vector<Hash> proof;
  if (old_size <= k) {
    proof = slow_consistency(old_size, entries, begin, begin + k, whole);
    proof.push_back(slow_root(entries, begin + k, end));
  } else {
    proof = slow_consistency(old_size - k, entries, begin + k, end, false);
    proof.push_back(slow_root(entries, begin, begin + k));
  }
  return proof;
}

Result<Hash> SlowSource::subtree(unsigned level, std::uint64_t index) {
  const std::size_t width = std::size_t{1} << level;
  if ((index + 1) * width > entries_.size()) return fail(ErrorCode::kInternal, "a subtree beyond the log");
  return slow_root(entries_, index * width, (index + 1) * width);
}

const crypto::SigningKey& test_key(int which) {
  static const crypto::SigningKey kKeys[] = {*crypto::make_signing_key(), *crypto::make_signing_key(), *crypto::make_signing_key()};
  return kKeys[which];
}

StoreOptions test_options(std::uint64_t segment_bytes) {
  return {.member = "cert-lt", .key = test_key(), .segment_bytes = segment_bytes};
}

Sealed test_entry(std::uint64_t number, const std::string& subject) {
  SeededRandom random(number);
  Salt salt;
  random.fill(salt);
  return *seal({.kind = "release", .time = Instant::from_micros(1'700'000'000'000'000 + static_cast<std::int64_t>(number)), .details = {{"number", number}}, .subject = subject}, salt);
}

Group test_group(const std::string& log, std::uint64_t first, std::uint64_t count) {
  LogAddition addition{.log = log, .first = 0, .entries = {}};
  for (std::uint64_t i = first; i < first + count; ++i) addition.entries.push_back(test_entry(i));
  return {.logs = {std::move(addition)}, .cursors = {{"source/" + log, std::to_string(first + count)}}};
}

Result<std::optional<std::string>> MemoryWitnessRecord::newest(const std::string& origin) {
  if (broken) return fail(ErrorCode::kIo, "broken");
  const auto at = notes.find(origin);
  if (at == notes.end()) return std::nullopt;
  return at->second;
}

Result<void> MemoryWitnessRecord::put(const std::string& origin, const std::string& note) {
  if (broken) return fail(ErrorCode::kIo, "broken");
  notes[origin] = note;
  return {};
}

}  // namespace bongsu::ledger
