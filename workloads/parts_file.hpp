#pragma once
#include <filesystem>
#include "topology/cluster_spec.hpp"
#include "workloads/scenario_text.hpp"

namespace workloads {

// Reads `site.parts`, or the shipped table where the key is left out, into `site.table` (docs/topologies.md), and checks that
// it knows the cooling. `tree` is the scenario.
void read_parts(const TextNode& tree, const std::filesystem::path& folder, topology::SiteSpec& site, Problems& problems);

}  // namespace workloads
