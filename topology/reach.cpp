#include "topology/reach.hpp"
#include <algorithm>
#include <boost/graph/breadth_first_search.hpp>
#include <boost/graph/filtered_graph.hpp>
#include "topology/fabric_impl.hpp"

namespace topology {
namespace {

constexpr int unreached = -1;

// An edge to a vertex just found, or found before at the same distance, continues every shortest path of
// its source. Sources leave the queue in order of distance, so their number of paths is final.
struct PathCounter : boost::default_bfs_visitor {
  std::vector<int>* distance;
  std::vector<double>* paths;
  template <class AnyGraph>
  void examine_edge(Graph::edge_descriptor edge, const AnyGraph& graph) {
    const auto from = source(edge, graph), to = target(edge, graph);
    if ((*distance)[to] == unreached) (*distance)[to] = (*distance)[from] + 1;
    if ((*distance)[to] == (*distance)[from] + 1) (*paths)[to] += (*paths)[from];
  }
};

// The way through a neighbour's GPU may be as short as that over the spines, but no route takes it.
struct BetweenNics {
  const Fabric* fabric = nullptr;
  bool operator()(const Graph::edge_descriptor& edge) const {
    return fabric->links()[fabric->impl().graph[edge].link].kind >= LinkKind::host_leaf;
  }
};

struct Distances {
  std::vector<int> hops;
  std::vector<double> paths;
};

template <class AnyGraph>
Distances search(const AnyGraph& graph, std::uint32_t root) {
  Distances found{std::vector<int>(num_vertices(graph), unreached), std::vector<double>(num_vertices(graph))};
  found.hops[root] = 0;
  found.paths[root] = 1;
  PathCounter counter;
  counter.distance = &found.hops;
  counter.paths = &found.paths;
  boost::breadth_first_search(graph, root, boost::visitor(counter));
  return found;
}

}  // namespace

Reach reach(const Fabric& fabric) {
  const Graph& graph = fabric.impl().graph;
  const HostLayout& hosts = fabric.impl().hosts;
  Reach result;
  const Distances from_gpu = search(graph, 0);
  const auto gpus_end = from_gpu.hops.begin() + hosts.gpus;
  result.connected = std::find(from_gpu.hops.begin(), gpus_end, unreached) == gpus_end;
  if (!fabric.impl().structure) return result;
  const Distances from_nic = search(boost::filtered_graph<Graph, BetweenNics>(graph, BetweenNics{&fabric}), hosts.nic_node(0));
  const auto first = from_nic.hops.begin() + hosts.nic_node(0);
  const auto farthest = std::max_element(first, first + hosts.nics());
  result.diameter_hops = *farthest;
  result.shortest_paths = from_nic.paths[static_cast<std::size_t>(farthest - from_nic.hops.begin())];
  return result;
}

}  // namespace topology
