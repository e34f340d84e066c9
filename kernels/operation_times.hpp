#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include "kernels/collectives/nccl_tuning.hpp"  // NcclSettings, NcclChoice
#include "kernels/device_profile.hpp"           // DeviceProfile, CollectiveOp
#include "kernels/gemm_surface.hpp"
#include "kernels/precision.hpp"

// How long one operation takes on a device, from its profile. Seconds are what the device needs
// once the kernel has started; launch gaps and host dispatch belong to the software profile.
namespace kernels {

struct OperationTime {
  double seconds = 0;
  bool inside_measured_range = true;  // false: extrapolated, or from the data sheet only
  double low = 1, high = 1;           // 90 % of measured / predicted lie between (wider outside the range)
};

// D[m x n] = A[m x k] B[k x n], `batch` times.
struct Gemm {
  std::int64_t m = 0, n = 0, k = 0;
  std::int64_t batch = 1;
  Precision precision = Precision::bf16;
  double flops() const { return 2.0 * double(m) * double(n) * double(k) * double(batch); }
  bool operator==(const Gemm&) const = default;
};

struct AttentionShape {
  std::int64_t batch = 1, seq_len = 0, heads = 0, kv_heads = 0, head_dim = 0;
  bool causal = true;
  bool operator==(const AttentionShape&) const = default;
};

enum class Direction : std::uint8_t { forward, backward };
constexpr std::string_view name_of(Direction direction) { return direction == Direction::forward ? "forward" : "backward"; }

// The class of a profile's residuals that an operation belongs to: gemm_bf16_large, _medium, _small by the
// least side (1,024, 256); attention_long, attention_short by the sequence (2,048).
std::string gemm_residual(const Gemm& gemm, Precision table);
std::string_view attention_residual(std::int64_t seq_len);
// all_reduce, all_gather, reduce_scatter, all_to_all, or collectives_below_1_MiB.
std::string_view collective_residual(CollectiveOp op, double bytes);

class OperationTimes {
 public:
  explicit OperationTimes(DeviceProfile profile, NcclSettings nccl = {});
  const DeviceProfile& profile() const { return profile_; }
  const NcclSettings& nccl() const { return nccl_; }

  // Throws sim::InputError for a precision that the device has no units for.
  OperationTime gemm(const Gemm& gemm) const;  // cached by shape; thread-safe
  // As published tables measure it: an fp8 product with the quantising of its m x k operand.
  OperationTime table_gemm(const Gemm& gemm) const;
  // Casting so many elements to this precision; zero where no table tells it from the product.
  OperationTime quantise(double elements, Precision precision) const;
  OperationTime flash_attention(const AttentionShape& shape, Direction direction) const;
  // Of element-wise kernels: `bytes` read and written / achieved memory bandwidth.
  OperationTime memory_bound(double bytes) const;
  // Inside one scale-up domain. `bytes` as in nccl-tests: the big buffer for all_gather, reduce_scatter, all_to_all.
  OperationTime scale_up_collective(CollectiveOp op, int ranks, double bytes) const;  // cached; thread-safe
  NcclChoice scale_up_choice(CollectiveOp op, int ranks, double bytes) const;

 private:
  using SurfaceSeconds = double (GemmSurface::*)(const GemmShape&, const GemmDevice&) const;
  GemmDevice device_for(Precision precision) const;
  OperationTime look_up(const Gemm& gemm, SurfaceSeconds seconds) const;

  struct LookUps;  // surfaces made of the profile's tables, and the cache of products
  DeviceProfile profile_;
  NcclSettings nccl_;
  std::shared_ptr<LookUps> look_ups_;  // copies share the cache: equal profiles give equal times
};

}  // namespace kernels
