#include <algorithm>
#include "workloads/schedules/schedule.hpp"

namespace workloads {

// 1F1B (PipeDream-flush, Narayanan et al. 2021): p-1-stage warm-up forwards, then one forward and one
// backward in turn. Bubble (p-1)/m as GPipe's, but only p - stage micro-batches are alive.
std::vector<Slot> one_f_one_b(const ScheduleShape& shape, int stage) {
  const int m = shape.micro_batches;
  const int warm_up = std::min(shape.stages - 1 - stage, m);
  std::vector<Slot> slots;
  for (int i = 0; i < warm_up; ++i) slots.push_back({{PassKind::forward, i, 0}});
  for (int i = 0; i + warm_up < m; ++i) {
    slots.push_back({{PassKind::forward, i + warm_up, 0}});
    slots.push_back({{PassKind::backward, i, 0}});
  }
  for (int i = m - warm_up; i < m; ++i) slots.push_back({{PassKind::backward, i, 0}});
  return slots;
}

}  // namespace workloads
