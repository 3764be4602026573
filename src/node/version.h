#pragma once

namespace bongsu::node {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace bongsu::node
