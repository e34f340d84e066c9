#pragma once
#include <memory>
#include "kernels/calibrate/operation_backend.hpp"

namespace kernels::calibrate::cpu {

// A CPU cluster in small: a rank is one core, with OpenBLAS for products, our own loops for element-wise kernels and MPI
// between ranks. Kernels run at once; communication is non-blocking, and moves on while the host is inside MPI only:
// it overlaps with kernels as little as it does in any program without a thread for it.
std::unique_ptr<OperationBackend> make_cpu_backend();

}  // namespace kernels::calibrate::cpu
