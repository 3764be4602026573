#include "exercise/drill/log.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/bytes.h"
#include "base/hash.h"

namespace bongsu::exercise::drill {
namespace {

constexpr std::array<std::string_view, kKinds> kWords = {
    "control", "fired",     "delivery",  "not_fired", "telemetry", "order",  "event",  "probe",
    "sample",  "complaint", "condition", "evidence",  "grade",     "appeal", "ruling", "violation"};
constexpr std::string_view kHashKey = R"(,"whole":")";
constexpr std::size_t kTailBytes = kHashKey.size() + 64 + 2;  // …"}
constexpr std::size_t kFields = 9;

std::string hash_of(std::string_view before, std::string_view body) {
  return to_hex(sha256(fmt::format("{}{}", before, body)));
}

std::unexpected<Error> broken(std::string message) { return fail(ErrorCode::kCorrupt, std::move(message)); }

Result<std::string> text_at(const Json& line, std::string_view key) {
  const auto text = string_at(line, key);
  if (!text) return broken(fmt::format("\"{}\" is no text", key));
  return std::string(*text);
}

Result<std::int64_t> count_at(const Json& line, std::string_view key, std::int64_t least) {
  const auto number = int_at(line, key);
  if (!number || *number < least) return broken(fmt::format("\"{}\" is no number from {}", key, least));
  return *number;
}

Result<Entry> entry_of(std::string_view body) {
  BONGSU_TRY(const Json line, parse_json(body));
  const auto canonical = to_canonical_text(line);
  if (!canonical || *canonical != body) return broken("the line is not in canonical form");
  if (!line.is_object() || line.get_object().size() != kFields)
    return broken(fmt::format("an entry has the {} fields at, data, kind, ref, run, seq, team, text, wall", kFields));
  Entry entry;
  BONGSU_TRY(const std::int64_t seq, count_at(line, "seq", 1));
  BONGSU_TRY(const std::int64_t run, count_at(line, "run", 1));
  if (run > std::numeric_limits<std::int32_t>::max()) return broken("\"run\" is too large");
  BONGSU_TRY(entry.at_ms, count_at(line, "at", 0));
  entry.seq = static_cast<std::uint64_t>(seq);
  entry.run = static_cast<std::uint32_t>(run);
  BONGSU_TRY(const std::string wall, text_at(line, "wall"));
  const auto instant = Instant::parse(wall);
  if (!instant || instant->text(6) != wall) return broken(fmt::format("\"{}\" is no time with microseconds", wall));
  entry.wall = *instant;
  BONGSU_TRY(const std::string word, text_at(line, "kind"));
  const auto kind = kind_of(word);
  if (!kind) return broken(fmt::format("\"{}\" is no kind of entry", word));
  entry.kind = *kind;
  BONGSU_TRY(entry.team, text_at(line, "team"));
  BONGSU_TRY(entry.ref, text_at(line, "ref"));
  BONGSU_TRY(entry.text, text_at(line, "text"));
  const Json* data = find(line, "data");
  if (data == nullptr || !data->is_object()) return broken("\"data\" is no object");
  entry.data = data->get_object();
  return entry;
}

}  // namespace

std::string_view to_string(Kind kind) { return kWords[static_cast<std::size_t>(kind)]; }

std::optional<Kind> kind_of(std::string_view word) {
  const auto found = std::ranges::find(kWords, word);
  if (found == kWords.end()) return std::nullopt;
  return static_cast<Kind>(found - kWords.begin());
}

Json json_number(double value) {
  if (value == std::floor(value) && std::abs(value) < 9e15) return static_cast<std::int64_t>(value);
  return value;
}

void as_read(Json& data) {
  if (data.is_uint64() || data.is_double()) {
    data = json_number(data.to_number<double>());
  } else if (data.is_array()) {
    for (Json& item : data.get_array()) as_read(item);
  } else if (data.is_object()) {
    for (auto& [_, item] : data.get_object()) as_read(item);
  }
}

LogWriter::LogWriter(const LogRead& read) : seq_(read.entries.size()), hash_(read.last_hash) {}

std::string LogWriter::line(const Entry& entry) {
  BONGSU_CHECK(entry.seq == next_seq());
  // The entry's own fields are in order already; only its data has to be sorted.
  const auto data = to_canonical_text(entry.data);
  BONGSU_CHECK(data.has_value());
  std::string body =
      fmt::format(R"({{"at":{},"data":{},"kind":"{}","ref":)", entry.at_ms, *data, to_string(entry.kind));
  append_json_string(body, entry.ref);
  body += fmt::format(R"(,"run":{},"seq":{},"team":)", entry.run, entry.seq);
  append_json_string(body, entry.team);
  body += R"(,"text":)";
  append_json_string(body, entry.text);
  body += fmt::format(R"(,"wall":"{}"}})", entry.wall.text(6));
  hash_ = hash_of(hash_, body);
  ++seq_;
  body.pop_back();
  return fmt::format("{}{}{}\"}}\n", body, kHashKey, hash_);
}

LogRead read_log(std::string_view text, const std::string& source) {
  LogRead read;
  const auto stop = [&](std::string_view what) {
    const std::uint64_t line = read.entries.size() + 1;
    read.trouble = Error{ErrorCode::kCorrupt,
                         fmt::format("{}: {} entries before it are whole and kept, {} bytes are not", what,
                                     read.entries.size(), text.size() - read.whole_bytes),
                         {.source = source, .line = line, .offset = read.whole_bytes, .has_offset = true}};
    return read;
  };
  while (read.whole_bytes < text.size()) {
    const std::string_view rest = text.substr(read.whole_bytes);
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return stop("the line is cut off");
    const std::string_view line = rest.substr(0, end);
    if (line.size() > kMaxLogLineBytes) return stop("the line is longer than any entry");
    if (read.entries.size() >= kMaxLogEntries) return stop(fmt::format("more than {} entries", kMaxLogEntries));
    if (line.size() <= kTailBytes || line.substr(line.size() - kTailBytes, kHashKey.size()) != kHashKey ||
        !line.ends_with("\"}"))
      return stop("the line does not end with the hash of an entry");
    const std::string body = std::string(line.substr(0, line.size() - kTailBytes)) + '}';
    const std::string hash = hash_of(read.last_hash, body);
    if (line.substr(line.size() - kTailBytes + kHashKey.size(), 64) != hash)
      return stop("the line does not follow from those before it (edited, lost, put in, or out of order)");
    auto entry = entry_of(body);
    if (!entry) return stop(entry.error().message);
    if (entry->seq != read.entries.size() + 1)
      return stop(fmt::format("entry {} where {} should be", entry->seq, read.entries.size() + 1));
    read.entries.push_back(std::move(*entry));
    read.whole_bytes += end + 1;
    read.last_hash = hash;
  }
  return read;
}

std::vector<const Entry*> counting(std::span<const Entry> entries) {
  std::vector<const Entry*> out;
  std::int64_t until = std::numeric_limits<std::int64_t>::max();
  for (std::size_t i = entries.size(); i-- > 0;) {
    const Entry& entry = entries[i];
    if (entry.at_ms > until) continue;
    out.push_back(&entry);
    if (entry.kind != Kind::kControl || entry.ref != "jump_back") continue;
    if (const Json* to = entry.data.if_contains("to_ms"); to != nullptr && to->is_int64())
      until = std::min(until, to->get_int64());
  }
  std::ranges::reverse(out);
  return out;
}

}  // namespace bongsu::exercise::drill
