#include "exercise/report/items.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/clock.h"

namespace bongsu::exercise::report {

namespace {
bool is_state(std::string_view text) { return text == "open" || text == "done" || text == "again"; }
bool is_due(const std::string& text) { return text.empty() || Instant::parse(text + "T00:00:00Z").has_value(); }
}  // namespace

Result<std::vector<Item>> read_items(std::string_view text, const std::string& source) {
  auto json = parse_json(text);
  if (!json) {
    json.error().where.source = source;
    return std::unexpected(json.error());
  }
  const Json* list = find(*json, "items");
  if (list == nullptr || !list->is_array())
    return fail(ErrorCode::kInvalid, "a file of items has a list \"items\"", {.source = source, .field = "items"});
  if (list->get_array().size() > kMaxItems)
    return fail(ErrorCode::kTooLarge, fmt::format("more than {} items", kMaxItems),
                {.source = source, .field = "items"});
  std::vector<Item> out;
  for (std::size_t i = 0; i < list->get_array().size(); ++i) {
    const Json& it = list->get_array()[i];
    std::string missing;
    const auto text_of = [&](const char* name) {
      const auto value = string_at(it, name);
      if (!value && missing.empty()) missing = name;
      return std::string(value.value_or(""));
    };
    Item item{.id = text_of("id"),
              .team = text_of("team"),
              .text = text_of("text"),
              .owner = text_of("owner"),
              .due = text_of("due"),
              .state = text_of("state"),
              .drills = int_at(it, "drills").value_or(1),
              .first = text_of("first"),
              .last = text_of("last")};
    if (missing.empty() && item.id.empty()) missing = "id";
    if (missing.empty() && !is_state(item.state)) missing = "state";
    if (missing.empty() && !is_due(item.due)) missing = "due";
    if (!missing.empty())
      return fail(ErrorCode::kInvalid,
                  fmt::format("item {} ({}): \"{}\" is missing or not what it should be", i + 1, item.id, missing),
                  {.source = source, .field = fmt::format("items[{}].{}", i, missing)});
    out.push_back(std::move(item));
  }
  return out;
}

std::string write_items(const std::vector<Item>& items, const std::string& label) {
  JsonArray list;
  for (const Item& i : items)
    list.push_back(JsonObject{{"id", i.id},
                              {"team", i.team},
                              {"text", i.text},
                              {"owner", i.owner},
                              {"due", i.due},
                              {"state", i.state},
                              {"drills", i.drills},
                              {"first", i.first},
                              {"last", i.last}});
  return to_pretty_text(JsonObject{{"label", label}, {"items", std::move(list)}}) + "\n";
}

Result<Item> change_item(std::vector<Item>& items, const ItemChange& change, const std::string& drill) {
  Item item;
  auto at = std::ranges::find(items, change.id, &Item::id);
  if (!change.id.empty()) {
    if (at == items.end())
      return fail(ErrorCode::kNotFound, fmt::format("there is no item {}", change.id), {.field = "id"});
    item = *at;
  } else {
    if (items.size() >= kMaxItems)
      return fail(ErrorCode::kTooLarge, fmt::format("more than {} items", kMaxItems), {.field = "items"});
    item.state = "open";
    item.first = item.last = drill;
  }
  for (const auto& [to, said] :
       {std::pair(&item.team, &change.team), std::pair(&item.text, &change.text), std::pair(&item.owner, &change.owner),
        std::pair(&item.due, &change.due), std::pair(&item.state, &change.state)})
    if (*said) *to = **said;
  if (item.text.empty()) return fail(ErrorCode::kInvalid, "an item says what is to get better", {.field = "text"});
  if (!is_state(item.state)) return fail(ErrorCode::kInvalid, "is open, done or again", {.field = "state"});
  if (!is_due(item.due)) return fail(ErrorCode::kInvalid, "is a day as 2027-03-01, or nothing", {.field = "due"});
  if (!change.id.empty()) return *at = item;
  const std::string stem = (item.team.empty() ? "all" : item.team) + ".by-hand.";
  for (std::size_t n = 1; item.id.empty() || std::ranges::find(items, item.id, &Item::id) != items.end(); ++n)
    item.id = stem + std::to_string(n);
  items.push_back(item);
  return item;
}

std::vector<Item> merge(const std::vector<Item>& before, const std::vector<Item>& found, const std::string& drill) {
  std::map<std::string, Item> all;
  for (const Item& item : before) all.emplace(item.id, item);
  for (Item item : found) {
    item.state = "open";
    item.first = item.last = drill;
    const auto [at, added] = all.emplace(item.id, item);
    if (added || at->second.last == drill) continue;
    ++at->second.drills;
    at->second.last = drill;
    if (at->second.state == "done") at->second.state = "again";
  }
  std::vector<Item> out;
  for (auto& [_, item] : all) out.push_back(std::move(item));
  return out;
}

}  // namespace bongsu::exercise::report
