#pragma once
#include <cstddef>
#include <span>
#include <vector>

namespace workloads {

// How long points take, from the times of a few: the time is taken for a product of one factor for each value of each axis. A value
// that was not tried has the factor of the nearest tried one on its axis. Good enough to share work out; no more is asked of it.
class SweepCost {
 public:
  struct Sample {
    std::vector<std::size_t> choices;  // index of the value on each axis
    double seconds = 0;
  };
  SweepCost(std::span<const std::size_t> axis_sizes, std::span<const Sample> samples);
  double seconds(std::span<const std::size_t> choices) const;

 private:
  double mean_ = 0;                          // logarithms, all of them
  std::vector<std::vector<double>> effect_;  // of axis, value
};

// Places 0 … costs.size() - 1 in `shards` shares that cost about the same, each ascending, none empty: at most costs.size() of them.
std::vector<std::vector<std::size_t>> share_out(std::span<const double> costs, std::size_t shards);

}  // namespace workloads
