#include "kernels/calibrate/fit/compared_rows.hpp"
#include <algorithm>
#include <cmath>
#include "kernels/calibrate/fit/predict.hpp"
#include "kernels/fit/numerics.hpp"

namespace kernels::calibrate {

ComparedRow compared(const Operation& operation, double measured, const OperationTime& predicted) {
  return {kind_of(operation), describe(operation), measured, predicted.seconds, predicted.low, predicted.high};
}

std::vector<ErrorStatistics> error_statistics(const std::vector<ComparedRow>& rows) {
  std::vector<std::pair<std::string, std::vector<const ComparedRow*>>> groups;
  const auto group = [&](const std::string& kind) -> std::vector<const ComparedRow*>& {
    const auto found = std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.first == kind; });
    return found != groups.end() ? found->second : groups.emplace_back(kind, std::vector<const ComparedRow*>{}).second;
  };
  for (const ComparedRow& row : rows) group(row.kind).push_back(&row);
  for (const ComparedRow& row : rows) group("all").push_back(&row);
  std::vector<ErrorStatistics> statistics;
  for (const auto& [kind, its_rows] : groups) {
    std::vector<double> errors;
    ErrorStatistics s{.kind = kind, .n = static_cast<int>(its_rows.size())};
    for (const ComparedRow* row : its_rows) {
      errors.push_back(std::abs(row->error()));
      s.mean_abs_error += errors.back() / s.n;
      s.bias += std::log(row->predicted / row->measured) / s.n;
      s.inside_interval += row->inside_interval() ? 1.0 / s.n : 0;
    }
    std::sort(errors.begin(), errors.end());
    s.median_abs_error = fit::median(errors);
    s.p90_abs_error = errors[static_cast<std::size_t>(0.9 * double(errors.size() - 1))];
    statistics.push_back(std::move(s));
  }
  return statistics;
}

}  // namespace kernels::calibrate
