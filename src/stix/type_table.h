// Which types the standard defines, and of what class each is (STIX 2.1 §4 to §8).
#pragma once

#include <cstddef>
#include <string_view>

#include "stix/object.h"

namespace bongsu::stix {

inline constexpr std::size_t kMinTypeLength = 3;    // STIX 2.1 §3.1
inline constexpr std::size_t kMaxTypeLength = 250;  // STIX 2.1 §3.1

// kCustom for every type that the standard does not define.
Category category_of(std::string_view type);

// True for the types that STIX 2.0 had as well: only of these an object without spec_version can be one of STIX 2.0.
bool existed_in_stix_20(std::string_view type);

// a-z, 0-9 and single hyphens, beginning with a letter, 3 to 250 characters (STIX 2.1 §3.1, §11.2.1).
bool is_type_name(std::string_view type);

}  // namespace bongsu::stix
