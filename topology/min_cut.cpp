#include "topology/min_cut.hpp"
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/boykov_kolmogorov_max_flow.hpp>
#include <limits>

namespace topology {
namespace {

using Traits = boost::adjacency_list_traits<boost::vecS, boost::vecS, boost::directedS>;
struct FlowNode {
  boost::default_color_type color;
  long distance;
  Traits::edge_descriptor predecessor;
};
struct FlowEdge {
  double capacity, residual;
  Traits::edge_descriptor reverse;
};
using FlowGraph = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS, FlowNode, FlowEdge>;

void add(FlowGraph& graph, std::size_t from, std::size_t to, double capacity) {
  const auto there = boost::add_edge(from, to, {capacity, 0, {}}, graph).first;
  const auto back = boost::add_edge(to, from, {0, 0, {}}, graph).first;
  graph[there].reverse = back;
  graph[back].reverse = there;
}

}  // namespace

sim::BytesPerSecond min_cut(std::span<const Link> links, std::span<const int> side_by_node) {
  const std::size_t source = side_by_node.size(), sink = source + 1;
  FlowGraph graph(sink + 1);
  double all = 0;
  for (const Link& link : links) {
    add(graph, link.from, link.to, link.capacity.value());
    all += link.capacity.value();
  }
  for (std::size_t node = 0; node < side_by_node.size(); ++node) {
    if (side_by_node[node] == 1) add(graph, source, node, all);
    if (side_by_node[node] == 2) add(graph, node, sink, all);
  }
  return sim::BytesPerSecond{boost::boykov_kolmogorov_max_flow(
      graph, get(&FlowEdge::capacity, graph), get(&FlowEdge::residual, graph), get(&FlowEdge::reverse, graph),
      get(&FlowNode::predecessor, graph), get(&FlowNode::color, graph), get(&FlowNode::distance, graph), get(boost::vertex_index, graph),
      source, sink)};
}

}  // namespace topology
