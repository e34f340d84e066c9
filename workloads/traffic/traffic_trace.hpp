#pragma once
#include <string>
#include "sim/trace_sink.hpp"
#include "topology/fabric.hpp"
#include "workloads/scenario.hpp"
#include "workloads/traffic/flow_list.hpp"
#include "workloads/traffic/traffic_run.hpp"

namespace workloads::traffic {

// Each flow of the list with its begin and end, in its order.
void record_flows(const FlowList& list, const TrafficOutcome& outcome, sim::TraceSink& sink);

// The trace of a run that was asked for one (TrafficOptions::trace) as HDF5: /flows by row of the list, /links with loads, /queues and
// /rates of packets, and `summary_json` (docs/trace.md). Throws sim::MachineError when it cannot be written.
void write_trace(const std::string& path, const Scenario& scenario, const topology::Fabric& fabric, const FlowList& list,
                 const TrafficOutcome& outcome, const std::string& summary_json);

}  // namespace workloads::traffic
