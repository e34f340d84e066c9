#pragma once
#include <string>
#include "workloads/result.hpp"

namespace workloads {

// The JSON of a result (docs/results.md), indented by two, without a newline at the end.
// Every key is there; what is not simulated yet, or has no value, is null.
std::string summary_json(const Result& result);

}  // namespace workloads
