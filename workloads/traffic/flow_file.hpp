#pragma once
#include <span>
#include <string>
#include "kernels/csv_table.hpp"
#include "topology/fabric.hpp"
#include "workloads/traffic/flow_list.hpp"

namespace workloads::traffic {

// FLOWS.csv: id or flow, src, dst, bytes, start_s or start_ps, and optionally path, after, tag, repeat
// (docs/traffic.md). Throws sim::InputError with up to 20 problems, each FILE:LINE.
FlowList read_flows(const std::string& path, const topology::Fabric& fabric);
FlowList read_flows(const kernels::CsvTable& table, const topology::Fabric& fabric);

// FCT.csv: id,src,dst,bytes,start_s,finish_s,tag in the order of the list; times have 12 decimals, so picoseconds.
std::string completion_csv(const FlowList& list, std::span<const sim::Time> start, std::span<const sim::Time> finish);

}  // namespace workloads::traffic
