// A drill's entries, letters and state as the desk's API shows them.
#pragma once

#include "base/json.h"
#include "desk/players.h"
#include "desk/table.h"

namespace bongsu::desk {

// "": no such key, or no text.
std::string text_in(const JsonObject& data, std::string_view key);

Json json_of(const exercise::drill::Entry& entry);
// Without what would tell a team of injects that it has not found.
Json json_for_team(const exercise::drill::Entry& entry);
// With the exercise's banner, which a page shows at head and foot.
Json json_of(const Letter& letter, const std::string& banner);
// Clock, speed and state; the same for everybody.
JsonObject clock_json(const Tabled& t);
JsonArray services_json(const Tabled& t, std::string_view team);
// What the team was asked to fill in, and what it handed in unasked. An inject's forms are asked for once it has fired;
// `found_alone`: once something of it has reached the team, before which they would tell that there is something to
// find.
JsonArray forms_json(const Tabled& t, std::string_view team, bool found_alone);
// The kinds of forms that anything in the scenario may ever ask of it.
JsonArray form_kinds_json(const Tabled& t, std::string_view team);
// Orders that the team gave, with what the range said: the last kMaxOrdersShown before an entry (0: of all).
inline constexpr std::size_t kMaxOrdersShown = 200;
JsonArray orders_json(const Tabled& t, std::string_view team, std::uint64_t before);
// What of the log a team may read: its own deeds, what came to it, what people made of its forms and of its deeds, and
// exercise control's hand on the clock. A judgement on an inject of which nothing has reached it: once the drill ended.
// What a seat outside teams may read: the clock's turns, what came to it, its own answers.
bool seat_may_read(const exercise::drill::Entry& entry, const Seat& seat);
bool team_may_read(const Tabled& t, const exercise::drill::Entry& entry, std::string_view team);

}  // namespace bongsu::desk
