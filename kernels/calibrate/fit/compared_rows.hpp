#pragma once
#include <string>
#include <vector>
#include "kernels/calibrate/operation.hpp"
#include "kernels/operation_times.hpp"  // OperationTime

namespace kernels::calibrate {

// Something as it was measured, and as it is predicted.
struct ComparedRow {
  std::string kind, what;              // "product fp32", "512 x 512 x 2048"
  double measured = 0, predicted = 0;  // seconds
  double low = 1, high = 1;            // 90 % of measured / predicted lie between
  double error() const { return predicted / measured - 1; }
  bool inside_interval() const { return measured >= low * predicted && measured <= high * predicted; }
};
ComparedRow compared(const Operation& operation, double measured, const OperationTime& predicted);

// By kind, in the order of the rows; the last one is of all.
struct ErrorStatistics {
  std::string kind;
  int n = 0;
  double median_abs_error = 0, mean_abs_error = 0, p90_abs_error = 0;
  double bias = 0;             // mean of log(predicted / measured)
  double inside_interval = 0;  // part of the rows
};
std::vector<ErrorStatistics> error_statistics(const std::vector<ComparedRow>& rows);

}  // namespace kernels::calibrate
