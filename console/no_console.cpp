// Stands in for the built page where Node.js was not there: no files, and the server says so.
#include "api/console/embedded_files.h"

namespace bongsu::api::console {

std::span<const StaticFile> embedded_files() { return {}; }
std::span<const StaticFile> embedded_desk_files() { return {}; }

}  // namespace bongsu::api::console
