#include "flow/entry_search.h"

namespace bongsu::flow {

constexpr std::uint32_t kEntriesPerRead = 1000;

Result<journal::Seq> find_entry(journal::Journal& journal, std::string_view object_id, journal::Seq after) {
  while (true) {
    BONGSU_TRY(const auto entries, journal.snapshot()->entries(after, kEntriesPerRead));
    if (entries.empty()) return fail(ErrorCode::kNotFound, "is not in the journal any more");
    for (const journal::Entry& entry : entries) {
      after = entry.seq;
      if (entry.object_id == object_id) return entry.seq;
    }
  }
}

}  // namespace bongsu::flow
