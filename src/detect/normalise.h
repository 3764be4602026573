// The normal forms of names that are not hosts, URLs or addresses; shared by indicators (normalise) and by the matcher.
#pragma once

#include <string>
#include <string_view>

namespace bongsu::detect {

// Windows paths ("C:\…", "\\server\…", anything with a backslash): ASCII lower case, '/' becomes '\'. Others stay.
void normalise_path(std::string_view text, std::string& out);
// Lower case; hives written out: HKLM, HKEY_LOCAL_MACHINE and \REGISTRY\MACHINE are one.
void normalise_registry_key(std::string_view text, std::string& out);
// "Local-Part@" as it is and the domain as a host name. nullptr, or what is wrong.
const char* normalise_email(std::string_view text, std::string& out);
// Six groups of two hexadecimal digits with ':', '-' or nothing between, or three of four with '.'; lower case with
// ':'.
bool normalise_mac(std::string_view text, std::string& out);
// What follows the last '\' or '/'.
std::string_view base_name(std::string_view path);

void ascii_lower(std::string_view text, std::string& out);
bool is_hex(std::string_view text);

}  // namespace bongsu::detect
