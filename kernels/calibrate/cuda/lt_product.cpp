#include "kernels/calibrate/cuda/lt_product.hpp"
#include <stdexcept>
#include "kernels/calibrate/cuda/check.hpp"

namespace kernels::calibrate::cuda {
namespace {

cudaDataType type_of(Element element) {
  switch (element) {
    case Element::float16:
      return CUDA_R_16F;
    case Element::bfloat16:
      return CUDA_R_16BF;
    case Element::float8:
      return CUDA_R_8F_E4M3;
    case Element::float32:
      break;
  }
  return CUDA_R_32F;
}

cublasLtMatrixLayout_t layout(Element element, std::int64_t rows, std::int64_t columns, std::int64_t batch) {
  cublasLtMatrixLayout_t made = nullptr;
  WEFTSIM_CHECK(
      cublasLtMatrixLayoutCreate(&made, type_of(element), static_cast<std::uint64_t>(rows), static_cast<std::uint64_t>(columns), rows));
  const auto count = static_cast<std::int32_t>(batch);
  const std::int64_t stride = rows * columns;
  WEFTSIM_CHECK(cublasLtMatrixLayoutSetAttribute(made, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof count));
  WEFTSIM_CHECK(cublasLtMatrixLayoutSetAttribute(made, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &stride, sizeof stride));
  return made;
}

cublasLtMatmulDesc_t description(Precision precision, cublasOperation_t left, cublasOperation_t right) {
  cublasLtMatmulDesc_t made = nullptr;
  const auto compute = precision == Precision::tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
  WEFTSIM_CHECK(cublasLtMatmulDescCreate(&made, compute, CUDA_R_32F));
  WEFTSIM_CHECK(cublasLtMatmulDescSetAttribute(made, CUBLASLT_MATMUL_DESC_TRANSA, &left, sizeof left));
  WEFTSIM_CHECK(cublasLtMatmulDescSetAttribute(made, CUBLASLT_MATMUL_DESC_TRANSB, &right, sizeof right));
  if (precision == Precision::fp8) {  // as frameworks do; the backward pass needs the digits
    const std::int8_t fast = 1;
    WEFTSIM_CHECK(cublasLtMatmulDescSetAttribute(made, CUBLASLT_MATMUL_DESC_FAST_ACCUM, &fast, sizeof fast));
  }
  return made;
}

}  // namespace

Elements elements_of(Precision precision) {
  switch (precision) {
    case Precision::fp32:
    case Precision::tf32:
      return {Element::float32, Element::float32};
    case Precision::fp16:
      return {Element::float16, Element::float16};
    case Precision::bf16:
      return {Element::bfloat16, Element::bfloat16};
    case Precision::fp8:
      return {Element::float8, Element::bfloat16};
    default:
      throw std::logic_error("a precision without a product");  // obstacle() says so before
  }
}

LtProduct::LtProduct(cublasLtHandle_t handle, const Gemm& shape, Stored a, Stored b) : handle_(handle) {
  const auto [m, n, k, batch, precision] = shape;
  const Elements elements = elements_of(precision);
  const bool b_transposed = b == Stored::transposed, a_transposed = a == Stored::transposed;
  description_.reset(description(precision, b_transposed ? CUBLAS_OP_T : CUBLAS_OP_N, a_transposed ? CUBLAS_OP_T : CUBLAS_OP_N));
  left_.reset(layout(elements.operand, b_transposed ? k : n, b_transposed ? n : k, batch));
  right_.reset(layout(elements.operand, a_transposed ? m : k, a_transposed ? k : m, batch));
  result_.reset(layout(elements.result, n, m, batch));

  cublasLtMatmulPreference_t made = nullptr;
  WEFTSIM_CHECK(cublasLtMatmulPreferenceCreate(&made));
  const std::unique_ptr<void, Destroy<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>> preference(made);
  WEFTSIM_CHECK(
      cublasLtMatmulPreferenceSetAttribute(made, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace_bytes, sizeof workspace_bytes));
  cublasLtMatmulHeuristicResult_t best{};
  int found = 0;
  const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(handle, description_.get(), left_.get(), right_.get(), result_.get(),
                                                               result_.get(), made, 1, &best, &found);
  found_ = status == CUBLAS_STATUS_SUCCESS && found > 0 && best.state == CUBLAS_STATUS_SUCCESS;
  algorithm_ = best.algo;
}

void LtProduct::run(const void* a, const void* b, void* d, void* workspace, cudaStream_t stream) const {
  const float one = 1, zero = 0;
  WEFTSIM_CHECK(cublasLtMatmul(handle_, description_.get(), &one, b, left_.get(), a, right_.get(), &zero, d, result_.get(), d,
                               result_.get(), &algorithm_, workspace, workspace_bytes, stream));
}

}  // namespace kernels::calibrate::cuda
