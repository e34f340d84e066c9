#include "workloads/schedules/schedule.hpp"

namespace workloads {

// GPipe (Huang et al. 2019): all forwards, then all backwards. Bubble (p-1)/m of the ideal time;
// activations of all m micro-batches are alive at once.
std::vector<Slot> gpipe(const ScheduleShape& shape, int) {
  std::vector<Slot> slots;
  for (int m = 0; m < shape.micro_batches; ++m) slots.push_back({{PassKind::forward, m, 0}});
  for (int m = 0; m < shape.micro_batches; ++m) slots.push_back({{PassKind::backward, m, 0}});
  return slots;
}

}  // namespace workloads
