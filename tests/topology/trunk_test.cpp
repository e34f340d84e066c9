#include <gmock/gmock.h>
#include <algorithm>
#include "sim/network.hpp"
#include "tests/topology/example_clusters.hpp"
#include "topology/fabric.hpp"

namespace topology {
namespace {

using namespace sim::literals;
using examples::dgx;
using examples::end_points;
using examples::fabric;

Fabric adaptive(ClusterSpec spec) {
  spec.fabric.routing = Routing::adaptive;
  return Fabric(spec);
}

TEST(Trunks, hold_every_link_once_and_the_sum_of_their_capacities) {
  const Fabric built = adaptive(dgx(16, fabric(FabricType::rail_optimized, 16, 3)));
  std::vector<int> seen(built.links().size());
  for (std::uint32_t id = 0; id < built.network_links().size(); ++id) {
    double sum = 0;
    for (const std::uint32_t member : built.members(sim::LinkId{id})) {
      sum += built.links()[member].capacity.value();
      EXPECT_EQ(built.links()[member].kind, built.network_link_kind(sim::LinkId{id}));
      ++seen[member];
    }
    EXPECT_DOUBLE_EQ(built.network_links()[id].capacity.value(), sum);
  }
  EXPECT_THAT(seen, testing::Each(1));
}

// k = 4: a leaf has 2 links up, a pod 2 spines x 2 = 4 links to the cores.
TEST(Trunks, are_one_of_each_leaf_and_pod_in_each_direction) {
  const Fabric built = adaptive(end_points(16, fabric(FabricType::fat_tree, 4, 3)));
  std::vector<std::string> names;
  for (const sim::LinkShare& share : built.route(0, 15).shares) names.push_back(built.network_link_name(share.link));
  EXPECT_THAT(names,
              testing::ElementsAre("gpu-0 -> nic-0.0", "nic-0.0 -> leaf-0", "leaf-0 -> spines (2 links)", "pod-0 -> cores (4 links)",
                                   "cores -> pod-3 (4 links)", "spines -> leaf-7 (2 links)", "leaf-7 -> nic-15.0", "nic-15.0 -> gpu-15"));
}

TEST(Trunks, do_not_exist_where_a_hash_or_a_table_chooses) {
  const Fabric built(end_points(16, fabric(FabricType::fat_tree, 4, 3)));
  EXPECT_EQ(built.network_links().size(), built.links().size());
}

// 4:1 with 8 ports down has 2 up: 8 flows out of the leaf share 2 x 25 GB/s, 6.25 GB/s each.
TEST(Trunks, are_where_an_oversubscribed_leaf_runs_out) {
  ClusterSpec spec = end_points(16, fabric(FabricType::leaf_spine, 10, 2));
  spec.fabric.oversubscription = {4};
  const Fabric built = adaptive(spec);
  const auto network = sim::make_network("fluid", built.network_links());
  std::vector<sim::FlowId> flows;
  for (int gpu = 0; gpu < 8; ++gpu) {
    const Route route = built.route(gpu, gpu + 8);
    flows.push_back(network->start({1_GB, route.latency, route.shares}));
  }
  network->next_event();
  network->advance_to(1_ms);
  network->next_event();
  for (const sim::FlowId flow : flows) EXPECT_NEAR(network->rate(flow).value(), 6.25e9, 1);
}

}  // namespace
}  // namespace topology
