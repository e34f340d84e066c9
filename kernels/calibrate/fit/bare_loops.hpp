#pragma once
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include "kernels/calibrate/operation.hpp"
#include "kernels/software_profile.hpp"

// What runs a training step without a framework: library calls and plain loops. kernels/software/bare.json says which bytes they move;
// what was measured makes of it the software profile of one machine.
namespace kernels::calibrate {

// Which loop is run for an element-wise kernel of a step, and the coefficient that says how many bytes it moves.
struct BareLoop {
  std::string_view op;
  double SoftwareProfile::*bytes;
  std::string_view key;  // of the coefficient in a software profile's file
  MemoryKernel kernel;
};
std::span<const BareLoop> bare_loops();
MemoryKernel loop_of(std::string_view op);  // a copy, if nothing is said

inline constexpr std::size_t memory_kernels = 6;

// What was measured beside the device profile. Absent: not measured, bare.json holds.
struct BareCosts {
  std::array<double, memory_kernels> factor = {1, 1, 1, 1, 1, 1};  // by MemoryKernel: time over that of a copy of as many bytes
  std::optional<double> host_op_s;
  std::optional<double> overlap_slowdown, overlap_collective_slowdown;
};
// The software profile as a file, based on bare.json; `source` says where it was measured.
std::string software_json(const BareCosts& costs, const std::string& name, const std::string& source);
// A loop's time over that of a copy of as many bytes, as a profile made by software_json has it; 1 for other profiles.
double factor_in(const SoftwareProfile& software, MemoryKernel kernel);

}  // namespace kernels::calibrate
