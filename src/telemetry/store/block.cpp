#include "telemetry/store/block.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "telemetry/csv.h"
#include "telemetry/store/bytes_codec.h"

namespace bongsu::telemetry {
namespace {

constexpr std::string_view kCsv = "#csv\n";

std::unexpected<Error> broken(const char* what) { return fail(ErrorCode::kCorrupt, what); }

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  return out;
}

}  // namespace

std::string tsv_header_text(const TsvHeader& header) {
  const char s = header.separator;
  if (header.csv) {  // names have no separators, quotes or line ends (csv.cpp)
    std::string line(kCsv);
    for (const auto& column : header.columns) line.append(column.name).append(1, s);
    line.back() = '\n';
    return line;
  }
  std::string out = fmt::format("#separator {}\n", escaped({&s, 1}));
  out += fmt::format("#set_separator{}{}\n", s, escaped(header.set_separator));
  out += fmt::format("#empty_field{}{}\n", s, header.empty_field);
  out += fmt::format("#unset_field{}{}\n", s, header.unset_field);
  if (!header.path.empty()) out += fmt::format("#path{}{}\n", s, header.path);
  if (header.columns.empty()) return out;
  out += "#fields";
  for (const auto& column : header.columns) out.append(1, s).append(column.name);
  out += '\n';
  // Columns after the first without a type had none.
  out += "#types";
  for (const auto& column : header.columns) {
    if (column.type.empty()) break;
    out.append(1, s).append(column.type);
  }
  out += '\n';
  return out;
}

TsvHeaderPtr parse_tsv_header(std::string_view lines) {
  if (lines.starts_with(kCsv)) {
    lines.remove_prefix(kCsv.size());
    return read_csv_header(lines.substr(0, lines.find('\n')));
  }
  constexpr int kLines = 7;  // as many as there are kinds
  TsvHeaderPtr header;
  for (int i = 0; i < kLines && !lines.empty(); ++i) {
    const std::size_t end = lines.find('\n');
    const std::string_view line = lines.substr(0, end);
    if (!line.ends_with("#types") || line.size() > 6) read_tsv_header_line(line, header);
    if (end == lines.npos) break;
    lines.remove_prefix(end + 1);
  }
  return header;
}

// False: the block has as many runs as it may have.
bool BlockBuilder::begin_run(const LineBatch& batch, const Cursor& cursor) {
  if (runs_.size() >= kMaxBlockRuns && !data_.empty()) return false;
  if (parts_.empty() || part_is_full()) {
    parts_.push_back(0);
    part_begin_ = data_.size();
  }
  ++parts_.back();
  runs_.push_back({.source = batch.source,
                   .header = cursor.header,
                   .offset = batch.offset + cursor.at,
                   .first_line = cursor.line,
                   .begin = data_.size(),
                   .next_line = cursor.line});
  return true;
}

void BlockBuilder::add(const LineBatch& batch, Cursor& cursor, std::size_t target) {
  if (cursor.line == 0) cursor = {.at = 0, .line = batch.first_line, .header = batch.header};
  const std::string_view data = batch.data;
  const bool joins = !runs_.empty() && *runs_.back().source == *batch.source &&
                     runs_.back().offset + runs_.back().size == batch.offset + cursor.at &&
                     runs_.back().next_line == cursor.line && data_.ends_with('\n') && cursor.at == 0 &&
                     !part_is_full();
  // Header lines inside a run are read again when it is parsed: a run that goes on needs no header of its own.
  if (!joins && !begin_run(batch, cursor)) return;
  while (cursor.at < data.size() && (runs_.back().size == 0 || data_.size() < target)) {
    if (runs_.back().size > 0 && part_is_full() && !begin_run(batch, cursor)) return;
    Run& run = runs_.back();
    const bool own_line = data[cursor.at] == '#' || data[cursor.at] == '{';  // as EventParser takes it
    CsvRecord record;
    if (cursor.header != nullptr && cursor.header->csv && !own_line)
      record = find_csv_record(data, cursor.at, cursor.header->separator);  // stays whole
    else
      record.end = std::min(data.find('\n', cursor.at), data.size());
    const std::size_t end = std::min(record.end + 1, data.size());
    std::string_view line = data.substr(cursor.at, end - cursor.at);
    data_ += line;
    run.size += line.size();
    run.next_line += record.lines;
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
    if (line.starts_with('#')) read_tsv_header_line(line, cursor.header);
    if (batch.offset + cursor.at == 0 && cursor.header == nullptr) cursor.header = read_csv_header(line);
    cursor.line += record.lines;
    cursor.at = end;
  }
}

