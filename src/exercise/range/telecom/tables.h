// Telecommunication networks from tables, and an operator's topology put on the map.
//
//   nodes.csv   name,lat,lon,battery_h,exchange,own_supply         exchange, own_supply: yes or no
//   links.csv   from,to,mbps,km                                    km: the distance, if it isn't said
//
//   BONGSU_TRY(const telecom::Network n, telecom::read_tables(nodes, links, "lt."));   // names: lt.node.vilnius, lt.link.kaunas-vilnius
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "exercise/range/telecom/graphml.h"
#include "exercise/range/telecom/network.h"

namespace bongsu::exercise::telecom {

inline constexpr double kUsual_mbps = 1000;

// kInvalid names table, line and column.
Result<Network> read_tables(std::string_view nodes, std::string_view links, std::string_view prefix);

// A name's part of a stable name: lower case, blanks and dots as dashes, no brackets. "N.Akmene" → "n-akmene".
std::string slug(std::string_view label);

// Positions by `place` (what a label is on the map); a node that no map knows stands where its first neighbour does that one knows, and has
// a supply of its own, since it is likely abroad. Equal names get numbers.
Network on_the_map(const Topology& topology, std::string_view prefix, const std::function<std::optional<Position>(std::string_view label)>& place);

}  // namespace bongsu::exercise::telecom
