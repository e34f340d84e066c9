#pragma once
#include "topology/fabric.hpp"

namespace topology {

// What a breadth-first search from the first GPU and the first NIC finds. All fabrics here look alike
// from every NIC except that the last unit and pod may be smaller; the first NIC is in full ones.
struct Reach {
  bool connected = true;      // every GPU reaches every other, scale-up included
  int diameter_hops = 0;      // directed links of the fabric between the farthest NICs; 0: one NIC, or nothing joins them
  double shortest_paths = 0;  // between those, that differ in at least one cable
};

Reach reach(const Fabric& fabric);

}  // namespace topology
