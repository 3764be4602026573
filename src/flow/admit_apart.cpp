// Admission: a copy that stands apart from what its giver may not see.
//
// Whether a version is here already is not a giver's to learn where the copy that is here is hidden from it (D7, D9):
// by the answer, by its absence from what it reads back, by a missing receipt in the pair's log, by what a deletion
// finds. So its own copy is admitted beside the hidden one, as if that were not there, and goes to nobody else.
#include <algorithm>

#include "flow/admit.h"

namespace bongsu::flow {

Result<std::vector<journal::Seq>> Admission::stands_apart(const stix::Object& object, const AdmitContext& context,
                                                          const std::vector<KnownCopy>& copies,
                                                          std::optional<Result<Reading>>& shown) {
  std::vector<journal::Seq> out;
  if (std::ranges::all_of(copies, [&](const KnownCopy& copy) { return copy.origin == context.origin; })) return out;
  BONGSU_TRY(const auto versions, journal_.snapshot()->versions(context.collection, object.id_text()));
  for (const journal::Entry& stored : versions) {
    const bool same = stored.hash == object.hash();
    if (object.version() != nullptr ? stored.version_key != object.version()->key() : !same) continue;
    if (!shown) shown = release_.open(context.origin, context.collection);
    if (was_shown(context.origin, *shown, stored)) continue;
    out.push_back(stored.seq);
  }
  return out;
}

bool Admission::was_shown(const std::string& member, const Result<Reading>& reading, const journal::Entry& stored) {
  if (stored.origin == member) return true;
  if (!reading) return false;
  const auto presence = reading->snapshot->presence(reading->view, stored.seq);
  return presence && *presence != journal::Snapshot::Presence::kNever;
}

Result<std::vector<journal::Seq>> Admission::of_others(const journal::Entry& copy) {
  BONGSU_TRY(const auto versions, journal_.snapshot()->versions(copy.collection, copy.object_id));
  std::vector<journal::Seq> out;
  for (const journal::Entry& stored : versions)
    if (stored.version_key == copy.version_key && stored.origin != copy.origin) out.push_back(stored.seq);
  return out;
}

}  // namespace bongsu::flow
