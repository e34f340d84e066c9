#pragma once
#include <cstddef>
#include <span>
#include <vector>

namespace kernels {

// Smooth function through scattered points of a few dimensions: at x, a plane is fitted to the nearest points,
// the nearer the heavier; without smoothing points come back exactly. Outside the box of the points it
// continues with the value at the box: slopes of measurements are not to be trusted that far.
class LocalLinear {
 public:
  struct Smoothing {
    std::size_t neighbours = 16;
    double squared_distance = 0;  // within it points count alike: averages the noise of measurements
  };
  // `coordinates` point by point, `dimensions` each. No points: zero everywhere.
  LocalLinear(std::size_t dimensions, std::vector<double> coordinates, std::vector<double> values, Smoothing smoothing = {16, 0});
  double at(std::span<const double> x) const;
  bool inside(std::span<const double> x) const;  // the box; false if there are no points

 private:
  std::size_t dimensions_;
  Smoothing smoothing_;
  std::vector<double> coordinates_, values_, least_, most_;
};

}  // namespace kernels
