#pragma once
#include <filesystem>
#include "workloads/scenario.hpp"
#include "workloads/scenario_text.hpp"

namespace workloads {

// A schedule of the user's, a list or a file, becomes rows that a pipeline of this job can run; adds a problem for each that cannot.
void settle_own_schedule(const TextNode& tree, const std::string& where, const std::filesystem::path& folder, JobSpec& job,
                         Problems& problems);

}  // namespace workloads
