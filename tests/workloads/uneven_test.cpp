// What changes the time of kernels while a step runs: collectives beside them, jitter, stragglers.
#include <gmock/gmock.h>
#include <algorithm>
#include <numeric>
#include "sim/error.hpp"
#include "workloads/executor.hpp"
#include "workloads/run.hpp"
#include "workloads/scenario_reader.hpp"

namespace {
using namespace workloads;
using namespace sim::literals;

const kernels::OperationTimes& any_device() {
  static const kernels::OperationTimes times(kernels::load_device_profile("a100-sxm-80g"));
  return times;
}

// One data-parallel group inside a host; every rank runs `steps` of which block 0 is one kernel of `kernel`.
Plan plan_of(int ranks, sim::Time kernel, std::vector<Step> steps) {
  Plan plan{.jobs = {{"fixed"}}};
  Program& program = plan.programs.emplace_back();
  program.blocks.push_back(make_block({{.name = "layer", .op_class = OpClass::gemm, .device = kernel}}));
  program.steps = std::move(steps);
  Group group{.shape = {ranks, 1, ranks, 0, 0}};
  for (int r = 0; r < ranks; ++r) {
    Rank& rank = plan.ranks.emplace_back();
    rank.number = r;
    rank.groups[static_cast<std::size_t>(GroupRole::data)] = 0;
    group.ranks.push_back(static_cast<std::uint32_t>(r));
  }
  plan.groups.push_back(std::move(group));
  return plan;
}

Outcome outcome_of(const Plan& plan) {
  sim::CoupledNetwork network(sim::make_network("fluid", plan.links), plan.links);
  return Executor(plan, network, any_device(), {}).run();
}

constexpr sim::Bytes bytes{64 << 20};
sim::Time alone() {
  return sim::Time::seconds(
      any_device().scale_up_collective(kernels::CollectiveOp::all_reduce, 8, static_cast<double>(bytes.count())).seconds);
}

double beside(sim::Time kernel, Slowdown overlap) {
  Plan plan = plan_of(8, kernel, {{.kind = StepKind::post, .bytes = bytes}, {.kind = StepKind::run}, {.kind = StepKind::await}});
  plan.programs[0].overlap = overlap;
  return outcome_of(plan).end.in_seconds();
}

TEST(Overlap, without_slowdown_takes_the_longer_of_both) {
  EXPECT_EQ(beside(10 * alone(), {}), (10 * alone()).in_seconds());
  EXPECT_EQ(beside(1_us, {}), alone().in_seconds());
}

// The collective takes 1.5 times as long, and meanwhile the kernels advance at 1 / 1.2.
TEST(Overlap, of_a_hidden_collective_lengthens_the_kernels) {
  const double t = alone().in_seconds(), kernel = 10 * t;
  EXPECT_NEAR(beside(10 * alone(), {1.2, 1.5}), kernel + 1.5 * t * (1 - 1 / 1.2), 1e-11);
}

// The kernels take 1.2 times as long; what the collective did meanwhile at 1 / 1.5, it does not have to do any more.
TEST(Overlap, of_short_kernels_lengthens_the_collective) {
  const double t = alone().in_seconds(), kernel = t / 4;
  EXPECT_NEAR(beside(sim::Time::seconds(kernel), {1.2, 1.5}), 1.2 * kernel + t - 1.2 * kernel / 1.5, 1e-11);
}

// Two in turn: the second begins when the stretched first one has ended.
TEST(Overlap, collectives_of_a_stream_run_one_after_the_other) {
  const double t = alone().in_seconds();
  Plan plan = plan_of(8, 10 * alone(),
                      {{.kind = StepKind::post, .bytes = bytes},
                       {.kind = StepKind::post, .bytes = bytes},
                       {.kind = StepKind::run},
                       {.kind = StepKind::await}});
  plan.programs[0].overlap = {1.2, 1.5};
  EXPECT_NEAR(outcome_of(plan).end.in_seconds(), 10 * t + 2 * 1.5 * t * (1 - 1 / 1.2), 1e-11);
}

// A step waits for the slowest of n: 1 + sigma * E(max of n standard normals), which is 1.5388 for 10 and 2.5076 for 100.
TEST(Jitter, a_step_takes_the_expected_maximum_of_n_normals) {
  constexpr double sigma = 0.05;
  constexpr int steps = 1000;
  for (const auto& [n, expected] : {std::pair{10, 1.5388}, {100, 2.5076}}) {
    Plan plan = plan_of(n, 1_ms, {{.kind = StepKind::run}, {.kind = StepKind::collective, .bytes = sim::Bytes{4}}});
    plan.jobs[0].steps = steps;
    const double even = outcome_of(plan).end.in_seconds() / steps;
    plan.jobs[0].jitter = sigma;
    const double mean = outcome_of(plan).end.in_seconds() / steps;
    EXPECT_NEAR((mean - even) / 1e-3 / sigma, expected, 4 * 0.59 / std::sqrt(steps)) << n;  // its deviation is at most 0.59
  }
}

TEST(Jitter, a_straggler_of_a_group_slows_all) {
  Plan plan = plan_of(8, 1_ms, {{.kind = StepKind::run}, {.kind = StepKind::collective, .bytes = sim::Bytes{4}}});
  const sim::Time even = outcome_of(plan).end;
  plan.ranks[3].slowness = 1.25;
  EXPECT_EQ(outcome_of(plan).end, even + 250_us);
}

std::string scenario_with(std::string_view jitter) {
  return std::string(R"(schema: weftsim/1
name: jitter
cluster: {gpus: 8, accelerator: a100-sxm-80g, host: {preset: dgx-a100}, fabric: {type: none}}
workload:
  model: {layers: 2, hidden: 1024, heads: 16, vocab: 32000, seq_len: 1024}
  parallel: {tp: 2}
  micro_batch: 1
  global_batch: 8
  software: megatron-core
  steps: 3
)") +
         "  jitter: " + std::string(jitter) + "\n";
}
JobResult job_of(std::string_view jitter, bool fold = true, std::uint64_t seed = 1) {
  Scenario scenario = read_scenario_text(scenario_with(jitter), "jitter.yaml");
  scenario.seed = seed;
  return run(scenario, {.fold = fold}).jobs.front();
}

TEST(Jitter, steps_differ_by_seed_and_by_nothing_else) {
  const auto steps = job_of("{gpu: 0.1}").steps_s;
  ASSERT_EQ(steps.size(), 3u);
  EXPECT_NE(steps[0], steps[1]);
  EXPECT_NE(steps[1], steps[2]);
  EXPECT_EQ(job_of("{gpu: 0.1}").steps_s, steps);
  EXPECT_EQ(job_of("{gpu: 0.1}", false).steps_s, steps);
  EXPECT_NE(job_of("{gpu: 0.1}", true, 2).steps_s, steps);
  EXPECT_EQ(job_of("{gpu: 0}").step_time_s, job_of("{slow: [{rank: 5, factor: 1}]}").step_time_s);
}

TEST(Jitter, slow_rank_is_a_rank_of_the_job) {
  const double even = job_of("{}").step_time_s;
  EXPECT_GT(job_of("{slow: [{rank: 7, factor: 2}]}").step_time_s, 1.1 * even);
  try {
    job_of("{slow: [{rank: 8, factor: 2}]}");
    FAIL();
  } catch (const sim::InputError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("rank 8 is beyond the last of 8 ranks. Write 0 to 7."));
  }
}

}  // namespace
