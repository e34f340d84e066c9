#pragma once
#include <string>
#include <vector>

namespace workloads {

// Each table of a trace as a CSV with a line of column names, categories as texts: ops, flows, memory, ranks, links; link_load
// (time_ps, link, bytes; bins without bytes are left out); summary.json. Block by block, so a long trace takes little memory.
// Returns the files, in this order. Throws sim::InputError, sim::MachineError.
std::vector<std::string> write_csv_tables(const std::string& trace, const std::string& folder);

}  // namespace workloads
