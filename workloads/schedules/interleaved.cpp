#include <algorithm>
#include "workloads/schedules/schedule.hpp"

namespace workloads {
namespace {
// The k-th pass of a rank: p micro-batches through chunk 0, the same p through chunk 1, and so on.
Pass nth_pass(const ScheduleShape& shape, PassKind kind, int k) {
  const int group = shape.stages * shape.chunks;
  const int chunk = k % group / shape.stages;
  return {kind, k / group * shape.stages + k % shape.stages, kind == PassKind::forward ? chunk : shape.chunks - 1 - chunk};
}
}  // namespace

// Interleaved 1F1B (Narayanan et al., SC'21, section 2.2): each rank holds v chunks, so that the bubble is
// (p-1)/(v m). Micro-batches must be a multiple of p (the scenario reader sees to it).
std::vector<Slot> interleaved(const ScheduleShape& shape, int stage) {
  const int total = shape.micro_batches * shape.chunks;
  const bool one_group = shape.micro_batches == shape.stages;  // then all forwards come first, as in Megatron
  const int warm_up = one_group ? total : std::min(total, 2 * (shape.stages - 1 - stage) + (shape.chunks - 1) * shape.stages);
  std::vector<Slot> slots;
  for (int k = 0; k < warm_up; ++k) slots.push_back({nth_pass(shape, PassKind::forward, k)});
  for (int k = warm_up; k < total; ++k)
    slots.push_back({nth_pass(shape, PassKind::forward, k), nth_pass(shape, PassKind::backward, k - warm_up)});
  for (int k = total - warm_up; k < total; ++k) slots.push_back({nth_pass(shape, PassKind::backward, k)});
  return slots;
}

}  // namespace workloads
