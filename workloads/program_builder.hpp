#pragma once
#include "kernels/software_profile.hpp"
#include "workloads/plan.hpp"
#include "workloads/scenario.hpp"
#include "workloads/transformer.hpp"

namespace workloads {

// How a job runs, once scenario and software profile are put together.
struct JobSettings {
  const JobSpec& job;
  const kernels::SoftwareProfile& software;
  bool overlap_dp, overlap_pp, flash_attention;
};
JobSettings settings_of(const JobSpec& job, const kernels::SoftwareProfile& software);

double parameters_of_stage(const JobSpec& job, int stage);  // of one tensor-parallel rank
// They hold copies, whose gradients they add: the first, the last if its output projection is tied, and where a decoder behind an
// encoder begins.
std::vector<int> stages_with_word_embedding(const JobSpec& job);

// One step of a rank of pipeline stage `stage`, in Megatron's order: passes and exchanges by the schedule,
// gradient all-reduce over the data-parallel group (in buckets under the last backward where overlapped),
// embedding gradients between first and last stage, gradient norm, optimizer.
Program build_program(const JobSettings& settings, const ModelOps& ops, int stage, sim::Time gather_after_receive);

}  // namespace workloads
