#pragma once
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace kernels {

enum class Precision : std::uint8_t { fp32, tf32, fp16, bf16, fp8, mxfp8, nvfp4 };
inline constexpr Precision all_precisions[] = {Precision::fp32, Precision::tf32,  Precision::fp16, Precision::bf16,
                                               Precision::fp8,  Precision::mxfp8, Precision::nvfp4};
inline constexpr std::size_t precision_count = std::size(all_precisions);

constexpr std::string_view name_of(Precision p) {
  constexpr std::string_view names[] = {"fp32", "tf32", "fp16", "bf16", "fp8", "mxfp8", "nvfp4"};
  return names[static_cast<int>(p)];
}
// Bytes of one operand; tf32 is stored as fp32. The scales of mxfp8 are not counted, those of nvfp4 fill its half byte up to one.
constexpr int bytes_per_element(Precision p) { return p <= Precision::tf32 ? 4 : p <= Precision::bf16 ? 2 : 1; }
// Bytes of one element of a product's result: fp8 products write bf16.
constexpr int bytes_per_result(Precision p) { return bytes_per_element(p) < 2 ? 2 : bytes_per_element(p); }

}  // namespace kernels
