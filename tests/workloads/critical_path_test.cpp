// The critical path of a step has no gap and no overlap: its items add up to the step, folded or not, whatever the schedule.
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <map>
#include "tests/workloads/two_jobs.hpp"
#include "workloads/run.hpp"
#include "workloads/scenario_reader.hpp"

namespace {
using namespace workloads;

std::map<std::string, double> by_op(const JobResult& job) {
  std::map<std::string, double> sums;
  for (const PathItem& item : job.critical_path) sums[item.op] += item.seconds;
  return sums;
}

double sum(const JobResult& job) {
  double all = 0;
  for (const PathItem& item : job.critical_path) all += item.seconds;
  return all;
}

void expect_whole(const Scenario& scenario, bool fold) {
  const Result result = run(scenario, {.fold = fold, .critical_path = true});
  for (const JobResult& job : result.jobs) {
    EXPECT_NEAR(sum(job), job.step_time_s, 1e-9 * job.step_time_s);
    for (std::size_t i = 1; i < job.critical_path.size(); ++i) EXPECT_GE(job.critical_path[i - 1].seconds, job.critical_path[i].seconds);
    EXPECT_EQ(by_op(job).count("pp_bubble"), 0u) << "a late peer is followed, not waited for";
  }
}

TEST(CriticalPath, is_empty_unless_asked_for) { EXPECT_TRUE(run(read_shipped_scenario("quick")).jobs[0].critical_path.empty()); }

TEST(CriticalPath, adds_up_to_the_step) {
  for (const char* name : {"quick", "sc21-76b", "dp-leaf-spine-4to1"}) {
    SCOPED_TRACE(name);
    expect_whole(read_shipped_scenario(name), true);
  }
  for (const std::vector<std::string>& changes : {
           std::vector<std::string>{"workload.steps=3"},
           {"workload.software=megatron-core", "workload.parallel.zero=1", "workload.steps=2"},
           {"workload.software=fsdp", "workload.parallel={tp: 1, pp: 1, zero: 3}"},
           {"workload.software=fsdp", "workload.parallel={tp: 2, pp: 1, zero: 3}", "workload.overlap.dp=false"},
           {"workload.schedule=gpipe", "network=analytic"},
           {"cluster.fabric.routing=ecmp", "workload.software=megatron-core"},
       })
    for (const bool fold : {true, false}) {
      SCOPED_TRACE(fmt::format("{} fold {}", fmt::join(changes, " "), fold));
      expect_whole(read_shipped_scenario("quick", {.overrides = changes}), fold);
    }
}

TEST(CriticalPath, of_two_jobs_is_one_each) { expect_whole(weftsim::test::two_jobs(), true); }

// One GPU waits for nobody: the path is its own time, kernel by kernel.
TEST(CriticalPath, of_one_gpu_is_all_that_it_does) {
  const Scenario scenario = read_scenario_text(
      "schema: weftsim/1\ncluster: {gpus: 1, accelerator: a100-sxm-80g, host: {preset: dgx-a100}, fabric: {type: none}}\n"
      "workload: {model: gpt2-xl, global_batch: 2, software: megatron-core}\n",
      "one");
  const JobResult job = run(scenario, {.critical_path = true}).jobs[0];
  const auto path = by_op(job);
  const auto spent = [&](Category c) { return job.breakdown_s[static_cast<std::size_t>(c)]; };
  double kernels = 0;
  for (const auto& [op, seconds] : path)
    if (op != "host") kernels += seconds;
  EXPECT_NEAR(kernels, spent(Category::compute) + spent(Category::optimizer), 1e-12);
  EXPECT_GT(path.at("fc1"), path.at("layer_norm"));
  EXPECT_GT(path.at("optimizer"), 0);
}

// GPipe on p equal stages with m micro-batches: the path is m + p - 1 forward and as many backward passes, so its kernels are
// (m + p - 1) / m of what a rank runs.
TEST(CriticalPath, of_a_pipeline_goes_through_every_stage) {
  const Scenario scenario = read_scenario_text(
      "schema: weftsim/1\n"
      "cluster: {gpus: 4, accelerator: a100-sxm-80g, host: {preset: dgx-a100}, fabric: {type: none}}\n"
      "workload:\n  model: {layers: 48, hidden: 4096, heads: 32, vocab: 128, seq_len: 2048, tied_embeddings: false}\n"
      "  parallel: {pp: 4}\n  schedule: gpipe\n  global_batch: 8\n  software: megatron-2021\n",
      "gpipe");
  const JobResult job = run(scenario, {.critical_path = true}).jobs[0];
  std::map<int, double> by_rank;
  for (const PathItem& item : job.critical_path) by_rank[item.rank] += item.seconds;
  EXPECT_EQ(by_rank.size(), 4u);
  double kernels = 0;
  for (const auto& [op, seconds] : by_op(job))
    if (op != "pp_comm" && op != "dp_comm" && op != "host" && op != "optimizer") kernels += seconds;
  const double own = job.breakdown_s[static_cast<std::size_t>(Category::compute)];
  EXPECT_NEAR(kernels / own, (8.0 + 4 - 1) / 8, 0.01);
}
}  // namespace
