#pragma once
#include <boost/graph/compressed_sparse_row_graph.hpp>
#include <cstdint>
#include <memory>
#include <vector>
#include "topology/fabric.hpp"
#include "topology/hosts.hpp"
#include "topology/structure.hpp"
#include "topology/wiring.hpp"

// For the .cpp files of topology/ only: Boost.Graph stays behind this door.
namespace topology {

struct LinkIndex {
  std::uint32_t link = 0;  // into Wiring::links; the graph sorts its edges, so their order says nothing
};
using Graph =
    boost::compressed_sparse_row_graph<boost::directedS, boost::no_property, LinkIndex, boost::no_property, std::uint32_t, std::uint32_t>;

struct Fabric::Impl {
  Impl(const ClusterSpec& cluster, std::vector<std::string> out_of_order);
  bool works(const Graph::edge_descriptor& edge) const { return failed.empty() || !failed[graph[edge].link]; }

  ClusterSpec spec;
  Wiring wiring;
  HostLayout hosts;
  std::vector<bool> failed;              // by link; empty: none
  std::vector<double> left;              // by link: share of its bandwidth; empty: all
  std::unique_ptr<Structure> structure;  // null: nothing joins the NICs
  std::vector<sim::LinkSpec> network_links;
  Graph graph;  // vertex = node
};

}  // namespace topology
