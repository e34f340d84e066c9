#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <vector>
#include "kernels/device_profile.hpp"
#include "kernels/software_profile.hpp"
#include "workloads/plan.hpp"
#include "workloads/result.hpp"

namespace workloads {

// Why a step time may be wrong, and by how much (1 sigma). Within a class of operations one error is common to
// all (the table was measured on another machine), another belongs to each shape and averages out over the shapes of
// a step. Both come from the residuals of the device profile; twice as wide where it was extrapolated. Classes, networks
// and software err independently.
// Of the ranks on one kind of device.
std::vector<ErrorCause> step_error_causes(const JobResult& result, const std::array<double, op_class_count>& device_s, const Plan& plan,
                                          std::uint32_t job, std::uint32_t kind, kernels::Precision precision,
                                          const kernels::DeviceProfile& device, const kernels::SoftwareProfile& software);

// Part of the time of matrix products that was extrapolated, over the stages of a job.
double share_outside_range(const Plan& plan, std::uint32_t job, std::uint32_t kind);

// Sigma of the logarithm of a step time, and of the ratio of two: what both runs owe to the same cause
// cancels, as far as it weighs alike in both.
double log_sigma(std::span<const ErrorCause> causes);
double log_sigma_of_ratio(std::span<const ErrorCause> a, std::span<const ErrorCause> b);
inline constexpr double ninety_percent = 1.645;  // sigmas

}  // namespace workloads
