#include "stix/type_table.h"

#include <algorithm>
#include <array>

namespace bongsu::stix {
namespace {

struct Row {
  std::string_view type;
  Category category;
  bool in_stix_20;
};

// Sorted by type.
constexpr std::array kTypes = {
    Row{"artifact", Category::kObservable, false},
    Row{"attack-pattern", Category::kDomain, true},
    Row{"autonomous-system", Category::kObservable, false},
    Row{"campaign", Category::kDomain, true},
    Row{"course-of-action", Category::kDomain, true},
    Row{"directory", Category::kObservable, false},
    Row{"domain-name", Category::kObservable, false},
    Row{"email-addr", Category::kObservable, false},
    Row{"email-message", Category::kObservable, false},
    Row{"extension-definition", Category::kMeta, false},
    Row{"file", Category::kObservable, false},
    Row{"grouping", Category::kDomain, false},
    Row{"identity", Category::kDomain, true},
    Row{"incident", Category::kDomain, false},
    Row{"indicator", Category::kDomain, true},
    Row{"infrastructure", Category::kDomain, false},
    Row{"intrusion-set", Category::kDomain, true},
    Row{"ipv4-addr", Category::kObservable, false},
    Row{"ipv6-addr", Category::kObservable, false},
    Row{"language-content", Category::kMeta, false},
    Row{"location", Category::kDomain, false},
    Row{"mac-addr", Category::kObservable, false},
    Row{"malware", Category::kDomain, true},
    Row{"malware-analysis", Category::kDomain, false},
    Row{"marking-definition", Category::kMeta, true},
    Row{"mutex", Category::kObservable, false},
    Row{"network-traffic", Category::kObservable, false},
    Row{"note", Category::kDomain, false},
    Row{"observed-data", Category::kDomain, true},
    Row{"opinion", Category::kDomain, false},
    Row{"process", Category::kObservable, false},
    Row{"relationship", Category::kRelationship, true},
    Row{"report", Category::kDomain, true},
    Row{"sighting", Category::kRelationship, true},
    Row{"software", Category::kObservable, false},
    Row{"threat-actor", Category::kDomain, true},
    Row{"tool", Category::kDomain, true},
    Row{"url", Category::kObservable, false},
    Row{"user-account", Category::kObservable, false},
    Row{"vulnerability", Category::kDomain, true},
    Row{"windows-registry-key", Category::kObservable, false},
    Row{"x509-certificate", Category::kObservable, false},
};
static_assert(std::ranges::is_sorted(kTypes, {}, &Row::type));

const Row* row_of(std::string_view type) {
  const auto at = std::ranges::lower_bound(kTypes, type, {}, &Row::type);
  return at != kTypes.end() && at->type == type ? &*at : nullptr;
}

}  // namespace

Category category_of(std::string_view type) {
  const Row* row = row_of(type);
  return row == nullptr ? Category::kCustom : row->category;
}

bool existed_in_stix_20(std::string_view type) {
  const Row* row = row_of(type);
  return row != nullptr && row->in_stix_20;
}

bool is_type_name(std::string_view type) {
  if (type.size() < kMinTypeLength || type.size() > kMaxTypeLength) return false;
  if (type.front() < 'a' || type.front() > 'z' || type.back() == '-') return false;
  char before = 'a';
  for (const char c : type) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c == '-' && before != '-');
    if (!good) return false;
    before = c;
  }
  return true;
}

}  // namespace bongsu::stix
