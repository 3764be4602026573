#include "telemetry/batch_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "telemetry/csv.h"

namespace bongsu::telemetry {
namespace {

constexpr std::size_t kReadBytes = 256 * 1024;

// The header lines within a batch, so that the next batch starts with the right one.
void follow_headers(std::string_view data, std::uint64_t offset, TsvHeaderPtr& header) {
  if (offset == 0 && header == nullptr) header = read_csv_header(data.substr(0, data.find('\n')));
  for (std::size_t at = 0; at < data.size();) {
    if (data[at] == '#') {
      const std::size_t end = std::min(data.find('\n', at), data.size());
      std::string_view line = data.substr(at, end - at);
      if (line.ends_with('\r')) line.remove_suffix(1);
      read_tsv_header_line(line, header);
    }
    const std::size_t next = data.find("\n#", at);
    if (next == data.npos) return;
    at = next + 1;
  }
}

// Where the record of a CSV begins whose quoted field goes on behind `data`, and how many lines stand before it; npos:
// none does.
std::size_t find_open_csv_record(std::string_view data, char separator, std::uint64_t& lines) {
  lines = 0;
  for (std::size_t at = 0; at < data.size();) {
    const CsvRecord record = find_csv_record(data, at, separator);
    if (record.open) return at;
    lines += record.lines;
    at = record.end + 1;
  }
  return data.npos;
}

}  // namespace

LineCutter::LineCutter(std::string source_name, BadLines& bad)
    : source_(std::make_shared<const std::string>(std::move(source_name))), bad_(&bad) {}

void LineCutter::resume(Mark mark, TsvHeaderPtr header) {
  mark_ = mark;
  header_ = std::move(header);
  used_ = 0;
}

char* LineCutter::room(std::size_t size) {
  if (buffer_.size() < used_ + size) buffer_.resize(used_ + size);
  return buffer_.data() + used_;
}

void LineCutter::commit(std::size_t size) {
  used_ += size;
  if (mark_.skipping) skip_long_line();
}

// Drops what belongs to the long line, up to its newline.
void LineCutter::skip_long_line() {
  const void* newline = std::memchr(buffer_.data(), '\n', used_);
  const std::size_t drop =
      newline == nullptr ? used_ : static_cast<std::size_t>(static_cast<const char*>(newline) - buffer_.data()) + 1;
  if (newline != nullptr) {
    mark_.skipping = false;
    ++mark_.line;
  }
  mark_.offset += drop;
  used_ -= drop;
  std::memmove(buffer_.data(), buffer_.data() + drop, used_);
}

std::optional<LineBatch> LineCutter::take(bool at_end) {
  if (mark_.skipping) return std::nullopt;
  // No line of the batch may be too long: the batch ends before the first that is.
  std::size_t end = 0;
  std::uint64_t lines = 0;
  bool too_long = false;
  while (end < used_) {
    const void* newline = std::memchr(buffer_.data() + end, '\n', used_ - end);
    if (newline == nullptr) {
      if (used_ - end > kMaxLineBytes)
        too_long = true;
      else if (at_end)
        ++lines, end = used_;
      break;
    }
    const std::size_t next = static_cast<std::size_t>(static_cast<const char*>(newline) - buffer_.data()) + 1;
    if (next - end > kMaxLineBytes + 1) {
      too_long = true;
      break;
    }
    ++lines;
    end = next;
  }
  if (end == 0) {
    if (!too_long) return std::nullopt;
    bad_->add(ErrorCode::kTooLarge, fmt::format("a line longer than {} bytes was skipped", kMaxLineBytes),
              {.source = *source_, .line = mark_.line, .offset = mark_.offset, .has_offset = true},
              std::string_view(buffer_).substr(0, std::min(used_, BadLines::kExcerpt + 1)));
    mark_.skipping = true;
    skip_long_line();
    return take(at_end);
  }
  if (!at_end) {  // records of a CSV stay whole
    const std::string_view data = std::string_view(buffer_).substr(0, end);
    TsvHeaderPtr csv = header_;
    if (csv == nullptr && mark_.offset == 0) csv = read_csv_header(data.substr(0, data.find('\n')));
    std::uint64_t lines_before = 0;
    if (csv != nullptr && csv->csv) {
      const std::size_t open = find_open_csv_record(data, csv->separator, lines_before);
      if (open != data.npos && used_ - open <= kMaxCsvRecordBytes) {
        if (open == 0) return std::nullopt;
        end = open;
        lines = lines_before;
      }
    }
  }
  LineBatch batch{source_, std::string(buffer_.data(), end), mark_.offset, mark_.line, header_};
  follow_headers(batch.data, batch.offset, header_);
  mark_.offset += end;
  mark_.line += lines;
  used_ -= end;
  std::memmove(buffer_.data(), buffer_.data() + end, used_);
  return batch;
}

BatchReader::BatchReader(std::unique_ptr<ByteSource> bytes, std::string source_name, BadLines& bad)
    : bytes_(std::move(bytes)), cutter_(source_name, bad), name_(std::move(source_name)), bad_(&bad) {}

Result<std::optional<LineBatch>> BatchReader::next() {
  while (true) {
    while (!ended_ && !cutter_.full()) {
      auto read = bytes_->read(cutter_.room(kReadBytes), kReadBytes);
      for (Error& trouble : bytes_->take_troubles()) {
        trouble.where.source = name_;
        bad_->add(trouble.code, trouble.message, std::move(trouble.where));
      }
      if (!read) {
        pending_ = std::move(read).error();
        ended_ = true;
      } else if (*read == 0) {
        ended_ = true;
      } else {
        cutter_.commit(*read);
      }
    }
    if (auto batch = cutter_.take(ended_)) return batch;
    if (!ended_) continue;
    if (pending_) {
      Error error = std::move(*pending_);
      pending_.reset();
      return std::unexpected(std::move(error));
    }
    return std::optional<LineBatch>();
  }
}

}  // namespace bongsu::telemetry
