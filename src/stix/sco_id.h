// Deterministic identifiers of cyber-observable objects (STIX 2.1 §2.9): UUIDv5 over the RFC 8785 text of the
// id-contributing properties that are present, in the standard's namespace.
#pragma once

#include <optional>

#include "stix/object.h"

namespace bongsu::stix {

// nullopt when the type has no contributing properties or none is present (a UUIDv4 is due then).
// kInvalid when a contributing property has no canonical form.
Result<std::optional<Id>> deterministic_id(const Json& sco);
Result<std::optional<Id>> deterministic_id(const Object& sco);

}  // namespace bongsu::stix
