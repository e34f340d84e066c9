#include "kernels/collectives/algorithms/algorithms.hpp"

namespace kernels::collectives {

// NCCL's: two binary trees over hosts, each with half of the elements, and a chain inside each host.
void tree(const Request& request, Schedule& schedule) {
  const HostMap hosts(request);
  for (int c = 0; c < request.channels; ++c)
    for (int which = 0; which < 2; ++which) {
      std::vector<int> parents(static_cast<std::size_t>(request.ranks), -1);
      for (int h = 0; h < hosts.hosts(); ++h) {
        const std::vector<int> chain = hosts.chain(h, c);
        for (std::size_t i = 1; i < chain.size(); ++i) parents[chain[i]] = chain[i - 1];
        if (const int above = double_tree_parent(h, hosts.hosts(), which); above >= 0) parents[chain[0]] = hosts.rank(above, c);
      }
      const Range share = part_of(Layout(request).whole(), 2 * request.channels, 2 * c + which);
      tree_all_reduce(schedule, TreeShape(std::move(parents)), share, request.pieces, 0, c);
    }
}

}  // namespace kernels::collectives
