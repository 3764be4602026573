// Entities: the host, user or address that an event is about, so that a thousand hits on one machine are one line.
//
//   Entity e = entity_of(event, "query", "/logs/dns.log");     // {kAddress, "10.0.0.7"}
//   e.text();                                                  // "address:10.0.0.7"
//   EntityPattern::parse("10.1.0.0/16")->matches(e);           // false
//
// The first rule that finds something decides (kEntityRules in entity.cpp is the table):
//
//   1. the machine that wrote the event      Computer, Hostname, host.name, winlog.computer_name, …
//   2. the inner end of a flow or a request  id.orig_h, src_ip, source.ip, client.ip, …; when that very field is what
//                                            matched (somebody out there came in), the other end: id.resp_h, dest_ip, …
//   3. the account                           user.name, TargetUserName, SubjectUserName, …
//   4. the log that it was read from         the file as it was named
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "telemetry/event.h"

namespace bongsu::detect {

enum class EntityKind : std::uint8_t { kHost, kAddress, kUser, kLog };
std::string_view to_string(EntityKind kind);  // "host", "address", "user", "log"
std::optional<EntityKind> parse_entity_kind(std::string_view text);

inline constexpr std::size_t kMaxEntityBytes = 256;  // longer names are cut

struct Entity {
  EntityKind kind = EntityKind::kLog;
  std::string name;  // hosts and users in lower case, addresses as RFC 5952 writes them

  std::string text() const;  // "host:dc1.corp.example"
  Json json() const;         // {"kind","name"}
  static Result<Entity> parse(const Json& json);
  auto operator<=>(const Entity&) const = default;
};

// `matched_field` is the path of what hit; `log` where the event was read.
Entity entity_of(const telemetry::EventView& event, std::string_view matched_field, std::string_view log);

// "10.1.0.0/16" and "2001:db8::1" stand for addresses; everything else is a glob ('*' any text, '?' one byte) over the
// name, without case. "host:dc*" says the kind, too.
class EntityPattern {
 public:
  // kInvalid: empty, longer than kMaxEntityBytes, or a block of addresses with a kind that has none.
  static Result<EntityPattern> parse(std::string_view text);
  bool matches(const Entity& entity) const;
  const std::string& text() const { return text_; }

 private:
  std::string text_, glob_;
  std::optional<EntityKind> kind_;
  bool block_ = false;
};

// '*' any bytes, '?' one byte; both sides as they are. Time linear in the text for each '*'.
bool glob_matches(std::string_view glob, std::string_view text);

}  // namespace bongsu::detect
