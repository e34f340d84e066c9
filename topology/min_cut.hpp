#pragma once
#include <cstdint>
#include <span>
#include <vector>
#include "topology/fabric.hpp"  // Link

namespace topology {

// The most that nodes with side 1 can send to nodes with side 2 at once over directed links, the rest passing it on
// (max-flow = min-cut).
sim::BytesPerSecond min_cut(std::span<const Link> links, std::span<const int> side_by_node);

}  // namespace topology
