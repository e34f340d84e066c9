#pragma once
#include <array>
#include <vector>
#include "topology/cluster_spec.hpp"

namespace topology {

// What a builder asks for beside the spec.
struct ClosShape {
  bool pods_by_rail = false;  // the leaves of one rail share spines, and the cores join the rails
  int spines_per_pod = 0;     // with 3 tiers; 0: as many as a leaf has up-ports
  bool every_core = false;    // each spine reaches every core; else as few cores as will do
};

// Ports and counts of a Clos network (fat tree) of 2 or 3 tiers, derived from the spec.
//
// A plane is a network of its own; all are alike, and numbers of leaves, spines and cores run on from one to the next.
// Within a plane ports of NICs fill leaves host by host. A unit is a group of hosts that share a set of leaves: one leaf per
// rail (and per port of a NIC), or with 1 rail as many leaves as its hosts need. A pod is whole units under one set of
// spines, or by rail: whole units' leaves of one rail. 2 tiers are one pod that spreads each leaf's up-links evenly over its
// spines. With 3 tiers the spines of a pod are split evenly over `core_groups`; spine s is in group s mod groups.
struct ClosPlan {
  int planes = 1;
  int rails = 1, hosts = 0;
  int ports_per_nic = 1, ports_per_host = 0;  // of a host: in this plane
  std::array<int, 3> radix{};                 // of leaf, spine, core, in ports of the speed of the cables below
  int leaf_down = 0, leaf_up = 0;             // ports of one leaf
  int spine_down = 0, spine_up = 0;           // ports of one spine; up: as many as those in use below need
  int ports_per_rail = 0;                     // of one host, on one leaf
  int hosts_per_leaf = 0, hosts_per_unit = 0, leaves_per_unit = 0;
  int leaves_per_plane = 0, leaves_per_group = 0, leaves_per_pod = 0;  // group: all leaves, or those of a rail
  int groups = 1, pods_per_group = 1;                                  // the last unit and pod of a group may hold fewer
  int spines_per_pod = 0;                                              // 0: one leaf joins all, there are no spines
  int core_groups = 1, cores_per_group = 0;                            // 0: one pod joins all, there are no cores

  int leaves() const { return planes * leaves_per_plane; }
  int pods() const { return planes * groups * pods_per_group; }
  int spines() const { return pods() * spines_per_pod; }
  int cores_per_plane() const { return core_groups * cores_per_group; }
  int cores() const { return planes * cores_per_plane(); }
  int cables_per_spine() const { return spines_per_pod == 0 ? 0 : leaf_up / spines_per_pod; }    // from one leaf
  int cables_per_core() const { return cores_per_group == 0 ? 0 : spine_up / cores_per_group; }  // from one spine
  int spines_of_group() const { return spines_per_pod / core_groups; }                           // of one pod

  // Port t of NIC i of a host has number i * ports_per_nic + t.
  int plane_of(int port) const { return port % planes; }
  int leaf_of(int host, int port) const;
  int leaf_port_of(int host, int port) const;  // 0 .. leaf_down - 1
  int place_in_group(int leaf) const { return leaf % leaves_per_plane % leaves_per_group; }
  int plane_of_leaf(int leaf) const { return leaf / leaves_per_plane; }
  int plane_of_pod(int pod) const { return pod / (groups * pods_per_group); }
  int pod_of(int leaf) const {
    return (plane_of_leaf(leaf) * groups + leaf % leaves_per_plane / leaves_per_group) * pods_per_group +
           place_in_group(leaf) / leaves_per_pod;
  }
  int place_in_pod(int leaf) const { return place_in_group(leaf) % leaves_per_pod; }
  int leaves_in_last_pod() const { return leaves_per_group - (pods_per_group - 1) * leaves_per_pod; }  // of a group
};

// Throws sim::InputError when ports do not come out whole or the hosts do not fit.
ClosPlan plan_clos(const ClusterSpec& spec, const ClosShape& shape = {});

}  // namespace topology
