// Countries as military labels write them (ISO 3166-1 alpha-3, "LTU") and as the charter does (alpha-2, "lt").
#pragma once

#include <optional>
#include <string_view>

namespace bongsu::policy {

// "LTU" → "lt"; nullopt for what is not a code of the standard.
std::optional<std::string_view> nation_of_alpha3(std::string_view code);

}  // namespace bongsu::policy
