#pragma once
#include <string>
#include "topology/cluster_spec.hpp"
#include "workloads/scenario_text.hpp"

namespace workloads {

// Links of a GraphML file, as `weftsim topo --graphml`, NetworkX or yEd write it. Edges have `gbps` and `latency_ns`, and perhaps `link`,
// which gives their order; an edge of an undirected graph is two links. Nodes have perhaps `name` and `kind`: those of kind nic are the
// end points and what is inside hosts (gpu, nvswitch) is left out; where no node has a kind they are called h0, h1, …
// Adds a problem with its line for each thing that cannot be.
topology::LinkFile read_graphml(const std::string& path, Problems& problems);

}  // namespace workloads
