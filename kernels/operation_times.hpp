#pragma once
#include <cstdint>
#include <memory>
#include "kernels/device_profile.hpp"  // DeviceProfile, CollectiveOp
#include "kernels/precision.hpp"

// How long one operation takes on a device, from its profile. Seconds are what the device needs
// once the kernel has started; launch gaps and host dispatch belong to the software profile.
namespace kernels {

struct OperationTime {
  double seconds = 0;
  bool inside_measured_range = true;  // false: extrapolated, or from the data sheet only
};

// D[m x n] = A[m x k] B[k x n], `batch` times.
struct Gemm {
  std::int64_t m = 0, n = 0, k = 0;
  std::int64_t batch = 1;
  Precision precision = Precision::bf16;
  double flops() const { return 2.0 * double(m) * double(n) * double(k) * double(batch); }
};

struct AttentionShape {
  std::int64_t batch = 1, seq_len = 0, heads = 0, kv_heads = 0, head_dim = 0;
  bool causal = true;
};

enum class Direction : std::uint8_t { forward, backward };

class OperationTimes {
 public:
  explicit OperationTimes(DeviceProfile profile);
  const DeviceProfile& profile() const { return profile_; }

  OperationTime gemm(const Gemm& gemm) const;  // cached by shape; thread-safe
  OperationTime flash_attention(const AttentionShape& shape, Direction direction) const;
  // Of element-wise kernels: `bytes` read and written / achieved memory bandwidth.
  OperationTime memory_bound(double bytes) const;
  // Inside one scale-up domain. `bytes` as in nccl-tests: the big buffer for all_gather, reduce_scatter, all_to_all.
  OperationTime scale_up_collective(CollectiveOp op, int ranks, double bytes) const;

 private:
  struct LookUps;  // surfaces made of the profile's points, and the cache of products
  DeviceProfile profile_;
  std::shared_ptr<LookUps> look_ups_;  // copies share the cache: equal profiles give equal times
};

}  // namespace kernels
