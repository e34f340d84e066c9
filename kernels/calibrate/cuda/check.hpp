#pragma once
#include <cublas_v2.h>
#include <cuda_runtime.h>
#include <nccl.h>

// What a library refuses becomes sim::MachineError with the call and the library's own words.
namespace kernels::calibrate::cuda {

void check(cudaError_t result, const char* call);
void check(cublasStatus_t result, const char* call);
void check(ncclResult_t result, const char* call);

#define WEFTSIM_CHECK(call) ::kernels::calibrate::cuda::check((call), #call)

}  // namespace kernels::calibrate::cuda
