#include "topology/builders/builders.hpp"
#include "topology/builders/clos.hpp"

namespace topology {

// A fat tree whose leaves carry one rail each: NIC i of every host of a unit is one switch away from
// the others' NIC i. With three tiers the spines are of one rail too, and the cores join the rails (DGX SuperPOD).
// As many rails as NICs, unless fewer (but not 1) are asked for.
std::unique_ptr<Structure> build_rail_optimized(const ClusterSpec& spec, const HostLayout& hosts, Wiring& wiring) {
  ClusterSpec railed = spec;
  if (railed.fabric.rails == 1) railed.fabric.rails = railed.host.nics.count;
  return std::make_unique<Clos>(railed, plan_clos(railed, {.pods_by_rail = true}), hosts, wiring);
}

}  // namespace topology
