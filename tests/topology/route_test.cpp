#include <gmock/gmock.h>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/breadth_first_search.hpp>
#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include "sim/error.hpp"
#include "tests/topology/example_clusters.hpp"
#include "topology/fabric.hpp"

namespace topology {
namespace {

using namespace sim::literals;
using examples::dgx;
using examples::end_points;
using examples::fabric;

// What a unit flow leaves at each node, every member of a trunk carrying an equal part: 1 at the source, -1 at the
// destination, nothing on the way.
bool is_conserved(const Fabric& built, const Route& route, int source_gpu, int destination_gpu) {
  std::map<std::uint32_t, double> left;
  for (const auto& [network_link, share] : route.shares)
    for (const std::uint32_t member : built.members(network_link)) {
      const double part = share / static_cast<double>(built.members(network_link).size());
      left[built.links()[member].from] += part;
      left[built.links()[member].to] -= part;
    }
  if (source_gpu != destination_gpu)
    left[static_cast<std::uint32_t>(source_gpu)] -= 1, left[static_cast<std::uint32_t>(destination_gpu)] += 1;
  return std::all_of(left.begin(), left.end(), [](const auto& node) { return std::abs(node.second) < 1e-9; });
}

// Hops of the shortest ways from a GPU by Boost, not through other GPUs.
std::vector<int> shortest_hops(const Fabric& built, int source_gpu) {
  using Plain = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS>;
  Plain graph(built.nodes().size());
  for (const Link& link : built.links())
    if (built.nodes()[link.from].kind != NodeKind::gpu || static_cast<int>(link.from) == source_gpu) add_edge(link.from, link.to, graph);
  std::vector<int> hops(built.nodes().size());
  boost::breadth_first_search(graph, static_cast<Plain::vertex_descriptor>(source_gpu),
                              boost::visitor(boost::make_bfs_visitor(boost::record_distances(hops.data(), boost::on_tree_edge()))));
  return hops;
}

struct Case {
  std::string name;
  ClusterSpec spec;
};

std::vector<Case> small_fabrics() {
  std::vector<Case> cases = {{"k4_fat_tree", end_points(16, fabric(FabricType::fat_tree, 4, 3))},
                             {"two_tiers", end_points(18, fabric(FabricType::fat_tree, 6, 2))},
                             {"parallel_cables", end_points(12, fabric(FabricType::leaf_spine, 12, 2))},
                             {"dgx_on_leaves", dgx(6, fabric(FabricType::leaf_spine, 16, 2))},
                             {"rails", dgx(6, fabric(FabricType::rail_optimized, 16, 2))},
                             {"rails_in_pods", dgx(6, fabric(FabricType::rail_optimized, 16, 3))},
                             {"four_rails", dgx(8, fabric(FabricType::fat_tree, 16, 3))},
                             {"no_scale_up", dgx(3, fabric(FabricType::leaf_spine, 16, 2))},
                             {"two_GPUs_a_NIC", dgx(3, fabric(FabricType::leaf_spine, 16, 2))},
                             {"two_domains_a_host", dgx(3, fabric(FabricType::leaf_spine, 16, 2))},
                             {"uneven_rails", dgx(8, fabric(FabricType::fat_tree, 16, 3))},
                             {"parallel_links", dgx(4, fabric(FabricType::rail_optimized, 16, 3))},
                             {"dual_ToR", dgx(6, fabric(FabricType::leaf_spine, 32, 2))},
                             {"dual_ToR_rails_in_pods", dgx(8, fabric(FabricType::rail_optimized, 16, 3))},
                             {"dual_plane", dgx(8, fabric(FabricType::dual_plane, 16, 3))},
                             {"four_planes", dgx(8, fabric(FabricType::leaf_spine, 16, 2))},
                             {"three_tier", end_points(24, fabric(FabricType::three_tier, 8, 3))},
                             {"shared_cores", end_points(36, fabric(FabricType::fat_tree, 6, 3))},
                             {"torus_3d", end_points(4 * 3 * 2, fabric(FabricType::torus, 64, 2))},
                             {"torus_2d", dgx(4, fabric(FabricType::torus, 64, 2))},
                             {"dragonfly", end_points(40, fabric(FabricType::dragonfly, 7, 2))},
                             {"shared_bus", dgx(3, fabric(FabricType::leaf_spine, 16, 2))},
                             {"faster_spines", dgx(6, fabric(FabricType::fat_tree, 16, 3))}};
  cases[5].spec.fabric.hosts_per_unit = 2;
  cases[6].spec.fabric.rails = 4;
  cases[7].spec.host.scale_up.kind = ScaleUpKind::none;
  cases[8].spec.host.scale_up.kind = ScaleUpKind::none;
  cases[8].spec.host.nics.count = 4;
  cases[9].spec.host.scale_up.domain = 4;
  cases[10].spec.fabric.rails = 3;
  cases[11].spec.fabric.parallel_links = 2;
  cases[12].spec.host.nics.ports = 2;
  cases[13].spec.host.nics.ports = 2;
  cases[14].spec.host.nics.ports = 2;
  cases[14].spec.fabric.hosts_per_unit = 4;
  cases[15].spec.host.nics.ports = cases[15].spec.fabric.planes = 4;
  cases[17].spec.fabric.pods = 5;
  cases[18].spec.fabric.dims = {4, 3, 2};
  cases[19].spec.fabric.dims = {8, 4};
  cases[21].spec.host.scale_up.kind = ScaleUpKind::pcie;
  cases[21].spec.host.nics.count = 2;
  cases[22].spec.fabric.upper_links = {{400_Gbps, 300_ns}};
  return cases;
}

class EveryRoute : public testing::TestWithParam<Routing> {};

TEST_P(EveryRoute, is_conserved_and_minimal) {
  for (Case& tested : small_fabrics()) {
    tested.spec.fabric.routing = GetParam();
    const Fabric built(tested.spec);
    for (int source = 0; source < built.gpus(); ++source) {
      const std::vector<int> shortest = shortest_hops(built, source);
      for (int destination = 0; destination < built.gpus(); ++destination) {
        const Route route = built.route(source, destination, static_cast<std::uint64_t>(source + destination));
        ASSERT_TRUE(is_conserved(built, route, source, destination)) << tested.name << ' ' << source << ' ' << destination;
        // A dragonfly takes one global cable where two would be shorter: switch to switch at most 3 links.
        const bool shortest_or_one_global = route.hops == shortest[destination] || (tested.name == "dragonfly" && route.hops <= 3 + 4);
        ASSERT_TRUE(shortest_or_one_global) << tested.name << ' ' << source << ' ' << destination;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Routing, EveryRoute, testing::Values(Routing::ecmp, Routing::static_, Routing::spray, Routing::adaptive));

// Six cables, five switches between them, a NIC at each end: 6 x 300 + 5 x 130 + 2 x 600 = 3,650 ns.
// On one leaf: 2 x 300 + 130 + 2 x 600 = 1,930 ns.
TEST(Route, adds_up_the_latency_of_cables_switches_and_NICs) {
  const Fabric built(end_points(16, fabric(FabricType::fat_tree, 4, 3)));
  EXPECT_EQ(built.route(0, 15).latency, 3650_ns);
  EXPECT_EQ(built.route(0, 15).hops, 8);  // and PCIe at both ends
  EXPECT_EQ(built.route(0, 1).latency, 1930_ns);
}

TEST(Route, stays_in_the_scale_up_domain_where_there_is_one) {
  const Fabric built(dgx(2, fabric(FabricType::leaf_spine, 40, 2)));
  EXPECT_EQ(built.route(0, 7).latency, 500_ns);
  EXPECT_EQ(built.route(0, 7).hops, 2);
  EXPECT_EQ(built.network_link_kind(built.route(0, 7).shares.front().link), LinkKind::scale_up);
  EXPECT_EQ(built.network_link_name(built.route(0, 7).shares.front().link), "gpu-0 -> nvswitch-0");
  EXPECT_TRUE(built.route(3, 3).shares.empty());
  EXPECT_EQ(built.route(3, 3).latency, sim::Time{});
}

// 4 NICs for 8 GPUs: GPU i uses NIC floor(i/2), so GPUs 2 and 3 of host 1 share nic-1.1.
TEST(Route, leaves_by_the_NIC_of_the_GPU) {
  ClusterSpec spec = dgx(2, fabric(FabricType::leaf_spine, 40, 2));
  spec.host.nics.count = 4;
  const Fabric built(spec);
  EXPECT_EQ(built.network_link_name(built.route(11, 0).shares[0].link), "gpu-11 -> nic-1.1");
  EXPECT_EQ(built.network_link_name(built.route(11, 0).shares[1].link), "nic-1.1 -> leaf-0");
}

// Without a stated PCIe bandwidth the link carries all that the two GPUs of a 200 Gb/s NIC can want.
TEST(Route, is_not_limited_by_PCIe_where_none_is_stated) {
  ClusterSpec spec = dgx(2, fabric(FabricType::leaf_spine, 40, 2));
  spec.host.nics.count = 4;
  spec.host.pcie_bandwidth = {};
  const Fabric built(spec);
  EXPECT_EQ(built.network_links()[built.route(11, 0).shares[0].link.value()].capacity, 400_Gbps);
}

TEST(Route, runs_a_cable_at_the_rate_of_its_slower_end) {
  ClusterSpec spec = end_points(4, fabric(FabricType::leaf_spine, 4, 2));
  spec.host.nics.bandwidth = 100_Gbps;
  const Fabric built(spec);
  EXPECT_EQ(built.network_links()[built.route(0, 3).shares[1].link.value()].capacity, 100_Gbps);
  EXPECT_EQ(built.network_links()[built.route(0, 3).shares[2].link.value()].capacity, 200_Gbps);
}

TEST(Route, fails_with_a_reason_where_there_is_no_way) {
  ClusterSpec spec = dgx(1, {});
  spec.host.scale_up.kind = ScaleUpKind::none;
  const Fabric built(spec);
  try {
    built.route(0, 1);
    FAIL();
  } catch (const sim::SimulationError& error) {
    EXPECT_STREQ(error.what(), "no way from gpu-0 to gpu-1: nothing joins their NICs (fabric type none).");
  }
}

// The up-link of leaf 0 that each of `labels` flows of one pair takes.
std::map<std::uint32_t, int> up_link_loads(const Fabric& built, int destination, int labels) {
  std::map<std::uint32_t, int> flows;
  for (int label = 0; label < labels; ++label)
    ++flows[built.route(0, destination, static_cast<std::uint64_t>(label)).shares[2].link.value()];
  return flows;
}

// 16,000 hashes over 16 up-links: 1,000 each with a standard deviation of 31; 5 of them are 153.
TEST(Ecmp, spreads_labels_evenly_over_all_up_links) {
  const Fabric built(end_points(256, fabric(FabricType::leaf_spine, 32, 2)));
  const auto flows = up_link_loads(built, 255, 16'000);
  EXPECT_EQ(flows.size(), 16u);
  for (const auto& [link, number] : flows) EXPECT_NEAR(number, 1000, 153) << link;
}

std::vector<sim::LinkId> links_of(const Route& route) {
  std::vector<sim::LinkId> links;
  for (const sim::LinkShare& share : route.shares) links.push_back(share.link);
  return links;
}

TEST(Ecmp, is_the_same_for_the_same_seed_and_another_for_another) {
  ClusterSpec spec = end_points(128, fabric(FabricType::fat_tree, 8, 3));
  const Fabric first(spec), again(spec);
  spec.fabric.hash.seed = 2;
  const Fabric other(spec);
  int moved = 0;
  for (std::uint64_t label = 0; label < 100; ++label) {
    EXPECT_EQ(links_of(first.route(0, 127, label)), links_of(again.route(0, 127, label)));
    moved += links_of(first.route(0, 127, label)) != links_of(other.route(0, 127, label));
  }
  EXPECT_GT(moved, 80);  // 15 of 16 paths differ
}

// Radix 8: 4 up-links at the leaf times 4 at the spine are 16 paths. Polarized, both tiers pick the same of 4.
TEST(Ecmp, uses_fewer_paths_when_polarized) {
  const auto paths = [](bool polarized) {
    ClusterSpec spec = end_points(128, fabric(FabricType::fat_tree, 8, 3));
    spec.fabric.hash.polarized = polarized;
    const Fabric built(spec);
    std::set<std::vector<sim::LinkId>> different;
    for (std::uint64_t label = 0; label < 1000; ++label) different.insert(links_of(built.route(0, 127, label)));
    return different.size();
  };
  EXPECT_EQ(paths(false), 16u);
  EXPECT_EQ(paths(true), 4u);
}

// D-mod-k in a full tree: a shift of all end points by a constant puts one flow on every link it uses.
TEST(Static, carries_every_shift_without_a_collision) {
  for (const FabricType type : {FabricType::fat_tree, FabricType::rail_optimized}) {
    ClusterSpec spec = type == FabricType::fat_tree ? end_points(128, fabric(type, 8, 3)) : dgx(16, fabric(type, 8, 3));
    spec.fabric.radix = {type == FabricType::fat_tree ? 8 : 16};
    spec.host.scale_up.kind = ScaleUpKind::none;
    spec.fabric.routing = Routing::static_;
    const Fabric built(spec);
    for (int shift = 8; shift < 128; shift += 8) {
      std::map<sim::LinkId, int> flows;
      for (int gpu = 0; gpu < 128; ++gpu)
        for (const sim::LinkId link : links_of(built.route(gpu, (gpu + shift) % 128))) ++flows[link];
      for (const auto& [link, number] : flows) ASSERT_EQ(number, 1) << shift << ' ' << built.network_link_name(link);
    }
  }
}

}  // namespace
}  // namespace topology
