#pragma once
#include <string>
#include <vector>
#include "kernels/operation_times.hpp"

namespace report {

// A product as a table has it.
struct MeasuredGemm {
  kernels::Gemm gemm;
  double seconds = 0;
};

// Utilisation of the peak over m for some weights (n x k), one panel a measured precision: the profile's surface as
// curves, measured points as squares of the same colour (none: the surface alone).
std::string surface_svg(const kernels::OperationTimes& times, const std::vector<MeasuredGemm>& measured);

}  // namespace report
