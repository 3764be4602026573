#include "telemetry/field_map.h"

#include <algorithm>
#include <bit>

#include "base/random.h"
#include "telemetry/field_map_document.h"

namespace bongsu::telemetry {
namespace {

constexpr std::string_view kFormatNames[kFormats] = {
    "text", "zeek-json", "zeek-tsv", "suricata-eve", "windows", "json", "syslog", "cef", "leef", "csv", "key-value"};
constexpr std::string_view kRoleNames[kRoles] = {
    "shape", "ignored",    "address",   "host", "http-host",   "http-target", "http-port", "url",
    "email", "hash",       "hash-list", "ja3",  "mac",         "file-name",   "file-path", "registry-key",
    "mutex", "user-agent", "text",      "time", "time-second", "time-third",  "container"};

// Every way to write a dotted path as nested keys: "a.b.c" as a.b.c, {a:{b.c}}, {a.b:{c}}, {a:{b:{c}}}.
void spellings(std::string_view path, std::uint64_t parent,
               std::vector<std::pair<std::uint64_t, std::string_view>>& out) {
  out.emplace_back(FieldMap::extend(parent, path), path);
  for (std::size_t dot = path.find('.'); dot != path.npos; dot = path.find('.', dot + 1))
    spellings(path.substr(dot + 1), FieldMap::extend(parent, path.substr(0, dot)), out);
}

constexpr std::ptrdiff_t kMaxDots = 10;  // of a path: its spellings double with each

void add_names(std::vector<std::string>& to, const std::vector<std::string>& names) {
  for (const std::string& name : names)
    if (std::ranges::find(to, name) == to.end()) to.push_back(name);
}

std::uint64_t random_word() { return SystemRandom().next(); }

}  // namespace

const std::uint64_t FieldMap::kRoot = random_word();
const std::uint64_t FieldMap::kSecret = random_word() | 1;

std::string_view to_string(Format format) { return kFormatNames[static_cast<std::size_t>(format)]; }
std::string_view to_string(Role role) { return kRoleNames[static_cast<std::size_t>(role)]; }

std::optional<Role> parse_role(std::string_view text) {
  const auto at = std::ranges::find(kRoleNames, text);
  if (at == std::end(kRoleNames)) return std::nullopt;
  return static_cast<Role>(at - std::begin(kRoleNames));
}

std::optional<Format> parse_format(std::string_view text) {
  const auto at = std::ranges::find(kFormatNames, text);
  if (at == std::end(kFormatNames)) return std::nullopt;
  return static_cast<Format>(at - std::begin(kFormatNames));
}

FieldMapPtr FieldMap::standard() {
  static const FieldMapPtr map = [] {
    FieldMapBuilder builder;
    for (const EmbeddedMap& document : embedded_maps()) {
      const auto read = read_map_document(document.text, std::string(document.name), builder);
      BONGSU_CHECK(read.has_value());
    }
    auto built = builder.build();
    BONGSU_CHECK(built.has_value());
    return *built;
  }();
  return map;
}

FieldId FieldMap::field(std::string_view path) const { return find(path).field; }

bool FieldMap::strip(std::uint64_t parent, std::string_view& key, Format& mark) const {
  const std::size_t dot = key.find('.');
  if (dot == key.npos) return false;
  const std::string_view container = key.substr(0, dot);
  const Found found = find(extend(parent, container), container);
  if (found.role != Role::kTransparent) return false;
  if (found.mark != Format::kText) mark = found.mark;
  key.remove_prefix(dot + 1);
  return true;
}

FieldMap::Spot FieldMap::locate_behind(std::uint64_t parent, std::string_view key, std::uint64_t path) const {
  Spot out{path, {}};
  Format mark = Format::kText;
  while (out.found.field == kNoField && strip(parent, key, mark)) {
    out.path = extend(parent, key);
    out.found = find(out.path, key);
  }
  if (out.found.mark == Format::kText) out.found.mark = mark;
  return out;
}

std::string_view FieldMap::plain(std::string_view path) const {
  Format mark = Format::kText;
  while (strip(kRoot, path, mark)) {
  }
  return path;
}

Result<void> FieldMap::index() {
  std::vector<std::pair<std::uint64_t, std::string_view>> ways;
  std::vector<Slot> all;
  for (std::size_t i = 1; i < rows_.size(); ++i) {
    const FieldRow& row = rows_[i];
    ways.clear();
    spellings(row.path, kRoot, ways);
    for (const auto& [hash, key] : ways)
      all.push_back(
          {hash, key, {row.role, row.marks ? row.format : Format::kText, row.wanted, static_cast<FieldId>(i)}});
  }
  slots_.assign(std::bit_ceil(std::max<std::size_t>(all.size() * 4, 64)), {});
  mask_ = slots_.size() - 1;
  for (const Slot& slot : all) {
    std::size_t i = slot.hash & mask_;
    for (; slots_[i].hash != 0; i = (i + 1) & mask_)
      if (slots_[i].hash == slot.hash)
        return fail(ErrorCode::kInvalid,
                    "cannot be told apart from the field \"" + rows_[slots_[i].found.field].path + "\" of the map",
                    {.field = rows_[slot.found.field].path});
    slots_[i] = slot;
  }
  return {};
}

FieldMapBuilder::FieldMapBuilder() : rows_(1) {}

FieldMapBuilder::FieldMapBuilder(const FieldMap& map) : rows_(map.rows_), log_sources_(map.log_sources_) {
  for (std::size_t i = 1; i < rows_.size(); ++i) by_path_.emplace(rows_[i].path, static_cast<FieldId>(i));
}

Result<FieldId> FieldMapBuilder::add(FieldRow row) {
  for (std::size_t dot = row.path.find('.'); dot != row.path.npos; dot = row.path.find('.')) {
    const auto container = by_path_.find(row.path.substr(0, dot));
    if (container == by_path_.end() || rows_[container->second].role != Role::kTransparent) break;
    row.path.erase(0, dot + 1);
  }
  if (row.path.empty()) return fail(ErrorCode::kInvalid, "a field has a path");
  if (row.path.size() > kMaxFieldPathBytes || std::ranges::count(row.path, '.') > kMaxDots)
    return fail(ErrorCode::kTooLarge, "the path of a field is too long", {.field = row.path.substr(0, 80)});
  const auto [at, fresh] = by_path_.try_emplace(row.path, static_cast<FieldId>(rows_.size()));
  if (!fresh) {
    FieldRow& there = rows_[at->second];
    if (there.format == Format::kText && there.role == Role::kShape && !there.marks)
      there.format = row.format;  // only asked for
    if (row.role != Role::kShape) there.role = row.role;
    there.marks = there.marks || row.marks;
    there.wanted = there.wanted || row.wanted;
    add_names(there.sigma, row.sigma);
    add_names(there.stix, row.stix);
    return at->second;
  }
  if (rows_.size() >= kMaxFields) {
    by_path_.erase(at);
    return fail(ErrorCode::kTooLarge, "a map has too many fields", {.field = row.path});
  }
  rows_.push_back(std::move(row));
  return at->second;
}

void FieldMapBuilder::add(LogSource source) { log_sources_.insert(log_sources_.begin(), std::move(source)); }

Result<FieldId> FieldMapBuilder::want(std::string_view path) {
  FieldRow row;
  row.path = path;
  row.wanted = true;
  return add(std::move(row));
}

Result<FieldMapPtr> FieldMapBuilder::build() const {
  std::shared_ptr<FieldMap> map(new FieldMap);
  map->rows_ = rows_;
  map->log_sources_ = log_sources_;
  BONGSU_TRY_VOID(map->index());
  return FieldMapPtr(map);
}

}  // namespace bongsu::telemetry
