#pragma once
#include <array>
#include <optional>
#include <string>
#include "kernels/calibrate/fit/bare_loops.hpp"
#include "kernels/operation_times.hpp"

namespace kernels::calibrate {

using LoopFactors = std::array<double, memory_kernels>;  // BareCosts::factor
LoopFactors factors_in(const SoftwareProfile& software);

// What the simulator takes for an operation. Nothing: it never asks (launches, copies between host and device).
std::optional<OperationTime> predict(const Operation& operation, const OperationTimes& times, const LoopFactors& factors);
// The class of a profile's residuals.
std::string residual_class(const Operation& operation, const DeviceProfile& profile);
// For tables: "product fp32", "all_reduce", "copy".
std::string kind_of(const Operation& operation);

}  // namespace kernels::calibrate
