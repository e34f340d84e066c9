#include <numeric>
#include "kernels/collectives/algorithms/algorithms.hpp"

namespace kernels::collectives {

// Everything straight to where it is wanted, all at once.
void direct(const Request& request, Schedule& schedule) {
  const Layout layout(request);
  const int n = request.ranks;
  if (request.op == CollectiveOp::reduce) {
    for (int r = 0; r < n; ++r)
      if (r != request.root) schedule.add({0, r, request.root, layout.whole(), Effect::reduce});
    return;
  }
  if (reduces(request.op)) {
    std::vector<int> all(static_cast<std::size_t>(n));
    std::iota(all.begin(), all.end(), 0);
    std::vector<Ranges> slots;
    for (int r = 0; r < n; ++r) slots.push_back({layout.own(r)});
    const std::uint32_t next = direct_reduce_scatter(schedule, all, slots, 0, 0);
    if (request.op == CollectiveOp::all_reduce) direct_all_gather(schedule, all, slots, next, 0);
    return;
  }
  for (int k = 1; k < n; ++k)
    for (int source = 0; source < n; ++source)
      schedule.add({0, source, (source + k) % n, layout.block(source, (source + k) % n), Effect::copy});
}

}  // namespace kernels::collectives
