// A STIX 2.1 object: its original bytes, and what the rest of the house asks of it.
//
//   auto object = stix::Object::parse(text);           // JSON well-formed and recognisable as STIX: id and type
//   if (!object) return object.error();
//   for (const stix::Finding& f : stix::validate(*object)) …     // every rule of the standard that it breaks
//   object->bytes();                                    // exactly what came in, custom properties included
//
// An Object is immutable. Parsing keeps bytes; nothing is normalised.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/result.h"
#include "base/uuid.h"

namespace bongsu::stix {

inline constexpr std::size_t kMaxObjectBytes = 16 * 1024 * 1024;

// What STIX 2.1 calls the object's class (§1.2, §2.3…); custom types are kCustom.
enum class Category { kDomain, kRelationship, kObservable, kMeta, kCustom };

// A timestamp as it was written, comparable exactly at any number of fractional digits (STIX 2.1 §2.13).
class Timestamp {
 public:
  static std::optional<Timestamp> parse(std::string_view text);  // RFC 3339 in UTC with "Z"
  const std::string& text() const { return text_; }              // as written
  // "YYYY-MM-DDThh:mm:ss[.f…]" with trailing zeros and "Z" removed: compares as text exactly as the instants do.
  const std::string& key() const { return key_; }
  Instant instant() const { return instant_; }  // cut to nanoseconds
  bool operator==(const Timestamp& o) const { return key_ == o.key_; }
  auto operator<=>(const Timestamp& o) const { return key_ <=> o.key_; }

 private:
  std::string text_, key_;
  Instant instant_;
};

struct Id {
  std::string type;
  Uuid uuid;
  std::string text() const { return type + "--" + uuid.text(); }
  // "type--uuid"; the type by STIX 2.1 §2.9 and the UUID by RFC 4122 text form; nullopt otherwise.
  static std::optional<Id> parse(std::string_view text);
  auto operator<=>(const Id&) const = default;
};

// One identifier found in the object: property path ("object_refs[3]", "source_ref", "extensions.x.y_ref") and target.
struct Reference {
  std::string property;
  Id target;
};

struct GranularMarking {
  std::optional<Id> marking_ref;  // exactly one of these two (STIX 2.1 §7.2.3.1)
  std::optional<std::string> lang;
  std::vector<std::string> selectors;
};

class Object {
 public:
  // kInvalid with the offset or property: not JSON, duplicate keys, no valid id or type, id of another type, versioning
  // properties that are not timestamps. kTooLarge beyond kMaxObjectBytes.
  static Result<Object> parse(std::string_view bytes);

  const std::string& bytes() const;  // as received
  const Id& id() const;
  std::string id_text() const { return id().text(); }
  const std::string& type() const { return id().type; }
  Category category() const;
  const std::string& spec_version()
      const;  // "2.1", "2.0" where said or implied (TAXII 2.1 §3.4.1); SCO without it: "2.1"
  const std::optional<Timestamp>& created() const;
  const std::optional<Timestamp>& modified() const;
  // modified, else created, else nothing (TAXII 2.1 §5.3 table: version).
  const Timestamp* version() const;
  bool revoked() const;
  const std::optional<Id>& created_by() const;
  std::optional<int> confidence() const;
  const std::vector<Id>& object_markings() const;
  const std::vector<GranularMarking>& granular_markings() const;
  // Every value that is an identifier, at any depth, in document order: markings, created_by_ref, and where the
  // standard has no reference (external_references.external_id), for an id is data wherever it stands. Its own id is
  // none.
  const std::vector<Reference>& references() const;
  const Sha256& hash() const;  // SHA-256 of bytes()

  // The whole body as a document; parsed anew at each call.
  Json json() const;

 private:
  struct Parts;
  std::shared_ptr<const Parts> parts_;
  explicit Object(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}
};

}  // namespace bongsu::stix
