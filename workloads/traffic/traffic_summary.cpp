#include "workloads/traffic/traffic_summary.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include "workloads/packet_report.hpp"
#include "workloads/topology_json.hpp"
#include "workloads/version.hpp"

namespace workloads::traffic {
namespace {

using Json = nlohmann::ordered_json;

double mean(const std::vector<double>& values) {
  return values.empty() ? 0 : std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

CompletionStatistics statistics_of(const TrafficOutcome& outcome, const std::vector<std::size_t>& flows) {
  std::vector<double> times, slowdowns;
  for (const std::size_t flow : flows) {
    times.push_back(completion_s(outcome, flow));
    slowdowns.push_back(slowdown(outcome, flow));
  }
  std::sort(times.begin(), times.end());
  std::sort(slowdowns.begin(), slowdowns.end());
  return {flows.size(),           mean(times),     percentile(times, 0.5),     percentile(times, 0.99),    percentile(times, 0.999),
          percentile(times, 1.0), mean(slowdowns), percentile(slowdowns, 0.5), percentile(slowdowns, 0.99)};
}

// 3: up to 1 kB; 4: up to 10 kB; … 9: above 100 MB
int decade(double bytes) {
  constexpr int smallest = 3, largest = 9;
  return std::clamp(bytes <= 1 ? smallest : static_cast<int>(std::ceil(std::log10(bytes) - 1e-12)), smallest, largest);
}
std::string name_of_decade(int decade) {
  if (decade == 9) return "above 100 MB";
  const double most = std::pow(10, decade);
  return most >= 1e6 ? fmt::format("up to {:.0f} MB", most / 1e6) : fmt::format("up to {:.0f} kB", most / 1e3);
}

Json statistics_json(const CompletionStatistics& s) {
  return {{"flows", s.flows},
          {"mean_fct_s", s.mean_s},
          {"p50_fct_s", s.p50_s},
          {"p99_fct_s", s.p99_s},
          {"p999_fct_s", s.p999_s},
          {"max_fct_s", s.max_s},
          {"mean_slowdown", s.mean_slowdown},
          {"p50_slowdown", s.p50_slowdown},
          {"p99_slowdown", s.p99_slowdown}};
}

}  // namespace

double completion_s(const TrafficOutcome& outcome, std::size_t flow) { return (outcome.finish[flow] - outcome.start[flow]).in_seconds(); }

double slowdown(const TrafficOutcome& outcome, std::size_t flow) {
  return outcome.alone[flow] == sim::Time{} ? 1 : (outcome.finish[flow] - outcome.start[flow]) / outcome.alone[flow];
}

double bytes_of(const FlowList& list, std::size_t flow) {
  return static_cast<double>(list.flows[flow].bytes.count()) * list.flows[flow].repeat;
}

double percentile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const double above = sorted[std::min(below + 1, sorted.size() - 1)];
  return sorted[below] + (place - static_cast<double>(below)) * (above - sorted[below]);
}

TrafficSummary summarize(const FlowList& list, const TrafficOutcome& outcome) {
  std::vector<std::size_t> all(list.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  std::map<int, std::vector<std::size_t>> by_decade;
  for (const std::size_t flow : all) by_decade[decade(bytes_of(list, flow))].push_back(flow);
  TrafficSummary summary{statistics_of(outcome, all), {}, outcome.makespan().in_seconds()};
  for (const auto& [number, flows] : by_decade) summary.by_size.push_back({name_of_decade(number), statistics_of(outcome, flows)});
  return summary;
}

Json traffic_json(const Scenario& scenario, const FlowList& list, const TrafficOutcome& outcome, const TrafficSummary& summary) {
  Json json = {{"name", scenario.name},       {"version", std::string(version)}, {"seed", scenario.seed},
               {"network", scenario.network}, {"gpus", scenario.cluster.gpus},   {"source", list.source}};
  json.update(statistics_json(summary.all));
  json["makespan_s"] = summary.makespan_s;
  json["messages"] = outcome.messages;
  json["bytes"] = outcome.bytes;
  json["max_link_utilization"] = outcome.max_link_utilization;
  json["busiest_link"] = outcome.busiest_link;
  json["ecmp_max_flows_per_link"] = outcome.ecmp_max_flows_per_link;
  json["balance"] = balance_json(outcome.balance);
  json["by_size"] = Json::array();
  for (const SizeClass& size : summary.by_size) {
    json["by_size"].push_back({{"size", size.name}});
    json["by_size"].back().update(statistics_json(size.statistics));
  }
  json["events"] = outcome.events;
  json.update(packets_json(outcome.packets, outcome.trace ? worst_queues(*outcome.trace) : std::vector<QueueUse>{}));
  json["wall_s"] = outcome.wall_s;
  json["cpu_s"] = outcome.cpu_s;
  json["peak_rss_bytes"] = outcome.peak_rss_bytes;
  json["signature"] = fmt::format("{:016x}", outcome.signature);
  return json;
}

}  // namespace workloads::traffic
