#include "topology/min_cut.hpp"
#include <algorithm>

namespace topology {
namespace {

// Dinic (1970): blocking flows over breadth-first levels. Edge e and its reverse are e and e ^ 1.
// Boost's maximum flows are not used: they warn under our flags and compile for seconds.
class MaximumFlow {
 public:
  explicit MaximumFlow(std::size_t nodes) : edges_(nodes), level_(nodes), next_(nodes) {}

  void add(std::size_t from, std::size_t to, double capacity) {
    edges_[from].push_back(residual_.size());
    edges_[to].push_back(residual_.size() + 1);
    to_.insert(to_.end(), {to, from});
    residual_.insert(residual_.end(), {capacity, 0});
  }
  double between(std::size_t source, std::size_t sink) {
    double flow = 0;
    while (find_levels(source, sink)) {
      std::fill(next_.begin(), next_.end(), 0);
      for (double pushed = push(source, sink, 1e300); pushed > 0; pushed = push(source, sink, 1e300)) flow += pushed;
    }
    return flow;
  }

 private:
  static constexpr double least = 1e-3;  // bytes/s; what is below is rounding

  bool find_levels(std::size_t source, std::size_t sink) {
    std::fill(level_.begin(), level_.end(), -1);
    level_[source] = 0;
    std::vector<std::size_t> queue = {source};
    for (std::size_t i = 0; i < queue.size(); ++i)
      for (const std::size_t edge : edges_[queue[i]])
        if (residual_[edge] > least && level_[to_[edge]] < 0) {
          level_[to_[edge]] = level_[queue[i]] + 1;
          queue.push_back(to_[edge]);
        }
    return level_[sink] >= 0;
  }
  // As deep as a path has nodes.
  double push(std::size_t node, std::size_t sink, double most) {
    if (node == sink) return most;
    for (; next_[node] < edges_[node].size(); ++next_[node]) {
      const std::size_t edge = edges_[node][next_[node]];
      if (residual_[edge] <= least || level_[to_[edge]] != level_[node] + 1) continue;
      const double pushed = push(to_[edge], sink, std::min(most, residual_[edge]));
      if (pushed <= 0) continue;
      residual_[edge] -= pushed;
      residual_[edge ^ 1] += pushed;
      return pushed;
    }
    return 0;
  }

  std::vector<std::vector<std::size_t>> edges_;  // by node
  std::vector<std::size_t> to_;                  // by edge
  std::vector<double> residual_;
  std::vector<int> level_;
  std::vector<std::size_t> next_;
};

}  // namespace

sim::BytesPerSecond min_cut(std::span<const Link> links, std::span<const int> side_by_node) {
  const std::size_t source = side_by_node.size(), sink = source + 1;
  MaximumFlow flow(sink + 1);
  double all = 0;
  for (const Link& link : links) {
    flow.add(link.from, link.to, link.capacity.value());
    all += link.capacity.value();
  }
  for (std::size_t node = 0; node < side_by_node.size(); ++node) {
    if (side_by_node[node] == 1) flow.add(source, node, all);
    if (side_by_node[node] == 2) flow.add(node, sink, all);
  }
  return sim::BytesPerSecond{flow.between(source, sink)};
}

}  // namespace topology
