#include "telemetry/inputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace bongsu::telemetry {
namespace {

namespace fs = std::filesystem;

void list_directory(const std::string& path, Inputs& out) {
  std::error_code ec;
  std::vector<std::string> found;
  fs::recursive_directory_iterator it(path, ec), end;
  while (!ec && it != end) {
    const bool hidden = it->path().filename().string().starts_with('.');
    std::error_code status;
    if (hidden && it->is_directory(status)) it.disable_recursion_pending();
    if (!hidden && it->is_regular_file(status)) {
      if (out.files.size() + found.size() >= kMaxInputFiles) {
        out.errors.push_back(
            {ErrorCode::kTooLarge, fmt::format("more than {} files", kMaxInputFiles), {.source = path}});
        break;
      }
      found.push_back(it->path().string());
    }
    it.increment(ec);
  }
  if (ec) out.errors.push_back({ErrorCode::kIo, "cannot list: " + ec.message(), {.source = path}});
  std::sort(found.begin(), found.end());
  for (std::string& file : found) {
    const auto size = fs::file_size(file, ec);
    if (!ec) out.bytes += size;
    out.files.push_back(std::move(file));
  }
}

}  // namespace

Inputs find_inputs(const std::vector<std::string>& paths) {
  Inputs out;
  for (const std::string& path : paths) {
    std::error_code ec;
    if (path == "-") {
      out.files.push_back(path);
      continue;
    }
    const fs::file_status status = fs::status(path, ec);
    if (!fs::exists(status)) {
      out.errors.push_back({ErrorCode::kNotFound, "no such file or directory", {.source = path}});
    } else if (fs::is_directory(status)) {
      list_directory(path, out);
    } else {
      const auto size = fs::is_regular_file(status) ? fs::file_size(path, ec) : 0;
      if (!ec) out.bytes += size;
      out.files.push_back(path);
    }
  }
  return out;
}

}  // namespace bongsu::telemetry
