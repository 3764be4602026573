// What counts as personal data: a rule that can be told in a sentence and decided from one object.
//
//   an identity of class "individual" (STIX 2.1 §4.5), a user-account, an email-addr, an email-message that says from
//   or to whom (§6), an observed-data that holds one of these in itself (§4.14, `objects`), and whatever is marked with
//   the category "personal-data" (docs/schemas/label.json), on the whole or in a part.
//
// An indicator is about what attackers use and does not count unless it is marked, whatever its pattern names; nor does
// an object that refers to one that counts: it has no more than its id.
#pragma once

#include <string_view>

#include "base/json.h"
#include "journal/journal.h"

namespace bongsu::flow {

inline constexpr std::string_view kPersonalCategory = "personal-data";  // in any case, '-', '_' and ' ' alike

bool is_personal_category(std::string_view category);

// Whether it takes the object's bytes to know: for the others their type and label say it.
bool personal_by_content(std::string_view object_id);
// `object`: its content where personal_by_content, else anything.
bool is_personal(std::string_view object_id, std::string_view stored_label, const Json& object);

}  // namespace bongsu::flow
