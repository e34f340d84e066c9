#include <algorithm>
#include "kernels/collectives/algorithms/algorithms.hpp"

namespace kernels::collectives {
namespace {

// n - 1 steps in which each member sends to the next; in step k member i sends slot i - lag - k.
std::uint32_t pass_round(Schedule& schedule, const std::vector<int>& members, const std::vector<Ranges>& slots, std::uint32_t first,
                         int channel, Effect effect, int lag) {
  const int n = static_cast<int>(members.size());
  for (int k = 0; k + 1 < n; ++k)
    for (int i = 0; i < n; ++i)
      for (const Range& range : slots[static_cast<std::size_t>((i - lag - k + 2 * n) % n)])
        schedule.add({first + static_cast<std::uint32_t>(k), members[i], members[(i + 1) % n], range, effect, channel});
  return first + static_cast<std::uint32_t>(n - 1);
}

}  // namespace

std::vector<int> HostMap::chain(int host, int rail) const {
  std::vector<int> ranks;
  for (int i = 0; i < size(host); ++i) ranks.push_back(rank(host, rail + i));
  return ranks;
}

std::uint32_t ring_reduce_scatter(Schedule& schedule, const std::vector<int>& members, const std::vector<Ranges>& slots,
                                  std::uint32_t first, int channel) {
  return pass_round(schedule, members, slots, first, channel, Effect::reduce, 1);
}

std::uint32_t ring_all_gather(Schedule& schedule, const std::vector<int>& members, const std::vector<Ranges>& slots, std::uint32_t first,
                              int channel) {
  return pass_round(schedule, members, slots, first, channel, Effect::copy, 0);
}

std::uint32_t direct_reduce_scatter(Schedule& schedule, const std::vector<int>& members, const std::vector<Ranges>& slots,
                                    std::uint32_t first, int channel) {
  const std::size_t n = members.size();
  for (std::size_t k = 1; k < n; ++k)
    for (std::size_t i = 0; i < n; ++i)
      for (const Range& range : slots[(i + k) % n]) schedule.add({first, members[i], members[(i + k) % n], range, Effect::reduce, channel});
  return first + 1;
}

std::uint32_t direct_all_gather(Schedule& schedule, const std::vector<int>& members, const std::vector<Ranges>& slots, std::uint32_t first,
                                int channel) {
  const std::size_t n = members.size();
  for (std::size_t k = 1; k < n; ++k)
    for (std::size_t i = 0; i < n; ++i)
      for (const Range& range : slots[i]) schedule.add({first, members[i], members[(i + k) % n], range, Effect::copy, channel});
  return first + 1;
}

TreeShape::TreeShape(std::vector<int> parents) : parent(std::move(parents)), height(parent.size()), depth(parent.size()) {
  for (std::size_t node = 0; node < parent.size(); ++node) {
    std::uint32_t up = 0;
    for (int above = parent[node]; above >= 0; above = parent[static_cast<std::size_t>(above)])
      height[static_cast<std::size_t>(above)] = std::max(height[static_cast<std::size_t>(above)], ++up);
    depth[node] = up;
    levels = std::max(levels, up);
  }
}

void tree_all_reduce(Schedule& schedule, const TreeShape& tree, Range range, int pieces, std::uint32_t first, int channel) {
  for (int p = 0; p < pieces; ++p) {
    const Range piece = part_of(range, pieces, p);
    const std::uint32_t begin = first + static_cast<std::uint32_t>(p);
    for (int node = 0; node < static_cast<int>(tree.parent.size()); ++node) {
      const int above = tree.parent[node];
      if (above < 0) continue;
      schedule.add({begin + tree.height[node], node, above, piece, Effect::reduce, channel});
      schedule.add({begin + tree.levels + tree.depth[node] - 1, above, node, piece, Effect::copy, channel});
    }
  }
}

int double_tree_parent(int node, int nodes, int which) {
  // The second tree is the first one mirrored, or shifted by one where mirroring would keep leaves leaves.
  const bool mirror = nodes % 2 == 0;
  if (which == 1) {
    const int above = double_tree_parent(mirror ? nodes - 1 - node : (node + nodes - 1) % nodes, nodes, 0);
    return above < 0 ? -1 : mirror ? nodes - 1 - above : (above + 1) % nodes;
  }
  if (node == 0) return -1;
  const int lowest = node & -node;
  const int above = (node ^ lowest) | (lowest << 1);
  return above < nodes ? above : node ^ lowest;
}

}  // namespace kernels::collectives
