#pragma once
#include <memory>
#include "kernels/calibrate/operation_backend.hpp"

namespace kernels::calibrate::cuda {

// One rank of the GPUs here (ranks.hpp); `ranks`: on how many of them, 0 for all. Throws sim::MachineError where there is no GPU.
std::unique_ptr<OperationBackend> make_cuda_backend(int ranks);

}  // namespace kernels::calibrate::cuda
