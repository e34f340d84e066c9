#pragma once
#include <array>
#include <vector>
#include "topology/cluster_spec.hpp"

namespace topology {

// Ports and counts of a Clos network (fat tree) of 2 or 3 tiers, derived from the spec.
//
// NICs fill leaves host by host. A unit is a group of hosts that share a set of leaves: one leaf per
// rail, or with 1 rail as many leaves as its hosts need. A pod is whole units under one set of spines;
// 2 tiers are one pod that spreads each leaf's up-links evenly over its spines. With 3 tiers up-port p
// of every leaf goes to spine p of its pod, and spine p of every pod to the cores of group p.
struct ClosPlan {
  int rails = 1, hosts = 0, nics_per_host = 0;
  std::array<int, 3> radix{};        // of leaf, spine, core
  int leaf_down = 0, leaf_up = 0;    // ports of one leaf
  int spine_down = 0, spine_up = 0;  // ports of one spine
  int nics_per_rail = 0;             // of one host, on one leaf
  int hosts_per_leaf = 0, hosts_per_unit = 0, leaves_per_unit = 0;
  int leaves = 0, leaves_per_pod = 0, pods = 1;  // the last unit and pod may hold fewer
  int spines_per_pod = 0;                        // 0: one leaf joins all, there are no spines
  int cores_per_group = 0;                       // 0: one pod joins all, there are no cores

  int spines() const { return pods * spines_per_pod; }
  int cores() const { return spines_per_pod * cores_per_group; }
  int cables_per_spine() const { return spines_per_pod == 0 ? 0 : leaf_up / spines_per_pod; }    // from one leaf
  int cables_per_core() const { return cores_per_group == 0 ? 0 : spine_up / cores_per_group; }  // from one spine
  int leaf_of(int nic) const;
  int leaf_port_of(int nic) const;  // 0 .. leaf_down - 1
  int pod_of(int leaf) const { return leaf / leaves_per_pod; }
  int leaves_in_pod(int pod) const { return pod + 1 < pods ? leaves_per_pod : leaves - pod * leaves_per_pod; }
  std::vector<int> nics_by_leaf() const;
};

// Throws sim::InputError when ports do not come out whole or the hosts do not fit.
ClosPlan plan_clos(const ClusterSpec& spec);

}  // namespace topology
