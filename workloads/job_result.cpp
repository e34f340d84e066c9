#include "workloads/job_result.hpp"
#include <algorithm>
#include <cmath>
#include "workloads/memory.hpp"

namespace workloads {
namespace {

constexpr double ninety_percent = 1.645;  // sigmas
// Relative error (1 sigma) of what a profile has no residual for: a data-sheet estimate.
constexpr double unmeasured_sigma = 0.15;

double sigma_of(const kernels::DeviceProfile& device, std::string_view what) {
  const kernels::Residual* residual = device.residual(what);
  return residual ? std::hypot(residual->sigma, residual->bias) : unmeasured_sigma;
}

// Seconds per step and rank, by what they depend on.
struct Parts {
  double gemm = 0, attention = 0, memory_bound = 0, collective = 0, network = 0;
};

Parts parts_of(const JobResult& result, const std::array<double, op_class_count>& device_s) {
  const auto exposed = [&](Category c) { return result.breakdown_s[static_cast<std::size_t>(c)]; };
  const auto device = [&](OpClass c) { return device_s[static_cast<std::size_t>(c)]; };
  return {device(OpClass::gemm), device(OpClass::attention), device(OpClass::memory_bound), exposed(Category::tp_comm),
          exposed(Category::dp_comm) + exposed(Category::pp_comm)};
}

double relative_sigma(const Parts& parts, const kernels::DeviceProfile& device, double software_sigma, double outside) {
  const double busy = parts.gemm + parts.attention + parts.memory_bound + parts.collective + parts.network;
  if (busy <= 0) return software_sigma;
  // Waiting (bubbles) scales with what is waited for.
  const double scale = 1 / std::max(busy, 1e-12);
  const double terms[] = {parts.gemm * sigma_of(device, "gemm_large"), parts.attention * sigma_of(device, "attention"),
                          parts.memory_bound * sigma_of(device, "memory_bound"), parts.collective * sigma_of(device, "all_reduce"),
                          parts.network * sigma_of(device, "network_all_reduce")};
  double squares = software_sigma * software_sigma;
  for (const double term : terms) squares += term * scale * term * scale;
  return std::sqrt(squares) * (1 + outside);  // extrapolated wholly: twice as wide
}

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

// Part of the time of matrix products that was extrapolated, over the blocks of all stages.
double share_outside_range(const Plan& plan, std::uint32_t job) {
  double outside = 0, all = 1e-12;
  for (const Rank* rank : one_rank_a_stage(plan, job))
    for (const Block& block : plan.programs[rank->program].blocks)
      for (const Op& op : block.ops) {
        if (op.op_class != OpClass::gemm) continue;
        all += op.device.in_seconds();
        outside += op.outside_measured_range ? op.device.in_seconds() : 0;
      }
  return outside / all;
}

}  // namespace

MemoryUse worst_memory(const JobSettings& settings, const Plan& plan, std::uint32_t job, const kernels::DeviceProfile& device) {
  MemoryUse worst;
  const int last = settings.job.parallel.pp - 1;
  for (const Rank* rank : one_rank_a_stage(plan, job)) {
    MemoryUse use = static_memory(settings.job, settings.software, parameters_of_stage(settings.job, rank->pp));
    use.activations = peak_activations(plan.programs[rank->program]);
    use.buffers = buffer_bytes(settings.job, settings.flash_attention, rank->pp == last);
    use.rank = rank->number;
    if (use.total() > worst.total()) worst = use;
  }
  worst.capacity = device.memory.capacity_bytes;
  return worst;
}

JobResult make_job_result(const JobSettings& settings, const Plan& plan, std::uint32_t job, const Outcome& outcome,
                          const kernels::DeviceProfile& device) {
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

  std::array<double, op_class_count> device_s{};
  double ranks = 0;
  for (std::size_t r = 0; r < plan.ranks.size(); ++r) {
    if (plan.ranks[r].job != job) continue;
    const double weight = plan.ranks[r].multiplicity;
    ranks += weight;
    for (std::size_t c = 0; c < category_count; ++c)
      result.breakdown_s[c] += weight * 1e-12 * static_cast<double>(outcome.ranks[r].exposed_ps[c]);
    for (std::size_t c = 0; c < op_class_count; ++c) device_s[c] += weight * 1e-12 * static_cast<double>(outcome.ranks[r].device_ps[c]);
  }
  for (double& seconds : result.breakdown_s) seconds /= ranks * steps;
  for (double& seconds : device_s) seconds /= ranks * steps;

  const double sequences = spec.global_batch;
  result.tokens_per_step = sequences * spec.model.seq_len;
  result.model_flops_per_step = sequences * model_flops_per_sequence(spec.model);
  result.hardware_flops_per_step = result.model_flops_per_step + sequences * recompute_flops_per_sequence(spec.model, spec.recompute);
  result.peak_flops_per_gpu = device.peak(spec.precision);
  result.memory = worst_memory(settings, plan, job, device);
  const double outside = device.calibrated ? share_outside_range(plan, job) : 1;
  result.outside_calibrated_range = outside > 0.1;  // less hardly shows
  const double sigma = relative_sigma(parts_of(result, device_s), device, settings.software.step_time_sigma, outside);
  result.interval_low_s = result.step_time_s * std::exp(-ninety_percent * sigma);
  result.interval_high_s = result.step_time_s * std::exp(ninety_percent * sigma);
  return result;
}

}  // namespace workloads
