#pragma once
#include <cstdint>
#include <vector>
#include "topology/builders/clos_plan.hpp"
#include "topology/hosts.hpp"
#include "topology/structure.hpp"

namespace topology {

// A Clos network with minimal up-down routes: up to the nearest tier that reaches both leaves, and down.
//
// A flow chooses only on the way up, and among parallel cables and spines on the way down.
//   ecmp: the NIC and each switch hash (seed, itself, source, destination, label); polarized: without itself, so
//         that all tiers choose alike and a part of the paths stays empty.
//   static: destination modulo up-ports (D-mod-k), the next tier by the quotient. Destinations count in
//         the order of leaf ports, so shifts of a full tree collide nowhere even with rails.
//   spray, adaptive: trunks, and an equal part over each port of a NIC. All up-links of a leaf are one trunk, all spine links
//         down to it another, and so for a pod and the cores. Assumes packets even out over the minimal paths at once. Then
//         each member carries an equal part, since every leaf has equally many links to every spine it
//         sees, and every spine of a pod to its cores. Wrong for coarse flowlets.
class Clos final : public Structure {
 public:
  Clos(const ClusterSpec& spec, const ClosPlan& plan, const HostLayout& hosts, Wiring& wiring);
  void route(int source_nic, int destination_nic, std::uint64_t label, Route& route) const override;
  sim::BytesPerSecond bisection() const override;
  std::vector<FailureDomain> failure_domains() const override;

 private:
  enum class Distance { one_leaf, one_pod, over_cores, none };
  struct Port {      // of a NIC
    int leaf, slot;  // slot: number of the leaf port among all leaves
  };
  struct Flow {
    int source, destination;  // NICs
    std::uint64_t label;
  };

  void wire_leaves(Wiring& wiring);
  void wire_spines(Wiring& wiring);
  void wire_cores(Wiring& wiring);
  void add_leaf_trunks(Wiring& wiring);
  void add_pod_trunks(Wiring& wiring);
  Distance between(int leaf, int other) const;
  // Ports of the NIC that are nearest to a port of the source.
  std::vector<int> nearest_ports(int from, int destination_nic) const;
  [[noreturn]] void no_way(const Flow& flow) const;
  void over_links(const Flow& flow, int from, int to, Route& route) const;
  void over_trunks(int from, int to, double share, std::size_t begin, Route& route) const;
  void add_latency(Distance distance, Route& route) const;
  FailureDomain leaf_failure() const;
  int hosts_in_first_pod() const;
  int hashed(std::uint32_t node, const Flow& flow, int ways) const;

  std::uint32_t host_cable(int port) const { return first_host_cable_ + static_cast<std::uint32_t>(port); }
  std::uint32_t spine_cable(int leaf, int port) const {
    return first_spine_cable_ + static_cast<std::uint32_t>(leaf * plan_.leaf_up + port);
  }
  std::uint32_t core_cable(int spine, int port) const {
    return first_core_cable_ + static_cast<std::uint32_t>(spine * plan_.spine_up + port);
  }

  ClosPlan plan_;
  HostLayout hosts_;
  sim::BytesPerSecond port_bandwidth_;  // the slower end of a NIC's cable, where all hosts are alike
  std::array<FabricLinkSpec, 3> links_;
  sim::Time switch_latency_;
  Routing routing_;
  HashSpec hash_;
  std::vector<Port> ports_;                                          // port t of NIC n at n * ports_per_nic + t
  std::uint32_t first_leaf_ = 0, first_spine_ = 0, first_core_ = 0;  // nodes
  std::uint32_t first_host_cable_ = 0, first_spine_cable_ = 0, first_core_cable_ = 0;
  std::uint32_t first_leaf_trunk_ = 0, first_pod_trunk_ = 0;  // network links: up and down in turn
};

}  // namespace topology
