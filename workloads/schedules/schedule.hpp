#pragma once
#include <cstdint>
#include <vector>
#include "workloads/scenario.hpp"

namespace workloads {

enum class PassKind : std::uint8_t { forward, backward };

// One micro-batch through one chunk (virtual stage) of a pipeline rank.
struct Pass {
  PassKind kind = PassKind::forward;
  int micro_batch = 0;
  int chunk = 0;
  auto operator<=>(const Pass&) const = default;
};

// Passes that a rank runs without talking to its neighbours in between: between two slots it sends
// what the first has made and receives what the second needs (one exchange, as Megatron's
// send_forward_recv_backward). One pass, or a forward and a backward of the interleaved steady state.
using Slot = std::vector<Pass>;

struct ScheduleShape {
  int stages = 1;  // pipeline parallel
  int chunks = 1;  // virtual stages of a rank
  int micro_batches = 1;
};

// The order in which pipeline rank `stage` runs its passes. Adding a schedule: one file with one
// such function, and a line in schedule.cpp's table.
using Schedule = std::vector<Slot> (*)(const ScheduleShape& shape, int stage);
Schedule schedule_of(ScheduleKind kind);

std::vector<Slot> gpipe(const ScheduleShape& shape, int stage);
std::vector<Slot> one_f_one_b(const ScheduleShape& shape, int stage);
std::vector<Slot> interleaved(const ScheduleShape& shape, int stage);

}  // namespace workloads
