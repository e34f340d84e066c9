#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>
#include "workloads/scenario.hpp"
#include "workloads/traffic/traffic_run.hpp"

namespace workloads::traffic {

// Completion times (finish - start) and slowdowns (completion time over that in an empty network) of some flows.
// Percentiles are interpolated between the two nearest, as NumPy does. Flows that take no time count as slowed down by 1.
struct CompletionStatistics {
  std::size_t flows = 0;
  double mean_s = 0, p50_s = 0, p99_s = 0, p999_s = 0, max_s = 0;
  double mean_slowdown = 0, p50_slowdown = 0, p99_slowdown = 0;
};

struct SizeClass {
  std::string name;  // "up to 100 kB"
  CompletionStatistics statistics;
};

struct TrafficSummary {
  CompletionStatistics all;
  std::vector<SizeClass> by_size;  // decades that have flows, from small to large; bytes of all messages of a flow
  double makespan_s = 0;
};

double completion_s(const TrafficOutcome& outcome, std::size_t flow);
double slowdown(const TrafficOutcome& outcome, std::size_t flow);
double bytes_of(const FlowList& list, std::size_t flow);  // of all messages
double percentile(const std::vector<double>& sorted, double share);

TrafficSummary summarize(const FlowList& list, const TrafficOutcome& outcome);

// The JSON of `weftsim traffic` (docs/traffic.md). What only a packet network knows is null.
nlohmann::ordered_json traffic_json(const Scenario& scenario, const FlowList& list, const TrafficOutcome& outcome,
                                    const TrafficSummary& summary);

}  // namespace workloads::traffic
