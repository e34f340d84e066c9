#pragma once
#include <map>
#include "kernels/device_profile.hpp"
#include "kernels/local_linear.hpp"

namespace kernels {

struct AttentionDevice {
  double peak_flops = 0, bandwidth_Bps = 0;
  double element_bytes = 2;
};

// FLOPs of the causal half: 2 b s^2 h d.
double causal_attention_flops(const AttentionPoint& shape);
// floor + compute + memory: compute = 4 b h d s (s/2 + diagonal) / (fraction of peak), memory = Q and
// output of all heads, K and V read and written to the cache, / (fraction of the memory bandwidth).
double attention_seconds(const AttentionPoint& shape, const AttentionModel& model, const AttentionDevice& device);

// Flash attention, forward, causal: measured / formula interpolated over the logarithms of sequence, batch, heads and heads per
// K/V head, from points of the nearest measured head size. (Batch and heads are not one
// coordinate: with 8 heads of a batch of 8 the A100 kernel is 1.4 times slower than with 64 heads of one.)
class AttentionSurface {
 public:
  AttentionSurface(const AttentionProfile& profile, const AttentionDevice& device);
  double seconds(const AttentionPoint& shape) const;
  bool inside(const AttentionPoint& shape) const;  // of the box, and of a measured head size

 private:
  const LocalLinear* nearest(std::int64_t head_dim) const;
  AttentionModel model_;
  AttentionDevice device_;
  std::map<std::int64_t, LocalLinear> correction_by_head_dim_;
};

}  // namespace kernels
