// What is to get better, with owner and date: a file that comes back at the next drill.
//
//   {"label": "EXERCISE · TLP:AMBER", "items": [{"id": "lt-blue.not-shared.phish-lt", "team": "lt-blue", "text": "…",
//   "owner": "jonas",
//     "due": "2027-03-01", "state": "open", "drills": 2, "first": "lt-ua-winter", "last": "lt-ua-winter"}]}
//
// An item is found by its id, which says what and where, so that the same finding in the next drill is the same item:
// it gains a drill, and is opened again if somebody had closed it. Owner, due date and words are people's, and kept.
// People put in items of their own, too: "lt-blue.by-hand.1". They come back until they are done.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace bongsu::exercise::report {

inline constexpr std::size_t kMaxItems = 10'000;

struct Item {
  std::string id, team, text;
  std::string owner;        // empty: nobody yet
  std::string due;          // "2027-03-01"; empty: none yet
  std::string state;        // "open", "done", "again": done before, and found again
  std::int64_t drills = 1;  // in which it was found
  std::string first, last;  // scenarios
  bool operator==(const Item&) const = default;
};

// kInvalid names the item and field.
Result<std::vector<Item>> read_items(std::string_view json, const std::string& source);
std::string write_items(const std::vector<Item>& items, const std::string& label);

// What somebody says of an item; what is not there stays as it is.
struct ItemChange {
  std::string id;  // empty: a new one, which has a text
  std::optional<std::string> team, text, owner, due, state;
};
// The item as it is now. kNotFound: no such id; kInvalid names the field.
Result<Item> change_item(std::vector<Item>& items, const ItemChange& change, const std::string& drill);

// Items of before, and what this drill found, in order of ids. `drill` names the run (scenario's id and first wall
// time), so that a report made twice counts once.
std::vector<Item> merge(const std::vector<Item>& before, const std::vector<Item>& found, const std::string& drill);

}  // namespace bongsu::exercise::report
