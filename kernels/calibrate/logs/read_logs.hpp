#pragma once
#include <optional>
#include <string>
#include <vector>
#include "kernels/fit/fit_device_profile.hpp"  // fit::CollectiveRow
#include "kernels/operation_times.hpp"         // Gemm

// Measurements of other tools: what nccl-tests print (text, or JSON of `-J`), and tables of matrix products
// (`dtype,m,n,k,time_us`). Which of them a file is, is seen from its content.
namespace kernels::calibrate {

struct LogOptions {
  std::optional<CollectiveOp> op;  // for logs that do not say it, and whose bandwidths fit more than one
  std::string network;             // of CollectiveRow; no log says it
};

struct LoggedProduct {
  std::string source;  // FILE:LINE
  Gemm shape;
  double seconds = 0;
};

struct Logs {
  std::vector<fit::CollectiveRow> collectives;  // out of place; `source` is the file, `gpu_type` the name that the driver gives
  std::vector<int> lines;                       // of these, in their files
  std::vector<LoggedProduct> products;
  std::vector<std::string> notes;  // what was left out, and what was derived
};

// Throws sim::InputError, FILE:LINE, for anything that is truncated, garbled, without a unit or contradicts itself.
// The environment in nccl-tests' JSON is never looked at.
Logs read_logs(const std::vector<std::string>& paths, const LogOptions& options = {});

}  // namespace kernels::calibrate
