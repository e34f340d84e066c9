#pragma once
#include <string>
#include <vector>
#include "workloads/result.hpp"

namespace cli {

// What a run prints on the terminal. `files` are those written.
std::string summary_text(const workloads::Result& result, const std::vector<std::string>& files = {});

}  // namespace cli
