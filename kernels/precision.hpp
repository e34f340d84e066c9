#pragma once
#include <cstdint>
#include <string_view>

namespace kernels {

enum class Precision : std::uint8_t { fp32, tf32, fp16, bf16 };

constexpr std::string_view name_of(Precision p) {
  constexpr std::string_view names[] = {"fp32", "tf32", "fp16", "bf16"};
  return names[static_cast<int>(p)];
}
// Bytes of one stored element; tf32 is stored as fp32.
constexpr int bytes_per_element(Precision p) { return p == Precision::fp32 || p == Precision::tf32 ? 4 : 2; }

}  // namespace kernels
