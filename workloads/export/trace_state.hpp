#pragma once
#include <string>

namespace workloads {

// Whether a trace is of a run that came to its end. Throws sim::InputError for what is no trace.
bool trace_is_whole(const std::string& path);

}  // namespace workloads
