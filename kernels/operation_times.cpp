#include "kernels/operation_times.hpp"
#include <algorithm>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <tuple>
#include "kernels/attention_surface.hpp"
#include "kernels/collectives/scale_up_table.hpp"
#include "kernels/gemm_surface.hpp"

namespace kernels {
namespace {

GemmDevice gemm_device(const DeviceProfile& profile, Precision precision) {
  return {profile.multiprocessors, profile.peak(precision), profile.memory.bandwidth_Bps, double(bytes_per_element(precision))};
}

AttentionDevice attention_device(const DeviceProfile& profile) {
  return {profile.peak(Precision::bf16), profile.memory.bandwidth_Bps, double(bytes_per_element(Precision::bf16))};
}

}  // namespace

struct OperationTimes::LookUps {
  explicit LookUps(const DeviceProfile& profile)
      : gemm(profile.gemm, gemm_device(profile, profile.gemm.table_precision)),
        attention(profile.attention, attention_device(profile)),
        scale_up(profile.scale_up) {}
  GemmSurface gemm;
  AttentionSurface attention;
  ScaleUpTable scale_up;
  using Key = std::tuple<std::int64_t, std::int64_t, std::int64_t, Precision>;
  std::map<Key, OperationTime> gemm_times;  // a value depends on its key alone, so it does not matter who came first
  std::shared_mutex gemm_times_access;
};

OperationTimes::OperationTimes(DeviceProfile profile) : profile_(std::move(profile)), look_ups_(std::make_shared<LookUps>(profile_)) {}

OperationTime OperationTimes::gemm(const Gemm& gemm) const {
  if (gemm.m <= 0 || gemm.n <= 0 || gemm.k <= 0 || gemm.batch <= 0) return {};
  const GemmShape shape{gemm.m, gemm.n, gemm.k};
  const GemmDevice device = gemm_device(profile_, gemm.precision);
  if (gemm.batch > 1) {
    const double compute = gemm.flops() / (profile_.batched_gemm.peak_fraction * device.peak_flops);
    return {std::max(compute, memory_bound(double(gemm.batch) * shape.elements() * device.element_bytes).seconds), false};
  }
  const LookUps::Key key{gemm.m, gemm.n, gemm.k, gemm.precision};
  {
    const std::shared_lock lock(look_ups_->gemm_times_access);
    if (const auto found = look_ups_->gemm_times.find(key); found != look_ups_->gemm_times.end()) return found->second;
  }
  const auto& measured = profile_.gemm.used_for;
  const bool like_measured = std::find(measured.begin(), measured.end(), gemm.precision) != measured.end();
  // D^T = B^T A^T is the same work: measured either way round counts as measured.
  const bool inside = look_ups_->gemm.inside(shape) || look_ups_->gemm.inside({gemm.n, gemm.m, gemm.k});
  const OperationTime time{look_ups_->gemm.seconds(shape, device), like_measured && inside};
  const std::unique_lock lock(look_ups_->gemm_times_access);
  return look_ups_->gemm_times.emplace(key, time).first->second;
}

// Without the causal mask there is twice the work at the same rate. Backward: see AttentionProfile.
OperationTime OperationTimes::flash_attention(const AttentionShape& shape, Direction direction) const {
  const AttentionPoint point{shape.batch, shape.seq_len, shape.heads, shape.kv_heads, shape.head_dim, 0};
  if (std::min({point.batch, point.seq_len, point.heads, point.kv_heads, point.head_dim}) <= 0) return {};
  const double factor =
      (shape.causal ? 1 : 2) * (direction == Direction::forward ? 1 : profile_.attention.backward_flops / profile_.attention.backward_rate);
  return {factor * look_ups_->attention.seconds(point), factor == 1 && look_ups_->attention.inside(point)};
}

OperationTime OperationTimes::memory_bound(double bytes) const {
  return {bytes / (profile_.memory.bandwidth_Bps * profile_.memory.efficiency), true};
}

OperationTime OperationTimes::scale_up_collective(CollectiveOp op, int ranks, double bytes) const {
  const auto answer = look_ups_->scale_up.time(op, ranks, bytes);
  return {answer.seconds, answer.inside};
}

}  // namespace kernels
