#include "topology/builders/builders.hpp"
#include "topology/builders/clos.hpp"

namespace topology {

// The fat tree of two tiers (`problems` admits no other number): every leaf reaches every spine.
std::unique_ptr<Structure> build_leaf_spine(const ClusterSpec& spec, const HostLayout& hosts, Wiring& wiring) {
  return std::make_unique<Clos>(spec, plan_clos(spec), hosts, wiring);
}

}  // namespace topology
