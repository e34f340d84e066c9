#include "workloads/run.hpp"
#include <fmt/format.h>
#include "sim/error.hpp"
#include "topology/fabric.hpp"
#include "workloads/job_result.hpp"
#include "workloads/network_report.hpp"
#include "workloads/packet_network.hpp"
#include "workloads/packet_report.hpp"
#include "workloads/plan_builder.hpp"
#include "workloads/run_cache.hpp"
#include "workloads/simulation.hpp"
#include "workloads/stopwatch.hpp"

namespace workloads {
namespace {

SoftwareByName load_software(const Scenario& scenario, RunCache& cache) {
  SoftwareByName software;
  for (const JobSpec& job : scenario.jobs)
    if (!software.contains(job.software)) software.emplace(job.software, cache.software(job.software));
  return software;
}

void check_memory(const Scenario& scenario, const JobSpec& job, const MemoryUse& use, std::vector<std::string>& warnings) {
  if (use.fits()) return;
  const std::string text = fmt::format(
      "{}: does not fit in memory: rank {} needs {:.1f} GiB of {:.1f} GiB ({:.1f} weights, {:.1f} gradients, {:.1f} optimizer, "
      "{:.1f} activations, {:.1f} buffers). Use more tensor or pipeline parallelism, recompute: full, or a smaller micro-batch.",
      job.name, use.rank, use.total() / 0x1p30, use.capacity / 0x1p30, use.weights / 0x1p30, use.gradients / 0x1p30, use.optimizer / 0x1p30,
      use.activations / 0x1p30, use.buffers / 0x1p30);
  if (scenario.on_oom == OnOutOfMemory::error) throw sim::SimulationError(text);
  warnings.push_back(text);
}

std::vector<RankRow> make_rank_rows(const Plan& plan, const topology::Fabric& fabric) {
  std::vector<RankRow> rows;
  for (const Rank& r : plan.ranks)
    rows.push_back({r.number, r.gpu, fabric.host_of(r.gpu), r.tp, r.pp, r.dp, r.cp, 0, static_cast<std::int32_t>(r.job)});
  return rows;
}

}  // namespace

Result run(const Scenario& scenario, const RunOptions& options) {
  const Stopwatch stopwatch;
  RunCache own;
  RunCache& cache = options.cache ? *options.cache : own;
  const SoftwareByName software = load_software(scenario, cache);
  const kernels::NcclSettings& nccl = scenario.jobs.front().nccl;
  for (const JobSpec& job : scenario.jobs)
    if (job.nccl != nccl)
      throw sim::InputError(fmt::format("{}: jobs '{}' and '{}' differ in nccl, which is one for a run. Write the same for all.",
                                        scenario.name, scenario.jobs.front().name, job.name));
  const Devices devices(scenario.cluster, [&](const std::string& accelerator) { return cache.operation_times(accelerator, nccl); });
  const topology::Fabric fabric(scenario.cluster);
  const Plan whole = build_plan(scenario, fabric, devices, software);

  Result result{.name = scenario.name,
                .network = scenario.network,
                .seed = scenario.seed,
                .gpus = scenario.cluster.gpus,
                .warnings = scenario.warnings};
  const topology::ClusterSpec& cluster = scenario.cluster;
  for (int gpu = 0; gpu < cluster.gpus; ++gpu) ++result.accelerators[cluster.accelerator_of(fabric.host_of(gpu))];
  for (std::uint32_t j = 0; j < scenario.jobs.size(); ++j)
    check_memory(scenario, scenario.jobs[j],
                 worst_memory(settings_of(scenario.jobs[j], software.at(scenario.jobs[j].software)), whole, j, devices), result.warnings);

  const auto fluid = scenario.network == "packet" ? std::optional(simulate_fluid(scenario, options, whole, devices)) : std::nullopt;
  if (fluid && options.notice) tell_of_packets(fluid->outcome.links, scenario.cluster, options.notice);
  Simulation simulation = simulate(scenario, options, whole, devices, fabric);
  const Plan& plan = simulation.plan;
  const Outcome& outcome = simulation.outcome;
  for (std::uint32_t j = 0; j < scenario.jobs.size(); ++j) {
    const JobSpec& job = scenario.jobs[j];
    result.jobs.push_back(make_job_result(settings_of(job, software.at(job.software)), plan, j, outcome, devices));
  }
  result.network_stats = make_network_stats(plan, fabric, outcome);
  result.network_stats.packets = simulation.packets;
  if (fluid)
    result.network_stats.fluid_step_time_s =
        make_job_result(settings_of(scenario.jobs[0], software.at(scenario.jobs[0].software)), fluid->plan, 0, fluid->outcome, devices)
            .step_time_s;
  if (scenario.cluster.fabric.routing == topology::Routing::ecmp)
    result.network_stats.ecmp_max_flows_per_link = most_flows_on_a_link(whole, fabric);
  result.bill_of_materials = topology::bill(fabric);
  result.events = outcome.events;
  result.ranks_simulated = static_cast<int>(plan.ranks.size());
  result.signature = outcome.signature;
  if (simulation.load || simulation.log) {
    result.ranks = make_rank_rows(whole, fabric);
    result.links = make_link_rows(fabric);
  }
  if (simulation.load) result.link_load = make_link_load(plan, *simulation.load);
  if (simulation.log) {
    NetworkTrace packets = make_network_trace(*simulation.log, fabric, outcome.end);
    result.network_stats.queues = worst_queues(packets);
    result.link_load = std::move(packets.load);
    result.queues = std::move(packets.queues);
    result.rates = std::move(packets.rates);
  }
  result.wall_s = stopwatch.wall_s();
  result.cpu_s = stopwatch.cpu_s();
  result.peak_rss_bytes = peak_rss_bytes();
  return result;
}

}  // namespace workloads
