// Observed data as values: what STIX patterns are held against (STIX 2.1 §4.14, §9.1).
//
//   BONGSU_TRY(ObservedData data, read_observed_data(text, "observed.json"));
//   for (const Observation& observation : data.observations) …
//   for (const Error& error : data.bad) …                       // what could not be read, and where
//
// Read are a bundle, a TAXII envelope, an array or a single object, or several of these one a line. An observed-data
// object may carry its observables in the deprecated `objects` dictionary or name them in `object_refs`; these are
// looked up in the bundle that it stands in (outside a bundle: in the whole input). What stands in neither is no part
// of the observation, whatever else the bundle holds (STIX 2.1 §9.7.4).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace bongsu::detect {

inline constexpr std::size_t kMaxObservedDataBytes = 256 * 1024 * 1024;
inline constexpr std::size_t kMaxObservations = 1'000'000;       // of one input
inline constexpr std::size_t kMaxObservedObjects = 10'000;       // of one observation
inline constexpr std::int64_t kMaxNumberObserved = 999'999'999;  // STIX 2.1 §4.14.1
inline constexpr std::size_t kMaxKeptErrors = 20;

struct ObservedMember;

// A property's value in its native format (STIX 2.1 §9.6.4): what stands under a name that ends in _bin or _hex is
// decoded, what stands under _ref or _refs is the name of another object of the observation. Inside of dictionaries
// such a name may be a mere key (environment_variables.GIT_ref): a value that is not of that form is text.
struct ObservedValue {
  enum class Kind : std::uint8_t {
    kNull,
    kBoolean,
    kInteger,
    kFloat,
    kString,
    kBinary,
    kUnreadable,  // an object's _bin or _hex, and neither base64 nor hexadecimal: there, but nobody knows what it is
    kReference,
    kList,
    kDictionary
  };
  Kind kind = Kind::kNull;
  bool boolean = false;
  bool text_otherwise = false;  // kReference: text if it names no object of the observation
  std::int64_t integer = 0;
  double number = 0;  // kFloat
  std::string text;   // kString, kBinary (the octets), kReference
  std::vector<ObservedValue> list;
  std::vector<ObservedMember> members;  // names are unique

  const ObservedValue* find(std::string_view name) const;  // of a dictionary; nullptr: no such member
};

struct ObservedMember {
  std::string name;
  ObservedValue value;
};

struct CyberObject {
  std::string id;            // its STIX id, or its key in `objects`
  std::string type;          // "file"
  ObservedValue properties;  // a dictionary; `type` and `id` are among its members
};
using CyberObjectPtr = std::shared_ptr<const CyberObject>;

// `number_observed` observations of the same objects, each at some moment from first to last observed; "it is not
// defined when" (STIX 2.1 §9.1).
struct Observation {
  std::string id;
  Instant first_observed, last_observed;
  std::int64_t number_observed = 1;
  std::vector<CyberObjectPtr> objects;  // changed by add alone

  void add(CyberObjectPtr object);  // one whose id is there already is left out
  const CyberObject* find(std::string_view object_id) const;

 private:
  std::unordered_map<std::string_view, const CyberObject*> by_id_;  // keys are the objects' own
};

struct ObservedData {
  std::vector<Observation> observations;
  std::uint64_t bad_count = 0;
  std::vector<Error> bad;                // the first kMaxKeptErrors
  std::uint64_t missing_references = 0;  // object_refs that name nothing in the input
};

// Errors are for the whole: kTooLarge, kInvalid when it is no JSON at all. A single bad object or line costs itself
// only.
Result<ObservedData> read_observed_data(std::string_view text, std::string_view source);

// One cyber-observable object out of its JSON text; tests and the reader.
Result<CyberObject> read_cyber_object(std::string_view json);

}  // namespace bongsu::detect
