#include "topology/builders/builders.hpp"
#include "topology/builders/clos.hpp"

namespace topology {

// Pods in the manner of Alibaba HPN (Qian et al., SIGCOMM'24): the two ports of each NIC go to two leaves, one in each of two
// planes that meet nowhere, and each pair of leaves carries one rail.
std::unique_ptr<Structure> build_dual_plane(const ClusterSpec& spec, const HostLayout& hosts, Wiring& wiring) {
  ClusterSpec dual = spec;
  dual.fabric.planes = 2;
  if (dual.fabric.rails == 1) dual.fabric.rails = dual.host.nics.count;
  return std::make_unique<Clos>(dual, plan_clos(dual), hosts, wiring);
}

}  // namespace topology
