#pragma once
#include <optional>
#include "workloads/executor.hpp"
#include "workloads/link_load.hpp"
#include "workloads/plan.hpp"
#include "workloads/run.hpp"

namespace workloads {

struct Simulation {
  Plan plan;  // as simulated: folded or not
  Outcome outcome;
  std::optional<LinkLoadHistogram> load;  // when traced
};

// Carries out a plan. Folds, if asked to, as if every collective stayed one variable; where that turns out wrong, with
// the edges of the collectives. What is traced is then run again.
Simulation simulate(const Scenario& scenario, const RunOptions& options, const Plan& whole, const kernels::OperationTimes& times);

}  // namespace workloads
