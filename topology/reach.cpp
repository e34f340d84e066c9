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
    return fabric->links()[fabric->impl().graph[edge].link].kind >= LinkKind::host_leaf && fabric->impl().works(edge);
  }
};

struct Working {
  const Fabric* fabric = nullptr;
  bool operator()(const Graph::edge_descriptor& edge) const { return fabric->impl().works(edge); }
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

// The farthest two of a fabric that may look different from every end point; of as many sources as 2e8 visits of a link
// allow (all up to about 2,000 end points), evenly chosen.
Reach reach_of_file(const Fabric& fabric, Reach result) {
  constexpr std::size_t most_visits = 200'000'000;
  const std::size_t end_points = static_cast<std::size_t>(fabric.impl().hosts.gpus);
  const std::size_t searches = std::clamp<std::size_t>(most_visits / (fabric.links().size() + 1), 1, end_points);
  result.connected = true;
  for (std::size_t i = 0; i < searches; ++i) {
    const Distances from = search(fabric.impl().graph, static_cast<std::uint32_t>(i * end_points / searches));
    for (std::size_t to = 0; to < end_points; ++to) {
      result.connected = result.connected && from.hops[to] != unreached;
      if (from.hops[to] <= result.diameter_hops) continue;
      result.diameter_hops = from.hops[to];
      result.shortest_paths = from.paths[to];
    }
  }
  return result;
}

}  // namespace

Reach reach(const Fabric& fabric) {
  const Graph& graph = fabric.impl().graph;
  const HostLayout& hosts = fabric.impl().hosts;
  Reach result;
  const Distances from_gpu = search(boost::filtered_graph<Graph, Working>(graph, Working{&fabric}), 0);
  const auto gpus_end = from_gpu.hops.begin() + hosts.gpus;
  result.connected = std::find(from_gpu.hops.begin(), gpus_end, unreached) == gpus_end;
  if (!fabric.impl().structure) return result;
  if (hosts.end_points) return reach_of_file(fabric, result);
  const Distances from_nic = search(boost::filtered_graph<Graph, BetweenNics>(graph, BetweenNics{&fabric}), hosts.nic_node(0));
  const auto first = from_nic.hops.begin() + hosts.nic_node(0);
  const auto farthest = std::max_element(first, first + hosts.nics());
  result.diameter_hops = *farthest;
  result.shortest_paths = from_nic.paths[static_cast<std::size_t>(farthest - from_nic.hops.begin())];
  return result;
}

}  // namespace topology
