#include "kernels/collectives/algorithms/algorithms.hpp"

namespace kernels::collectives {
namespace {

// A switch reduces what the rail's GPU of each host sends and returns the sum to all (SHARP).
// One reducer a rail: what aggregation nearer to the hosts would save on links above it is not counted.
void collnet(const Request& request, Schedule& schedule, bool chained) {
  const HostMap hosts(request);
  const int rails = hosts.size(0);
  for (int rail = 0; rail < rails; ++rail) {
    std::vector<int> heads;
    for (int h = 0; h < hosts.hosts(); ++h) heads.push_back(hosts.rank(h, rail));
    const int reducer = schedule.add_switch(heads);
    std::vector<int> parents(static_cast<std::size_t>(schedule.nodes()), -1);
    for (int h = 0; h < hosts.hosts(); ++h) {
      const std::vector<int> chain = hosts.chain(h, rail);
      for (std::size_t i = 1; i < chain.size(); ++i) parents[chain[i]] = chained ? chain[i - 1] : chain[0];
      parents[chain[0]] = reducer;
    }
    const Range share = part_of(Layout(request).whole(), rails, rail);
    tree_all_reduce(schedule, TreeShape(std::move(parents)), share, request.pieces, 0, rail);
  }
}

}  // namespace

void collnet_direct(const Request& request, Schedule& schedule) { collnet(request, schedule, false); }
void collnet_chain(const Request& request, Schedule& schedule) { collnet(request, schedule, true); }

}  // namespace kernels::collectives
