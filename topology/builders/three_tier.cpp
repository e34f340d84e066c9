#include "topology/builders/builders.hpp"
#include "topology/builders/clos.hpp"

namespace topology {

// The classic data centre: access switches on a pair of aggregation switches, and each of these on every core.
std::unique_ptr<Structure> build_three_tier(const ClusterSpec& spec, const HostLayout& hosts, Wiring& wiring) {
  return std::make_unique<Clos>(spec, plan_clos(spec, {.spines_per_pod = 2, .every_core = true}), hosts, wiring);
}

}  // namespace topology
