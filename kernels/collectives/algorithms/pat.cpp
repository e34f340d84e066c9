#include <algorithm>
#include <bit>
#include "kernels/collectives/algorithms/algorithms.hpp"

namespace kernels::collectives {

// Parallel aggregated trees (NCCL 2.23): a binomial tree for each rank's part, farthest rank first, so that all trees
// together take ceil(log2 n) messages a rank. The reduce-scatter is the all-gather backwards.
void pat(const Request& request, Schedule& schedule) {
  const Layout layout(request);
  const auto n = static_cast<unsigned>(request.ranks);
  const bool gather = request.op == CollectiveOp::all_gather;
  const unsigned rounds = static_cast<unsigned>(std::bit_width(n - 1));
  for (int c = 0; c < request.channels; ++c)
    for (unsigned k = 0; k < rounds; ++k) {
      const unsigned far = 1u << (gather ? rounds - 1 - k : k);
      for (unsigned root = 0; root < n; ++root)
        for (unsigned d = 0; d + far < n; d += 2 * far) {
          int near_rank = static_cast<int>((root + d) % n), far_rank = static_cast<int>((root + d + far) % n);
          if (!gather) std::swap(near_rank, far_rank);
          schedule.add({k, near_rank, far_rank, part_of(layout.own(static_cast<int>(root)), request.channels, c),
                        gather ? Effect::copy : Effect::reduce, c});
        }
    }
}

}  // namespace kernels::collectives
