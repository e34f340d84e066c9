#pragma once
#include <string>
#include <vector>
#include "topology/fabric.hpp"
#include "topology/structure.hpp"  // FailureDomain

namespace topology {

struct Check {
  std::string name;
  bool ok = true;  // false: a warning
  std::string text;
};

// Ports of all switches of a tier.
struct TierPorts {
  NodeKind kind;
  int switches = 0;
  int radix = 0;
  int used = 0;  // over all switches
  int free() const { return switches * radix - used; }
};

std::vector<TierPorts> ports_by_tier(const Fabric& fabric);  // from the leaf up, tiers that were built
// Down : up capacity of the worst switch, per tier that has up-links, from the leaf up.
std::vector<double> oversubscription(const Fabric& fabric);
double bisection_bandwidth_bps(const Fabric& fabric);              // bits/s, one direction, worst half split of the NICs
std::vector<FailureDomain> failure_domains(const Fabric& fabric);  // leaf, spine, core, scale_up, as far as built
std::vector<Check> checks(const Fabric& fabric);

}  // namespace topology
