#include "kernels/log_grid.hpp"
#include <algorithm>
#include <cmath>

namespace kernels {
namespace {

// Between which two grid lines a place lies, and how far from the first.
struct Place {
  std::size_t first = 0, second = 0;
  double part = 0;
};

Place place_on(const std::vector<double>& axis, double x) {
  if (x <= axis.front()) return {};
  const auto above = static_cast<std::size_t>(std::upper_bound(axis.begin(), axis.end(), x) - axis.begin());
  if (above == axis.size()) return {axis.size() - 1, axis.size() - 1, 0};
  return {above - 1, above, (x - axis[above - 1]) / (axis[above] - axis[above - 1])};
}

}  // namespace

LogGrid::LogGrid(std::array<Axis, 3> axes, const std::vector<double>& values) {
  for (std::size_t d = 0; d < 3; ++d)
    for (const auto size : axes[d]) log_axes_[d].push_back(std::log(double(size)));
  for (const double value : values) log_values_.push_back(std::log(value));
}

double LogGrid::at(const std::array<std::int64_t, 3>& sizes) const {
  if (log_values_.empty()) return 1;
  std::array<Place, 3> places;
  for (std::size_t d = 0; d < 3; ++d) places[d] = place_on(log_axes_[d], std::log(double(sizes[d])));
  double sum = 0;
  for (unsigned corner = 0; corner < 8; ++corner) {
    std::size_t index = 0;
    double weight = 1;
    for (std::size_t d = 0; d < 3; ++d) {
      const bool second = corner >> d & 1;
      weight *= second ? places[d].part : 1 - places[d].part;
      index = index * log_axes_[d].size() + (second ? places[d].second : places[d].first);
    }
    sum += weight * log_values_[index];
  }
  return std::exp(sum);
}

bool LogGrid::inside(const std::array<std::int64_t, 3>& sizes) const {
  bool in = !log_values_.empty();
  for (std::size_t d = 0; in && d < 3; ++d) {
    const double x = std::log(double(sizes[d]));
    in = x >= log_axes_[d].front() - 1e-9 && x <= log_axes_[d].back() + 1e-9;
  }
  return in;
}

}  // namespace kernels
