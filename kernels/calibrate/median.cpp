#include "kernels/calibrate/median.hpp"
#include <algorithm>
#include <cmath>
#include <vector>

namespace kernels::calibrate {
namespace {

double median_of(const std::vector<double>& sorted) {
  const std::size_t half = sorted.size() / 2;
  return sorted.size() % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

std::vector<double> sorted_copy(std::span<const double> values) {
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

// How many of the smallest values can be left out so that the median lies below the next one in at most 2.5 % of all cases.
std::size_t left_out(std::size_t count) {
  const double n = static_cast<double>(count);
  double below = 0;                         // P(at most k of n lie below the median)
  double log_exactly = -n * std::log(2.0);  // P(k of n do)
  for (std::size_t k = 0; k < count / 2; ++k) {
    below += std::exp(log_exactly);
    if (below > 0.025) return k > 0 ? k - 1 : 0;
    log_exactly += std::log((n - static_cast<double>(k)) / static_cast<double>(k + 1));
  }
  return count / 2;
}

}  // namespace

MedianInterval median_interval(std::span<const double> values) {
  if (values.empty()) return {};
  const auto sorted = sorted_copy(values);
  const std::size_t skip = std::min(left_out(sorted.size()), (sorted.size() - 1) / 2);
  return {median_of(sorted), sorted[skip], sorted[sorted.size() - 1 - skip]};
}

int count_outliers(std::span<const double> values) {
  if (values.empty()) return 0;
  const double median = median_of(sorted_copy(values));
  std::vector<double> distances;
  for (const double value : values) distances.push_back(std::abs(value - median));
  const double limit = 5 * median_of(sorted_copy(distances));
  return static_cast<int>(std::count_if(distances.begin(), distances.end(), [&](double distance) { return distance > limit; }));
}

}  // namespace kernels::calibrate
