// Collectives as one variable, expanded where other flows come on their links, against every message simulated (--exact).
#include <fmt/format.h>
#include <gmock/gmock.h>
#include "workloads/run.hpp"
#include "workloads/scenario_reader.hpp"
#include "workloads/traffic/patterns.hpp"
#include "workloads/traffic/traffic_run.hpp"

namespace workloads {
namespace {
using namespace sim::literals;
using traffic::FlowList;
using traffic::TrafficOutcome;

constexpr const char* leaf_spine =
    "{gpus: 64, host: {preset: single-gpu}, fabric: {type: leaf-spine, radix: 16, link: {bandwidth: 400 Gb/s, latency: 1 us}, "
    "routing: ecmp, transport: ideal}}";
constexpr const char* thin_leaf_spine =
    "{gpus: 48, host: {preset: single-gpu}, fabric: {type: leaf-spine, radix: 16, oversubscription: 3, link: {bandwidth: 400 Gb/s, "
    "latency: 1 us}, routing: adaptive, transport: ideal}}";
constexpr const char* fat_tree =
    "{gpus: 64, host: {preset: single-gpu}, fabric: {type: fat-tree, tiers: 3, radix: 8, link: {bandwidth: 400 Gb/s, latency: 1 us}, "
    "routing: ecmp, transport: ideal}}";
constexpr const char* nvswitch = "{gpus: 8, accelerator: a100-sxm-80g, host: {preset: dgx-a100}, fabric: {type: none}}";

Scenario cluster(const std::string& text) {
  return read_scenario_text("schema: weftsim/1\nname: test\ncluster: " + text + "\n", "test.yaml", {.workload_required = false});
}

// A ring of all GPUs, `stride` apart.
FlowList ring(int gpus, int stride, sim::Bytes bytes) {
  FlowList list;
  for (int i = 0; i < gpus; ++i)
    list.flows.push_back({.source = i * stride % gpus, .destination = (i + 1) * stride % gpus, .bytes = bytes, .repeat = 2 * (gpus - 1)});
  return list;
}

const char* name_of_cluster(const testing::TestParamInfo<const char*>& p) {
  constexpr const char* names[] = {"leaf_spine", "thin_leaf_spine", "fat_tree", "nvswitch"};
  return names[p.index];
}
class RingTraffic : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(, RingTraffic, testing::Values(leaf_spine, thin_leaf_spine, fat_tree, nvswitch), name_of_cluster);

// Neighbours in turn: no edge but the two that leave a leaf meet others, and every row ends when it does message by message.
TEST_P(RingTraffic, alone_ends_as_message_by_message) {
  const Scenario scenario = cluster(GetParam());
  const topology::Fabric fabric(scenario.cluster);
  for (const int stride : {1, 5}) {
    const FlowList list = ring(scenario.cluster.gpus, stride, 1_MB);
    const TrafficOutcome automatic = run_traffic(scenario, fabric, list), exact = run_traffic(scenario, fabric, list, {.exact = true});
    EXPECT_EQ(automatic.finish, exact.finish);
    EXPECT_EQ(automatic.messages, exact.messages);
    EXPECT_NEAR(automatic.max_link_utilization, exact.max_link_utilization, 1e-6);
    if (stride == 1) {
      EXPECT_EQ(automatic.events, 2);
    }
  }
}

// Web-search traffic over the same links, from the middle of the ring on: every row within 1 %, the same on any number of threads.
TEST_P(RingTraffic, under_cross_traffic_is_as_message_by_message) {
  const Scenario scenario = cluster(GetParam());
  const topology::Fabric fabric(scenario.cluster);
  for (const int stride : {1, 5}) {
    FlowList list = ring(scenario.cluster.gpus, stride, 4_MB);
    const sim::Time half = sim::Time::seconds(run_traffic(scenario, fabric, list).makespan().in_seconds() / 2);
    for (traffic::Flow flow :
         traffic::make_pattern({.pattern = "web-search", .load = 0.2, .flows = 300, .seed = 7}, scenario.cluster).flows) {
      flow.start += half;
      list.flows.push_back(flow);
    }
    const TrafficOutcome automatic = run_traffic(scenario, fabric, list), exact = run_traffic(scenario, fabric, list, {.exact = true});
    for (std::size_t flow = 0; flow < list.size(); ++flow)
      EXPECT_NEAR((automatic.finish[flow] - automatic.start[flow]) / (exact.finish[flow] - exact.start[flow]), 1, 0.01) << flow;
    if (stride == 1) {
      EXPECT_LT(automatic.events, exact.events);
    }
    EXPECT_EQ(automatic.signature, run_traffic(scenario, fabric, list, {.threads = 4}).signature);
  }
}

// Not rings: unequal bytes, another flow out of one GPU, a dependency. Message by message, as before.
TEST(NoRing, goes_message_by_message) {
  const Scenario scenario = cluster(leaf_spine);
  const topology::Fabric fabric(scenario.cluster);
  const std::uint64_t messages = run_traffic(scenario, fabric, ring(8, 1, 1_MB), {.exact = true}).messages;
  FlowList unequal = ring(8, 1, 1_MB), branch = ring(8, 1, 1_MB), later = ring(8, 1, 1_MB);
  unequal.flows[3].bytes = 2_MB;
  branch.flows.push_back({.source = 2, .destination = 20, .bytes = 1_MB, .repeat = 2});
  later.flows[5].start = 1_us;
  for (const FlowList& list : {unequal, branch, later}) EXPECT_GE(run_traffic(scenario, fabric, list).events, 2 * messages);
}

struct Contended {
  const char* name;
  std::string jobs, fabric;
};

std::string job(const char* name, int gpus, const char* more) {
  return fmt::format(
      "  - {{name: {}, gpus: {}, global_batch: 64, micro_batch: 1, precision: bf16, model: {{layers: 8, hidden: 4096, heads: 32, "
      "ffn_hidden: 16384, vocab: 32000, seq_len: 1024}}, {}}}\n",
      name, gpus, more);
}

class ContendedJob : public testing::TestWithParam<Contended> {};
INSTANTIATE_TEST_SUITE_P(
    , ContendedJob,
    testing::Values(
        // Bucketed gradients and pipeline messages leave by the same NICs.
        Contended{"overlapped_gradients", job("a", 128, "software: megatron-core, parallel: {tp: 2, pp: 4}"), "oversubscription: 4"},
        // Two jobs all over the leaves, whose trunks are thin.
        Contended{"two_jobs_on_thin_trunks",
                  job("a", 64, "software: megatron-core, placement: spread, parallel: {tp: 8, pp: 2}") +
                      job("b", 64, "software: megatron-core, placement: spread, start: 1 ms, parallel: {tp: 8, pp: 2}"),
                  "oversubscription: 4"},
        Contended{"hashed_routes", job("a", 128, "software: megatron-core, parallel: {tp: 8, pp: 2}"), "routing: ecmp"}),
    [](const auto& p) { return p.param.name; });

// Folded and whole to the picosecond, with one variable a collective and with every message; both within 1 %.
TEST_P(ContendedJob, takes_as_long_as_message_by_message) {
  const Scenario scenario = read_scenario_text(
      fmt::format("schema: weftsim/1\ncluster:\n  gpus: 128\n  accelerator: a100-sxm-80g\n  host: {{preset: dgx-a100}}\n  fabric: {{type: "
                  "leaf-spine, radix: 40, rails: 1, {}, link: {{bandwidth: 200 Gb/s, latency: 300 ns}}}}\njobs:\n{}",
                  GetParam().fabric, GetParam().jobs),
      "test.yaml");
  const Result automatic = run(scenario), whole = run(scenario, {.fold = false});
  const Result exact = run(scenario, {.exact = true}), exact_whole = run(scenario, {.fold = false, .exact = true});
  for (std::size_t j = 0; j < scenario.jobs.size(); ++j) {
    EXPECT_EQ(automatic.jobs[j].steps_s, whole.jobs[j].steps_s);
    EXPECT_EQ(exact.jobs[j].steps_s, exact_whole.jobs[j].steps_s);
    EXPECT_NEAR(automatic.jobs[j].step_time_s / exact.jobs[j].step_time_s, 1, 0.01);
  }
}

// Nothing else on the links of the main job's collectives: it folds as far as if there were no messages.
TEST(CoupledJob, folds_far_and_takes_as_long_as_message_by_message) {
  const Scenario scenario = read_shipped_scenario("sc21-145b");
  const Result automatic = run(scenario), exact = run(scenario, {.exact = true});
  EXPECT_EQ(automatic.ranks_simulated, 48);
  EXPECT_NEAR(automatic.jobs[0].step_time_s / exact.jobs[0].step_time_s, 1, 1e-6);
}

}  // namespace
}  // namespace workloads
