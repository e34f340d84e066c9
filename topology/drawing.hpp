#pragma once
#include <iosfwd>
#include <span>
#include "topology/fabric.hpp"

// A fabric as others read it. Names are those of Node; everything that is not a name is ASCII.
namespace topology {

void write_dot(const Fabric& fabric, std::ostream& out);  // Graphviz: one undirected-looking edge per cable
void write_graphml(const Fabric& fabric,
                   std::ostream& out);                    // every directed link, with kind, gbps, latency_ns; nodes with name, kind, host
void write_svg(const Fabric& fabric, std::ostream& out);  // tiers as rows, at most 64 boxes a row
// The same, links coloured by their load: from 0 to 1, by network link.
void write_loaded_svg(const Fabric& fabric, std::ostream& out, std::span<const double> load);
// The port map, a row per cable one has to plug: cable,from_node,from_port,to_node,to_port,gbps,kind
void write_cables_csv(const Fabric& fabric, std::ostream& out);

}  // namespace topology
