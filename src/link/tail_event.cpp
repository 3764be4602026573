#include "link/tail_event.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/json.h"

namespace bongsu::link {
namespace {

constexpr std::string_view kObject = "object", kWithdrawn = "withdrawn", kVoid = "void", kGone = "gone";
constexpr std::size_t kPlaceMacBytes = 8, kMarkMacBytes = 4;

std::string_view name_of(TailItem::Kind kind) {
  switch (kind) {
    case TailItem::Kind::kObject:
      return kObject;
    case TailItem::Kind::kWithdrawn:
      return kWithdrawn;
    case TailItem::Kind::kVoid:
      break;
  }
  return kVoid;
}

std::unexpected<Error> broken(std::string what) {
  return fail(ErrorCode::kInvalid, "the partner's stream is broken: " + std::move(what));
}

std::optional<journal::Pos> parse_pos(std::string_view text) {
  journal::Pos pos = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pos);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return pos;
}

void append_kept(std::string& out, const std::vector<Sha256>& kept) {
  if (kept.empty()) return;
  out += ",\"kept\":";
  char before = '[';
  for (const Sha256& hash : kept) {
    out.append(1, std::exchange(before, ',')).append(1, '"').append(to_hex(hash)).append(1, '"');
  }
  out += ']';
}

// Fails where it cannot be read: to take it as less would take away what the partner still shows.
Result<std::vector<Sha256>> parse_kept(const Json& header) {
  std::vector<Sha256> out;
  const Json* kept = find(header, "kept");
  if (kept == nullptr) return out;
  if (!kept->is_array() || kept->get_array().size() > kMaxKept) return broken("what is kept is not a list of hashes");
  for (const Json& one : kept->get_array()) {
    const auto hash = one.is_string() ? from_hex(one.get_string()) : Result<std::string>(std::string());
    Sha256 value{};
    if (!hash || hash->size() != value.size()) return broken("what is kept is not a list of hashes");
    std::ranges::copy(as_bytes(*hash), value.begin());
    out.push_back(value);
  }
  return out;
}

bool needs_base64(const TailItem& item) { return item.bytes.find('\r') != std::string::npos; }

// {"pos":42,"id":…,"version":… without its end.
void append_header(std::string& out, const TailItem& item) {
  fmt::format_to(std::back_inserter(out), "{{\"pos\":{}", item.pos);
  if (item.kind != TailItem::Kind::kVoid) {
    out += ",\"id\":";
    append_json_string(out, item.object_id);
    if (!item.version.empty()) {
      out += ",\"version\":";
      append_json_string(out, item.version);
    }
    if (item.kind == TailItem::Kind::kWithdrawn) append_kept(out, item.kept);
  }
}

void append_object_header(std::string& out, const TailItem& item) {
  append_header(out, item);
  if (item.added_us)
    fmt::format_to(std::back_inserter(out), ",\"date_added\":\"{}\"", Instant::from_micros(*item.added_us).text(6));
  fmt::format_to(std::back_inserter(out), ",\"sha256\":\"{}\"", to_hex(sha256(item.bytes)));
  if (!item.label.empty()) {
    out += ",\"label\":";
    append_json_string(out, item.label);
  }
  if (!item.proof.empty()) out.append(",\"proof\":\"").append(to_base64url(as_bytes(item.proof))).append("\"");
  if (item.tombstones > 0) fmt::format_to(std::back_inserter(out), ",\"tombstones\":{}", item.tombstones);
  out += needs_base64(item) ? ",\"encoding\":\"base64\"}\n" : "}\n";
}

std::string payload_text(const TailItem& item) {
  return needs_base64(item) ? to_base64(as_bytes(item.bytes)) : item.bytes;
}

}  // namespace

void append_tail_event(std::string& out, const TailItem& item) {
  if (item.pos == 0) {
    out += "event: gone\ndata: {\"id\":";
    append_json_string(out, item.object_id);
    out += ",\"version\":";
    append_json_string(out, item.version);
    append_kept(out, item.kept);
    out += "}\n\n";
    return;
  }
  fmt::format_to(std::back_inserter(out), "id: {}\nevent: {}\ndata: ", item.cursor, name_of(item.kind));
  if (!item.sealed.empty()) {
    fmt::format_to(std::back_inserter(out), "{{\"pos\":{}", item.pos);
    if (item.added_us)
      fmt::format_to(std::back_inserter(out), ",\"date_added\":\"{}\"", Instant::from_micros(*item.added_us).text(6));
    out += ",\"sealed\":\"bse1\"}\n";
    append_sse_data(out, to_base64(as_bytes(item.sealed)));
  } else if (item.kind == TailItem::Kind::kObject) {
    append_object_header(out, item);
    append_sse_data(out, payload_text(item));
  } else {
    append_header(out, item);
    if (!item.withheld.empty()) {
      out += ",\"withheld\":";
      append_json_string(out, item.withheld);
    }
    out += "}\n";
  }
  out += '\n';
}

