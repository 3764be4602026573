// Conditions of any bytes: what is taken is taken again when it is written out with brackets, and means the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "detect/sigma/condition.h"

using namespace bongsu::detect::sigma;

static std::string show(const Condition& c) {
  using Kind = Condition::Kind;
  if (c.kind == Kind::kName) return c.name;
  if (c.kind == Kind::kNot) return "not " + show(c.children[0]);
  if (c.kind == Kind::kOneOf || c.kind == Kind::kAllOf)
    return (c.kind == Kind::kOneOf ? "1 of " : "all of ") + (c.name.empty() ? "them" : c.name);
  std::string out = "(";
  for (std::size_t i = 0; i < c.children.size(); ++i)
    out += (i == 0 ? "" : c.kind == Kind::kAnd ? " and " : " or ") + show(c.children[i]);
  return out + ")";
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  const auto parsed = parse_condition({reinterpret_cast<const char*>(data), size});
  if (!parsed) return 0;
  const auto again = parse_condition(show(*parsed));
  if (!again) {
    // Written out it may be nested deeper than is taken; nothing else may be wrong with it.
    if (again.error().code != bongsu::ErrorCode::kTooLarge) std::abort();
    return 0;
  }
  if (*again != *parsed) std::abort();
  return 0;
}
