#include "exercise/range/telecom/graphml.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "base/text.h"
#include "exercise/range/telecom/network.h"
#include "formats/xml.h"

namespace bongsu::exercise::telecom {
namespace {

using formats::XmlElement;

constexpr std::string_view kGraphml = "http://graphml.graphdrawing.org/xmlns";
constexpr double kStm_mbps = 155.52, kMostMbps = 1e9;

// The first within that is called so (yEd puts labels some levels down, in its own namespace).
const XmlElement* within(const XmlElement& element, std::string_view name) {
  for (const XmlElement& child : element.children) {
    if (child.name == name) return &child;
    if (const XmlElement* found = within(child, name)) return found;
  }
  return nullptr;
}

// Decimal digits with a point, from `at` on; moves `at` behind them.
std::optional<double> digits(std::string_view text, std::size_t& at) {
  const std::size_t begin = at;
  while (at < text.size() && (is_digit(text[at]) || text[at] == '.')) ++at;
  return finite_number(text.substr(begin, at - begin));
}

class Reader {
 public:
  Reader(std::string_view source, const XmlElement& root) : source_(source), root_(root) {}

  Result<Topology> read() {
    if (root_.name != "graphml" || (root_.ns != kGraphml && !root_.ns.empty())) return wrong(root_, "is no graphml");
    for (const XmlElement& child : root_.children)
      if (named(child, "key")) {
        const auto id = child.attribute("id"), name = child.attribute("attr.name");
        if (id && name) keys_.emplace(*id, *name);
      }
    const XmlElement* graph = root_.child(root_.ns, "graph");
    if (graph == nullptr) return wrong(root_, "has no graph");
    for (const XmlElement& child : graph->children) {
      if (named(child, "node")) BONGSU_TRY_VOID(add_node(child));
      if (named(child, "data") && key_of(child) == "Network") out_.network = trim(child.text);
      if (named(child, "hyperedge")) return wrong(child, "hyperedges are not read");
    }
    for (const XmlElement& child : graph->children)
      if (named(child, "edge")) BONGSU_TRY_VOID(add_edge(child));
    return std::move(out_);
  }

 private:
  bool named(const XmlElement& element, std::string_view name) const { return element.is(root_.ns, name); }

  std::string_view key_of(const XmlElement& data) const {
    const auto found = keys_.find(data.attribute("key").value_or(""));
    return found == keys_.end() ? std::string_view() : std::string_view(found->second);
  }

  // The attribute's text; empty: not there.
  std::string_view value(const XmlElement& of, std::string_view name) const {
    for (const XmlElement& data : of.children)
      if (named(data, "data") && key_of(data) == name) return trim(data.text);
    return {};
  }

  Result<void> add_node(const XmlElement& node) {
    const auto id = node.attribute("id");
    if (!id || id->empty()) return wrong(node, "a node has no id");
    if (out_.nodes.size() == kMaxNodes)
      return wrong(node, fmt::format("more than {} nodes", kMaxNodes), ErrorCode::kTooLarge);
    if (!index_.emplace(*id, static_cast<std::uint32_t>(out_.nodes.size())).second)
      return wrong(node, fmt::format("the id \"{}\" is there twice", *id));
    if (node.child(root_.ns, "graph") != nullptr) return wrong(node, "graphs within nodes are not read");
    Topology::Node made{.id = std::string(*id)};
    made.label = value(node, "label");
    if (const XmlElement* label = within(node, "NodeLabel"); made.label.empty() && label != nullptr)
      made.label = trim(label->text);
    if (made.label.empty()) made.label = made.id;
    const std::string_view internal = value(node, "Internal");
    made.internal = internal != "false" && internal != "0";
    const std::string_view lat = value(node, "Latitude"), lon = value(node, "Longitude");
    if (!lat.empty() || !lon.empty()) {
      const auto north = finite_number(lat), east = finite_number(lon);
      if (!north || !east || !on_earth({*north, *east}))
        return wrong(node, fmt::format("node {} stands nowhere on Earth", made.id));
      made.at = Position{*north, *east};
    }
    out_.nodes.push_back(std::move(made));
    return {};
  }

  Result<std::uint32_t> end(const XmlElement& edge, std::string_view which) const {
    const auto id = edge.attribute(which);
    const auto found = id ? index_.find(*id) : index_.end();
    if (found == index_.end())
      return wrong(edge, fmt::format("no node has the id \"{}\" of an edge's {}", id.value_or(""), which));
    return found->second;
  }

  Result<void> add_edge(const XmlElement& edge) {
    if (out_.edges.size() == kMaxLinks)
      return wrong(edge, fmt::format("more than {} edges", kMaxLinks), ErrorCode::kTooLarge);
    BONGSU_TRY(const std::uint32_t a, end(edge, "source"));
    BONGSU_TRY(const std::uint32_t b, end(edge, "target"));
    Topology::Edge made{.a = a, .b = b};
    if (const auto raw = finite_number(value(edge, "LinkSpeedRaw")); raw && *raw > 0 && *raw <= kMostMbps * 1e6)
      made.mbps = *raw / 1e6;
    if (!made.mbps) made.mbps = speed_mbps(value(edge, "label"));
    if (const XmlElement* label = within(edge, "EdgeLabel"); !made.mbps && label != nullptr)
      made.mbps = speed_mbps(label->text);
    out_.edges.push_back(made);
    return {};
  }

  std::unexpected<Error> wrong(const XmlElement& at, std::string message, ErrorCode code = ErrorCode::kInvalid) const {
    return fail(code, std::move(message), {.source = std::string(source_), .line = at.line});
  }

  std::string_view source_;
  const XmlElement& root_;
  std::map<std::string, std::string, std::less<>> keys_;
  std::map<std::string, std::uint32_t, std::less<>> index_;
  Topology out_;
};

}  // namespace

std::optional<double> speed_mbps(std::string_view given) {
  const std::string text = lowered(trim(given));
  std::size_t at = 0;
  while (at < text.size() && !is_digit(text[at])) ++at;
  const bool stm = std::string_view(text).substr(0, at).ends_with("stm-");
  auto number = digits(text, at);
  if (!number) return std::nullopt;
  const auto blanks = [&] {
    while (at < text.size() && text[at] == ' ') ++at;
  };
  blanks();
  if (at + 1 < text.size() && (text[at] == 'x' || text[at] == '*')) {
    ++at;
    blanks();
    const auto each = digits(text, at);
    if (!each) return std::nullopt;
    *number *= *each;
    blanks();
  }
  double unit = kStm_mbps;
  if (!stm) {
    if (at == text.size()) return std::nullopt;
    const std::size_t prefix = std::string_view("kmgt").find(text[at]);
    if (prefix == std::string_view::npos) return std::nullopt;
    if (at + 1 < text.size() && text[at + 1] != 'b' && text[at + 1] != ' ') return std::nullopt;
    unit = std::array<double, 4>{1e-3, 1, 1e3, 1e6}[prefix];
  }
  const double mbps = *number * unit;
  if (!(mbps > 0) || mbps > kMostMbps) return std::nullopt;
  return mbps;
}

Result<Topology> read_graphml(std::string_view text, std::string_view source) {
  BONGSU_TRY(const XmlElement root, formats::parse_xml(text, source));
  return Reader(source, root).read();
}

}  // namespace bongsu::exercise::telecom
