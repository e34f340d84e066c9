#pragma once
#include <map>
#include <string>
#include "kernels/software_profile.hpp"
#include "topology/fabric.hpp"
#include "workloads/devices.hpp"
#include "workloads/plan.hpp"
#include "workloads/scenario.hpp"

namespace workloads {

using SoftwareByName = std::map<std::string, kernels::SoftwareProfile>;

// Numbers of the ranks with tp, cp and dp 0, by pipeline stage.
std::vector<std::uint32_t> pipeline_ranks(const JobSpec& job);

// Every rank of every job, unfolded: programs of the stages, channels between neighbours, groups,
// and their ways over the fabric. Throws sim::SimulationError when there is no way.
Plan build_plan(const Scenario& scenario, const topology::Fabric& fabric, const Devices& devices, const SoftwareByName& software);

// One job with a rank on each of `gpus`, whose program is one collective of all of them; its bytes are still to be set.
Plan build_collective_plan(const Scenario& scenario, const topology::Fabric& fabric, const Devices& devices, const std::vector<int>& gpus,
                           kernels::CollectiveOp op);

// What a message takes at least, as a step of a collective: what was measured has a fabric's latency in it.
double step_seconds(const kernels::DeviceProfile& profile, const topology::Route& route, bool inside_domain);
// Bytes on the wire for each byte of payload; the profile says what part of a link's rate large messages reach.
double wire_factor(const topology::ClusterSpec& cluster, const kernels::DeviceProfile& profile, bool inside_domain);

}  // namespace workloads
