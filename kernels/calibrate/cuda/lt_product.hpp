#pragma once
#include <cublasLt.h>
#include <cuda_runtime.h>
#include <cstdint>
#include <memory>
#include "kernels/calibrate/cuda/device_kernels.hpp"
#include "kernels/operation_times.hpp"

namespace kernels::calibrate::cuda {

inline constexpr std::size_t workspace_bytes = std::size_t{32} << 20;

struct Elements {
  Element operand = Element::bfloat16, result = Element::bfloat16;
};
Elements elements_of(Precision precision);  // of fp32, tf32, fp16, bf16, fp8

// One product by cuBLASLt, with the algorithm that its heuristic puts first: the same for the same version of it.
class LtProduct {
 public:
  enum class Stored : std::uint8_t { as_is, transposed };
  // A is m x k or k x m in memory, B is k x n or n x k, all row by row. By default as in the forward pass of a linear
  // layer, whose weights are n x k: also the only one that fp8 has.
  LtProduct(cublasLtHandle_t handle, const Gemm& shape, Stored a = Stored::as_is, Stored b = Stored::transposed);
  bool has_algorithm() const { return found_; }
  void run(const void* a, const void* b, void* d, void* workspace, cudaStream_t stream) const;

 private:
  template <class T, cublasStatus_t (*destroy)(T)>
  struct Destroy {
    void operator()(T handle) const { destroy(handle); }
    using pointer = T;
  };
  using Layout = std::unique_ptr<void, Destroy<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>>;
  using Description = std::unique_ptr<void, Destroy<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy>>;

  cublasLtHandle_t handle_;
  Description description_;
  Layout left_, right_, result_;  // cuBLAS counts by columns: its D' = B' A'
  cublasLtMatmulAlgo_t algorithm_{};
  bool found_ = false;
};

}  // namespace kernels::calibrate::cuda
