// What the operator is told about decisions: for an object that is not here yet, and for one that is.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "node/core.h"
#include "policy/decide.h"

namespace bongsu::node {

// kConflict: this node recalled or removed this version, so no decision lets it go to anybody any more.
Result<void> not_recalled(Core& core, std::string_view object_id, std::string_view version_key);
// The decision about an object as if it were admitted into the collection now, by the function that release uses.
Result<JsonObject> decide_report(Core& core, const stix::Object& object, std::string_view collection,
                                 std::string_view member, policy::Purpose purpose);
// The decision about every stored version of an object, in every collection, and whether it stands in the member's
// outbox: {"versions": [TRACE with "version", "visible_now"]}. kNotFound: no such object.
Result<JsonObject> why_report(Core& core, std::string_view object_id, std::string_view member);

}  // namespace bongsu::node
