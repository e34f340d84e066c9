#include "topology/report.hpp"
#include "topology/reach.hpp"

namespace topology {

TopologyReport report(const Fabric& fabric) {
  return {.bill = bill(fabric),
          .bisection_bandwidth_bps = bisection_bandwidth_bps(fabric),
          .oversubscription = oversubscription(fabric),
          .diameter_hops = reach(fabric).diameter_hops,
          .half_shift = half_shift(fabric).tiers(),
          .cable_lengths = cable_lengths(fabric),
          .failure_domains = failure_domains(fabric),
          .checks = checks(fabric)};
}

}  // namespace topology
