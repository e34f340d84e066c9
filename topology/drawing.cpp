#include "topology/drawing.hpp"
#include <fmt/format.h>
#include <boost/graph/filtered_graph.hpp>
#include <boost/graph/graphml.hpp>
#include <boost/graph/graphviz.hpp>
#include <boost/property_map/function_property_map.hpp>
#include <ostream>
#include "topology/fabric_impl.hpp"

namespace topology {
namespace {

double gbps(const Link& link) { return link.capacity.value() * 8e-9; }

struct CablesOnly {
  const Fabric::Impl* fabric = nullptr;
  bool operator()(const Graph::edge_descriptor& edge) const { return fabric->wiring.stands_for_cable(fabric->graph[edge].link); }
};

// Fill colours; the same as in the SVG.
std::string_view shape_of(NodeKind kind) {
  switch (kind) {
    case NodeKind::gpu:
      return "shape=box, style=filled, fillcolor=\"#eef6ec\"";
    case NodeKind::nic:
      return "shape=ellipse, style=filled, fillcolor=\"#f7f7f7\"";
    case NodeKind::nvswitch:
      return "shape=box, style=\"rounded,filled\", fillcolor=\"#dff0d8\"";
    default:
      return "shape=box, style=\"rounded,filled\", fillcolor=\"#e4edf8\"";
  }
}

template <class Value, class Key, class Function>
auto property(Function function) {
  return boost::function_property_map<Function, Key, Value>(std::move(function));
}

// NVLink and PCIe inside a host are on its boards.
bool is_cable(const Fabric& fabric, const Link& link) {
  return link.kind >= LinkKind::host_leaf || (link.kind == LinkKind::scale_up && fabric.impl().hosts.domains_span_hosts());
}

}  // namespace

void write_dot(const Fabric& fabric, std::ostream& out) {
  const Graph& graph = fabric.impl().graph;
  const auto node = [&](std::ostream& o, std::uint32_t v) {
    o << fmt::format("[label=\"{}\", {}]", fabric.nodes()[v].name, shape_of(fabric.nodes()[v].kind));
  };
  const auto cable = [&](std::ostream& o, const Graph::edge_descriptor& edge) {
    const Link& link = fabric.links()[graph[edge].link];
    o << fmt::format("[dir=none, tooltip=\"{} {:g} Gb/s\"]", name_of(link.kind), gbps(link));
  };
  const auto settings = [](std::ostream& o) { o << "rankdir=BT;\nranksep=1;\nnode [fontname=\"Helvetica\"];\n"; };
  boost::write_graphviz(out, boost::filtered_graph<Graph, CablesOnly>(graph, CablesOnly{&fabric.impl()}), node, cable, settings);
}

void write_graphml(const Fabric& fabric, std::ostream& out) {
  const Graph& graph = fabric.impl().graph;
  using Vertex = Graph::vertex_descriptor;
  using Edge = Graph::edge_descriptor;
  const auto link = [&](const Edge& edge) -> const Link& { return fabric.links()[graph[edge].link]; };
  boost::dynamic_properties properties;
  properties.property("name", property<std::string, Vertex>([&](Vertex v) { return fabric.nodes()[v].name; }));
  properties.property("kind", property<std::string, Vertex>([&](Vertex v) { return std::string(name_of(fabric.nodes()[v].kind)); }));
  properties.property("host", property<int, Vertex>([&](Vertex v) { return int{fabric.nodes()[v].host}; }));
  properties.property("link", property<int, Edge>([&](const Edge& e) { return static_cast<int>(graph[e].link); }));
  properties.property("link_kind", property<std::string, Edge>([link](const Edge& e) { return std::string(name_of(link(e).kind)); }));
  properties.property("gbps", property<double, Edge>([link](const Edge& e) { return gbps(link(e)); }));
  properties.property("latency_ns",
                      property<double, Edge>([link](const Edge& e) { return static_cast<double>(link(e).latency.ps()) * 1e-3; }));
  boost::write_graphml(out, graph, properties, true);
}

void write_cables_csv(const Fabric& fabric, std::ostream& out) {
  const Wiring& wiring = fabric.impl().wiring;
  out << "cable,from_node,from_port,to_node,to_port,gbps,kind\n";
  int cable = 0;
  for (std::uint32_t up = 0; up < wiring.links.size(); ++up) {
    const Link& link = wiring.links[up];
    const std::uint32_t down = wiring.reverse_by_link[up];
    if (!wiring.stands_for_cable(up) || !is_cable(fabric, link)) continue;
    out << fmt::format("{},{},{},{},{},{:g},{}\n", cable++, wiring.nodes[link.from].name, wiring.port_by_link[up],
                       wiring.nodes[link.to].name, down == up ? std::string() : fmt::to_string(wiring.port_by_link[down]), gbps(link),
                       name_of(link.kind));
  }
}

}  // namespace topology
