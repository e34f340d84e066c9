#pragma once
#include <span>

// The median of repeated measurements and how well it is known; no shape of their distribution is assumed.
namespace kernels::calibrate {

struct MedianInterval {
  double median = 0, low = 0, high = 0;
  double width() const { return (high - low) / median; }
};

inline constexpr int fewest_for_interval = 6;  // the range of six holds the median in 97 % of all cases, of five in 94 %

// Order statistics that enclose the median with at least 95 %, by the binomial distribution; of fewer than six values their range.
MedianInterval median_interval(std::span<const double> values);

// Values further from the median than five times the median absolute deviation.
int count_outliers(std::span<const double> values);

}  // namespace kernels::calibrate
