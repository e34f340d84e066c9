#pragma once
#include <vector>
#include "kernels/collectives/algorithm.hpp"

namespace kernels::collectives {

void ring(const Request& request, Schedule& schedule);
void tree(const Request& request, Schedule& schedule);
void collnet_direct(const Request& request, Schedule& schedule);
void collnet_chain(const Request& request, Schedule& schedule);
void nvls(const Request& request, Schedule& schedule);
void nvls_tree(const Request& request, Schedule& schedule);
void pat(const Request& request, Schedule& schedule);
void direct(const Request& request, Schedule& schedule);
void pxn(const Request& request, Schedule& schedule);
void hierarchical(const Request& request, Schedule& schedule);
void halving_doubling(const Request& request, Schedule& schedule);

// What several of them are made of.

class HostMap {
 public:
  explicit HostMap(const Request& request) : ranks_(request.ranks), per_host_(request.per_host) {}
  int hosts() const { return (ranks_ + per_host_ - 1) / per_host_; }
  int size(int host) const { return host + 1 < hosts() ? per_host_ : ranks_ - host * per_host_; }
  // The rank by which rail `rail` enters host `host`; counted round where a host has fewer ranks than rails.
  int rank(int host, int rail) const { return host * per_host_ + rail % size(host); }
  std::vector<int> chain(int host, int rail) const;  // its ranks, from rank(host, rail) on

 private:
  int ranks_, per_host_;
};

using Ranges = std::vector<Range>;  // one member's slot

// Among `members`, from step `first` on; returns the number after the last. Slot i ends at member i.
std::uint32_t ring_reduce_scatter(Schedule& schedule, const std::vector<int>& members, const std::vector<Ranges>& slots,
                                  std::uint32_t first, int channel);
std::uint32_t ring_all_gather(Schedule& schedule, const std::vector<int>& members, const std::vector<Ranges>& slots, std::uint32_t first,
                              int channel);
// Every member to every other, without detour.
std::uint32_t direct_reduce_scatter(Schedule& schedule, const std::vector<int>& members, const std::vector<Ranges>& slots,
                                    std::uint32_t first, int channel);
std::uint32_t direct_all_gather(Schedule& schedule, const std::vector<int>& members, const std::vector<Ranges>& slots, std::uint32_t first,
                                int channel);

// Nodes that reduce towards a root and copy back.
struct TreeShape {
  std::vector<int> parent;  // by node; -1: the root, or not in the tree
  std::vector<std::uint32_t> height, depth;
  std::uint32_t levels = 0;  // height of the root
  explicit TreeShape(std::vector<int> parents);
};
// All-reduce over a tree, cut into pieces that follow each other, from step `first` on.
void tree_all_reduce(Schedule& schedule, const TreeShape& tree, Range range, int pieces, std::uint32_t first, int channel);
// The parent in tree `which` (0, 1) of NCCL's double binary tree; -1: the root. Sanders, Speck, Traeff 2009: no node but
// one is an inner node of both.
int double_tree_parent(int node, int nodes, int which);

}  // namespace kernels::collectives
