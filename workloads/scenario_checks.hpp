#pragma once
#include <string>
#include "workloads/scenario.hpp"
#include "workloads/scenario_text.hpp"

// What no single key can tell: whether the keys of a scenario fit together. Adds a problem with advice for each
// thing that cannot be, a warning for what is possible but looks like a slip. Fills in what is derived.
namespace workloads {

// `tree` is the scenario with presets put in; it gives the lines.
void check_cluster(const TextNode& tree, Scenario& scenario, Problems& problems);
// `where` is "workload" or "jobs.2", `tree` the map there.
void check_job(const TextNode& tree, const std::string& where, Scenario& scenario, JobSpec& job, Problems& problems);
// Several jobs on one cluster.
void check_jobs(const TextNode& list, const Scenario& scenario, Problems& problems);

}  // namespace workloads
