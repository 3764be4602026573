#include <fmt/format.h>

#include <array>
#include <map>
#include <set>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/text.h"
#include "base/uuid.h"
#include "detect/indicator.h"
#include "link/feeds.h"

namespace bongsu::link {
namespace {

constexpr std::string_view kSpace = "feed";
constexpr std::size_t kMaxFirstProblems = 20;
constexpr std::size_t kMaxEntries = 5'000'000;
constexpr std::size_t kMaxNameBytes = 250;  // longer values are in the pattern only
constexpr std::size_t kChunk = 20'000;      // entries that are prepared at a time
const Uuid kNamespace = *Uuid::parse("3d5c0f62-8a1b-4e57-b7c4-19f20d6e8a35");

// The part of a line that may hold a value; empty for comments and blanks. Lists come as one value a line, as the first
// column of a table, and as hosts files ("0.0.0.0 evil.example").
Result<detect::Value> value_of(std::string_view line) {
  const std::size_t end = line.find_first_of(" \t");
  const std::string_view first = line.substr(0, end);
  if (end != std::string_view::npos) {
    if (first == "0.0.0.0" || first == "127.0.0.1" || first == "::1" || first == "::") {
      const std::string_view rest = trim(line.substr(end + 1));
      return detect::parse_plain(rest.substr(0, rest.find_first_of(" \t#")));
    }
    // No address, name, URL or hash holds white space: what follows is a comment or another column. Keys and paths may.
    using enum detect::Kind;
    auto value = detect::parse_plain(first);
    if (value && value->kind != kRegistryKey && value->kind != kFilePath && value->kind != kFileName &&
        value->kind != kUserAgent && value->kind != kMutex && value->kind != kText)
      return value;
  }
  if (auto whole = detect::parse_plain(line)) return whole;
  const std::string_view column = trim(line.substr(0, line.find_first_of(",;|")));
  auto value = detect::parse_plain(column);
  if (!value && column.size() > 2 && column.front() == '"' && column.back() == '"')
    value = detect::parse_plain(column.substr(1, column.size() - 2));
  return value;
}

bool is_comment(std::string_view line) {
  return line.empty() || line.starts_with('#') || line.starts_with(';') || line.starts_with("//") ||
         line.starts_with('!');
}

// The UUIDs of the entries that the list had, in 256 parts by their first byte, so that a small change writes little.
class EntrySet {
 public:
  static Result<EntrySet> load(journal::Journal& journal, const std::string& feed) {
    EntrySet out(feed);
    for (int part = 0; part < 256; ++part) {
      BONGSU_TRY(const auto state, journal.state(kSpace, out.key(part)));
      if (!state) continue;
      for (std::size_t at = 0; at + 32 <= state->size(); at += 32) {
        const auto bytes = from_hex(std::string_view(*state).substr(at, 32));
        if (!bytes) return fail(ErrorCode::kCorrupt, "a feed's stored entries cannot be read", {.source = feed});
        Uuid uuid;
        std::ranges::copy(*bytes, uuid.bytes.begin());
        out.parts_[static_cast<std::size_t>(part)].insert(uuid);
      }
    }
    return out;
  }
  void insert(const Uuid& uuid) { parts_[uuid.bytes[0]].insert(uuid); }
  bool contains(const Uuid& uuid) const { return parts_[uuid.bytes[0]].contains(uuid); }
  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& part : parts_)
      for (const Uuid& uuid : part) visit(uuid);
  }
  // What has to be written when `before` is stored.
  std::vector<journal::StateChange> changes(const EntrySet& before) const {
    std::vector<journal::StateChange> out;
    for (int part = 0; part < 256; ++part) {
      const auto& now = parts_[static_cast<std::size_t>(part)];
      if (now == before.parts_[static_cast<std::size_t>(part)]) continue;
      std::string text;
      for (const Uuid& uuid : now) text += to_hex(uuid.bytes);
      out.push_back({std::string(kSpace), key(part), text.empty() ? std::nullopt : std::optional(std::move(text))});
    }
    return out;
  }
  explicit EntrySet(std::string feed) : feed_(std::move(feed)) {}

 private:
  std::string key(int part) const { return fmt::format("{}/entries/{:02x}", feed_, part); }
  std::string feed_;
  std::array<std::set<Uuid>, 256> parts_;
};

}  // namespace

