#pragma once
#include <vector>
#include "workloads/run.hpp"

namespace workloads {

// What each parameter of cluster, device and software is worth: the step time of the first job, run again with that one
// 1 % better and 1 % worse. Sorted, the one that is worth most first. A parameter better by 1 % makes its part of the step
// 1 % shorter, so the elasticities add up to about 1.
std::vector<Sensitivity> sensitivity(const Scenario& scenario, const RunOptions& options = {});

}  // namespace workloads
