// Operators' topologies as GraphML (graphml.graphdrawing.org), as the Internet Topology Zoo publishes them: nodes with labels, edges
// that may tell a speed.
//
//   BONGSU_TRY(const Topology topology, read_graphml(text, "Litnet.graphml"));
//   topology.nodes[0].label == "Mazeikiai"; topology.edges[0].mbps == 20
//
// Read are: a node's label (yEd's NodeLabel, or an attribute named label), its Latitude and Longitude where it has them, Internal (0,
// false: belongs to another network); an edge's LinkSpeedRaw (bit/s), or its label where that is a speed: "20Mb/s", "10 Gbps", "2.5G". What
// a diagram draws (colours, corners) is passed over. Two edges between the same nodes are two links.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "exercise/range/place.h"

namespace bongsu::exercise::telecom {

struct Topology {
  struct Node {
    std::string id, label;  // the label is the id where there is none
    std::optional<Position> at;
    bool internal = true;
    bool operator==(const Node&) const = default;
  };
  struct Edge {
    std::uint32_t a = 0, b = 0;
    std::optional<double> mbps;
    bool operator==(const Edge&) const = default;
  };
  std::string network;  // graph attribute Network
  std::vector<Node> nodes;
  std::vector<Edge> edges;
  bool operator==(const Topology&) const = default;
};

// kInvalid: with line and cause. Documents of at most formats::kMaxXmlBytes; kMaxNodes, kMaxLinks.
Result<Topology> read_graphml(std::string_view text, std::string_view source);

// "20Mb/s", "10 Gbit/s", "2.5G", "622 Mbps", "STM-1", "<= 40Gbps" → Mbit/s. STM-N is N times 155.52.
std::optional<double> speed_mbps(std::string_view text);

}  // namespace bongsu::exercise::telecom
