#include "kernels/collectives/algorithms/algorithms.hpp"

namespace kernels::collectives {

// All-to-all over rails (NCCL's PXN): what goes to rail i of another host is first handed to the own host's GPU of rail i,
// which sends it on together with its neighbours'.
void pxn(const Request& request, Schedule& schedule) {
  const Layout layout(request);
  const HostMap hosts(request);
  for (int k = 1; k < request.ranks; ++k)
    for (int source = 0; source < request.ranks; ++source) {
      const int destination = (source + k) % request.ranks;
      const int here = source / request.per_host, there = destination / request.per_host;
      const int rail = destination % request.per_host;
      const int proxy = hosts.rank(here, rail);
      const Range block = layout.block(source, destination);
      if (here == there) {
        schedule.add({0, source, destination, block, Effect::copy, 0});
      } else {
        if (proxy != source) schedule.add({0, source, proxy, block, Effect::copy, 1 + there});
        schedule.add({1, proxy, destination, block, Effect::copy, rail});
      }
    }
}

}  // namespace kernels::collectives
