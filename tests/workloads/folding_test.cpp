// Folded and whole runs of one scenario give the same step time, to the picosecond.
#include "tests/workloads/two_jobs.hpp"
#include "workloads/folding.hpp"
#include <fmt/format.h>
#include <gmock/gmock.h>
#include "sim/random.hpp"
#include "workloads/run.hpp"
#include "workloads/scenario_reader.hpp"

namespace {
using namespace workloads;

Scenario small(std::vector<std::string> changes) {
  Scenario scenario = read_shipped_scenario("quick", {.overrides = std::move(changes)});
  return scenario;
}

void expect_same(const Scenario& scenario, int most_ranks) {
  const Result folded = run(scenario, {.fold = true});
  const Result whole = run(scenario, {.fold = false});
  for (std::size_t j = 0; j < scenario.jobs.size(); ++j) {
    EXPECT_EQ(folded.jobs[j].steps_s, whole.jobs[j].steps_s);
    for (std::size_t c = 0; c < category_count; ++c)
      EXPECT_NEAR(folded.jobs[j].breakdown_s[c], whole.jobs[j].breakdown_s[c], 1e-9 * whole.jobs[j].step_time_s) << category_names[c];
  }
  EXPECT_LE(folded.ranks_simulated, most_ranks);
  EXPECT_EQ(whole.ranks_simulated, scenario.cluster.gpus);
  EXPECT_NEAR(folded.network_stats.max_link_utilization, whole.network_stats.max_link_utilization, 1e-9);
  EXPECT_EQ(folded.network_stats.full_link_count, whole.network_stats.full_link_count);
  EXPECT_EQ(folded.network_stats.flows, whole.network_stats.flows);
}

TEST(Folding, quick_scenario) { expect_same(small({}), 2); }
TEST(Folding, several_steps) { expect_same(small({"workload.steps=3"}), 2); }
TEST(Folding, analytic_network) { expect_same(small({"network=analytic"}), 2); }
TEST(Folding, spray) { expect_same(small({"cluster.fabric.routing=spray"}), 2); }
// Hash collisions tell flows apart: less is folded, and nothing is wrong.
TEST(Folding, ecmp) { expect_same(small({"cluster.fabric.routing=ecmp"}), 16); }
TEST(Folding, oversubscribed_leaf) { expect_same(read_shipped_scenario("dp-leaf-spine-4to1"), 1); }
TEST(Folding, three_tiers_interleaved) { expect_same(read_shipped_scenario("sc21-76b"), 64); }

// The same cluster with a second job beside the first: each has its own step time, the same either way.
TEST(Folding, two_jobs) {
  const Scenario scenario = weftsim::test::two_jobs();
  expect_same(scenario, scenario.cluster.gpus / 2);
}

// Two interleaved stages: activations and gradients go both ways between the same two ranks.
TEST(Folding, two_interleaved_stages) {
  for (const char* routing : {"ecmp", "adaptive"})
    expect_same(
        small({"workload.schedule=interleaved", "workload.parallel.virtual_stages=2", fmt::format("cluster.fabric.routing={}", routing)}),
        16);
}

// More GPUs to the rank order: pipeline stages inside a host, tensor groups the slowest dimension.
TEST(Folding, any_rank_order) {
  for (const char* order : {"pp-dp-tp-cp-ep", "dp-tp-pp-ep-cp", "tp-pp-dp-cp-ep"})
    expect_same(small({fmt::format("workload.parallel.rank_order={}", order)}), 16);
}
// Whatever the layout, placement, routing and company: drawn at random, folded and whole agree.
TEST(Folding, random_jobs_on_random_fabrics) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const sim::Random random(seed, 7);
    std::uint64_t draw = 0;
    const auto pick = [&](auto... choices) {
      const std::common_type_t<decltype(choices)...> all[] = {choices...};
      return all[static_cast<std::size_t>(random.uniform(0, draw++) * sizeof...(choices))];
    };
    const auto job = [&](const char* name) {
      const int tp = pick(1, 2, 4, 8, 16), pp = pick(1, 2, 4), chunks = pp > 1 ? pick(1, 1, 2) : 1;
      const char* schedule = chunks > 1 ? "interleaved" : pick("1f1b", "gpipe");
      return fmt::format(
          "  - {{name: {}, gpus: 64, placement: {}, start: {}, steps: {}, global_batch: 64, micro_batch: 1, precision: bf16, software: {}, "
          "model: {{layers: 8, hidden: 1024, heads: 16, ffn_hidden: 4096, vocab: 4096, seq_len: 512}}, "
          "parallel: {{tp: {}, pp: {}, virtual_stages: {}, rank_order: {}}}, schedule: {}}}\n",
          name, pick("packed", "spread", "random"), pick("0 s", "1 ms"), pick(1, 2), pick("megatron-2021", "megatron-core"), tp, pp, chunks,
          pick("tp-cp-ep-dp-pp", "tp-pp-dp-cp-ep", "dp-tp-pp-cp-ep"), schedule);
    };
    const std::string text = fmt::format(
        "schema: weftsim/1\ncluster:\n  gpus: 128\n  accelerator: a100-sxm-80g\n  host: {{preset: dgx-a100}}\n"
        "  fabric: {{type: {}, radix: 40, rails: {}, oversubscription: {}, routing: {}, link: {{bandwidth: 200 Gb/s, latency: 300 "
        "ns}}}}\njobs:\n{}{}network: {}\n",
        pick("leaf-spine", "fat-tree"), pick(1, 8), pick(1, 4), pick("ecmp", "adaptive", "spray", "static"), job("a"), job("b"),
        pick("fluid", "fluid", "analytic"));
    SCOPED_TRACE(text);
    expect_same(read_scenario_text(text, "random"), 128);
    if (HasFailure()) return;
  }
}
}  // namespace
