// Zip archives of strangers as values: the files in it, within limits. libzip is behind it.
//
//   BONGSU_TRY(const ZipFiles files, read_zip(bytes, "list.xlsx"));
//   files.at("xl/workbook.xml")
//
// What a file unpacks to is counted while it is unpacked: what the archive says of sizes is not believed.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace bongsu::formats {

inline constexpr std::size_t kMaxZipBytes = 32 * 1024 * 1024;
inline constexpr std::size_t kMaxZipFiles = 1000;
inline constexpr std::size_t kMaxUnpackedBytes = 128 * 1024 * 1024;  // of all files together

using ZipFiles = std::map<std::string, std::string, std::less<>>;

// kInvalid: no archive, a broken one, one with a password, two files of one name. kTooLarge beyond the limits.
Result<ZipFiles> read_zip(std::string_view bytes, const std::string& source);
// The same bytes for the same files: no times.
Result<std::string> write_zip(const ZipFiles& files);

}  // namespace bongsu::formats
