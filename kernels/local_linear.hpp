#pragma once
#include <cstddef>
#include <span>
#include <vector>

namespace kernels {

// Smooth function through scattered points of a few dimensions: at x, a plane is fitted to the nearest points,
// the nearer the heavier, so that points come back exactly. Outside the box of the points it
// continues with the value at the box: slopes of measurements are not to be trusted that far.
class LocalLinear {
 public:
  static constexpr std::size_t neighbours = 16;

  // `coordinates` point by point, `dimensions` each. No points: zero everywhere.
  LocalLinear(std::size_t dimensions, std::vector<double> coordinates, std::vector<double> values);
  double at(std::span<const double> x) const;
  bool inside(std::span<const double> x) const;  // the box; false if there are no points

 private:
  std::size_t dimensions_;
  std::vector<double> coordinates_, values_, least_, most_;
};

}  // namespace kernels
