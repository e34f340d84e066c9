#include <gmock/gmock.h>
#include <map>
#include "workloads/program_builder.hpp"
#include "workloads/run.hpp"
#include "workloads/scenario_reader.hpp"

// What each ZeRO stage sends over the data-parallel group in one step (Rajbhandari et al. 2020, section 7).
namespace {
using namespace workloads;
using Op = kernels::CollectiveOp;

struct Traffic {
  std::map<Op, double> bytes;  // over the data-parallel group, one rank's program
  int awaits = 0;
};

constexpr int micro_batches = 3;

JobSpec llama_on(int dp, int zero) {
  JobSpec job;
  job.model = *shipped_model("llama3-8b");
  job.parallel = {.tp = 1, .pp = 1, .dp = dp, .zero = zero, .layers_of_chunk = {32}};
  job.global_batch = micro_batches * dp;
  job.software = "megatron-core";
  return job;
}

Traffic traffic_of(const JobSpec& job) {
  const kernels::OperationTimes times(kernels::load_device_profile("a100-sxm-80g"));
  const kernels::SoftwareProfile software = kernels::load_software_profile(job.software);
  const Program program = build_program(settings_of(job, software), TransformerOps(job, software, times), 0, {});
  Traffic traffic;
  for (const Step& step : program.steps) {
    const bool joins = step.kind == StepKind::post || step.kind == StepKind::collective;
    if (joins && step.group == GroupRole::data) traffic.bytes[step.collective] += static_cast<double>(step.bytes.count());
    traffic.awaits += step.kind == StepKind::await;
  }
  return traffic;
}

TEST(Sharding, without_zero_gradients_are_reduced_once) {
  const JobSpec job = llama_on(8, 0);
  const Traffic traffic = traffic_of(job);
  EXPECT_EQ(traffic.bytes.size(), 1u);
  EXPECT_NEAR(traffic.bytes.at(Op::all_reduce), 4 * parameters_of_stage(job, 0), 100);
}

// Stage 1: gradients scattered (FP32 here), weights gathered (16 bits), each once a step, overlapped or not.
TEST(Sharding, stage_1_scatters_gradients_and_gathers_weights_once) {
  JobSpec job = llama_on(8, 1);
  for (const bool overlap : {true, false}) {
    job.overlap_dp = overlap;
    const Traffic traffic = traffic_of(job);
    EXPECT_EQ(traffic.bytes.size(), 2u);
    EXPECT_NEAR(traffic.bytes.at(Op::reduce_scatter), 4 * parameters_of_stage(job, 0), 100);
    EXPECT_NEAR(traffic.bytes.at(Op::all_gather), 2 * parameters_of_stage(job, 0), 100);
  }
}

// Stage 2 keeps only its part of the gradients, so each micro-batch is scattered.
TEST(Sharding, stage_2_scatters_each_micro_batch) {
  const JobSpec job = llama_on(8, 2);
  const Traffic traffic = traffic_of(job);
  EXPECT_NEAR(traffic.bytes.at(Op::reduce_scatter), micro_batches * 4 * parameters_of_stage(job, 0), 300);
  EXPECT_NEAR(traffic.bytes.at(Op::all_gather), 2 * parameters_of_stage(job, 0), 100);
}

// Stage 3 gathers each layer before its forward and before its backward pass: 2 gathers of all but the input embedding,
// which is needed forward only, and one scatter a micro-batch.
TEST(Sharding, stage_3_gathers_every_layer_twice_a_micro_batch) {
  JobSpec job = llama_on(8, 3);
  for (const bool overlap : {true, false}) {
    job.overlap_dp = overlap;
    const Traffic traffic = traffic_of(job);
    const double all = parameters_of_stage(job, 0), embedding = embedding_parameters(job.model);
    EXPECT_NEAR(traffic.bytes.at(Op::all_gather), micro_batches * 2 * (2 * all - embedding), 1000);
    EXPECT_NEAR(traffic.bytes.at(Op::reduce_scatter), micro_batches * 4 * all, 1000);
  }
}

TEST(Sharding, one_replica_sends_nothing) {
  for (const int zero : {0, 1, 2, 3}) EXPECT_TRUE(traffic_of(llama_on(1, zero)).bytes.empty()) << zero;
}

double step_time(int zero, bool overlap, const std::string& network = "100 Gb/s") {
  return run(read_scenario_text(
                 "schema: weftsim/1\ncluster:\n  gpus: 16\n  accelerator: a100-sxm-80g\n  host: {preset: dgx-a100, nics: "
                 "{bandwidth: \"" +
                     network +
                     "\"}}\n  fabric: {type: leaf-spine, radix: 40, rails: 8, link: {bandwidth: \"200 Gb/s\"}}\nworkload:\n  model: "
                     "llama2-7b\n  micro_batch: 1\n  global_batch: 32\n  recompute: full\n  software: megatron-core\n  parallel: {zero: " +
                     std::to_string(zero) + "}\n  overlap: {dp: " + (overlap ? "true" : "false") + "}\n",
                 "sharding"))
      .jobs[0]
      .step_time_s;
}

// Hiding communication helps, and never by more than there is compute to hide it under; full sharding moves three times as
// many bytes as the other stages on two micro-batches.
TEST(Sharding, overlap_helps_and_more_traffic_costs) {
  for (const int zero : {1, 3}) EXPECT_LT(step_time(zero, true), step_time(zero, false)) << zero;
  EXPECT_LT(step_time(1, false), step_time(3, false));
  EXPECT_LT(step_time(3, true), step_time(3, true, "25 Gb/s"));
}

// The fuller the sharding, the less memory; ranks that do the same are still folded into one.
TEST(Sharding, folded_and_unfolded_agree) {
  Scenario scenario = read_scenario("dp-leaf-spine");
  scenario.jobs[0].software = "megatron-core";
  for (const int zero : {1, 3}) {
    scenario.jobs[0].parallel.zero = zero;
    const Result folded = run(scenario), whole = run(scenario, {.fold = false});
    EXPECT_EQ(folded.jobs[0].step_time_s, whole.jobs[0].step_time_s) << zero;
    EXPECT_LT(folded.ranks_simulated, whole.ranks_simulated);
  }
}
}  // namespace
