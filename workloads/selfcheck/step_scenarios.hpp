#pragma once
#include <string>
#include <string_view>
#include <vector>
#include "kernels/device_profile.hpp"
#include "workloads/scenario.hpp"

namespace workloads::selfcheck {

// Steps of a small GPT over all ranks of this machine: data-parallel; half of that beside two tensor-parallel ranks, two stages, or
// both. One rank alone: one step. `accelerator` and `software` are as in a scenario, and `profile` is that of the accelerator.
std::vector<Scenario> step_scenarios(const kernels::DeviceProfile& profile, std::string_view accelerator, std::string_view software,
                                     std::string_view platform, int ranks);

}  // namespace workloads::selfcheck
