// What an originator commits to when it signs a STIX object, so that a copy from which something was taken away can
// still be proven to be the rest of what was signed (selective disclosure, in the spirit of RFC 9901).
//
//   const ObjectCommitment made = commit_object(bytes, random);       // at the originator: sign made.commitment
//   commitment_of_full(bytes, made.full)                              // at a reader of the exact bytes: the same 32
//   bytes auto part = disclose(bytes, made.full, redacted);                 // whoever holds the full copy gives a part
//   of it commitment_of_redacted(redacted, *part)                           // at the reader of the part: the same 32
//   bytes disclose_further(redacted, *part, less)                           // and it may give less of it
//
// The commitment is  H(2 ‖ H(5 ‖ salt ‖ SHA-256 of the bytes) ‖ H(3 ‖ depth ‖ core ‖ root)).
// · The core are the properties that identify or bind (kCoreProperties), with their markings. They cannot be hidden: a
//   copy without them, or with others, is not the object that was signed. So nobody strips a marking or an end of
//   validity from an object and still has a proof.
// · Every other JSON leaf is hashed by itself, with a salt of 16 random bytes, its path and the granular markings that
//   apply to it: H(0 ‖ salt ‖ path ‖ value ‖ markings). Names are part of the path, so a guessed name is salted too.
//   Granular markings are bound to the leaf and not to a selector: taking an element out of a list moves the selectors
//   of those behind it, and changes nothing here; taking a marking off a shown leaf does.
// · Elements of lists are numbered by numbers that rise by random steps, so a step tells nothing for certain about what
//   stood between, and the order of the shown ones is proven.
// · The leaves are sorted by digest and filled up with random decoys to a power of two, always with at least one: the
//   place of a hidden leaf says nothing, and the proof does not tell how many are hidden, nor whether any is.
// Salts, numbers and decoys are drawn from AES-256-CTR under a seed. Whoever has the whole object may have the seed: it
// hides nothing from him. A part is given with the salts of its own leaves; the seed stays behind. (A tree of seeds,
// GGM, would not be shorter: sorted leaves that are shown are not neighbours.)
//
// The bytes are committed to under a salt as well: their plain hash would let everyone try what was hidden.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/random.h"
#include "base/result.h"

namespace bongsu::crypto {

using Salt = std::array<std::uint8_t, 16>;
using Seed = std::array<std::uint8_t, 32>;

// In the order in which they are hashed.
inline constexpr std::array<std::string_view, 9> kCoreProperties = {"type",    "spec_version", "id",
                                                                    "created", "modified",     "created_by_ref",
                                                                    "revoked", "valid_until",  "object_marking_refs"};

inline constexpr std::size_t kMaxDisclosureDepth = 14;  // 16,384 leaves with decoys; beyond: signed as a whole only
inline constexpr std::size_t kMinDisclosureDepth = 3;
inline constexpr std::size_t kMaxListElements = 65'536;       // of all lists of an object together
inline constexpr std::size_t kMaxAlignmentSteps = 4'000'000;  // of finding a part in the whole

// For one who has the exact bytes.
struct FullDisclosure {
  Seed seed{};
  Sha256 content{};  // H(3 ‖ depth ‖ core ‖ root)
};

// For one who has a part.
struct RedactedDisclosure {
  Sha256 bytes{};                      // H(5 ‖ salt ‖ SHA-256 of the original bytes)
  std::uint8_t depth = 0;              // the tree has 2^depth leaves
  std::vector<Salt> salts;             // of the leaves, in document order
  std::vector<std::uint32_t> numbers;  // of the list elements, in document order
  std::string places;                  // 2^depth bits: at which leaves of the sorted tree the shown ones are
  std::vector<Sha256> hidden;          // the nodes that stand for all others, from left to right
};

struct ObjectCommitment {
  Sha256 commitment{};
  FullDisclosure full;
};

// Never fails for lack of structure: an object that cannot be taken apart (too many leaves, a granular marking that is
// no marking) is committed to as a whole, and disclose() says so. kInvalid: not a JSON object.
Result<ObjectCommitment> commit_object(std::string_view bytes, Random& random);

Sha256 commitment_of_full(std::string_view bytes, const FullDisclosure& full);

// kInvalid names what does not fit. Every leaf of `redacted` is hashed; nothing in it goes unproven, except the order
// of keys and what granular_markings say of leaves that are not there (refused).
Result<Sha256> commitment_of_redacted(std::string_view redacted, const RedactedDisclosure& part);

// `redacted` is `bytes` without some leaves, list elements or granular markings that select nothing any more. kInvalid:
// it is not (changed values, a core property that is missing), or the commitment does not fit the bytes.
Result<RedactedDisclosure> disclose(std::string_view bytes, const FullDisclosure& full, std::string_view redacted);
Result<RedactedDisclosure> disclose_further(std::string_view shown, const RedactedDisclosure& part,
                                            std::string_view redacted);

// Bytes for a proof. parse: kInvalid for lengths that contradict each other.
void append_disclosure(std::string& out, const RedactedDisclosure& part);
class ByteReader;
Result<RedactedDisclosure> parse_disclosure(ByteReader& reader);

}  // namespace bongsu::crypto
