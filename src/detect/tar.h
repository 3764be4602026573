// Files out of a tar archive (POSIX ustar, pax and GNU long names), as a stream.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "telemetry/byte_source.h"

namespace bongsu::detect {

inline constexpr std::size_t kMaxTarMember = 64 * 1024 * 1024;

// Calls each(name, content) for every regular file. Members beyond kMaxTarMember are kTooLarge; kCorrupt for a broken
// archive. `each` returns false to stop.
Result<void> read_tar(telemetry::ByteSource& source,
                      const std::function<bool(std::string name, std::string content)>& each);

}  // namespace bongsu::detect
