#pragma once
#include <filesystem>
#include "topology/cluster_spec.hpp"
#include "workloads/scenario_text.hpp"

namespace workloads {

// `fabric: {type: file, links: T1.links.csv}`: reads link,from,to,gbps,latency_ns, a row per directed link, into
// `fabric.link_file`. Nodes h0, h1, … are the end points, others are switches; row numbers are link numbers.
// Adds a problem, with the line of the CSV, for each thing that cannot be; also for keys that have no meaning beside
// type: file, and for `links` beside another type. `tree` is the scenario.
void read_link_file(const TextNode& tree, const std::filesystem::path& folder, topology::FabricSpec& fabric, Problems& problems);

}  // namespace workloads
