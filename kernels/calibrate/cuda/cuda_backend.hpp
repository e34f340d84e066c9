#pragma once
#include <memory>
#include "kernels/calibrate/operation_backend.hpp"

namespace kernels::calibrate::cuda {

// One rank of the GPUs here (ranks.hpp). Throws sim::MachineError where there is no GPU.
std::unique_ptr<OperationBackend> make_cuda_backend();

}  // namespace kernels::calibrate::cuda
