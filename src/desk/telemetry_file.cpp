#include "desk/telemetry_file.h"

#include <fmt/format.h>

#include <charconv>

namespace bongsu::desk {

Result<TelemetryFile> TelemetryFile::open(const std::filesystem::path& file, const std::filesystem::path& index) {
  std::string text;
  std::error_code ec;
  if (std::filesystem::exists(index, ec)) {
    BONGSU_TRY(text, read_small_file(index, kMaxIndexBytes));
  }
  const std::size_t whole = text.rfind('\n') + 1;  // npos + 1 is 0
  std::map<std::string, Place> places;
  std::uint64_t number = 0;
  for (std::size_t at = 0; at < whole;) {
    const std::size_t end = text.find('\n', at);
    const char* const last = text.data() + end;
    Place place;
    ++number;
    const auto offset = std::from_chars(text.data() + at, last, place.offset);
    const auto length = offset.ec == std::errc{} && offset.ptr != last
                            ? std::from_chars(offset.ptr + 1, last, place.length)
                            : std::from_chars_result{last, std::errc::invalid_argument};
    if (length.ec != std::errc{} || length.ptr == last || *length.ptr != ' ')
      return fail(ErrorCode::kCorrupt, "a line is OFFSET LENGTH ID", {.source = index.string(), .line = number});
    places[std::string(length.ptr + 1, last)] = place;
    at = end + 1;
  }
  BONGSU_TRY(DurableFile lines, DurableFile::open(file));
  BONGSU_TRY(DurableFile known, DurableFile::open(index, whole));
  TelemetryFile out(std::move(lines), std::move(known));
  out.places_ = std::move(places);
  return out;
}

Result<void> TelemetryFile::put(const std::string& id, std::string_view lines) {
  auto known = places_.find(id);
  if (known == places_.end()) {
    const Place place{file_.size(), lines.size()};
    BONGSU_TRY_VOID(index_.append(fmt::format("{} {} {}\n", place.offset, place.length, id)));
    known = places_.emplace(id, place).first;
  }
  const Place& place = known->second;
  if (place.length != lines.size())
    return fail(ErrorCode::kCorrupt, fmt::format("{} has {} bytes now and had {}", id, lines.size(), place.length));
  const std::uint64_t end = place.offset + place.length;
  if (file_.size() >= end) return {};
  if (file_.size() < place.offset) return fail(ErrorCode::kCorrupt, fmt::format("what lies before {} is missing", id));
  return file_.append(lines.substr(file_.size() - place.offset));
}

}  // namespace bongsu::desk
