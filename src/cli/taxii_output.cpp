#include "cli/taxii_output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/uuid.h"

namespace bongsu::cli {
namespace {

constexpr std::size_t kMaxTextFile = 16 * 1024 * 1024;

std::unexpected<Error> io_error(const std::string& path, std::string_view doing) {
  return fail(errno == ENOSPC ? ErrorCode::kNoSpace : ErrorCode::kIo,
              fmt::format("cannot {}: {}", doing, std::strerror(errno)), {.source = path});
}

}  // namespace

Result<std::string> read_text_file(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rbe");
  if (!file) return io_error(path, "read");
  std::string text;
  char piece[65536];
  for (std::size_t n; (n = std::fread(piece, 1, sizeof piece, file)) > 0 && text.size() <= kMaxTextFile;)
    text.append(piece, n);
  const bool bad = std::ferror(file) != 0;
  std::fclose(file);
  if (bad) return io_error(path, "read");
  if (text.size() > kMaxTextFile) return fail(ErrorCode::kTooLarge, "the file is too large", {.source = path});
  return text;
}

Result<void> write_text_file(const std::string& path, std::string_view text) {
  const std::string partial = path + ".part";
  std::FILE* file = std::fopen(partial.c_str(), "wbe");
  if (!file) return io_error(partial, "write");
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size() && std::fflush(file) == 0 &&
                       ::fsync(::fileno(file)) == 0;
  if (std::fclose(file) != 0 || !written) return io_error(partial, "write");
  if (std::rename(partial.c_str(), path.c_str()) != 0) return io_error(path, "replace");
  return {};
}

ObjectOutput::~ObjectOutput() {
  if (!file_ || !owned_) return;
  std::fclose(file_);
  if (partial_ != path_) std::remove(partial_.c_str());  // a bundle that was not finished is none
}

Result<void> ObjectOutput::open(const std::string& path, bool ndjson, bool append, std::FILE* standard_output,
                                Random& random) {
  ndjson_ = ndjson;
  path_ = path;
  bundle_id_ = "bundle--" + Uuid::random(random).text();
  if (path == "-") {
    file_ = standard_output;
    return {};
  }
  partial_ = ndjson ? path : path + ".part";
  file_ = std::fopen(partial_.c_str(), ndjson && append ? "abe" : "wbe");
  if (!file_) return io_error(partial_, "write");
  owned_ = true;
  return {};
}

Result<void> ObjectOutput::put(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), file_) != text.size()) return io_error(path_, "write");
  return {};
}

Result<void> ObjectOutput::write(std::string_view object) {
  if (ndjson_) {
    // Line breaks in JSON stand between tokens only.
    std::string line(object);
    std::ranges::replace(line, '\n', ' ');
    std::ranges::replace(line, '\r', ' ');
    line.push_back('\n');
    return put(line);
  }
  if (!std::exchange(begun_, true)) BONGSU_TRY_VOID(put(R"({"type":"bundle","id":")" + bundle_id_ + '"'));
  BONGSU_TRY_VOID(put(std::exchange(any_, true) ? ",\n" : ",\"objects\":[\n"));
  return put(object);
}

Result<void> ObjectOutput::flush() {
  if (std::fflush(file_) != 0) return io_error(path_, "write");
  if (owned_ && ::fsync(::fileno(file_)) != 0) return io_error(path_, "write");
  return {};
}

Result<void> ObjectOutput::finish() {
  if (!ndjson_) {
    if (!begun_) BONGSU_TRY_VOID(put(R"({"type":"bundle","id":")" + bundle_id_ + '"'));
    BONGSU_TRY_VOID(put(any_ ? "\n]}\n" : "}\n"));
  }
  BONGSU_TRY_VOID(flush());
  if (!owned_) return {};
  owned_ = false;
  if (std::fclose(std::exchange(file_, nullptr)) != 0) return io_error(path_, "write");
  if (partial_ != path_ && std::rename(partial_.c_str(), path_.c_str()) != 0) return io_error(path_, "replace");
  return {};
}

}  // namespace bongsu::cli
