#pragma once
#include <cstddef>
#include <vector>
#include "kernels/calibrate/operation.hpp"

// Element-wise kernels of one core, which no BLAS has. Compiled for several instruction sets; the best one is taken at start.
namespace kernels::calibrate::cpu {

void copy(float* to, const float* from, std::size_t count);
void scale(float* to, const float* from, std::size_t count);
void sum(float* to, const float* a, const float* b, std::size_t count);
void layer_norm(float* to, const float* from, std::size_t columns);                 // one row
void softmax(float* to, const float* from, std::size_t columns, std::size_t used);  // one row; zero beyond `used`
void softmax_backward(float* to, const float* probabilities, const float* gradient, std::size_t columns);
void adam(float* parameters, const float* gradients, float* first, float* second, std::size_t count);

inline constexpr std::size_t row_length = 1024;  // of layer_norm and softmax: a hidden size, a sequence
// A MemoryPass over arrays of so many elements each, and how often it reads or writes each element of one of them.
void run_pass(MemoryKernel kernel, const std::vector<float*>& arrays, std::size_t count);
int arrays_of(MemoryKernel kernel);
int accesses_of(MemoryKernel kernel);

void fill_with_random_numbers(float* to, std::size_t count, unsigned seed);  // -1 to 1
void flush_from_cache(const float* from, std::size_t count);

}  // namespace kernels::calibrate::cpu
