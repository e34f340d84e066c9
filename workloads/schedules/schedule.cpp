#include "workloads/schedules/schedule.hpp"
#include <array>
#include <utility>

namespace workloads {

Schedule schedule_of(ScheduleKind kind) {
  constexpr std::array<std::pair<ScheduleKind, Schedule>, 3> table = {{
      {ScheduleKind::gpipe, gpipe},
      {ScheduleKind::one_f_one_b, one_f_one_b},
      {ScheduleKind::interleaved, interleaved},
  }};
  for (const auto& [name, schedule] : table)
    if (name == kind) return schedule;
  return nullptr;  // not reached: the table has every kind
}

}  // namespace workloads
