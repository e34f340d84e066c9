#include "kernels/calibrate/cpu/host_kernels.hpp"
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#if defined(__x86_64__) && defined(__GNUC__) && __GNUC__ >= 12 && !defined(__clang__)
#define WEFTSIM_EACH_CPU __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define WEFTSIM_EACH_CPU
#endif

namespace kernels::calibrate::cpu {
namespace {

// e^x for x <= 0: 2^n e^r, the polynomial of Cephes' expf for e^r. That of the C library is not vectorised everywhere.
inline float exponential(float x) {
  x = std::max(x, -87.0f);
  const std::int32_t n = static_cast<std::int32_t>(x * 1.44269504f - 0.5f);
  const float r = x - static_cast<float>(n) * 0.693147181f;
  const float p = ((((1.9875691500e-4f * r + 1.3981999507e-3f) * r + 8.3334519073e-3f) * r + 4.1665795894e-2f) * r + 1.6666665459e-1f) * r +
                  5.0000001201e-1f;
  return std::bit_cast<float>((n + 127) << 23) * (p * r * r + r + 1);
}

}  // namespace

WEFTSIM_EACH_CPU void copy(float* __restrict to, const float* __restrict from, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) to[i] = from[i];
}

WEFTSIM_EACH_CPU void scale(float* __restrict to, const float* __restrict from, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) to[i] = 0.5f * from[i];
}

WEFTSIM_EACH_CPU void sum(float* __restrict to, const float* __restrict a, const float* __restrict b, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) to[i] = a[i] + b[i];
}

WEFTSIM_EACH_CPU void layer_norm(float* __restrict to, const float* __restrict from, std::size_t columns) {
  float total = 0, squares = 0;
  for (std::size_t i = 0; i < columns; ++i) {
    total += from[i];
    squares += from[i] * from[i];
  }
  const float mean = total / static_cast<float>(columns);
  const float factor = 1 / std::sqrt(squares / static_cast<float>(columns) - mean * mean + 1e-5f);
  for (std::size_t i = 0; i < columns; ++i) to[i] = (from[i] - mean) * factor;
}

// Also in place, hence no __restrict.
WEFTSIM_EACH_CPU void softmax(float* to, const float* from, std::size_t columns, std::size_t used) {
  float largest = from[0];
  for (std::size_t i = 1; i < used; ++i) largest = std::max(largest, from[i]);
  float total = 0;
#pragma GCC ivdep
  for (std::size_t i = 0; i < used; ++i) {
    const float value = exponential(from[i] - largest);
    to[i] = value;
    total += value;
  }
  const float factor = 1 / total;
  for (std::size_t i = 0; i < used; ++i) to[i] *= factor;
  for (std::size_t i = used; i < columns; ++i) to[i] = 0;
}

WEFTSIM_EACH_CPU void softmax_backward(float* to, const float* probabilities, const float* gradient, std::size_t columns) {
  float dot = 0;
  for (std::size_t i = 0; i < columns; ++i) dot += probabilities[i] * gradient[i];
#pragma GCC ivdep
  for (std::size_t i = 0; i < columns; ++i) to[i] = probabilities[i] * (gradient[i] - dot);
}

WEFTSIM_EACH_CPU void adam(float* __restrict parameters, const float* __restrict gradients, float* __restrict first,
                           float* __restrict second, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    first[i] = 0.9f * first[i] + 0.1f * gradients[i];
    second[i] = 0.999f * second[i] + 0.001f * gradients[i] * gradients[i];
    parameters[i] -= 1e-3f * first[i] / (std::sqrt(std::abs(second[i])) + 1e-8f);
  }
}

void run_pass(MemoryKernel kernel, const std::vector<float*>& a, std::size_t count) {
  switch (kernel) {
    case MemoryKernel::copy:
      return copy(a[0], a[1], count);
    case MemoryKernel::scale:
      return scale(a[0], a[1], count);
    case MemoryKernel::sum:
      return sum(a[0], a[1], a[2], count);
    case MemoryKernel::adam:
      return adam(a[0], a[1], a[2], a[3], count);
    case MemoryKernel::layer_norm:
    case MemoryKernel::softmax:
      break;
  }
  for (std::size_t begin = 0; begin < count; begin += row_length) {
    const std::size_t columns = std::min(row_length, count - begin);
    kernel == MemoryKernel::softmax ? softmax(a[0] + begin, a[1] + begin, columns, columns)
                                    : layer_norm(a[0] + begin, a[1] + begin, columns);
  }
}

int arrays_of(MemoryKernel kernel) { return kernel == MemoryKernel::adam ? 4 : kernel == MemoryKernel::sum ? 3 : 2; }
int accesses_of(MemoryKernel kernel) { return kernel == MemoryKernel::adam ? 7 : arrays_of(kernel); }

// Sixteen generators side by side (Numerical Recipes' constants), so that filling is as fast as writing.
void fill_with_random_numbers(float* to, std::size_t count, unsigned seed) {
  constexpr std::size_t lanes = 16;
  std::uint32_t state[lanes];
  for (std::size_t lane = 0; lane < lanes; ++lane)
    state[lane] = (static_cast<std::uint32_t>(seed) * std::uint32_t{lanes} + static_cast<std::uint32_t>(lane)) * 2654435761u + 12345u;
  for (std::size_t begin = 0; begin < count; begin += lanes) {
    for (std::size_t lane = 0; lane < lanes; ++lane) state[lane] = state[lane] * 1664525u + 1013904223u;
    for (std::size_t lane = 0; lane < std::min(lanes, count - begin); ++lane)
      to[begin + lane] = static_cast<float>(static_cast<std::int32_t>(state[lane])) * 0x1p-31f;
  }
}

void flush_from_cache(const float* from, std::size_t count) {
#if defined(__x86_64__)
  constexpr std::size_t line = 64 / sizeof(float);
  for (std::size_t i = 0; i < count; i += line) _mm_clflush(from + i);
  _mm_mfence();
#else  // write more than a last-level cache holds, instead of what was asked for
  static float other[std::size_t{64} << 18];
  (void)from, (void)count;
  for (auto& value : other) value += 1;
  asm volatile("" ::: "memory");
#endif
}

}  // namespace kernels::calibrate::cpu
