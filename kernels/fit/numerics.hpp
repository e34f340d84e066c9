#pragma once
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>
#include "kernels/device_profile.hpp"

// The small numerics that the fits share. All of it deterministic.
namespace kernels::fit {

// Nelder and Mead's simplex from `start` with edges `step`; two rounds, the second from the best of the first.
std::vector<double> minimise(const std::function<double(const std::vector<double>&)>& cost, std::vector<double> start, double step,
                             int evaluations);

// min |A x - b| with x >= 0, by trying every set of unknowns that may be above zero: for at most eleven unknowns.
// `rows` are the rows of A.
std::vector<double> nonnegative_least_squares(const std::vector<std::vector<double>>& rows, const std::vector<double>& right);

double huber(double residual, double width);
double median(std::vector<double> values);  // of an even count the mean of the middle two; zero of none
double rounded(double value);               // to four significant digits, as profiles store them
// A stable fifth (0 to 4) that depends on the text alone: FNV-1a.
int fold_of(std::string_view key);
int half_of(std::string_view key);  // 0 or 1, alike
inline constexpr int folds = 5;

// From log(predicted / measured) of predictions of left-out points.
Residual residual_of(std::string_view what, std::int64_t points, const std::vector<double>& log_ratios);

}  // namespace kernels::fit
