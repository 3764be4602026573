#include "detect/indicator_file.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/text.h"
#include "detect/plain.h"
#include "stix/bundle_reader.h"
#include "stix/marking.h"
#include "telemetry/batch_reader.h"
#include "telemetry/byte_source.h"

namespace bongsu::detect {
namespace {

constexpr std::size_t kFlushAt = 8192;
constexpr int kLineBits = 40;

// The fields of a line; in CSV, quotes around a field are taken off ("" inside is ").
std::vector<std::string> split(std::string_view line, char separator) {
  std::vector<std::string> out;
  std::size_t i = 0;
  while (true) {
    std::string field;
    if (separator == ',' && i < line.size() && line[i] == '"') {
      for (++i; i < line.size(); ++i) {
        if (line[i] != '"')
          field += line[i];
        else if (i + 1 < line.size() && line[i + 1] == '"')
          field += line[++i];
        else
          break;
      }
      i = std::min(line.find(separator, i), line.size());
    } else {
      const std::size_t end = std::min(line.find(separator, i), line.size());
      field = trim(line.substr(i, end - i));
      i = end;
    }
    out.push_back(std::move(field));
    if (i >= line.size() || out.size() >= 64) return out;
    ++i;
  }
}

// "value   # a remark", as block lists have it.
std::string_view without_remark(std::string_view line) {
  if (line.find(' ') == line.npos && line.find('\t') == line.npos) return line;
  for (const std::string_view mark : {" #", "\t#", " ;"})
    if (const std::size_t at = line.find(mark); at != line.npos) line = line.substr(0, at);
  return trim(line);
}

std::string label_of(const stix::Object& object) {
  for (const stix::Id& marking : object.object_markings())
    if (const auto tlp = stix::tlp_of(marking)) return std::string(stix::to_string(tlp->level));
  return {};
}

}  // namespace

IndicatorFiles::IndicatorFiles(Index& index, LoadOptions options) : index_(index), options_(std::move(options)) {}

Origin IndicatorFiles::origin(std::uint64_t ref) const {
  if (const auto at = objects_.find(ref); at != objects_.end()) return at->second;
  const std::uint64_t number = ref >> kLineBits;
  const std::uint64_t line = ref & ((1ULL << kLineBits) - 1);
  if (number >= files_.size()) return {};
  const File& file = files_[number];
  Origin out{fmt::format("list:{}:{}", file.name, line), file.name, {}};
  if (line < file.feeds.size() && file.feeds[line] != 0) out.source = feed_names_[file.feeds[line] - 1];
  return out;
}

Result<void> IndicatorFiles::flush(bool force) {
  if (!force && pending_.size() < kFlushAt) return {};
  const auto loaded = index_.load(pending_);
  if (loaded && options_.each && !pending_.empty()) options_.each(pending_);
  pending_.clear();
  if (force) index_.finish_load();
  return loaded;
}

void IndicatorFiles::keep(std::uint64_t ref, Value&& value, bool guessed) {
  ++report_.indicators;
  ++report_.values;
  ++by_kind_[static_cast<std::size_t>(value.kind)];
  if (guessed) ++guessed_[static_cast<std::size_t>(value.kind)];
  pending_.push_back({ref, std::move(value), {}, {}, -1});
}

void IndicatorFiles::line(std::string_view text, std::uint64_t number, Columns& columns) {
  text = trim(text);
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (text.empty()) return;
  const std::uint64_t ref = (files_.size() - 1) << kLineBits | number;
  const auto add = [&](Result<Value>&& value, bool guessed) {
    if (value) return keep(ref, *std::move(value), guessed);
    report_.refused.add(value.error().code, value.error().message, {.source = files_.back().path, .line = number},
                        text);
  };
  if (text.starts_with("#fields")) {  // Zeek's Intel framework
    const auto names = split(text, '\t');
    columns = {.separator = '\t'};
    for (std::size_t i = 1; i < names.size(); ++i) {
      if (names[i] == "indicator") columns.value = static_cast<int>(i) - 1;
      if (names[i] == "indicator_type") columns.type = static_cast<int>(i) - 1;
      if (names[i] == "meta.source") columns.source = static_cast<int>(i) - 1;
    }
    return;
  }
  if (text.starts_with('#') || text.starts_with("//") || text.starts_with(';')) return;
  if (text.starts_with('[') || text.starts_with('(')) {
    // A STIX pattern; "[2001:db8::1]" is none, and has no blank.
    auto compiled = compile_pattern(text);
    if (compiled || text.find(' ') != text.npos) return pattern(ref, std::move(compiled), {.source = files_.back().path, .line = number}, text);
  }

  std::string feed;
  const auto keep_feed = [&] {
    if (feed.empty() || feed == "-") return;
    const auto [at, fresh] = feed_numbers_.try_emplace(feed, static_cast<std::uint32_t>(feed_names_.size() + 1));
    if (fresh) feed_names_.push_back(feed);
    auto& feeds = files_.back().feeds;
    if (feeds.size() <= number) feeds.resize(number + 1);
    feeds[number] = at->second;
  };
  const auto column = [](const std::vector<std::string>& fields, int i) {
    return i >= 0 && static_cast<std::size_t>(i) < fields.size() ? fields[static_cast<std::size_t>(i)] : std::string();
  };
  const bool tabs = text.find('\t') != text.npos;
  if (tabs || (columns.value >= 0 && columns.separator == '\t')) {
    const auto fields = split(text, '\t');
    if (columns.value >= 0 && columns.type >= 0) {
      feed = column(fields, columns.source);
      keep_feed();
      return add(parse_typed(column(fields, columns.type), column(fields, columns.value)), false);
    }
    if (fields.size() >= 2 && is_type_word(fields[0])) {
      feed = column(fields, 2);
      keep_feed();
      return add(parse_typed(fields[0], fields[1]), false);
    }
    if (fields.size() >= 2 && is_type_word(fields[1])) {
      feed = column(fields, 2);
      keep_feed();
      return add(parse_typed(fields[1], fields[0]), false);
    }
    return add(parse_plain(fields[0]), true);
  }
  auto whole = parse_plain(without_remark(text));
  if (whole || text.find(',') == text.npos) return add(std::move(whole), true);
  const auto fields = split(text, ',');
  if (fields.size() >= 2 && is_type_word(fields[0]) && is_type_word(fields[1])) return;  // a header line
  if (fields.size() >= 2 && is_type_word(fields[0])) {
    feed = column(fields, 2);
    keep_feed();
    return add(parse_typed(fields[0], fields[1]), false);
  }
  if (fields.size() >= 2 && is_type_word(fields[1])) {
    feed = column(fields, 2);
    keep_feed();
    return add(parse_typed(fields[1], fields[0]), false);
  }
  add(parse_plain(fields[0]), true);
}

void IndicatorFiles::object(Result<stix::Object> object, std::uint64_t number, Where where) {
  if (!object) {
    report_.refused.add(object.error().code, object.error().message, std::move(where));
    return;
  }
  if (object->type() != "indicator") {
    ++report_.other_objects;
    return;
  }
  where.field = object->id_text();
  auto compiled = compile(*object);
  if (!compiled) {
    report_.refused.add(compiled.error().code, compiled.error().message, std::move(where));
    return;
  }
  if (compiled->revoked) {
    ++report_.revoked;
    return;
  }
  if (compiled->confidence >= 0 && compiled->confidence < options_.min_confidence) {
    ++report_.low_confidence;
    return;
  }
  const std::uint64_t ref = (files_.size() - 1) << kLineBits | number;
  std::string source = object->created_by() ? object->created_by()->text() : files_.back().name;
  objects_[ref] = {object->id_text(), std::move(source), label_of(*object)};
  take(ref, std::move(*compiled));
}

void IndicatorFiles::pattern(std::uint64_t ref, Result<Compiled> compiled, Where where, std::string_view text) {
  if (!compiled) {
    report_.refused.add(compiled.error().code, compiled.error().message, std::move(where), text);
    return;
  }
  take(ref, std::move(*compiled));
}

void IndicatorFiles::take(std::uint64_t ref, Compiled compiled) {
  ++report_.indicators;
  if (compiled.rule_language) {
    ++report_.rules;
    rules_.push_back({ref, *compiled.rule_language, std::move(compiled.rule_text), compiled.valid_from,
                      compiled.valid_until, compiled.confidence});
  }
  for (Value& value : compiled.values) {
    ++report_.values;
    ++by_kind_[static_cast<std::size_t>(value.kind)];
    pending_.push_back({ref, std::move(value), compiled.valid_from, compiled.valid_until, compiled.confidence});
  }
}

Result<void> IndicatorFiles::load(const std::string& path) {
  auto read = read_file(path);
  auto kept = flush(true);  // also what stood before an error
  for (std::size_t k = 0; k < kKinds; ++k) {
    if (by_kind_[k] > 0) report_.by_kind[static_cast<Kind>(k)] = by_kind_[k];
    if (guessed_[k] > 0) report_.guessed[static_cast<Kind>(k)] = guessed_[k];
  }
  if (!read) return read;
  return kept;
}

Result<void> IndicatorFiles::read_file(const std::string& path) {
  BONGSU_TRY(auto source, telemetry::open_source(path));
  files_.push_back({path, path == "-" ? "-" : std::filesystem::path(path).filename().string(), {}});
  ++report_.files;
  char buffer[64 * 1024];
  std::string head;
  bool json = false;
  while (true) {  // up to the first byte that is not blank
    BONGSU_TRY(const std::size_t n, source->read(buffer, sizeof buffer));
    head.append(buffer, n);
    const std::size_t first = head.find_first_not_of(" \t\r\n\xef\xbb\xbf");
    if (first != head.npos) {
      json = head[first] == '{' || (head[first] == '[' && head.find('{', first) != head.npos &&
                                    head.find_first_not_of(" \t\r\n[", first) == head.find('{', first));
      break;
    }
    if (n == 0 || head.size() > 1024 * 1024) break;
  }

  if (json) {
    stix::BundleReader reader(path);
    const auto item = [&](stix::BundleItem&& found) {
      Where where{.source = path, .line = found.line, .offset = found.offset, .has_offset = true};
      if (!found.object)
        where.field = found.object.error().where.field.empty() ? found.raw_id : found.object.error().where.field;
      object(std::move(found.object), found.index + 1, std::move(where));
      return true;
    };
    std::string_view piece = head;
    while (!piece.empty()) {
      BONGSU_TRY_VOID(reader.feed(piece, item));
      BONGSU_TRY_VOID(flush(false));
      BONGSU_TRY(const std::size_t n, source->read(buffer, sizeof buffer));
      piece = {buffer, n};
    }
    BONGSU_TRY_VOID(reader.finish(item));
    return {};
  }

  telemetry::LineCutter cutter(path, report_.refused);
  std::copy(head.begin(), head.end(), cutter.room(head.size()));
  cutter.commit(head.size());
  Columns columns;
  std::optional<Error> error;
  for (bool ended = false; !ended;) {
    auto n = source->read(cutter.room(sizeof buffer), sizeof buffer);
    if (!n) error = std::move(n).error();
    ended = !n || *n == 0;
    if (!ended) cutter.commit(*n);
    if (!ended && !cutter.full()) continue;
    while (auto batch = cutter.take(ended)) {
      std::string_view rest = batch->data;
      for (std::uint64_t number = batch->first_line; !rest.empty(); ++number) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        line(rest.substr(0, end), number, columns);
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
      BONGSU_TRY_VOID(flush(false));
    }
  }
  if (error) return std::unexpected(*std::move(error));
  return {};
}

}  // namespace bongsu::detect
