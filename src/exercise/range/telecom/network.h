// A telecommunication network as values: nodes with batteries, links with capacity, what is carried between them.
//
//   telecom::Network n;
//   n.nodes = {{.name = "lt.node.vilnius", .battery_h = 8}, {.name = "lt.node.kaunas", .battery_h = 8}};
//   n.links = {{.name = "lt.link.kaunas-vilnius", .a = 1, .b = 0, .mbps = 10'000}};
//   n.circuits = {{.name = "lt.circuit.kaunas", .from = 0, .to = 1}};   // a control centre's line to a substation
//
// Links and circuits name their nodes by position in `nodes`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "exercise/range/place.h"

namespace bongsu::exercise::telecom {

inline constexpr std::size_t kMaxNodes = 20'000, kMaxLinks = 100'000, kMaxCircuits = 50'000, kMaxDemands = 50'000;

struct Node {
  std::string name;
  Position at;
  double battery_h = 8;       // how long it runs when its supply is gone
  double recharge_h = 10;     // from empty to full
  double calls_per_hour = 0;  // of a cell site: what it carries on an average hour; 0: no cell site
  bool exchange = false;      // calls go through here: a cell site that reaches none carries none
  bool own_supply = false;    // abroad, or on generators that nothing here takes away
  bool operator==(const Node&) const = default;
};

struct Link {
  std::string name;
  std::uint32_t a = 0, b = 0;
  double mbps = 1000;
  double km = 0;  // the length that routing weighs
  bool operator==(const Link&) const = default;
};

// End to end between two nodes, with capacity set aside: up while there is a route of powered nodes and whole links.
struct Circuit {
  std::string name;
  std::uint32_t from = 0, to = 0;
  double mbps = 0.064;
  bool operator==(const Circuit&) const = default;
};

// A satellite terminal: a circuit that needs nothing on the ground but its own supply (a node's), and its software.
struct Terminal {
  std::string name;
  std::uint32_t node = 0;
  std::uint32_t stands_for = 1;  // how many of a network's it stands for
  bool operator==(const Terminal&) const = default;
};

// Traffic that shares what circuits leave.
struct Demand {
  std::uint32_t from = 0, to = 0;
  double mbps = 0;
  bool operator==(const Demand&) const = default;
};

struct Network {
  std::vector<Node> nodes;
  std::vector<Link> links;
  std::vector<Circuit> circuits;
  std::vector<Terminal> terminals;
  std::vector<Demand> demands;
  bool operator==(const Network&) const = default;
};

}  // namespace bongsu::exercise::telecom
