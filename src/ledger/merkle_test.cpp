#include "ledger/merkle.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/bytes.h"
#include "base/json.h"
#include "base/places_test_support.h"
#include "base/random.h"
#include "ledger/ledger_test_support.h"
#include "ledger/text_lines.h"

namespace bongsu::ledger {
namespace {

// The entries and roots of Certificate Transparency's reference implementation.
const std::vector<std::string>& reference_entries() {
  static const std::vector<std::string> kEntries = [] {
    std::vector<std::string> out;
    for (const char* hex : {"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"}) out.push_back(*from_hex(hex));
    return out;
  }();
  return kEntries;
}

TEST(Merkle, RootsOfTheReferenceTree) {
  const char* const kRoots[] = {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                                "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                                "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                                "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  Tree tree;
  for (std::size_t size = 0; size <= 8; ++size) {
    EXPECT_EQ(to_hex(tree.root()), kRoots[size]) << size;
    EXPECT_EQ(to_hex(slow_root(reference_entries(), 0, size)), kRoots[size]) << size;
    if (size < 8) tree.append(leaf_hash(reference_entries()[size]));
  }
}

TEST(Merkle, ProofsAreThoseOfTheSlowTwinAndVerifyAlone) {
  SeededRandom random(7);
  std::vector<std::string> entries;
  for (int i = 0; i < 70; ++i) entries.push_back(std::string(random.below(9), static_cast<char>('a' + random.below(26))));
  SlowSource source(entries);
  for (std::size_t size = 1; size <= entries.size(); ++size) {
    const Hash root = slow_root(entries, 0, size);
    for (std::size_t index = 0; index < size; ++index) {
      const auto proof = inclusion_proof(source, index, size);
      ASSERT_TRUE(proof);
      ASSERT_EQ(*proof, slow_path(index, entries, 0, size));
      ASSERT_TRUE(verify_inclusion(index, size, leaf_hash(entries[index]), *proof, root));
      // Anything else about it is refused.
      auto other = *proof;
      if (!other.empty()) other[random.below(other.size())][random.below(32)] ^= 1;
      EXPECT_EQ(verify_inclusion(index, size, leaf_hash(entries[index]), other, root).has_value(), proof->empty());
      other = *proof;
      other.push_back(root);
      EXPECT_FALSE(verify_inclusion(index, size, leaf_hash(entries[index]), other, root));
      EXPECT_FALSE(verify_inclusion(size, size, leaf_hash(entries[index]), *proof, root));
    }
    for (std::size_t old = 1; old <= size; ++old) {
      const Hash old_root = slow_root(entries, 0, old);
      const auto proof = consistency_proof(source, old, size);
      ASSERT_TRUE(proof);
      ASSERT_EQ(*proof, slow_consistency(old, entries, 0, size, true));
      ASSERT_TRUE(verify_consistency(old, size, old_root, root, *proof));
      for (std::size_t cut = 0; cut < proof->size(); ++cut) {
        auto other = *proof;
        other.erase(other.begin() + static_cast<std::ptrdiff_t>(cut));
        EXPECT_FALSE(verify_consistency(old, size, old_root, root, other));
        other = *proof;
        other[cut][random.below(32)] ^= 0x80;
        EXPECT_FALSE(verify_consistency(old, size, old_root, root, other));
      }
      if (old < size) EXPECT_FALSE(verify_consistency(old, size, root, root, *proof));
    }
    EXPECT_FALSE(inclusion_proof(source, size, size));
    EXPECT_FALSE(consistency_proof(source, size + 1, size));
  }
}

Hash hash_or_other(const Json& value, std::string_view field = "") {
  // Some vectors have roots and leaves that are no hashes: those become one that nothing has.
  const auto text = value.is_string() ? std::string_view(value.as_string()) : std::string_view();
  return parse_hash(text).value_or(sha256(std::string(field) + std::string(text)));
}

TEST(Merkle, VectorsOfTransparencyDev) {
  const std::string directory = shared_data("trust/merkle");
  if (directory.empty()) GTEST_SKIP() << "skipped: needs shared data";
  std::size_t good = 0, bad = 0;
  for (const auto& item : std::filesystem::recursive_directory_iterator(directory)) {
    if (item.path().extension() != ".json") continue;
    std::ifstream in(item.path());
    std::stringstream text;
    text << in.rdbuf();
    const auto json = parse_json(text.str());
    ASSERT_TRUE(json) << item.path();
    std::vector<Hash> proof;
    if (const Json* list = find(*json, "proof"); list != nullptr && list->is_array())
      for (const Json& hash : list->as_array()) proof.push_back(hash_or_other(hash));
    const bool consistency = find(*json, "size1") != nullptr;
    const bool verified =
        consistency ? verify_consistency(static_cast<std::uint64_t>(*int_at(*json, "size1")), static_cast<std::uint64_t>(*int_at(*json, "size2")), hash_or_other(*find(*json, "root1")),
                                         hash_or_other(*find(*json, "root2")), proof)
                          .has_value()
                    : verify_inclusion(static_cast<std::uint64_t>(*int_at(*json, "leafIdx")), static_cast<std::uint64_t>(*int_at(*json, "treeSize")), hash_or_other(*find(*json, "leafHash"), "leafHash"), proof,
                                       hash_or_other(*find(*json, "root"), "root"))
                          .has_value();
    EXPECT_EQ(verified, !*bool_at(*json, "wantErr")) << item.path() << ": " << *string_at(*json, "desc");
    ++(verified ? good : bad);
  }
  EXPECT_GT(good, 10u);
  EXPECT_GT(bad, 100u);
}

}  // namespace
}  // namespace bongsu::ledger
