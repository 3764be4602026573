// Security policies in the Open XML SPIF form (xmlspif.org, schema 2.1), as far as a label can be held against them:
// which classifications and categories there are, and which classes a category excludes.
//
//   BONGSU_TRY(const SecurityPolicy policy, read_spif(bytes, "nato.xml"));
//   for (const auto& problem : policy.problems_of(label)) …      // empty: a label of this policy
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "formats/stanag4774.h"

namespace bongsu::formats {

inline constexpr std::size_t kMaxSpifValues = 100'000;  // classifications and categories

struct SecurityPolicy {
  struct Category {
    std::set<std::string> excluded_classes;  // a label of one of these may not have it
    bool obsolete = false;
  };
  struct TagSet {
    std::string id;  // OID
    CategoryType type = CategoryType::kRestrictive;
    bool single = false;  // at most one value in a label
    std::map<std::string, Category> categories;
  };
  std::string name, id;                        // "NATO", "1.3.26.1.3.1"
  std::map<std::string, int> classifications;  // name → place in the hierarchy
  std::map<std::string, TagSet> tag_sets;      // by the names that stand in labels as TagName

  // What a label breaks, one sentence each: another policy, unknown values, an excluded class, a type that is not the
  // tag's. Values are compared without regard to case, as the NATO policy wants it (ADatP-4774 App. 2).
  std::vector<std::string> problems_of(const ConfidentialityLabel& label) const;
};

// kInvalid: not such a document. kUnsupported: the policy makes categories require or exclude each other, or has
// several kinds of tag in one set, which this program does not judge.
Result<SecurityPolicy> read_spif(std::string_view xml, std::string_view source_name);

}  // namespace bongsu::formats
