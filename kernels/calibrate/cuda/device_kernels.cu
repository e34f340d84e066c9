#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>
#include <algorithm>
#include "kernels/calibrate/cuda/device_kernels.hpp"

namespace kernels::calibrate::cuda {
namespace {

constexpr int threads = 256, warps = threads / 32;
constexpr std::size_t most_blocks = 1 << 16;  // the rest in a loop

int blocks_for(std::size_t work) { return static_cast<int>(std::max<std::size_t>(1, std::min(work, most_blocks))); }
__device__ std::size_t first_index() { return std::size_t{blockIdx.x} * blockDim.x + threadIdx.x; }
__device__ std::size_t stride() { return std::size_t{gridDim.x} * blockDim.x; }

__global__ void empty_kernel() {}

// A hash of the index (Murmur's finaliser), so that no two elements depend on each other.
template <class T>
__global__ void fill_kernel(T* to, std::size_t count, unsigned seed) {
  for (std::size_t i = first_index(); i < count; i += stride()) {
    std::uint64_t x = i + (std::uint64_t{seed} << 40);
    x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdull;
    x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53ull;
    to[i] = T(static_cast<float>(static_cast<std::int32_t>(x >> 32)) * 0x1p-31f);
  }
}

__global__ void scale_kernel(float4* to, const float4* from, std::size_t count) {
  for (std::size_t i = first_index(); i < count; i += stride()) {
    const float4 x = from[i];
    to[i] = {0.5f * x.x, 0.5f * x.y, 0.5f * x.z, 0.5f * x.w};
  }
}
__global__ void sum_kernel(float4* to, const float4* a, const float4* b, std::size_t count) {
  for (std::size_t i = first_index(); i < count; i += stride()) {
    const float4 x = a[i], y = b[i];
    to[i] = {x.x + y.x, x.y + y.y, x.z + y.z, x.w + y.w};
  }
}

// Usual settings: rate 1e-4, decays 0.9 and 0.999. The second moment is a random number here, so its size counts.
__device__ void adam_step(float& parameter, float gradient, float& first, float& second) {
  first = 0.9f * first + 0.1f * gradient;
  second = 0.999f * fabsf(second) + 0.001f * gradient * gradient;
  parameter -= 1e-4f * first / (sqrtf(second) + 1e-8f);
}
__global__ void adam_kernel(float4* parameters, const float4* gradients, float4* first, float4* second, std::size_t count) {
  for (std::size_t i = first_index(); i < count; i += stride()) {
    float4 p = parameters[i], m = first[i], v = second[i];
    const float4 g = gradients[i];
    adam_step(p.x, g.x, m.x, v.x);
    adam_step(p.y, g.y, m.y, v.y);
    adam_step(p.z, g.z, m.z, v.z);
    adam_step(p.w, g.w, m.w, v.w);
    parameters[i] = p, first[i] = m, second[i] = v;
  }
}

template <class Join>
__device__ float over_block(float value, Join join, float neutral) {
  __shared__ float of_warp[warps];
  for (int lanes = 16; lanes > 0; lanes /= 2) value = join(value, __shfl_xor_sync(0xffffffffu, value, lanes));
  __syncthreads();  // the one before may still be read
  if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = value;
  __syncthreads();
  value = neutral;
  for (int warp = 0; warp < warps; ++warp) value = join(value, of_warp[warp]);
  return value;
}
__device__ float sum_over_block(float value) {
  return over_block(
      value, [](float a, float b) { return a + b; }, 0.0f);
}
__device__ float largest_of_block(float value) {
  return over_block(
      value, [](float a, float b) { return fmaxf(a, b); }, -INFINITY);
}

// One block a row; a row is read from the cache the second time.
__global__ void layer_norm_kernel(float* to, const float* from, std::size_t rows, std::size_t columns) {
  for (std::size_t row = blockIdx.x; row < rows; row += gridDim.x) {
    const float* x = from + row * columns;
    float total = 0, squares = 0;
    for (std::size_t i = threadIdx.x; i < columns; i += threads) {
      total += x[i];
      squares += x[i] * x[i];
    }
    const float mean = sum_over_block(total) / columns;
    const float scale = rsqrtf(sum_over_block(squares) / columns - mean * mean + 1e-5f);
    for (std::size_t i = threadIdx.x; i < columns; i += threads) to[row * columns + i] = (x[i] - mean) * scale;
  }
}

template <class T>
__global__ void softmax_kernel(T* to, const T* from, std::size_t rows, std::size_t columns, bool causal) {
  for (std::size_t row = blockIdx.x; row < rows; row += gridDim.x) {
    const T* x = from + row * columns;
    const std::size_t used = causal ? row % columns + 1 : columns;
    float most = -INFINITY, total = 0;
    for (std::size_t i = threadIdx.x; i < used; i += threads) most = fmaxf(most, float(x[i]));
    most = largest_of_block(most);
    for (std::size_t i = threadIdx.x; i < used; i += threads) total += __expf(float(x[i]) - most);
    total = sum_over_block(total);
    for (std::size_t i = threadIdx.x; i < columns; i += threads)
      to[row * columns + i] = T(i < used ? __expf(float(x[i]) - most) / total : 0.0f);
  }
}

template <class T>
__global__ void softmax_backward_kernel(const T* probabilities, T* gradients, std::size_t rows, std::size_t columns) {
  for (std::size_t row = blockIdx.x; row < rows; row += gridDim.x) {
    const T* p = probabilities + row * columns;
    T* g = gradients + row * columns;
    float product = 0;
    for (std::size_t i = threadIdx.x; i < columns; i += threads) product += float(p[i]) * float(g[i]);
    product = sum_over_block(product);
    for (std::size_t i = threadIdx.x; i < columns; i += threads) g[i] = T(float(p[i]) * (float(g[i]) - product));
  }
}

std::size_t number_of_fours(std::size_t count) { return (count + 3) / 4; }
int blocks_of_fours(std::size_t count) { return blocks_for((number_of_fours(count) + threads - 1) / threads); }
float4* fours(float* at) { return reinterpret_cast<float4*>(at); }
const float4* fours(const float* at) { return reinterpret_cast<const float4*>(at); }

// Calls run(T*) with the type of an element.
template <class Run>
void with_type(Element element, Run run) {
  switch (element) {
    case Element::float32:
      return run(static_cast<float*>(nullptr));
    case Element::float16:
      return run(static_cast<__half*>(nullptr));
    case Element::bfloat16:
      return run(static_cast<__nv_bfloat16*>(nullptr));
    case Element::float8:
      return run(static_cast<__nv_fp8_e4m3*>(nullptr));
  }
}

}  // namespace

void fill_with_random_numbers(void* to, Element element, std::size_t count, unsigned seed, cudaStream_t stream) {
  with_type(element, [&](auto* type) {
    fill_kernel<<<blocks_for(count / threads + 1), threads, 0, stream>>>(static_cast<decltype(type)>(to), count, seed);
  });
}

void empty(cudaStream_t stream) { empty_kernel<<<1, 1, 0, stream>>>(); }

void scale(float* to, const float* from, std::size_t count, cudaStream_t stream) {
  scale_kernel<<<blocks_of_fours(count), threads, 0, stream>>>(fours(to), fours(from), number_of_fours(count));
}
void sum(float* to, const float* a, const float* b, std::size_t count, cudaStream_t stream) {
  sum_kernel<<<blocks_of_fours(count), threads, 0, stream>>>(fours(to), fours(a), fours(b), number_of_fours(count));
}
void adam(float* parameters, const float* gradients, float* first, float* second, std::size_t count, cudaStream_t stream) {
  adam_kernel<<<blocks_of_fours(count), threads, 0, stream>>>(fours(parameters), fours(gradients), fours(first), fours(second),
                                                              number_of_fours(count));
}

void layer_norm(float* to, const float* from, std::size_t rows, std::size_t columns, cudaStream_t stream) {
  layer_norm_kernel<<<blocks_for(rows), threads, 0, stream>>>(to, from, rows, columns);
}
void softmax(float* to, const float* from, std::size_t rows, std::size_t columns, cudaStream_t stream) {
  softmax_kernel<<<blocks_for(rows), threads, 0, stream>>>(to, from, rows, columns, false);
}

void softmax(void* rows, Element element, std::size_t count, std::size_t columns, bool causal, cudaStream_t stream) {
  with_type(element, [&](auto* type) {
    const auto x = static_cast<decltype(type)>(rows);
    softmax_kernel<<<blocks_for(count), threads, 0, stream>>>(x, x, count, columns, causal);
  });
}

void softmax_backward(const void* probabilities, void* gradients, Element element, std::size_t count, std::size_t columns,
                      cudaStream_t stream) {
  with_type(element, [&](auto* type) {
    const auto g = static_cast<decltype(type)>(gradients);
    softmax_backward_kernel<<<blocks_for(count), threads, 0, stream>>>(static_cast<decltype(type)>(const_cast<void*>(probabilities)), g,
                                                                       count, columns);
  });
}

}  // namespace kernels::calibrate::cuda
