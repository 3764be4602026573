// Where in the journal an entry lies whose id is known and whose number is not.
#pragma once

#include <string_view>

#include "base/result.h"
#include "journal/journal.h"

namespace bongsu::flow {

// The first entry with this id behind `after`; kNotFound.
Result<journal::Seq> find_entry(journal::Journal& journal, std::string_view object_id, journal::Seq after);

}  // namespace bongsu::flow
