#include "topology/builders/builders.hpp"
#include "topology/builders/clos.hpp"

namespace topology {

// Two or three tiers of switches, any radix and oversubscription per tier.
std::unique_ptr<Structure> build_fat_tree(const ClusterSpec& spec, const HostLayout& hosts, Wiring& wiring) {
  return std::make_unique<Clos>(spec, plan_clos(spec), hosts, wiring);
}

}  // namespace topology
