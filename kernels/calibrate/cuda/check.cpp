#include "kernels/calibrate/cuda/check.hpp"
#include <fmt/format.h>
#include <string_view>
#include "sim/error.hpp"

namespace kernels::calibrate::cuda {
namespace {
[[noreturn]] void refuse(std::string_view call, std::string_view words) {
  throw sim::MachineError(fmt::format("{} failed: {}. Check the device with nvidia-smi, and that nothing else uses it.",
                                      call.substr(0, call.find('(')), words));
}
}  // namespace

void check(cudaError_t result, const char* call) {
  if (result == cudaErrorNoDevice || result == cudaErrorInsufficientDriver)
    throw sim::MachineError(fmt::format("no GPU: {}. Measure on a machine with an NVIDIA GPU and its driver, or the CPU with --device cpu.",
                                        cudaGetErrorString(result)));
  if (result != cudaSuccess) refuse(call, cudaGetErrorString(result));
}
void check(cublasStatus_t result, const char* call) {
  if (result != CUBLAS_STATUS_SUCCESS) refuse(call, cublasGetStatusString(result));
}
void check(ncclResult_t result, const char* call) {
  if (result != ncclSuccess) refuse(call, fmt::format("{} ({})", ncclGetErrorString(result), ncclGetLastError(nullptr)));
}

}  // namespace kernels::calibrate::cuda
