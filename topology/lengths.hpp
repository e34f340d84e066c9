#pragma once
#include <optional>
#include <vector>
#include "topology/fabric.hpp"

namespace topology {

// Cables of a tier by what can carry them: passive copper as far as it reaches, light beyond.
struct TierLengths {
  LinkKind kind;
  int copper = 0, optical = 0;
  double longest_m = 0, reach_m = 0;
};

// Hosts that fit in a rack by power, at least one; none where the parts table does not know enough.
std::optional<int> hosts_per_rack(const ClusterSpec& spec);

// An estimate: hosts fill racks and rows in order; a switch stands in the middle of what hangs on it; cables go along the trays.
// Empty where the parts table does not know the power of a host, the racks or the reach of copper.
std::vector<TierLengths> cable_lengths(const Fabric& fabric);

}  // namespace topology
