#pragma once
#include "workloads/scenario_reader.hpp"

namespace weftsim::test {

// dp-leaf-spine-4to1 with two halves of its job, spread over the same hosts; the second begins 0.1 s later.
inline workloads::Scenario two_jobs() {
  workloads::Scenario scenario = workloads::read_shipped_scenario("dp-leaf-spine-4to1");
  workloads::JobSpec half = scenario.jobs[0];
  half.gpus /= 2;
  half.parallel.dp /= 2;
  half.global_batch /= 2;
  half.placement = workloads::Placement::spread;
  scenario.jobs = {half, half};
  scenario.jobs[0].name = "first";
  scenario.jobs[1].name = "second";
  scenario.jobs[1].start = sim::Time::seconds(0.1);
  return scenario;
}

}  // namespace weftsim::test
