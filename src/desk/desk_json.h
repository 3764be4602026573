// A drill's entries, letters and state as the desk's API shows them.
#pragma once

#include "base/json.h"
#include "desk/players.h"
#include "desk/table.h"

namespace bongsu::desk {

// "": no such key, or no text.
std::string text_in(const JsonObject& data, std::string_view key);

Json json_of(const exercise::drill::Entry& entry);
// With the exercise's banner, which a page shows at head and foot.
Json json_of(const Letter& letter, const std::string& banner);
// Clock, speed and state; the same for everybody.
JsonObject clock_json(const Tabled& t);
// Services of one team, and what it may fill in: forms that its injects ask for, once these have fired.
JsonArray services_json(const Tabled& t, std::string_view team);
JsonArray forms_json(const Tabled& t, std::string_view team);
// Orders that the team gave, with what the range said.
JsonArray orders_json(const Tabled& t, std::string_view team);
// What of the log a team may read: its own deeds and what came to it, and exercise control's hand on the clock.
bool team_may_read(const exercise::drill::Entry& entry, std::string_view team);

}  // namespace bongsu::desk
