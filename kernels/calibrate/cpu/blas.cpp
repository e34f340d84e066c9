#include "kernels/calibrate/cpu/blas.hpp"
#include <cblas.h>
#include <fmt/format.h>

namespace kernels::calibrate::cpu {

void use_one_thread() { openblas_set_num_threads(1); }

std::string blas_library() { return fmt::format("{}, kernels for {}", openblas_get_config(), openblas_get_corename()); }

void multiply(int m, int n, int k, Matrix a, Matrix b, float* d) {
  const bool at = a.transposed == Transposed::yes, bt = b.transposed == Transposed::yes;
  cblas_sgemm(CblasRowMajor, at ? CblasTrans : CblasNoTrans, bt ? CblasTrans : CblasNoTrans, m, n, k, 1, a.data, at ? m : k, b.data,
              bt ? k : n, 0, d, n);
}

void multiply(const Gemm& shape, const float* a, const float* b, float* d) {
  const int m = static_cast<int>(shape.m), n = static_cast<int>(shape.n), k = static_cast<int>(shape.k);
  for (std::int64_t i = 0; i < shape.batch; ++i)
    multiply(m, n, k, {a + i * shape.m * shape.k}, {b + i * shape.k * shape.n}, d + i * shape.m * shape.n);
}

}  // namespace kernels::calibrate::cpu
