#include "workloads/job_result.hpp"
#include <algorithm>
#include <cmath>
#include <numeric>
#include "workloads/memory.hpp"
#include "workloads/step_interval.hpp"

namespace workloads {
namespace {

// The first rank of each program of a job: ranks of one stage have equal memory and kernels.
std::vector<const Rank*> one_rank_a_stage(const Plan& plan, std::uint32_t job) {
  std::vector<const Rank*> ranks;
  std::vector<bool> seen(plan.programs.size());
  for (const Rank& rank : plan.ranks) {
    if (rank.job != job || seen[rank.program]) continue;
    seen[rank.program] = true;
    ranks.push_back(&rank);
  }
  return ranks;
}

// Of the ranks on one kind of device, a mean over them and the steps. The kind that is busy longest says how long a step takes, and so how
// well that is known.
struct Work {
  double ranks = 0;
  std::array<double, op_class_count> device_s{};
  double seconds() const { return std::accumulate(device_s.begin(), device_s.end(), 0.0); }
};

}  // namespace

MemoryUse worst_memory(const JobSettings& settings, const Plan& plan, std::uint32_t job, const Devices& devices) {
  MemoryUse worst;
  const int last = settings.job.parallel.pp - 1;
  for (const Rank* rank : one_rank_a_stage(plan, job)) {
    MemoryUse use = static_memory(settings.job, settings.software, parameters_of_stage(settings.job, rank->pp));
    use.activations = peak_activations(plan.programs[rank->program]);
    use.buffers = buffer_bytes(settings.job, settings.software, settings.flash_attention, rank->pp == last);
    use.rank = rank->number;
    use.capacity = devices[plan.programs[rank->program].device].profile().memory.capacity_bytes;
    if (worst.capacity == 0 || use.total() / use.capacity > worst.total() / worst.capacity) worst = use;
  }
  return worst;
}

JobResult make_job_result(const JobSettings& settings, const Plan& plan, std::uint32_t job, const Outcome& outcome,
                          const Devices& devices) {
  const JobSpec& spec = settings.job;
  JobResult result{.name = spec.name, .gpus = spec.gpus};
  sim::Time before = plan.jobs[job].start;
  const sim::Time start = before;
  for (const sim::Time end : outcome.step_ends[job]) {
    result.steps_s.push_back((end - before).in_seconds());
    before = end;
  }
  const double steps = static_cast<double>(result.steps_s.size());
  result.step_time_s = (before - start).in_seconds() / steps;

  std::vector<Work> by_kind(devices.size());
  double ranks = 0;
  for (std::size_t r = 0; r < plan.ranks.size(); ++r) {
    if (plan.ranks[r].job != job) continue;
    const double weight = plan.ranks[r].multiplicity;
    ranks += weight;
    for (std::size_t c = 0; c < category_count; ++c)
      result.breakdown_s[c] += weight * 1e-12 * static_cast<double>(outcome.ranks[r].exposed_ps[c]);
    Work& work = by_kind[plan.programs[plan.ranks[r].program].device];
    work.ranks += weight;
    for (std::size_t c = 0; c < op_class_count; ++c)
      work.device_s[c] += weight * 1e-12 * static_cast<double>(outcome.ranks[r].device_ps[c]);
  }
  for (double& seconds : result.breakdown_s) seconds /= ranks * steps;
  for (Work& work : by_kind)
    for (double& seconds : work.device_s) seconds /= std::max(work.ranks, 1.0) * steps;

  const double sequences = spec.global_batch;
  result.tokens_per_step = sequences * (spec.model.seq_len + spec.model.encoder_seq_len);
  result.model_flops_per_step = sequences * model_flops_per_sequence(spec.model);
  result.hardware_flops_per_step =
      result.model_flops_per_step + sequences * recompute_flops_per_sequence(spec.model, spec.recompute, settings.flash_attention);
  for (std::uint32_t kind = 0; kind < devices.size(); ++kind)
    if (by_kind[kind].ranks > 0) result.peak_flops_per_gpu += by_kind[kind].ranks / ranks * devices[kind].profile().peak(spec.precision);
  if (!outcome.critical_paths.empty()) result.critical_path = outcome.critical_paths[job];
  result.memory = worst_memory(settings, plan, job, devices);
  const auto busiest = std::ranges::max_element(by_kind, {}, [](const Work& work) { return work.seconds(); });
  const auto kind = static_cast<std::uint32_t>(busiest - by_kind.begin());
  const kernels::DeviceProfile& device = devices[kind].profile();
  const double outside = device.calibrated ? share_outside_range(plan, job, kind) : 1;
  result.outside_calibrated_range = outside > 0.1;  // less hardly shows
  result.error_causes = step_error_causes(result, busiest->device_s, plan, job, kind, spec.precision, device, settings.software);
  const double sigma = log_sigma(result.error_causes);
  result.interval_low_s = result.step_time_s * std::exp(-ninety_percent * sigma);
  result.interval_high_s = result.step_time_s * std::exp(ninety_percent * sigma);
  return result;
}

}  // namespace workloads
