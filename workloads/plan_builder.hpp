#pragma once
#include <map>
#include <string>
#include "kernels/operation_times.hpp"
#include "kernels/software_profile.hpp"
#include "topology/fabric.hpp"
#include "workloads/plan.hpp"
#include "workloads/scenario.hpp"

namespace workloads {

using SoftwareByName = std::map<std::string, kernels::SoftwareProfile>;

// Numbers of the ranks with tp 0 and dp 0, by pipeline stage.
std::vector<std::uint32_t> pipeline_ranks(const JobSpec& job);

// Every rank of every job, unfolded: programs of the stages, channels between neighbours, groups,
// and their ways over the fabric. Throws sim::SimulationError when there is no way.
Plan build_plan(const Scenario& scenario, const topology::Fabric& fabric, const kernels::OperationTimes& times,
                const SoftwareByName& software);

}  // namespace workloads
