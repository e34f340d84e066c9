#pragma once
#include <array>
#include <cstdint>
#include <vector>

namespace kernels {

// A positive function of three sizes on a grid, interpolated linearly in the logarithms of sizes and
// value. Outside the grid it keeps the value at the border: slopes are not to be trusted that far.
class LogGrid {
 public:
  using Axis = std::vector<std::int64_t>;  // ascending, above zero
  // `values`: the last axis is the fastest. No values: one everywhere.
  LogGrid(std::array<Axis, 3> axes, const std::vector<double>& values);
  double at(const std::array<std::int64_t, 3>& sizes) const;
  bool inside(const std::array<std::int64_t, 3>& sizes) const;  // false if there are no values

 private:
  std::array<std::vector<double>, 3> log_axes_;
  std::vector<double> log_values_;
};

}  // namespace kernels
