#include "kernels/operation_times.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <tuple>
#include "kernels/attention_surface.hpp"
#include "kernels/collectives/scale_up_times.hpp"
#include "sim/error.hpp"

namespace kernels {
namespace {

// Of a device without 16-bit units in what it has.
AttentionDevice attention_device(const DeviceProfile& profile) {
  const Precision precision = profile.peak(Precision::bf16) > 0 ? Precision::bf16 : Precision::fp32;
  return {profile.peak(precision), profile.memory.bandwidth_Bps, double(bytes_per_element(precision))};
}

// Where no class of residuals is stated: the error of taking one device's behaviour to another, else a broad guess.
constexpr double unstated_sigma = 0.15;

// Outside the measured range errors are taken to be twice as wide.
OperationTime with_interval(const DeviceProfile& profile, std::string_view residual, double seconds, bool inside) {
  const Residual* r = profile.residual(residual);
  const double wide = 1.645 * unstated_sigma, power = inside ? 1 : 2;
  return {seconds, inside, std::pow(r ? r->low : std::exp(-wide), power), std::pow(r ? r->high : std::exp(wide), power)};
}

}  // namespace

std::string gemm_residual(const Gemm& gemm, Precision table) {
  const auto least = std::min({gemm.m, gemm.n, gemm.k});
  const std::string_view size = least >= 1024 ? "large" : least >= 256 ? "medium" : "small";
  return fmt::format("gemm_{}_{}", name_of(table), size);
}

std::string_view attention_residual(std::int64_t seq_len) { return seq_len >= 2048 ? "attention_long" : "attention_short"; }

std::string_view collective_residual(CollectiveOp op, double bytes) {
  constexpr double mebibyte = 1 << 20;
  if (bytes < mebibyte) return "collectives_below_1_MiB";
  switch (op) {
    case CollectiveOp::all_reduce:
    case CollectiveOp::all_gather:
    case CollectiveOp::reduce_scatter:
      return name_of(op);
    case CollectiveOp::broadcast:
      return name_of(CollectiveOp::all_gather);
    case CollectiveOp::reduce:
      return name_of(CollectiveOp::reduce_scatter);
    default:
      return name_of(CollectiveOp::all_to_all);
  }
}

struct OperationTimes::LookUps {
  LookUps(const DeviceProfile& profile, const NcclSettings& nccl)
      : attention(profile.attention, attention_device(profile)), scale_up(profile.scale_up, nccl) {
    for (const auto& table : profile.gemm) gemm.emplace_back(table);
  }
  std::vector<GemmSurface> gemm;  // as in the profile
  AttentionSurface attention;
  ScaleUpTimes scale_up;
  using Key = std::tuple<std::int64_t, std::int64_t, std::int64_t, Precision>;
  std::map<Key, OperationTime> gemm_times;  // a value depends on its key alone, so it does not matter who came first
  std::shared_mutex gemm_times_access;
  std::map<std::tuple<CollectiveOp, int, double>, OperationTime> collective_times;
  std::shared_mutex collective_times_access;
};

OperationTimes::OperationTimes(DeviceProfile profile, NcclSettings nccl)
    : profile_(std::move(profile)), nccl_(std::move(nccl)), look_ups_(std::make_shared<LookUps>(profile_, nccl_)) {}

OperationTime OperationTimes::gemm(const Gemm& gemm) const {
  if (gemm.m <= 0 || gemm.n <= 0 || gemm.k <= 0 || gemm.batch <= 0) return {};
  if (gemm.batch > 1) {
    const GemmShape shape{gemm.m, gemm.n, gemm.k};
    const GemmDevice device = device_for(gemm.precision);
    const double compute = gemm.flops() / (profile_.batched_gemm.peak_fraction * device.peak_flops);
    const double memory = memory_bound(double(gemm.batch) * shape.bytes(device)).seconds;
    return with_interval(profile_, "gemm_batched", std::max(compute, memory), false);
  }
  const LookUps::Key key{gemm.m, gemm.n, gemm.k, gemm.precision};
  {
    const std::shared_lock lock(look_ups_->gemm_times_access);
    if (const auto found = look_ups_->gemm_times.find(key); found != look_ups_->gemm_times.end()) return found->second;
  }
  const OperationTime time = look_up(gemm, &GemmSurface::product_seconds);
  const std::unique_lock lock(look_ups_->gemm_times_access);
  return look_ups_->gemm_times.emplace(key, time).first->second;
}

OperationTime OperationTimes::table_gemm(const Gemm& gemm) const { return look_up(gemm, &GemmSurface::table_seconds); }

GemmDevice OperationTimes::device_for(Precision precision) const {
  const GemmDevice device = gemm_device(profile_, precision);
  if (device.peak_flops > 0) return device;
  throw sim::InputError(fmt::format("accelerator '{}': it has no {} units (it has: {}). Choose one of these as precision.", profile_.name,
                                    name_of(precision), fmt::join(profile_.precisions(), ", ")));
}

OperationTime OperationTimes::look_up(const Gemm& gemm, SurfaceSeconds seconds) const {
  const GemmShape shape{gemm.m, gemm.n, gemm.k};
  const GemmTable& table = profile_.gemm_table(gemm.precision);
  const GemmSurface& surface = look_ups_->gemm[std::size_t(&table - profile_.gemm.data())];
  const bool measured = std::find(table.used_for.begin(), table.used_for.end(), gemm.precision) != table.used_for.end();
  // D^T = B^T A^T is the same work: measured either way round counts as measured.
  const bool inside = profile_.calibrated && measured && (surface.inside(shape) || surface.inside({gemm.n, gemm.m, gemm.k}));
  return with_interval(profile_, gemm_residual(gemm, table.precision), (surface.*seconds)(shape, device_for(gemm.precision)), inside);
}

OperationTime OperationTimes::quantise(double elements, Precision precision) const {
  const QuantiseModel& model = profile_.gemm_table(precision).quantise;
  return {quantise_seconds(elements, model, profile_.memory.bandwidth_Bps), profile_.calibrated};
}

// Without the causal mask there is twice the work at the same rate. Backward: see AttentionProfile.
OperationTime OperationTimes::flash_attention(const AttentionShape& shape, Direction direction) const {
  const AttentionPoint point{shape.batch, shape.seq_len, shape.heads, shape.kv_heads, shape.head_dim, 0};
  if (std::min({point.batch, point.seq_len, point.heads, point.kv_heads, point.head_dim}) <= 0) return {};
  const double factor =
      (shape.causal ? 1 : 2) * (direction == Direction::forward ? 1 : profile_.attention.backward_flops / profile_.attention.backward_rate);
  const bool inside = profile_.calibrated && factor == 1 && look_ups_->attention.inside(point);
  return with_interval(profile_, attention_residual(point.seq_len), factor * look_ups_->attention.seconds(point), inside);
}

OperationTime OperationTimes::memory_bound(double bytes) const {
  const MemoryProfile& memory = profile_.memory;
  const double seconds = memory.points.empty() ? bytes / (memory.bandwidth_Bps * memory.efficiency)
                         : bytes > 0           ? interpolated_seconds(memory.points, bytes)
                                               : 0;
  return with_interval(profile_, "memory_bound_common", seconds, true);
}

OperationTime OperationTimes::scale_up_collective(CollectiveOp op, int ranks, double bytes) const {
  const std::tuple key{op, ranks, bytes};
  {
    const std::shared_lock lock(look_ups_->collective_times_access);
    if (const auto found = look_ups_->collective_times.find(key); found != look_ups_->collective_times.end()) return found->second;
  }
  const auto answer = look_ups_->scale_up.time(op, ranks, bytes);
  const auto time = with_interval(profile_, collective_residual(op, bytes), answer.seconds, profile_.calibrated && answer.inside);
  const std::unique_lock lock(look_ups_->collective_times_access);
  return look_ups_->collective_times.emplace(key, time).first->second;
}

NcclChoice OperationTimes::scale_up_choice(CollectiveOp op, int ranks, double bytes) const {
  return look_ups_->scale_up.choice(op, ranks, bytes);
}

}  // namespace kernels
