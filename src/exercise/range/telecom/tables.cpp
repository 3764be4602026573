#include "exercise/range/telecom/tables.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "base/text.h"
#include "exercise/csv_table.h"

namespace bongsu::exercise::telecom {
namespace {

constexpr double kMost_h = 10'000, kMost_mbps = 1e9, kMost_km = 50'000;

}  // namespace

Result<Network> read_tables(std::string_view node_text, std::string_view link_text, std::string_view prefix) {
  Network n;
  std::map<std::string, std::uint32_t, std::less<>> index;
  BONGSU_TRY(const CsvTable nodes, CsvTable::read(node_text, "nodes.csv", {.columns = {"name", "lat", "lon", "battery_h", "exchange", "own_supply"}, .required = {"name", "lat", "lon"}, .max_rows = kMaxNodes}));
  for (const CsvRow& row : nodes.rows()) {
    const std::string name(row.text("name"));
    if (name.empty()) return row.wrong("name", "a node has a name");
    if (!index.emplace(name, static_cast<std::uint32_t>(n.nodes.size())).second) return row.wrong("name", fmt::format("{} is there twice", name));
    Node node{.name = fmt::format("{}node.{}", prefix, name)};
    BONGSU_TRY(node.at.lat, row.number("lat", 0, -90, 90));
    BONGSU_TRY(node.at.lon, row.number("lon", 0, -180, 180));
    BONGSU_TRY(node.battery_h, row.number("battery_h", node.battery_h, 0, kMost_h));
    BONGSU_TRY(node.exchange, row.yes("exchange", false));
    BONGSU_TRY(node.own_supply, row.yes("own_supply", false));
    n.nodes.push_back(std::move(node));
  }
  if (link_text.empty()) return n;
  BONGSU_TRY(const CsvTable links, CsvTable::read(link_text, "links.csv", {.columns = {"from", "to", "mbps", "km"}, .required = {"from", "to"}, .max_rows = kMaxLinks}));
  std::set<std::string> names;
  for (const CsvRow& row : links.rows()) {
    Link link;
    for (const auto& [column, end] : {std::pair("from", &link.a), std::pair("to", &link.b)}) {
      const auto found = index.find(row.text(column));
      if (found == index.end()) return row.wrong(column, fmt::format("there is no node \"{}\"", row.text(column)));
      *end = found->second;
    }
    BONGSU_TRY(link.mbps, row.number("mbps", kUsual_mbps, 0, kMost_mbps));
    BONGSU_TRY(link.km, row.number("km", distance_km(n.nodes[link.a].at, n.nodes[link.b].at), 0, kMost_km));
    const std::string name = fmt::format("{}link.{}-{}", prefix, row.text("from"), row.text("to"));
    link.name = name;
    for (int k = 2; !names.insert(link.name).second; ++k) link.name = fmt::format("{}.{}", name, k);
    n.links.push_back(std::move(link));
  }
  return n;
}

std::string slug(std::string_view label) {
  std::string out;
  for (const char c : lowered(trim(label))) {
    const bool letter = (c >= 'a' && c <= 'z') || is_digit(c) || static_cast<unsigned char>(c) >= 0x80;
    if (letter) out += c;
    else if (!out.empty() && out.back() != '-') out += '-';
  }
  while (out.ends_with('-')) out.pop_back();
  return out;
}

Network on_the_map(const Topology& topology, std::string_view prefix, const std::function<std::optional<Position>(std::string_view)>& place) {
  Network n;
  std::set<std::string> names;
  std::vector<char> known(topology.nodes.size(), 0);
  std::vector<std::string> slugs;
  for (std::size_t i = 0; i < topology.nodes.size(); ++i) {
    const Topology::Node& one = topology.nodes[i];
    std::string base = slug(one.label);
    if (base.empty()) base = "node";
    std::string name = base;
    for (int k = 2; !names.insert(name).second; ++k) name = fmt::format("{}{}", base, k);
    const auto at = one.at ? one.at : place(one.label);
    known[i] = at ? 1 : 0;
    n.nodes.push_back({.name = fmt::format("{}node.{}", prefix, name), .at = at.value_or(Position{}), .own_supply = !at});
    slugs.push_back(std::move(name));
  }
  for (bool moved = true; std::exchange(moved, false);)
    for (const Topology::Edge& e : topology.edges)
      for (const auto& [a, b] : {std::pair(e.a, e.b), std::pair(e.b, e.a)}) {
        if (known[a] == 0 || known[b] != 0) continue;
        n.nodes[b].at = n.nodes[a].at;
        known[b] = 1;
        moved = true;
      }
  for (const Topology::Edge& e : topology.edges) {
    const std::string base = fmt::format("{}link.{}-{}", prefix, slugs[e.a], slugs[e.b]);
    std::string name = base;
    for (int k = 2; !names.insert(name).second; ++k) name = fmt::format("{}.{}", base, k);
    n.links.push_back({.name = std::move(name), .a = e.a, .b = e.b, .mbps = e.mbps.value_or(kUsual_mbps), .km = distance_km(n.nodes[e.a].at, n.nodes[e.b].at)});
  }
  return n;
}

}  // namespace bongsu::exercise::telecom
