#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include "kernels/calibrate/fit/fit_journal.hpp"
#include "sim/error.hpp"
#include "tests/kernels/calibrate/made_up_machine.hpp"
#include "topology/fabric.hpp"
#include "workloads/plan_builder.hpp"
#include "workloads/run.hpp"
#include "workloads/run_cache.hpp"
#include "workloads/selfcheck/step_program.hpp"
#include "workloads/selfcheck/step_scenarios.hpp"

namespace {

using namespace kernels::calibrate;
using workloads::Plan;
using workloads::Scenario;

const kernels::OperationTimes& times() {
  static const Journal journal = made_up::journal(0, 75, 4);
  static const kernels::OperationTimes made(fit_journal(journal, settings_of(journal.machine, "mine")).profile);
  return made;
}

std::vector<Scenario> scenarios(int ranks) {
  return workloads::selfcheck::step_scenarios(times().profile(), "a100-sxm-80g", "bare", "cpu", ranks);
}
Plan plan_of(const Scenario& scenario) {
  return build_plan(scenario, topology::Fabric(scenario.cluster), times(), {{"bare", kernels::load_software_profile("bare")}});
}

std::vector<std::string> names(int ranks) {
  std::vector<std::string> all;
  for (const Scenario& scenario : scenarios(ranks)) all.push_back(scenario.name);
  return all;
}

TEST(StepScenarios, ways_to_be_parallel_over_as_many_ranks_as_there_are) {
  EXPECT_THAT(names(1), testing::ElementsAre("step dp1 tp1 pp1"));
  EXPECT_THAT(names(2), testing::ElementsAre("step dp2 tp1 pp1", "step dp1 tp2 pp1", "step dp1 tp1 pp2"));
  EXPECT_THAT(names(3), testing::ElementsAre("step dp3 tp1 pp1"));
  EXPECT_THAT(names(8), testing::ElementsAre("step dp8 tp1 pp1", "step dp4 tp2 pp1", "step dp4 tp1 pp2", "step dp2 tp2 pp2"));
}

// No rank would wait for ever, the text reads back, and the products have the FLOPs that the plan counts.
TEST(StepProgram, has_all_of_the_plan_and_would_end) {
  for (const int ranks : {1, 2, 4, 8})
    for (const Scenario& scenario : scenarios(ranks)) {
      const Plan plan = plan_of(scenario);
      const Program program = workloads::selfcheck::step_program(plan, 1, 3);
      const Program read = parse_program(workloads::selfcheck::to_json(program), "program.json");
      EXPECT_NO_THROW(check_program(read, "program.json")) << scenario.name;
      double flops = 0, planned = 0;
      for (const auto& steps : read.programs)
        for (const ProgramStep& step : steps)
          if (const auto* run = std::get_if<kernels::calibrate::Run>(&step))
            if (const auto* product = std::get_if<Product>(&read.operations[run->operation])) flops += product->shape.flops();
      for (const workloads::Rank& rank : plan.ranks)
        for (const workloads::Step& step : plan.programs[rank.program].steps)
          if (step.kind == workloads::StepKind::run) planned += plan.programs[rank.program].blocks[step.block].flops;
      EXPECT_DOUBLE_EQ(flops, planned) << scenario.name;
      EXPECT_GT(flops, 1e10);
    }
}

// All but the step's order is known: one rank has no one to wait for, so its step is the sum of its operations.
TEST(StepProgram, one_rank_takes_the_sum_of_what_it_runs) {
  const Scenario scenario = scenarios(1).front();
  const Program program = workloads::selfcheck::step_program(plan_of(scenario), 0, 1);
  double seconds = 0;
  for (const ProgramStep& step : program.programs.front())
    if (const auto* run = std::get_if<kernels::calibrate::Run>(&step)) {
      const auto& operation = program.operations[run->operation];
      const auto* pass = std::get_if<MemoryPass>(&operation);
      seconds += pass ? times().memory_bound(pass->bytes).seconds : times().gemm(std::get<Product>(operation).shape).seconds;
    }
  workloads::RunCache cache;
  cache.put("a100-sxm-80g", times());
  EXPECT_NEAR(workloads::run(scenario, {.cache = &cache}).jobs.front().step_time_s, seconds, 1e-6 * seconds);
}

// Two stages of two layers: each of the micro-batches goes there and back.
TEST(StepProgram, stages_send_each_micro_batch_there_and_back) {
  const Scenario scenario = scenarios(2).back();
  const Program program = workloads::selfcheck::step_program(plan_of(scenario), 0, 1);
  for (const auto& steps : program.programs) {
    int there = 0, back = 0;
    for (const ProgramStep& step : steps)
      if (const auto* run = std::get_if<kernels::calibrate::Run>(&step))
        if (const auto* message = std::get_if<Message>(&program.operations[run->operation])) ++(message->source == 0 ? there : back);
    EXPECT_EQ(there, scenario.jobs.front().micro_batches());
    EXPECT_EQ(back, there);
  }
}

TEST(StepProgram, refuses_what_bare_loops_cannot_run) {
  Scenario scenario = scenarios(1).front();
  scenario.jobs.front().attention = workloads::AttentionKind::flash;
  try {
    workloads::selfcheck::step_program(plan_of(scenario), 0, 1);
    FAIL();
  } catch (const sim::InputError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("flash attention cannot be run by bare loops"));
  }
}

}  // namespace
