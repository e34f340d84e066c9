#pragma once
#include <optional>
#include <vector>
#include "topology/checks.hpp"
#include "topology/counts.hpp"

namespace topology {

// Watts at full load and prices of what was bought; a figure without a source is absent, not zero.
struct Power {
  std::optional<double> gpus, hosts, switches, optics, cooling, total;
};
struct Price {
  std::optional<double> hosts, switches, optics, cables, total;
};

// All that `weftsim topo` says of a fabric (INTERFACES, section 4).
struct TopologyReport {
  Counts counts;
  double bisection_bandwidth_bps = 0;    // bits/s, one direction, worst half split of the NICs
  std::vector<double> oversubscription;  // down : up of the worst switch, per tier from the leaf up, as built
  int diameter_hops = 0;                 // directed links from NIC to NIC, the farthest two
  Power power_w;                         // all absent: there is no parts table yet
  Price price_usd;
  std::vector<FailureDomain> failure_domains;
  std::vector<Check> checks;
};

TopologyReport report(const Fabric& fabric);

}  // namespace topology
