#include "telemetry/store/block.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "telemetry/store/bytes_codec.h"

namespace bongsu::telemetry {
namespace {

std::unexpected<Error> broken(const char* what) { return fail(ErrorCode::kCorrupt, what); }

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  return out;
}

}  // namespace

std::string tsv_header_text(const TsvHeader& header) {
  const char s = header.separator;
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

void BlockBuilder::add(const LineBatch& batch, Cursor& cursor, std::size_t target) {
  if (cursor.line == 0) cursor = {.at = 0, .line = batch.first_line, .header = batch.header};
  const std::string_view data = batch.data;
  const std::uint64_t offset = batch.offset + cursor.at;
  const bool joins = !runs_.empty() && *runs_.back().source == *batch.source &&
                     runs_.back().offset + runs_.back().size == offset && runs_.back().next_line == cursor.line &&
                     data_.ends_with('\n') && cursor.at == 0;
  // Header lines inside a run are read again when it is parsed: a run that goes on needs no header of its own.
  if (!joins) {
    if (runs_.size() >= kMaxBlockRuns && !data_.empty()) return;
    runs_.push_back({.source = batch.source,
                     .header = cursor.header,
                     .offset = offset,
                     .first_line = cursor.line,
                     .begin = data_.size(),
                     .next_line = cursor.line});
  }
  Run& run = runs_.back();
  while (cursor.at < data.size() && (run.size == 0 || data_.size() < target)) {
    const void* newline = std::memchr(data.data() + cursor.at, '\n', data.size() - cursor.at);
    const std::size_t end = newline == nullptr
                                ? data.size()
                                : static_cast<std::size_t>(static_cast<const char*>(newline) - data.data()) + 1;
    std::string_view line = data.substr(cursor.at, end - cursor.at);
    data_ += line;
    run.size += line.size();
    ++run.next_line;
    if (line.starts_with('#')) {
      while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
      read_tsv_header_line(line, cursor.header);
    }
    ++cursor.line;
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
  return out;
}

Result<Block> decode_block(std::string_view payload) {
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
  std::vector<std::uint64_t> sizes;
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < runs; ++i) {
    const std::uint64_t name = in.varint(), header = in.varint();
    LineBatch run;
    run.offset = in.varint();
    run.first_line = in.varint();
    sizes.push_back(in.varint());
    if (!in.good() || name >= names.size() || header > headers.size() || sizes.back() > payload.size())
      return broken("its table of lines is malformed");
    run.source = names[name];
    if (header > 0) run.header = headers[header - 1];
    total += sizes.back();
    block.runs.push_back(std::move(run));
  }
  if (!in.good() || total != in.left()) return broken("its lines have another size than its table says");
  for (std::size_t i = 0; i < runs; ++i) {
    const std::string_view lines = in.bytes(sizes[i]);
    block.runs[i].data.reserve(lines.size() + 64);  // simdjson's padding
    block.runs[i].data = lines;
  }
  return block;
}

}  // namespace bongsu::telemetry