void append_live_event(std::string& out) { out += "event: live\ndata: {}\n\n"; }
void append_heartbeat(std::string& out) { out += ":\n\n"; }

namespace {

constexpr std::size_t kMaxWithheldBytes = 200;

Result<std::optional<std::int64_t>> added_of(const Json& header) {
  const auto added = string_at(header, "date_added");
  if (!added) return std::optional<std::int64_t>();
  const auto instant = Instant::parse(*added);
  if (!instant) return broken("date_added is not a time");
  return instant->micros();
}

// The bytes behind a header line that ends at `end`.
Result<void> read_object(const Json& header, std::string text, std::size_t end, TailItem& item) {
  if (end == text.size()) return broken("an object event without an object");
  BONGSU_TRY(item.added_us, added_of(header));
  const auto tombstones = int_at(header, "tombstones").value_or(0);
  if (tombstones < 0) return broken("a number of tombstones below zero");
  item.tombstones = static_cast<std::uint64_t>(tombstones);
  item.label.clear();
  if (const Json* label = find(header, "label")) {
    // What is in it is admission's matter, as below; what is none at all would be taken for an older producer's.
    if (!label->is_string() || label->get_string().empty()) return broken("a label that is no text");
    item.label = label->get_string();
  }
  item.proof.clear();
  if (const auto proof = string_at(header, "proof")) {
    // What is in it is admission's matter: a proof that cannot be read is a reason to hold the object, not to drop it.
    auto decoded = from_base64url(*proof);
    if (!decoded || decoded->size() > journal::kMaxProofBytes) return broken("a proof that is not base64url");
    item.proof = std::move(*decoded);
  }
  if (const auto encoding = string_at(header, "encoding")) {
    if (*encoding != "base64") return broken("unknown encoding of an object");
    auto decoded = from_base64(std::string_view(text).substr(end + 1));
    if (!decoded) return broken("an object that is not base64");
    item.bytes = std::move(*decoded);
  } else {
    text.erase(0, end + 1);
    item.bytes = std::move(text);
  }
  if (string_at(header, "sha256") != to_hex(sha256(item.bytes)))
    return broken("an object does not have the hash in its header");
  return {};
}

}  // namespace

Result<std::optional<TailItem>> parse_tail_event(SseEvent& event) {
  TailItem item;
  if (event.type == kObject) {
    item.kind = TailItem::Kind::kObject;
  } else if (event.type == kWithdrawn) {
    item.kind = TailItem::Kind::kWithdrawn;
  } else if (event.type == kGone) {
    const auto json = parse_json(event.data);
    item.kind = TailItem::Kind::kWithdrawn;
    if (json) item.object_id = string_at(*json, "id").value_or("");
    if (item.object_id.empty()) return broken("a withdrawal without an object's id");
    item.version = string_at(*json, "version").value_or("");
    BONGSU_TRY(item.kept, parse_kept(*json));
    return item;
  } else if (event.type != kVoid) {
    // A later protocol may say more between rows; a row that we do not understand would show as a gap in the positions.
    return std::optional<TailItem>();
  }
  if (!event.own_id || event.id.empty() || event.id.size() > kMaxCursorBytes)
    return broken("an event without a cursor");
  item.cursor = event.id;
  const std::size_t end = std::min(event.data.find('\n'), event.data.size());
  const auto header = parse_json(std::string_view(event.data).substr(0, end));
  if (!header || !header->is_object()) return broken("an event without a header line");
  const auto pos = int_at(*header, "pos");
  if (!pos || *pos <= 0) return broken("an event without a position");
  item.pos = static_cast<journal::Pos>(*pos);
  if (item.kind == TailItem::Kind::kVoid) {
    item.withheld = string_at(*header, "withheld").value_or("").substr(0, kMaxWithheldBytes);
    return item;
  }
  if (const auto sealed = string_at(*header, "sealed")) {
    if (item.kind != TailItem::Kind::kObject || *sealed != "bse1") return broken("an object sealed in an unknown way");
    auto envelope = from_base64(std::string_view(event.data).substr(std::min(end + 1, event.data.size())));
    if (!envelope || envelope->empty()) return broken("a sealed object that is not base64");
    BONGSU_TRY(item.added_us, added_of(*header));
    item.sealed = std::move(*envelope);
    return item;
  }
  item.object_id = string_at(*header, "id").value_or("");
  if (item.object_id.empty()) return broken("an event without an object's id");
  item.version = string_at(*header, "version").value_or("");
  if (item.kind == TailItem::Kind::kWithdrawn) {
    BONGSU_TRY(item.kept, parse_kept(*header));
    return item;
  }
  BONGSU_TRY_VOID(read_object(*header, std::move(event.data), end, item));
  return item;
}