Result<FeedReport> look_at_list(const FeedSettings& feed, FeedSource& source, FeedParts& parts,
                                const std::function<bool()>& stop) {
  FeedReport report{.documents = 1};
  BONGSU_TRY(const std::string text, source.read(""));
  const std::string state_key = fmt::format("{}/content", feed.name);
  const std::string state = fmt::format("{} {}", to_hex(sha256(text)), stix::to_string(feed.label));
  BONGSU_TRY(const auto seen, parts.journal.state(kSpace, state_key));
  if (seen == state) return report;

  std::map<Uuid, detect::Value> entries;
  std::uint64_t line_number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = trim(std::string_view(text).substr(at, end - at));
    at = end + 1;
    ++line_number;
    if (is_comment(line)) continue;
    auto value = value_of(line);
    const auto pattern = value ? detect::pattern_of(*value) : Result<std::string>(std::unexpected(value.error()));
    if (!pattern) {
      ++report.problems;
      if (report.first_problems.size() < kMaxFirstProblems)
        report.first_problems.push_back(fmt::format("line {}: {}", line_number, pattern.error().message));
      continue;
    }
    ++report.entries;
    const Uuid uuid =
        Uuid::from_name(kNamespace, fmt::format("{}/{}/{}", feed.name, detect::to_string(value->kind), value->text));
    entries.emplace(uuid, std::move(*value));
    if (entries.size() > kMaxEntries)
      return fail(ErrorCode::kTooLarge, fmt::format("a list has at most {} entries", kMaxEntries));
  }
  // A web page instead of a list, or an empty file after a failed export, must not revoke everything.
  BONGSU_TRY(const EntrySet before, EntrySet::load(parts.journal, feed.name));
  std::uint64_t had = 0;
  before.for_each([&](const Uuid&) { ++had; });
  if (entries.empty() && (had > 0 || report.problems > 0))
    return fail(ErrorCode::kInvalid, "there is no entry in it that we understand; what it gave before stays",
                {.source = feed.name});

  EntrySet both(feed.name), now(feed.name);
  before.for_each([&](const Uuid& uuid) { both.insert(uuid); });
  std::vector<std::string> gone;
  for (const auto& [uuid, value] : entries) {
    both.insert(uuid);
    now.insert(uuid);
  }
  before.for_each([&](const Uuid& uuid) {
    if (!now.contains(uuid)) gone.push_back("indicator--" + uuid.text());
  });

  // First what may be there from now on: if this stops half-way, nothing is forgotten that has to be revoked one day.
  BONGSU_TRY_VOID(parts.journal.put(both.changes(before)));
  FeedWriter writer(parts.journal, parts.admission,
                    {.collection = feed.collection, .origin = parts.self, .fallback = feed.label}, feed.name,
                    parts.log);
  const Instant when = parts.clock.now();
  const JsonArray markings{stix::tlp_marking_id(feed.label).text()};
  const JsonArray labels{fmt::format("feed:{}", feed.name)};
  std::vector<PreparedObject> objects;
  const auto flush = [&]() -> Result<void> {
    BONGSU_TRY(const auto written, writer.write(std::move(objects), {}, stop));
    objects.clear();
    report.objects += written;
    return {};
  };
  for (const auto& [uuid, value] : entries) {
    JsonObject body{{"type", "indicator"},
                    {"spec_version", "2.1"},
                    {"id", "indicator--" + uuid.text()},
                    {"description", fmt::format("Listed in {}", feed.name)},
                    {"pattern", *detect::pattern_of(value)},
                    {"pattern_type", "stix"},
                    {"valid_from", when.text(3)},
                    {"labels", labels},
                    {"object_marking_refs", markings}};
    if (value.text.size() <= kMaxNameBytes) body["name"] = value.text;
    objects.push_back({.body = std::move(body), .changed = when, .keep_valid_from = true});
    if (objects.size() >= kChunk) BONGSU_TRY_VOID(flush());
  }
  BONGSU_TRY_VOID(flush());
  auto last = now.changes(both);
  last.push_back({std::string(kSpace), state_key, state});
  BONGSU_TRY(const auto revoked, writer.revoke(gone, when, std::move(last), stop));
  report.objects += revoked;
  report.changed = 1;
  return report;
}

}  // namespace bongsu::link
