#include "workloads/summary.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include "workloads/packet_report.hpp"
#include "workloads/topology_json.hpp"
#include "workloads/version.hpp"

namespace workloads {
namespace {

using Json = nlohmann::ordered_json;

Json memory_json(const MemoryUse& memory) {
  return {{"weights", memory.weights},         {"gradients", memory.gradients}, {"optimizer", memory.optimizer},
          {"activations", memory.activations}, {"buffers", memory.buffers},     {"total", memory.total()},
          {"capacity", memory.capacity},       {"fits", memory.fits()},         {"rank", memory.rank}};
}

Json breakdown_json(const JobResult& job) {
  Json breakdown;
  for (std::size_t i = 0; i < category_count; ++i) breakdown[std::string(category_names[i])] = job.breakdown_s[i];
  return breakdown;
}

Json error_causes_json(const JobResult& job) {
  Json causes = Json::array();
  for (const ErrorCause& c : job.error_causes) causes.push_back({{"cause", c.cause}, {"share", c.share}, {"sigma", c.sigma}});
  return causes;
}

Json path_json(const JobResult& job) {
  Json path = Json::array();
  for (const PathItem& item : job.critical_path) path.push_back({{"op", item.op}, {"rank", item.rank}, {"seconds", item.seconds}});
  return path;
}

Json sensitivity_json(const Result& result) {
  Json rows = Json::array();
  for (const Sensitivity& s : result.sensitivity)
    rows.push_back({{"parameter", s.parameter}, {"elasticity", s.elasticity}, {"seconds_per_percent", s.seconds_per_percent}});
  return rows;
}

// The figures of one job, which for the first one are also the top level. A figure that divides by
// zero becomes null: JSON has no infinity.
Json job_json(const JobResult& job) {
  const bool has_interval = job.interval_high_s > 0;
  return {{"step_time_s", job.step_time_s},
          {"steps_s", job.steps_s},
          {"step_time_interval_s", has_interval ? Json::array({job.interval_low_s, job.interval_high_s}) : Json()},
          {"outside_calibrated_range", job.outside_calibrated_range},
          {"error_causes", error_causes_json(job)},
          {"tokens_per_s", job.tokens_per_s()},
          {"tokens_per_s_per_gpu", job.tokens_per_s() / job.gpus},
          {"model_flops_per_step", job.model_flops_per_step},
          {"model_tflops_per_gpu", job.model_flops_per_gpu_s() / 1e12},
          {"hardware_tflops_per_gpu", job.hardware_flops_per_gpu_s() / 1e12},
          {"mfu", job.mfu()},
          {"hfu", job.hfu()},
          {"breakdown_s", breakdown_json(job)},
          {"memory_per_gpu_bytes", memory_json(job.memory)},
          {"critical_path", path_json(job)}};
}

Json network_json(const NetworkStats& stats) {
  Json full_links = Json::array();
  for (const auto& link : stats.full_links)
    full_links.push_back(
        {{"name", link.name}, {"kind", link.kind}, {"utilization", link.utilization}, {"limiting_share", link.limiting_share}});
  Json json = {{"flows", stats.flows},
               {"bytes", stats.bytes},
               {"max_link_utilization", stats.max_link_utilization},
               {"mean_link_utilization", stats.mean_link_utilization},
               {"ecmp_max_flows_per_link", stats.ecmp_max_flows_per_link}};
  json.update(packets_json(stats.packets, stats.queues));
  json["fluid_step_time_s"] = stats.packets ? Json(stats.fluid_step_time_s) : Json();
  json["full_link_count"] = stats.full_link_count;
  json["full_links"] = full_links;
  return json;
}

}  // namespace

std::string summary_json(const Result& result) {
  Json jobs = Json::array();
  for (const auto& job : result.jobs) {
    jobs.push_back({{"name", job.name}, {"gpus", job.gpus}});
    jobs.back().update(job_json(job));
  }
  Json all = {{"name", result.name}, {"version", std::string(version)},     {"seed", result.seed}, {"network", result.network},
              {"gpus", result.gpus}, {"accelerators", result.accelerators}, {"jobs", jobs}};
  all.update(job_json(result.jobs.empty() ? JobResult{} : result.jobs.front()));
  if (!result.sensitivity.empty()) all["sensitivity"] = sensitivity_json(result);
  all["network_stats"] = network_json(result.network_stats);
  all["bill_of_materials"] = bill_json(result.bill_of_materials);
  const std::optional<double> watts = result.bill_of_materials.power_w.total;
  const bool whole = result.jobs.size() == 1 && result.jobs.front().gpus == result.gpus;  // else others have a part in the power
  all["energy_j_per_step"] = watts && whole ? Json(*watts * result.jobs.front().step_time_s) : Json();
  all["events"] = result.events;
  all["ranks_simulated"] = result.ranks_simulated;
  all["warnings"] = result.warnings;
  all["wall_s"] = result.wall_s;
  all["cpu_s"] = result.cpu_s;
  all["peak_rss_bytes"] = result.peak_rss_bytes;
  all["signature"] = fmt::format("{:016x}", result.signature);
  return all.dump(2);
}

}  // namespace workloads
