#pragma once
#include <cuda_runtime.h>
#include <cstddef>
#include <cstdint>

// Kernels that no library has. (C++17, as nvcc compiles it too.) All return at once; `rows` of `columns` elements lie one behind the other.
namespace kernels::calibrate::cuda {

enum class Element : std::uint8_t { float32, float16, bfloat16, float8 };
constexpr std::size_t size_of(Element e) { return e == Element::float32 ? 4 : e == Element::float8 ? 1 : 2; }

void fill_with_random_numbers(void* to, Element element, std::size_t count, unsigned seed, cudaStream_t stream);  // -1 to 1
void empty(cudaStream_t stream);

// Of `count` floats each, rounded up to whole fours.
void scale(float* to, const float* from, std::size_t count, cudaStream_t stream);
void sum(float* to, const float* a, const float* b, std::size_t count, cudaStream_t stream);
void adam(float* parameters, const float* gradients, float* first, float* second, std::size_t count, cudaStream_t stream);

void layer_norm(float* to, const float* from, std::size_t rows, std::size_t columns, cudaStream_t stream);
void softmax(float* to, const float* from, std::size_t rows, std::size_t columns, cudaStream_t stream);
// In place; causal: row i of each `columns` rows has i + 1 elements, the others become zero.
void softmax(void* rows, Element element, std::size_t count, std::size_t columns, bool causal, cudaStream_t stream);
// Of the softmax whose results are `probabilities`; `gradients` in place.
void softmax_backward(const void* probabilities, void* gradients, Element element, std::size_t count, std::size_t columns,
                      cudaStream_t stream);

}  // namespace kernels::calibrate::cuda
