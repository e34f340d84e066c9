#pragma once
#include <string>
#include "kernels/operation_times.hpp"

// The one door to OpenBLAS.
namespace kernels::calibrate::cpu {

void use_one_thread();
std::string blas_library();  // version, options, and the kernels that it chose for this CPU

enum class Transposed : bool { no, yes };
struct Matrix {
  const float* data;
  Transposed transposed = Transposed::no;
};
void multiply(int m, int n, int k, Matrix a, Matrix b, float* d);  // row by row
void multiply(const Gemm& shape, const float* a, const float* b, float* d);

}  // namespace kernels::calibrate::cpu
