// Merkle tree hashes and proofs of RFC 6962 §2.1, as values.
//
//   ledger::Tree tree;                               the right edge of a growing log: a few hashes, however long it is
//   tree.append(leaf_hash(entry));
//   tree.root();
//   BONGSU_TRY_VOID(verify_inclusion(index, size, leaf_hash(entry), proof, root));
//   BONGSU_TRY_VOID(verify_consistency(old_size, size, old_root, root, proof));
//
// Proofs are made from a HashSource, which knows the hashes of perfect subtrees (tiles on disk, or a slow twin in tests). A
// refused proof is kDenied with the reason; nothing here aborts on input.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/result.h"

namespace bongsu::ledger {

using Hash = Sha256;

inline constexpr std::size_t kMaxProofHashes = 63;                    // C2SP tlog-witness: no consistency proof has more
inline constexpr std::uint64_t kMaxLogSize = std::uint64_t{1} << 62;  // entries; far beyond any disk

Hash leaf_hash(std::string_view entry);               // SHA-256(0x00 ‖ entry)
Hash node_hash(const Hash& left, const Hash& right);  // SHA-256(0x01 ‖ left ‖ right)
Hash empty_root();                                    // SHA-256 of nothing

// RFC 6962 §2.1.1, by the algorithm of RFC 9162 §2.1.3.2.
Result<void> verify_inclusion(std::uint64_t index, std::uint64_t size, const Hash& leaf, std::span<const Hash> proof,
                              const Hash& root);
// RFC 6962 §2.1.2, by the algorithm of RFC 9162 §2.1.4.2. Equal sizes need equal roots and an empty proof. From the empty log
// every log follows, so that nothing would be shown: old_size 0 is refused.
Result<void> verify_consistency(std::uint64_t old_size, std::uint64_t size, const Hash& old_root, const Hash& root,
                                std::span<const Hash> proof);

// What a growing log needs to know of itself for its root: the hashes of the perfect subtrees that it is made of.
class Tree {
 public:
  void append(const Hash& leaf);
  std::uint64_t size() const { return size_; }
  Hash root() const;

 private:
  std::uint64_t size_ = 0;
  std::vector<Hash> subtrees_;  // largest first, one for each bit of size_
};

// Hashes of perfect subtrees: `index`-th subtree of 2^level leaves, that is of leaves [index·2^level, (index+1)·2^level).
class HashSource {
 public:
  virtual ~HashSource() = default;
  virtual Result<Hash> subtree(unsigned level, std::uint64_t index) = 0;
};

// MTH(D[begin:end]) of a tree; `begin` must be a multiple of the largest power of two that is not above end - begin, as in all
// ranges that proofs ask for.
Result<Hash> range_root(HashSource& source, std::uint64_t begin, std::uint64_t end);
// PATH(index, D[0:size]): kInvalid unless index < size.
Result<std::vector<Hash>> inclusion_proof(HashSource& source, std::uint64_t index, std::uint64_t size);
// PROOF(old_size, D[0:size]): empty when old_size is 0 or size; kInvalid when it is larger.
Result<std::vector<Hash>> consistency_proof(HashSource& source, std::uint64_t old_size, std::uint64_t size);

}  // namespace bongsu::ledger
