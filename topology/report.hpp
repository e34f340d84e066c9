#pragma once
#include <vector>
#include "topology/balance.hpp"
#include "topology/bill.hpp"
#include "topology/checks.hpp"
#include "topology/lengths.hpp"

namespace topology {

// All that `weftsim topo` says of a fabric (docs/topologies.md).
struct TopologyReport {
  Bill bill;
  double bisection_bandwidth_bps = 0;    // bits/s, one direction, worst half split of the NICs
  std::vector<double> oversubscription;  // down : up of the worst switch, per tier from the leaf up, as built
  int diameter_hops = 0;                 // directed links from NIC to NIC, the farthest two
  std::vector<TierBalance> half_shift;   // each GPU to the one half the cluster away
  std::vector<TierLengths> cable_lengths;
  std::vector<FailureDomain> failure_domains;
  std::vector<Check> checks;
};

TopologyReport report(const Fabric& fabric);

}  // namespace topology
