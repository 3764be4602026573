// Slow, obvious twins for the tests of proofs, and objects to try them on.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/json.h"
#include "base/random.h"

namespace bongsu::crypto::test {

// RFC 6962 §2.1 and §2.1.1 as they are written: recursive, by the largest power of two.
Sha256 slow_root(std::span<const Sha256> entries);
std::vector<Sha256> slow_path(std::size_t index, std::span<const Sha256> entries);

// A STIX-like object with nested dictionaries, lists of lists, numbers, and granular markings.
JsonObject random_object(SeededRandom& random);
// Takes away some of what may be hidden: properties, dictionary entries, list elements, and the selectors that pointed
// there; those behind a removed element are moved. `kept` of ten stay.
JsonObject random_part(const JsonObject& object, SeededRandom& random, unsigned kept);

}  // namespace bongsu::crypto::test
