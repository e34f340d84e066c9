#pragma once
#include <vector>
#include "topology/fabric.hpp"
#include "workloads/executor.hpp"
#include "workloads/link_load.hpp"
#include "workloads/result.hpp"

namespace workloads {

// Loads and full links, from what the simulator's links carried; a folded link speaks for all that it stands for.
NetworkStats make_network_stats(const Plan& plan, const topology::Fabric& fabric, const Outcome& outcome);

// The most channels and groups that one link between switches carries: how hard hashes collide. Of the whole plan.
std::uint64_t most_flows_on_a_link(const Plan& plan, const topology::Fabric& fabric);

std::vector<LinkRow> make_link_rows(const topology::Fabric& fabric);
LinkLoad make_link_load(const Plan& plan, const LinkLoadHistogram& histogram);

}  // namespace workloads
