#include "workloads/traffic/traffic_trace.hpp"
#include "workloads/network_report.hpp"
#include "workloads/trace_file.hpp"
#include "workloads/version.hpp"

namespace workloads::traffic {

void record_flows(const FlowList& list, const TrafficOutcome& outcome, sim::TraceSink& sink) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Flow& flow = list.flows[i];
    sink.record(sim::FlowRecord{.source = static_cast<std::uint32_t>(flow.source),
                                .destination = static_cast<std::uint32_t>(flow.destination),
                                .bytes = sim::Bytes{flow.bytes.count() * flow.repeat},
                                .start = outcome.start[i],
                                .end = outcome.finish[i]});
  }
}

void write_trace(const std::string& path, const Scenario& scenario, const topology::Fabric& fabric, const FlowList& list,
                 const TrafficOutcome& outcome, const std::string& summary_json) {
  TraceFile file(path, {std::string(version), scenario.source_yaml, scenario.network, scenario.seed});
  record_flows(list, outcome, file);
  const NetworkTrace& trace = outcome.trace.value();
  file.write_links(make_link_rows(fabric), trace.load);
  if (outcome.packets) file.write_packets(trace.queues, trace.rates);
  file.finish(summary_json);
}

}  // namespace workloads::traffic
