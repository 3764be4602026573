#include "ledger/merkle.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstring>

namespace bongsu::ledger {
namespace {

// The largest power of two that is smaller than n (n > 1): RFC 6962's k.
std::uint64_t split(std::uint64_t n) { return std::bit_floor(n - 1); }

std::unexpected<Error> refuse(std::string why) { return fail(ErrorCode::kDenied, std::move(why)); }

// RFC 6962 §2.1.1: PATH(m, D[begin:end]), deepest hash first.
Result<void> path(HashSource& source, std::uint64_t index, std::uint64_t begin, std::uint64_t end,
                  std::vector<Hash>& out) {
  // From the root downwards; the proof is in the other order.
  std::vector<Hash> downwards;
  while (end - begin > 1) {
    const std::uint64_t middle = begin + split(end - begin);
    if (index < middle) {
      BONGSU_TRY(const Hash sibling, range_root(source, middle, end));
      downwards.push_back(sibling);
      end = middle;
    } else {
      BONGSU_TRY(const Hash sibling, range_root(source, begin, middle));
      downwards.push_back(sibling);
      begin = middle;
    }
  }
  out.assign(downwards.rbegin(), downwards.rend());
  return {};
}

}  // namespace

Hash leaf_hash(std::string_view entry) {
  std::string text;
  text.reserve(entry.size() + 1);
  text.push_back('\0');
  text.append(entry);
  return sha256(text);
}

Hash node_hash(const Hash& left, const Hash& right) {
  std::array<char, 65> bytes;
  bytes[0] = 1;
  std::memcpy(bytes.data() + 1, left.data(), 32);
  std::memcpy(bytes.data() + 33, right.data(), 32);
  return sha256({bytes.data(), bytes.size()});
}

Hash empty_root() { return sha256(""); }

Result<void> verify_inclusion(std::uint64_t index, std::uint64_t size, const Hash& leaf, std::span<const Hash> proof,
                              const Hash& root) {
  if (index >= size) return refuse(fmt::format("entry {} is not in a log of {} entries", index, size));
  std::uint64_t fn = index, sn = size - 1;
  Hash r = leaf;
  for (const Hash& p : proof) {
    if (sn == 0) return refuse("the inclusion proof is too long");
    if ((fn & 1) == 1 || fn == sn) {
      r = node_hash(p, r);
      while ((fn & 1) == 0 && fn != 0) {
        fn >>= 1;
        sn >>= 1;
      }
    } else {
      r = node_hash(r, p);
    }
    fn >>= 1;
    sn >>= 1;
  }
  if (sn != 0) return refuse("the inclusion proof is too short");
  if (r != root) return refuse("the inclusion proof does not lead to the root");
  return {};
}

Result<void> verify_consistency(std::uint64_t old_size, std::uint64_t size, const Hash& old_root, const Hash& root,
                                std::span<const Hash> proof) {
  if (old_size > size) return refuse(fmt::format("a log of {} entries does not continue one of {}", size, old_size));
  if (old_size == 0) return refuse("from an empty log every log follows: there is nothing to prove");
  if (old_size == size) {
    if (!proof.empty()) return refuse("a consistency proof between equal sizes is empty");
    if (old_root != root) return refuse("two roots of one size differ");
    return {};
  }
  if (proof.empty()) return refuse("the consistency proof is empty");
  // A proof begins with the old root itself when that is one perfect subtree; it is left out then.
  std::span<const Hash> rest = proof;
  Hash first = old_root;
  if (!std::has_single_bit(old_size)) {
    first = rest.front();
    rest = rest.subspan(1);
  }
  std::uint64_t fn = old_size - 1, sn = size - 1;
  while ((fn & 1) == 1) {
    fn >>= 1;
    sn >>= 1;
  }
  Hash fr = first, sr = first;
  for (const Hash& c : rest) {
    if (sn == 0) return refuse("the consistency proof is too long");
    if ((fn & 1) == 1 || fn == sn) {
      fr = node_hash(c, fr);
      sr = node_hash(c, sr);
      while ((fn & 1) == 0 && fn != 0) {
        fn >>= 1;
        sn >>= 1;
      }
    } else {
      sr = node_hash(sr, c);
    }
    fn >>= 1;
    sn >>= 1;
  }
  if (sn != 0) return refuse("the consistency proof is too short");
  if (fr != old_root) return refuse("the consistency proof does not lead to the old root");
  if (sr != root) return refuse("the consistency proof does not lead to the new root");
  return {};
}

void Tree::append(const Hash& leaf) {
  Hash hash = leaf;
  for (std::uint64_t n = size_; (n & 1) == 1; n >>= 1) {
    hash = node_hash(subtrees_.back(), hash);
    subtrees_.pop_back();
  }
  subtrees_.push_back(hash);
  ++size_;
}

Hash Tree::root() const {
  if (subtrees_.empty()) return empty_root();
  Hash root = subtrees_.back();
  for (std::size_t i = subtrees_.size() - 1; i-- > 0;) root = node_hash(subtrees_[i], root);
  return root;
}

Result<Hash> range_root(HashSource& source, std::uint64_t begin, std::uint64_t end) {
  if (begin >= end) return fail(ErrorCode::kInternal, "an empty range has no place in a proof");
  // Perfect subtrees from the left, largest first; then folded from the right.
  std::vector<Hash> parts;
  while (begin < end) {
    const std::uint64_t width = std::bit_floor(end - begin);
    const auto level = static_cast<unsigned>(std::countr_zero(width));
    if ((begin & (width - 1)) != 0) return fail(ErrorCode::kInternal, "a range of a proof is not aligned");
    BONGSU_TRY(const Hash part, source.subtree(level, begin >> level));
    parts.push_back(part);
    begin += width;
  }
  Hash root = parts.back();
  for (std::size_t i = parts.size() - 1; i-- > 0;) root = node_hash(parts[i], root);
  return root;
}

Result<std::vector<Hash>> inclusion_proof(HashSource& source, std::uint64_t index, std::uint64_t size) {
  if (index >= size)
    return fail(ErrorCode::kInvalid, fmt::format("entry {} is not in a log of {} entries", index, size));
  std::vector<Hash> proof;
  BONGSU_TRY_VOID(path(source, index, 0, size, proof));
  return proof;
}

Result<std::vector<Hash>> consistency_proof(HashSource& source, std::uint64_t old_size, std::uint64_t size) {
  if (old_size > size)
    return fail(ErrorCode::kInvalid, fmt::format("a log of {} entries had never {}", size, old_size));
  std::vector<Hash> downwards;
  if (old_size == 0 || old_size == size) return downwards;
  // RFC 6962 §2.1.2: SUBPROOF(m, D[begin:end], b), m counted from the log's beginning here.
  std::uint64_t begin = 0, end = size;
  bool whole = true;  // b: the old tree is a complete subtree of the new one up to here
  while (end != old_size) {
    const std::uint64_t middle = begin + split(end - begin);
    if (old_size <= middle) {
      BONGSU_TRY(const Hash right, range_root(source, middle, end));
      downwards.push_back(right);
      end = middle;
    } else {
      BONGSU_TRY(const Hash left, range_root(source, begin, middle));
      downwards.push_back(left);
      begin = middle;
      whole = false;
    }
  }
  if (!whole) {
    BONGSU_TRY(const Hash last, range_root(source, begin, end));
    downwards.push_back(last);
  }
  return std::vector<Hash>(downwards.rbegin(), downwards.rend());
}

}  // namespace bongsu::ledger
