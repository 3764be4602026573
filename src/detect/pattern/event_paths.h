// An event of telemetry as an observation, without making one: which field stands for which property of which object.
//
// The `stix` column of a field map says where a field's value stands, as an object path:
//
//   "process:command_line"                        the event's process has this command line
//   "process:image_ref.name"                      its image is a file of this name: also a file for [file:name = …]
//   "network-traffic@2:dst_ref.value"             another object of the type, told apart by what follows the @
//   "domain-name:resolves_to_refs[*].value"       one of several; the n-th value of the field is the n-th of the list
//   "file:hashes | process:image_ref.hashes"      the first whose object has another value in this event, else the last
//
// What is referenced is an object of its own, and its type follows from the reference's name (src_ref and dst_ref: from
// the value). The path and the field's role say how the value is cut out: a file's name is the last part of a path, its
// directory the rest, hashes go by their length or label, several addresses are several objects. Names, paths, keys,
// hashes and addresses stand in normal form, and `event_form` gives the constants of a pattern the same form.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "detect/pattern/atom.h"
#include "telemetry/event.h"
#include "telemetry/field_map.h"

namespace bongsu::detect {

inline constexpr std::size_t kMaxEventValues = 256;  // of one field of an event; the rest are counted

// What a value is before a target takes it.
enum class AddressKind : std::uint8_t { kAny, kIpv4, kIpv6, kDomain };

enum class Cut : std::uint8_t {
  kText,    // as it is
  kLower,   // ASCII lower case
  kNumber,  // decimal or 0x…
  kBoolean,
  kTime,         // any form that events have → RFC 3339
  kBaseName,     // last part of a path
  kDirectory,    // the rest of it
  kAddress,      // addresses and host names, several with ';'
  kAddressType,  // "ipv4-addr", "ipv6-addr", "domain-name" of such a value
  kMd5,          // out of hashes
  kSha1,
  kSha256,
  kSha512,
  kImphash,
  kRegistryKey,        // the key as it is, and (as another object) without its last part
  kRegistryValueName,  // that last part
  kMac,
};

// How the values of a path are compared in events.
enum class Folding : std::uint8_t { kNone, kLower, kRegistry, kAddress };
Folding folding_of(const stix::ObjectPath& path);

// A pattern's comparison with its constants in the form that events have; a constant that has none stays as it is.
// `ignore_case`: its MATCHES must.
stix::Comparison event_form(const stix::Comparison& comparison, bool& ignore_case);

// The values that a cut makes of a field's text. `ordinal`: which of the field's values, across the event.
struct CutValue {
  std::string text;
  ObservedValue::Kind kind = ObservedValue::Kind::kString;
  std::int64_t integer = 0;
  double number = 0;
  bool boolean = false;
  std::uint16_t ordinal = 0;
  AddressKind address = AddressKind::kAny;

  ValueView view() const { return {kind, boolean, integer, number, text}; }
};
// One way a field's value is a property.
struct EventTarget {
  std::uint32_t path = PathTable::kNone;
  std::uint16_t slot = 0;  // which object of the event
  Cut cut = Cut::kText;
  AddressKind only = AddressKind::kAny;  // values of that kind
  std::int16_t index = -1;               // only the n-th value; -1: each
  bool in_list = false;                  // the n-th value is the n-th of a list, not of the n-th object
  std::uint8_t option = 0;               // of several, "a | b": 1, 2, … in order; 0: no choice
  std::uint8_t options = 0;
  bool second = false;     // a registry key's values belong to the second object, see kRegistryKey
  bool container = false;  // something of the object or list is there; this is not its value
  std::string says;        // whatever the value: the type of the object

  // The value's object among those of the slot, and its place in the path's list.
  std::uint16_t object(const CutValue& value) const;
  std::int16_t place(const CutValue& value) const;
  ValueView view(const CutValue& value) const;
};

// The paths of a set of patterns, by field of a map. Immutable.
class EventPaths {
 public:
  // kInvalid: a row's stix column that is no object path.
  static Result<std::shared_ptr<const EventPaths>> make(const telemetry::FieldMap& map, const PathTable& paths);

  // Every path that some field stands for, with [*] for any index.
  static Result<std::unordered_set<std::string>> reachable(const telemetry::FieldMap& map);

  const std::vector<EventTarget>& targets(telemetry::FieldId field) const {
    return field < fields_.size() ? fields_[field].targets : none_;
  }
  std::size_t fields() const { return fields_.size(); }
  const std::string& type(std::uint16_t slot) const { return slots_[slot].type; }
  std::size_t slots() const { return slots_.size(); }
  // A request that a log writes as host and target (roles http-host, http-target, http-port) is a URL, "url:value", of
  // its own; kNone: no pattern asks for it.
  std::uint32_t request_url() const { return request_url_; }
  std::uint32_t request_type() const { return request_type_; }
  std::uint16_t request_slot() const { return request_slot_; }
  // Slots that a field's values make exist, as bits; choices apart.
  std::uint64_t slots_of(telemetry::FieldId field) const { return field < fields_.size() ? fields_[field].slots : 0; }

 private:
  struct Slot {
    std::string key, type;
  };
  struct Field {
    std::vector<EventTarget> targets;
    std::uint64_t slots = 0;
  };
  friend class EventPathsMaker;

  std::vector<Field> fields_;
  std::vector<Slot> slots_;
  std::vector<EventTarget> none_;
  std::uint32_t request_url_ = PathTable::kNone, request_type_ = PathTable::kNone;
  std::uint16_t request_slot_ = 0;
};
using EventPathsPtr = std::shared_ptr<const EventPaths>;

// Appends to `out`, overwriting from `size` on so that the strings' memory is used again. `quoted`: the field was text.
void cut_values(Cut cut, std::string_view text, bool quoted, std::uint16_t ordinal, std::vector<CutValue>& out,
                std::size_t& size);

// The URLs of a request: "http://host/target", and with the server's port where that is not 80 and the host names none;
// a target that is a whole URL is itself. Appends to `out` as cut_values does.
void request_urls(std::string_view host, std::string_view target, std::string_view port, std::vector<CutValue>& out,
                  std::size_t& size);

}  // namespace bongsu::detect