std::string tail_object_text(const TailItem& item) {
  std::string text;
  append_object_header(text, item);
  return text += payload_text(item);
}

Result<void> read_tail_object(std::string text, TailItem& item) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const auto header = parse_json(std::string_view(text).substr(0, end));
  if (!header || !header->is_object()) return broken("a sealed object without a header line");
  if (int_at(*header, "pos") != static_cast<std::int64_t>(item.pos))
    return broken("a sealed object of another position");
  item.object_id = string_at(*header, "id").value_or("");
  if (item.object_id.empty()) return broken("a sealed object without an id");
  item.version = string_at(*header, "version").value_or("");
  item.sealed.clear();
  return read_object(*header, std::move(text), end, item);
}

std::string tail_content_type(std::string_view collection) {
  return fmt::format("application/vnd.bongsu.tail+json;collection={}", collection);
}

std::string CursorSeal::make(std::string_view member, std::string_view collection, const Place& place,
                             std::uint64_t mark) const {
  // sha256(secret ‖ sha256(message)): the outer input has a fixed length, so that nothing can be appended to it.
  const auto mac = [&](std::string_view message) {
    const Sha256 inner = sha256(message);
    return sha256(std::string(secret_).append(as_text(inner)));
  };
  const std::string in_round = place.round == 0 ? "" : fmt::format(".{}", place.round);
  const Sha256 of_place = mac(fmt::format("place\n{}\n{}\n{}\n{}\n{}\n{}{}", member, collection, place.origin,
                                          place.pos, place.seq, place.added_us, in_round));
  const Sha256 of_mark = mac(fmt::format("mark\n{}\n{}\n{}\n{}", member, collection, place.pos, mark));
  return fmt::format("{}{}-{}{}", place.pos, in_round, to_hex(Bytes(of_place).first(kPlaceMacBytes)),
                     to_hex(Bytes(of_mark).first(kMarkMacBytes)));
}

std::optional<CursorSeal::Said> CursorSeal::read(std::string_view cursor) {
  const auto dash = cursor.find('-');
  if (cursor.size() > kMaxCursorBytes || dash == std::string_view::npos) return std::nullopt;
  const auto dot = std::min(cursor.find('.'), dash);
  const auto pos = parse_pos(cursor.substr(0, dot));
  const auto round = dot == dash ? std::optional<std::uint64_t>(0) : parse_pos(cursor.substr(dot + 1, dash - dot - 1));
  if (!pos || *pos == 0 || !round || (dot != dash && *round == 0)) return std::nullopt;
  return Said{*pos, *round};
}

CursorSeal::Verdict CursorSeal::judge(std::string_view cursor, std::string_view member, std::string_view collection,
                                      const Place& place, std::uint64_t mark) const {
  const std::string expected = make(member, collection, place, mark);
  if (cursor.size() != expected.size()) return Verdict::kForeign;
  const std::size_t place_end = expected.size() - 2 * kMarkMacBytes;
  if (!equal_constant_time(cursor.substr(0, place_end), std::string_view(expected).substr(0, place_end)))
    return Verdict::kForeign;
  return mark != 0 && equal_constant_time(cursor, expected) ? Verdict::kPlaceAndMark : Verdict::kPlace;
}

Result<std::string> load_cursor_secret(journal::Journal& journal, Random& random) {
  BONGSU_TRY(auto stored, journal.state("link", "cursor_secret"));
  if (stored) return from_hex(*stored);
  std::string secret(32, '\0');
  random.fill({reinterpret_cast<std::uint8_t*>(secret.data()), secret.size()});
  BONGSU_TRY_VOID(journal.put({{"link", "cursor_secret", to_hex(as_bytes(secret))}}));
  return secret;
}

}  // namespace bongsu::link
