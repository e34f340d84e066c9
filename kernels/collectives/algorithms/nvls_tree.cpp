#include "kernels/collectives/algorithms/algorithms.hpp"

namespace kernels::collectives {

// As many parts as a host has GPUs. Each host's switch reduces a part to its GPU on that rail, a double binary tree
// reduces over hosts, and the switches multicast. Pieces follow each other.
void nvls_tree(const Request& request, Schedule& schedule) {
  const Layout layout(request);
  const HostMap hosts(request);
  const int rails = hosts.size(0);
  std::vector<int> reducers;
  for (int h = 0; h < hosts.hosts(); ++h) reducers.push_back(hosts.size(h) > 1 ? schedule.add_switch(hosts.chain(h, 0)) : -1);
  for (int rail = 0; rail < rails; ++rail)
    for (int which = 0; which < 2; ++which) {
      std::vector<int> parents(static_cast<std::size_t>(schedule.nodes()), -1);
      for (int h = 0; h < hosts.hosts(); ++h)
        if (const int above = double_tree_parent(h, hosts.hosts(), which); above >= 0)
          parents[hosts.rank(h, rail)] = hosts.rank(above, rail);
      const TreeShape tree(std::move(parents));
      const Range share = part_of(layout.whole(), 2 * rails, 2 * rail + which);
      tree_all_reduce(schedule, tree, share, request.pieces, 2, rail);
      for (int p = 0; p < request.pieces; ++p)
        for (int h = 0; h < hosts.hosts(); ++h) {
          if (reducers[h] < 0) continue;
          const int head = hosts.rank(h, rail);
          const Range piece = part_of(share, request.pieces, p);
          const auto begin = static_cast<std::uint32_t>(p), back = begin + 2 + tree.levels + tree.depth[head];
          for (const int r : hosts.chain(h, rail)) schedule.add({begin, r, reducers[h], piece, Effect::reduce, rail});
          schedule.add({begin + 1, reducers[h], head, piece, Effect::copy, rail});
          schedule.add({back, head, reducers[h], piece, Effect::copy, rail});
          for (const int r : hosts.chain(h, rail))
            if (r != head) schedule.add({back + 1, reducers[h], r, piece, Effect::copy, rail});
        }
    }
}

}  // namespace kernels::collectives
