// What of a STIX object can be searched: its text, the values it holds as observables, the objects it points at.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bongsu::journal::search {

struct Value {
  std::string kind;  // "ipv4-addr", "domain-name", "file:hashes.SHA-256", … as src/detect names them; else the object
                     // path of the pattern
  std::string text;  // see normal_value
  auto operator<=>(const Value&) const = default;
};

struct Edge {
  std::string from, to, kind, through;
  auto operator<=>(const Edge&) const = default;
};

struct Extract {
  std::string name;           // the best short text for a person
  std::string text;           // every text of the object, a line each
  std::vector<Value> values;  // sorted, each once
  std::vector<Edge> edges;    // sorted, each once
};

inline constexpr std::size_t kMaxText = 64 * 1024;  // of an object that is indexed: the rest is not found by text
inline constexpr std::size_t kMaxName = 200;
inline constexpr std::size_t kMaxValues = 10'000;    // and edges: of one object
inline constexpr std::size_t kMaxValueBytes = 4096;  // longer values are not indexed

// Never fails: what is not STIX gives what text it has.
Extract extract(std::string_view object_id, std::string_view payload);

// The form in which values are compared: case removed where it does not count, scheme and host of a URL in lower case.
std::string normal_value(std::string_view kind, std::string_view text);

}  // namespace bongsu::journal::search
