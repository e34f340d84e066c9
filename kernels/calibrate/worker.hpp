#pragma once
#include <functional>
#include <memory>
#include <span>
#include "kernels/calibrate/operation_backend.hpp"

namespace kernels::calibrate {

// Called once the command line is read, with the number of ranks that it asks for, or 0; a launcher may have started others.
// Throws sim::MachineError where the device is missing.
using MakeBackend = std::function<std::unique_ptr<OperationBackend>(int ranks)>;

// All of `weftsim-measure-cpu` and `weftsim-measure-cuda` but their backend: `arguments` are those of main().
// Measures the operations of a plan into a journal, or runs a program (README.md); returns the exit code:
// 0 done, 2 the input is wrong, 4 the machine lacks something, 130 interrupted. Where one rank cannot go on it ends
// its process at once, and the launcher ends the others.
int run_worker(std::span<const char* const> arguments, const MakeBackend& make_backend);

}  // namespace kernels::calibrate
