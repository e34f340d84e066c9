#pragma once
#include <vector>
#include "workloads/scenario.hpp"

namespace workloads {

// The GPU of each rank of each job, jobs in order. Whole hosts, each used by one job: `packed` takes
// the next free ones, `spread` free ones at equal distances, `random` by the scenario's seed, `list` the ones named.
// A job smaller than a host takes part of one. Throws sim::InputError when hosts run out.
std::vector<std::vector<int>> place_jobs(const Scenario& scenario);

}  // namespace workloads
