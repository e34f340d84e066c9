#pragma once
#include <string>
#include <vector>
#include "topology/fabric.hpp"

namespace workloads {

// Mean utilisation over a run, by network link of the fabric it ran on, from the trace that `weftsim run --out` wrote.
// Throws sim::InputError for what is no such file, and for a run on another fabric.
std::vector<double> read_link_load(const std::string& trace, const topology::Fabric& fabric);

}  // namespace workloads