std::vector<LineBatch> BlockBuilder::runs() const {
  std::vector<LineBatch> out;
  for (const Run& run : runs_)
    out.push_back({run.source, data_.substr(run.begin, run.size), run.offset, run.first_line, run.header});
  return out;
}

std::string BlockBuilder::take(const std::vector<Cover>& covers) {
  std::vector<std::string_view> names;
  std::vector<std::string> headers;
  std::map<std::string_view, std::size_t> name_at;
  std::map<std::string, std::size_t> header_at;
  std::string runs;
  put_varint(runs, runs_.size());
  for (const Run& run : runs_) {
    const auto [name, new_name] = name_at.try_emplace(*run.source, names.size());
    if (new_name) names.push_back(*run.source);
    std::size_t header = 0;
    if (run.header != nullptr) {
      std::string text = tsv_header_text(*run.header);
      const auto [at, fresh] = header_at.try_emplace(text, headers.size());
      if (fresh) headers.push_back(std::move(text));
      header = at->second + 1;
    }
    put_varint(runs, name->second);
    put_varint(runs, header);
    put_varint(runs, run.offset);
    put_varint(runs, run.first_line);
    put_varint(runs, run.size);
  }
  std::string out;
  out.reserve(data_.size() + runs.size() + 1024);
  put_varint(out, names.size());
  for (const auto name : names) put_text(out, name);
  put_varint(out, headers.size());
  for (const auto& header : headers) put_text(out, header);
  put_varint(out, covers.size());
  for (const Cover& cover : covers) {
    put_text(out, cover.stream);
    put_text(out, cover.position);
  }
  out += runs;
  out += data_;
  data_.clear();
  runs_.clear();
  parts_.clear();
  part_begin_ = 0;
  return out;
}

Result<Block> decode_block(std::string_view payload, const std::vector<bool>* wanted) {
  ByteTaker in(payload);
  Block block;
  const auto count = [&]() -> std::size_t {
    const std::size_t n = in.count();
    if (n > kMaxBlockRuns) in.spoil();
    return in.good() ? n : 0;
  };
  std::vector<std::shared_ptr<const std::string>> names(count());
  for (auto& name : names) name = std::make_shared<const std::string>(in.text());
  std::vector<TsvHeaderPtr> headers(count());
  for (auto& header : headers) header = parse_tsv_header(in.text());
  block.covers.resize(count());
  for (Cover& cover : block.covers) {
    cover.stream = in.text();
    cover.position = in.text();
    if (cover.stream.size() > kMaxCoverBytes || cover.position.size() > kMaxCoverBytes)
      return broken("a position in it is too long");
  }
  const std::size_t runs = count();
  if (!in.good()) return broken("its table of lines is malformed");
  struct Piece {
    LineBatch run;
    std::uint64_t size;
  };
  std::vector<Piece> pieces;
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < runs; ++i) {
    const std::uint64_t name = in.varint(), header = in.varint();
    Piece piece;
    piece.run.offset = in.varint();
    piece.run.first_line = in.varint();
    piece.size = in.varint();
    if (!in.good() || name >= names.size() || header > headers.size() || piece.size > payload.size())
      return broken("its table of lines is malformed");
    piece.run.source = names[name];
    if (header > 0) piece.run.header = headers[header - 1];
    total += piece.size;
    pieces.push_back(std::move(piece));
  }
  if (!in.good() || total != in.left()) return broken("its lines have another size than its table says");
  for (std::size_t i = 0; i < runs; ++i) {
    auto& [run, size] = pieces[i];
    std::string_view lines = in.bytes(size);
    if (wanted != nullptr && (i >= wanted->size() || !(*wanted)[i])) continue;
    for (; wanted == nullptr && i + 1 < runs && lines.ends_with('\n'); ++i) {
      const Piece& next = pieces[i + 1];
      if (next.run.source != run.source || next.run.offset != run.offset + lines.size()) break;
      lines = {lines.data(), lines.size() + in.bytes(next.size).size()};
    }
    run.data.reserve(lines.size() + 64);  // simdjson's padding
    run.data = lines;
    block.runs.push_back(std::move(run));
  }
  return block;
}

}  // namespace bongsu::telemetry
