#pragma once
#include <string>
#include "kernels/calibrate/program_player.hpp"
#include "workloads/plan.hpp"

namespace workloads::selfcheck {

// The plan of one job as programs for real ranks: kernels on the stream of kernels, collectives and messages on the other one, waiting
// for each other where the plan says so. Throws sim::InputError for what has no bare loops: flash attention, context parallelism, stages
// that send without waiting.
kernels::calibrate::Program step_program(const Plan& plan, int warm_up, int repeats);
std::string to_json(const kernels::calibrate::Program& program);

}  // namespace workloads::selfcheck
