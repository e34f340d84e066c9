#include "kernels/collectives/algorithms/algorithms.hpp"

namespace kernels::collectives {

// NVLink SHARP: rank c reads its part reduced by the switch and writes it to all by multicast. A read is a step
// from each rank to the switch and one from there. Pieces follow each other.
void nvls(const Request& request, Schedule& schedule) {
  const Layout layout(request);
  std::vector<int> all;
  for (int r = 0; r < request.ranks; ++r) all.push_back(r);
  const int reducer = schedule.add_switch(all);
  for (int c = 0; c < request.ranks; ++c)
    for (int p = 0; p < request.pieces; ++p) {
      const Range part = part_of(layout.own(c), request.pieces, p);
      auto number = static_cast<std::uint32_t>(p);
      if (request.op != CollectiveOp::all_gather) {
        for (const int r : all) schedule.add({number, r, reducer, part, Effect::reduce, c});
        schedule.add({number + 1, reducer, c, part, Effect::copy, c});
        number += 2;
      }
      if (request.op == CollectiveOp::reduce_scatter) continue;
      schedule.add({number, c, reducer, part, Effect::copy, c});
      for (const int r : all)
        if (r != c) schedule.add({number + 1, reducer, r, part, Effect::copy, c});
    }
}

}  // namespace kernels::collectives
