// Slow, obvious twins for the tests of proofs, and objects to try them on.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/json.h"
#include "base/random.h"
#include "crypto/origin.h"

namespace bongsu::crypto::test {

// RFC 6962 §2.1 and §2.1.1 as they are written, recursive, for 2^level leaves from place `first` on; what has nothing in
// it is empty.
using Placed = std::map<std::size_t, Sha256>;  // place → entry
Sha256 slow_root(const Placed& entries, const BatchTree::Secret& secret, std::size_t level = kBatchDepth,
                 std::size_t first = 0);
std::vector<Sha256> slow_path(std::size_t place, const Placed& entries, const BatchTree::Secret& secret,
                              std::size_t level = kBatchDepth, std::size_t first = 0);

// A STIX-like object with nested dictionaries, lists of lists, numbers, and granular markings.
JsonObject random_object(SeededRandom& random);
// Takes away some of what may be hidden: properties, dictionary entries, list elements, and the selectors that pointed
// there; those behind a removed element are moved. `kept` of ten stay.
JsonObject random_part(const JsonObject& object, SeededRandom& random, unsigned kept);

}  // namespace bongsu::crypto::test
