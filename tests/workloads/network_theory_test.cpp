// Collectives and traffic on built fabrics against their closed forms; SimGrid's answers: traffic_theory_test.cpp.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <numeric>
#include "kernels/collectives/network_collective.hpp"
#include "sim/random.hpp"
#include "topology/fabric.hpp"
#include "workloads/run.hpp"
#include "workloads/scenario_reader.hpp"

namespace {
using namespace workloads;
using namespace sim::literals;

topology::ClusterSpec single_gpu_hosts(int hosts, const std::string& fabric) {
  return read_scenario_text(
             fmt::format("schema: weftsim/1\ncluster: {{gpus: {}, accelerator: a100-sxm-80g, host: {{preset: single-gpu}}, fabric: {}}}\n",
                         hosts, fabric),
             "test", {.workload_required = false})
      .cluster;
}

// Makespan of flows that all start at 0.
sim::Time makespan(const topology::Fabric& fabric, const std::vector<std::pair<int, int>>& pairs, sim::Bytes bytes) {
  const auto network = sim::make_network("fluid", fabric.network_links());
  for (const auto& [from, to] : pairs) {
    const topology::Route route = fabric.route(from, to, static_cast<std::uint64_t>(from));
    network->start({bytes, route.latency, route.shares});
  }
  sim::Time last;
  for (sim::Time t = network->next_event(); t != sim::never; t = network->next_event())
    if (!network->advance_to(t).empty()) last = t;
  return last;
}

std::vector<std::pair<int, int>> permutation(int n, std::uint64_t seed) {
  std::vector<int> to(n);
  std::iota(to.begin(), to.end(), 0);
  const sim::Random random(seed, 0);
  for (int i = n; i-- > 1;) std::swap(to[i], to[static_cast<int>(random.uniform(0, i) * i)]);  // Sattolo: nobody sends to himself
  std::vector<std::pair<int, int>> pairs;
  for (int i = 0; i < n; ++i) pairs.push_back({i, to[i]});
  return pairs;
}

// Full bisection and spraying: every permutation runs at line rate, S / B after the longest latency.
TEST(Permutation, runs_at_line_rate_on_a_full_bisection_fat_tree_with_spraying) {
  for (const char* fabric : {"{type: fat-tree, tiers: 3, radix: 8, link: {bandwidth: 400 Gb/s, latency: 1 us}, routing: spray}",
                             "{type: leaf-spine, radix: 32, link: {bandwidth: 400 Gb/s, latency: 1 us}, routing: adaptive}"}) {
    const topology::Fabric fat(single_gpu_hosts(128, fabric));
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      const sim::Time end = makespan(fat, permutation(128, seed), 64_MB);
      EXPECT_NEAR((end - 64_MB / 400_Gbps).in_seconds(), 7e-6, 5e-6) << fabric;  // latencies of four to six cables, NICs and switches
    }
  }
}

// Hashing makes flows collide: the same permutation takes longer, at least two flows on one link.
TEST(Permutation, collides_under_ecmp) {
  const topology::Fabric fat(
      single_gpu_hosts(128, "{type: fat-tree, tiers: 3, radix: 8, link: {bandwidth: 400 Gb/s, latency: 1 us}, routing: ecmp}"));
  EXPECT_GT(makespan(fat, permutation(128, 1), 64_MB).in_seconds(), 1.9 * (64_MB / 400_Gbps).in_seconds());
}

// Leaf 3:1 oversubscribed, every flow leaves its leaf: a third of the line rate.
TEST(Permutation, runs_at_a_third_of_line_rate_when_the_leaf_is_oversubscribed_3_to_1) {
  const topology::Fabric thin(single_gpu_hosts(
      96, "{type: leaf-spine, radix: 32, oversubscription: 3, link: {bandwidth: 400 Gb/s, latency: 1 us}, routing: spray}"));
  std::vector<std::pair<int, int>> shift;
  for (int i = 0; i < 96; ++i) shift.push_back({i, (i + 24) % 96});  // 24 ports down a leaf
  EXPECT_NEAR(makespan(thin, shift, 64_MB) / (64_MB / 400_Gbps), 3, 0.01);
}

// Ring all-reduce on an empty fabric: 2(n-1)/n S/B, and NCCL's latency: with more than 64 bytes for each channel and rank 1.9 times
// 8.4 us and 2(n-1) steps of 14 us.
TEST(RingAllReduce, takes_its_closed_form) {
  kernels::DeviceProfile profile = kernels::load_device_profile("a100-sxm-80g");
  profile.network.transports.clear();
  profile.network.nic_efficiency = 1;
  const kernels::OperationTimes times(profile);
  for (const int n : {4, 16, 128}) {
    const double S = 1e9, B = 25e9;
    const auto plan = kernels::plan_network_collective(kernels::CollectiveOp::all_reduce, {n, n, 1, B, 2e-6}, S, times);
    EXPECT_EQ(plan.algorithm, kernels::NcclAlgorithm::ring);
    EXPECT_EQ(plan.steps, 2 * (n - 1));
    EXPECT_NEAR(plan.flow_bytes, 2.0 * (n - 1) / n * S, 1e-3);
    EXPECT_NEAR(plan.latency_s + plan.after_s, 1.9 * (8.4e-6 + 2 * (n - 1) * 14e-6), 1e-12);
  }
}

// The all-reduce of a data-parallel job crosses 4:1 leaves: the job gets slower, and the summary says where.
TEST(Oversubscription, of_the_leaf_makes_a_data_parallel_job_slower_and_names_the_links) {
  const Result fair = run(read_shipped_scenario("dp-leaf-spine"));
  const Result thin = run(read_shipped_scenario("dp-leaf-spine-4to1"));
  EXPECT_GT(thin.jobs[0].step_time_s, 1.1 * fair.jobs[0].step_time_s);
  EXPECT_THAT(fair.network_stats.full_links, testing::IsEmpty());
  ASSERT_THAT(thin.network_stats.full_links, testing::Not(testing::IsEmpty()));
  for (const FullLink& link : thin.network_stats.full_links) EXPECT_EQ(link.kind, "leaf_spine");
}

}  // namespace
