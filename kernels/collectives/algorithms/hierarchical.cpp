#include "kernels/collectives/algorithms/algorithms.hpp"

namespace kernels::collectives {

// Inside the hosts everybody with everybody, across hosts a ring on each rail.
void hierarchical(const Request& request, Schedule& schedule) {
  const Layout layout(request);
  const HostMap map(request);
  const int hosts = map.hosts(), rails = map.size(0);
  const bool owned = request.op != CollectiveOp::all_reduce;  // parts belong to ranks
  // slots[rail][host]: what that rank holds between the phases.
  std::vector<std::vector<Ranges>> slots(static_cast<std::size_t>(rails));
  std::vector<Ranges> of_rail(static_cast<std::size_t>(rails));
  for (int rail = 0; rail < rails; ++rail)
    for (int h = 0; h < hosts; ++h) {
      const Range part = owned ? layout.own(map.rank(h, rail)) : part_of(layout.whole(), rails * hosts, rail * hosts + h);
      slots[rail].push_back({part});
      of_rail[rail].push_back(part);
    }
  const auto on_rail = [&](int rail) {
    std::vector<int> members;
    for (int h = 0; h < hosts; ++h) members.push_back(map.rank(h, rail));
    return members;
  };
  std::uint32_t next = 0;
  const auto inside = [&](auto phase) {
    const std::uint32_t first = next;
    for (int h = 0; h < hosts; ++h) next = phase(schedule, map.chain(h, 0), of_rail, first, 0);
  };
  const auto across = [&](auto phase) {
    const std::uint32_t first = next;
    for (int rail = 0; rail < rails; ++rail) next = phase(schedule, on_rail(rail), slots[rail], first, rail);
  };
  if (request.op != CollectiveOp::all_gather) {
    inside(direct_reduce_scatter);
    across(ring_reduce_scatter);
  }
  if (request.op != CollectiveOp::reduce_scatter) {
    across(ring_all_gather);
    inside(direct_all_gather);
  }
}

}  // namespace kernels::collectives
