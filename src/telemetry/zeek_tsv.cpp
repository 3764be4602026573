#include "telemetry/zeek_tsv.h"

#include <cstring>

namespace bongsu::telemetry {
namespace {

// The type within set[…] or vector[…].
std::string_view inner_type(std::string_view type, bool& list) {
  for (const std::string_view container : {"set[", "vector["}) {
    if (type.starts_with(container) && type.ends_with(']')) {
      list = true;
      return type.substr(container.size(), type.size() - container.size() - 1);
    }
  }
  return type;
}

void push(EventStorage& out, std::string_view name, const TsvColumns::Column& column, std::string_view value) {
  const bool escaped = std::memchr(value.data(), '\\', value.size()) != nullptr;
  out.leaves.push_back({value.data(), name.data(), static_cast<std::uint32_t>(value.size()),
                        static_cast<std::uint32_t>(name.size()), 0, column.field, column.role,
                        escaped ? Leaf::Escape::kZeek : Leaf::Escape::kNone, true});
}

}  // namespace

bool read_tsv_header_line(std::string_view line, TsvHeaderPtr& header) {
  if (line.starts_with("#separator ")) {
    auto next = std::make_shared<TsvHeader>();
    std::string separator;
    unescape_zeek(line.substr(11), separator);
    if (separator.size() != 1) return false;
    next->separator = separator[0];
    header = std::move(next);
    return true;
  }
  if (header == nullptr || header->csv || !line.starts_with('#')) return false;
  const std::size_t cut = line.find(header->separator);
  const std::string_view name = line.substr(0, cut);
  std::string_view rest = cut == line.npos ? std::string_view{} : line.substr(cut + 1);
  if (name == "#close") {
    header = nullptr;
    return true;
  }
  if (name == "#open") return true;
  auto next = std::make_shared<TsvHeader>(*header);
  if (name == "#set_separator") {
    unescape_zeek(rest, next->set_separator);
  } else if (name == "#empty_field") {
    next->empty_field = rest;
  } else if (name == "#unset_field") {
    next->unset_field = rest;
  } else if (name == "#path") {
    next->path = rest;
  } else if (name == "#fields") {
    next->columns.clear();
    while (next->columns.size() < kMaxTsvColumns) {
      const std::size_t end = rest.find(header->separator);
      next->columns.push_back({std::string(rest.substr(0, end)), {}, false});
      if (end == rest.npos) break;
      rest.remove_prefix(end + 1);
    }
  } else if (name == "#types") {
    for (TsvHeader::Column& column : next->columns) {
      const std::size_t end = rest.find(header->separator);
      column.type = rest.substr(0, end);
      inner_type(column.type, column.list);
      if (end == rest.npos) break;
      rest.remove_prefix(end + 1);
    }
  } else {
    return false;
  }
  header = std::move(next);
  return true;
}

TsvColumns resolve_tsv_columns(TsvHeaderPtr header, const FieldMap& map, bool everything) {
  TsvColumns out;
  for (const TsvHeader::Column& column : header->columns) {
    const FieldMap::Found found = map.find(column.name);
    Role role = found.role;
    bool list = false;
    const std::string_view inner = inner_type(column.type, list);
    if (role == Role::kShape && (inner == "addr" || inner == "subnet")) role = Role::kAddress;
    const bool untyped = column.type.empty();
    const bool text =
        inner == "string" || inner == "addr" || inner == "subnet" || inner == "pattern" || inner == "file";
    const bool of_use = role == Role::kHttpPort || (role >= Role::kTime && role <= Role::kTimeThird);
    const bool wanted = everything || found.wanted || untyped || (role != Role::kIgnore && text) || of_use;
    out.columns.push_back({role, found.field, wanted});
  }
  if (const FieldMap::Found path = map.find("_path"); path.wanted || everything) out.path_field = path.field;
  out.header = std::move(header);
  return out;
}

const char* split_tsv_line(std::string_view line, const TsvColumns& by, EventStorage& out) {
  const TsvHeader& header = *by.header;
  out.clear();
  out.mark = Format::kZeekTsv;
  if (by.path_field != kNoField && !header.path.empty())
    push(out, "_path", {Role::kIgnore, by.path_field, true}, header.path);
  std::size_t i = 0;
  while (true) {
    const std::size_t end = line.find(header.separator);
    if (i == header.columns.size()) return "more columns than the header names";
    const TsvHeader::Column& column = header.columns[i];
    const TsvColumns::Column& use = by.columns[i++];
    if (use.wanted) {
      std::string_view value = line.substr(0, end);
      if (value == header.unset_field || value == header.empty_field) {
        // nothing there
      } else if (column.list && !header.set_separator.empty()) {
        while (true) {
          if (out.leaves.size() >= kMaxEventLeaves) return "too many fields in one event";
          const std::size_t comma = value.find(header.set_separator);
          push(out, column.name, use, value.substr(0, comma));
          if (comma == value.npos) break;
          value.remove_prefix(comma + header.set_separator.size());
        }
      } else {
        push(out, column.name, use, value);
      }
    }
    if (end == line.npos) break;
    line.remove_prefix(end + 1);
  }
  if (i < header.columns.size()) return "fewer columns than the header names";
  return nullptr;
}

}  // namespace bongsu::telemetry
