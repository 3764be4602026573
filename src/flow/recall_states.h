// How orders and obeyed tombstones stand in the journal's state. Internal to recall.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "flow/recall.h"

namespace bongsu::flow {

inline constexpr std::string_view kRecallOrders = "recall.orders";          // "<member>/<number>" → RecallOrder
inline constexpr std::string_view kRecallTaken = "recall.taken";            // "<giver>/<number>" → TakenState
inline constexpr std::string_view kRecallTombstones = "recall.tombstones";  // "<giver>/<object id>" → RecallBounds
inline constexpr std::string_view kRecallNumbers = "recall.numbers";  // "<member>" → number of its newest tombstone
inline constexpr std::string_view kRecallAsked = "recall.asked";      // "<giver>" → all of its tombstones up to it came
inline constexpr std::string_view kRecallLater = "recall.later";      // "<giver>/<object id>" → LaterCopies
inline constexpr std::string_view kRecallByHand = "recall.by_hand";   // "<member>/<object id>" → newest version's key
inline constexpr std::string_view kRecallMarks = "recall.marks";      // "<collection>/<member>" → positions
inline constexpr std::string_view kCleanKey = "clean", kCleanOfAll = "all",
                                  kCleanOfSome = "some";  // in kRecallMarks: after a stop in good order

// Copies that the giver said may be had after so many tombstones: version key → number.
using LaterCopies = std::map<std::string, std::uint64_t>;
std::string later_state(const LaterCopies& later);
Result<LaterCopies> parse_later_state(std::string_view key, std::string_view text);
Result<std::uint64_t> parse_number_state(std::string_view space, std::string_view key, std::string_view text);

std::string numbered_key(std::string_view member, std::uint64_t number);  // "<member>/<sixteen digits>"
std::optional<std::pair<std::string, std::uint64_t>> parse_numbered_key(std::string_view key);

std::string order_state(const RecallOrder& order);
Result<RecallOrder> parse_order_state(std::string_view key, std::string_view text);

struct TakenState {
  TakenRecall recall;
  std::string hash;
  std::uint64_t serial = 1, acknowledged = 0;
};
std::string taken_state(const TakenState& taken);
Result<TakenState> parse_taken_state(std::string_view key, std::string_view text);

// An object without versions has its date_added for one here, which others do not know: all of it is meant.
std::string version_told(const journal::Entry& entry);
std::string key_of_version(std::string_view version);
// As a tombstone means it: empty for an object without versions.
std::string key_told(const journal::Entry& entry);
// In a note: one by its id, more by their number, for the tombstone names them.
void add_objects(JsonObject& details, const std::vector<RecallRange>& objects);

}  // namespace bongsu::flow
