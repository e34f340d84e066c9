// A fabric given link by link: routes, bisection, drawings.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <map>
#include <numeric>
#include <set>
#include <sstream>
#include "sim/error.hpp"
#include "topology/counts.hpp"
#include "topology/drawing.hpp"
#include "topology/fabric.hpp"
#include "topology/report.hpp"

namespace topology {
namespace {

using namespace sim::literals;
using testing::ElementsAre;
using testing::HasSubstr;

// Link i joins the i-th pair, both directions one after the other if `duplex`.
ClusterSpec file_of(int end_points, std::vector<std::string> nodes, const std::vector<std::pair<int, int>>& pairs, bool duplex = true) {
  ClusterSpec spec;
  spec.gpus = end_points;
  spec.host.gpus_per_host = 1;
  spec.host.scale_up.kind = ScaleUpKind::none;
  spec.fabric.type = FabricType::file;
  spec.fabric.radix.clear();  // any number of ports
  spec.fabric.routing = Routing::ecmp;
  LinkFile& file = spec.fabric.link_file;
  file.nodes = std::move(nodes);
  file.end_points = end_points;
  for (const auto& [a, b] : pairs) {
    const auto from = static_cast<std::uint32_t>(a), to = static_cast<std::uint32_t>(b);
    file.links.push_back({from, to, 400_Gbps, 1_us});
    if (duplex) file.links.push_back({to, from, 400_Gbps, 1_us});
  }
  return spec;
}

// Leaves of `down` end points each, all joined to all spines.
ClusterSpec leaf_spine(int leaves, int down, int spines) {
  const int n = leaves * down;
  std::vector<std::string> nodes;
  std::vector<std::pair<int, int>> pairs;
  for (int i = 0; i < n; ++i) nodes.push_back(fmt::format("h{}", i)), pairs.emplace_back(i, n + i / down);
  for (int l = 0; l < leaves; ++l) nodes.push_back(fmt::format("leaf{}", l));
  for (int s = 0; s < spines; ++s) nodes.push_back(fmt::format("spine{}", s));
  for (int l = 0; l < leaves; ++l)
    for (int s = 0; s < spines; ++s) pairs.emplace_back(n + l, n + leaves + s);
  return file_of(n, nodes, pairs);
}

// The nodes that a route over single links passes.
std::vector<std::string> way(const Fabric& fabric, const Route& route) {
  std::vector<std::string> names;
  for (const sim::LinkShare& s : route.shares) names.push_back(fabric.nodes()[fabric.links()[s.link.value()].to].name);
  return names;
}

TEST(FileFabric, link_numbers_are_network_links_and_no_nic_comes_first) {
  const Fabric fabric(leaf_spine(2, 2, 1));
  EXPECT_EQ(fabric.gpus(), 4);
  ASSERT_EQ(fabric.network_links().size(), fabric.links().size());
  const Route route = fabric.route(0, 3);
  EXPECT_THAT(way(fabric, route), ElementsAre("leaf0", "spine0", "leaf1", "h3"));
  EXPECT_EQ(route.shares[0].link, sim::LinkId{0});
  EXPECT_EQ(route.latency, 4_us);
  EXPECT_EQ(route.hops, 4);
  EXPECT_TRUE(fabric.route(2, 2).shares.empty());
}

TEST(FileFabric, ecmp_uses_all_spines_and_static_the_first) {
  ClusterSpec spec = leaf_spine(4, 4, 4);
  const Fabric hashed(spec);
  std::set<std::string> spines;
  for (std::uint64_t label = 0; label < 64; ++label) spines.insert(way(hashed, hashed.route(0, 15, label))[1]);
  EXPECT_EQ(spines.size(), 4U);
  EXPECT_EQ(way(hashed, hashed.route(0, 15, 7)), way(hashed, hashed.route(0, 15, 7)));
  spec.fabric.routing = Routing::static_;
  const Fabric fixed(spec);
  for (std::uint64_t label = 0; label < 8; ++label) EXPECT_EQ(way(fixed, fixed.route(0, 15, label))[1], "spine0");
}

// 1 on the first and the last link, 1/4 on each way up and down; within a leaf there is one path.
TEST(FileFabric, spraying_splits_equally_over_the_shortest_paths) {
  ClusterSpec spec = leaf_spine(4, 4, 4);
  for (const Routing routing : {Routing::spray, Routing::adaptive}) {
    spec.fabric.routing = routing;
    const Fabric fabric(spec);
    std::map<double, int> links_by_share;
    for (const sim::LinkShare& s : fabric.route(0, 15).shares) ++links_by_share[s.share];
    EXPECT_THAT(links_by_share, ElementsAre(std::pair(0.25, 8), std::pair(1.0, 2)));
    EXPECT_EQ(fabric.route(0, 1).shares.size(), 2U);
  }
}

// 300 spines, but a flow takes 256 of them: 1 + 1 links of share 1 and 2 x 256 of 1/256.
TEST(FileFabric, spraying_takes_256_paths_at_most) {
  ClusterSpec spec = leaf_spine(2, 1, 300);
  spec.fabric.routing = Routing::spray;
  const Fabric fabric(spec);
  std::set<std::uint32_t> used;
  for (std::uint64_t label = 0; label < 20; ++label) {
    const Route route = fabric.route(0, 1, label);
    EXPECT_EQ(route.shares.size(), 514U);
    EXPECT_DOUBLE_EQ(std::accumulate(route.shares.begin(), route.shares.end(), 0.0, [](double sum, auto s) { return sum + s.share; }), 4);
    for (const sim::LinkShare& s : route.shares) used.insert(s.link.value());
  }
  EXPECT_EQ(used.size(), 602U);  // all of them serve some flow
}

// h1 hangs on both leaves, but forwards nothing: h0 -> h2 goes over the spine.
TEST(FileFabric, end_points_pass_nothing_on) {
  const Fabric fabric(file_of(3, {"h0", "h1", "h2", "a", "b", "s"}, {{0, 3}, {1, 3}, {1, 4}, {2, 4}, {3, 5}, {4, 5}}));
  for (std::uint64_t label = 0; label < 16; ++label) EXPECT_THAT(way(fabric, fabric.route(0, 2, label)), ElementsAre("a", "s", "b", "h2"));
  EXPECT_THAT(way(fabric, fabric.route(0, 1)), ElementsAre("a", "h1"));
  EXPECT_THAT(way(fabric, fabric.route(2, 1)), ElementsAre("b", "h1"));
}

TEST(FileFabric, no_way_is_said) {
  const Fabric fabric(file_of(2, {"h0", "h1", "s"}, {{0, 2}, {2, 1}}, false));
  EXPECT_THAT(way(fabric, fabric.route(0, 1)), ElementsAre("s", "h1"));
  try {
    fabric.route(1, 0);
    FAIL();
  } catch (const sim::SimulationError& error) {
    EXPECT_STREQ(error.what(), "no way from h1 to h0 over the links of the file (end points pass nothing on).");
  }
}

TEST(FileFabric, direct_links_between_end_points_are_routes) {
  const Fabric fabric(file_of(2, {"h0", "h1"}, {{0, 1}}));
  EXPECT_THAT(way(fabric, fabric.route(0, 1)), ElementsAre("h1"));
  EXPECT_THAT(way(fabric, fabric.route(1, 0)), ElementsAre("h0"));
}

// 4 leaves of 4, 2 spines: 2:1. Half against half: 2 leaves x 2 links of 400 Gb/s.
TEST(FileFabric, is_counted_like_a_built_one) {
  const Fabric fabric(leaf_spine(4, 4, 2));
  const TopologyReport found = report(fabric);
  EXPECT_EQ(found.bill.switches.leaf, 4);
  EXPECT_EQ(found.bill.switches.spine, 2);
  EXPECT_EQ(found.bill.cables.host_leaf, 16);
  EXPECT_EQ(found.bill.cables.leaf_spine, 8);
  EXPECT_DOUBLE_EQ(found.bisection_bandwidth_bps, 4 * 400e9);
  EXPECT_THAT(found.oversubscription, ElementsAre(2));
  EXPECT_EQ(found.diameter_hops, 4);
  EXPECT_EQ(found.failure_domains[0].text, "cuts off 4 end points");
  EXPECT_DOUBLE_EQ(found.failure_domains[1].bandwidth_lost, 0.5);
}

TEST(FileFabric, is_drawn_with_the_names_of_the_file) {
  const Fabric fabric(leaf_spine(2, 2, 2));
  std::ostringstream dot, svg, graphml, cables;
  write_dot(fabric, dot), write_svg(fabric, svg), write_graphml(fabric, graphml), write_cables_csv(fabric, cables);
  EXPECT_THAT(dot.str(), HasSubstr("spine1"));
  EXPECT_THAT(svg.str(), HasSubstr("leaf1"));
  EXPECT_THAT(graphml.str(), HasSubstr(">h3<"));
  EXPECT_THAT(cables.str(), HasSubstr("0,h0,1,leaf0,1,400,host_leaf\n"));
  const std::string csv = cables.str();
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 1 + 4 + 4);
}

// Links within a tier have no line of their own; nothing breaks.
TEST(FileFabric, a_ring_of_switches_is_drawn_and_routed) {
  ClusterSpec spec =
      file_of(4, {"h0", "h1", "h2", "h3", "s0", "s1", "s2", "s3"}, {{0, 4}, {1, 5}, {2, 6}, {3, 7}, {4, 5}, {5, 6}, {6, 7}, {7, 4}});
  spec.fabric.routing = Routing::spray;
  const Fabric fabric(spec);
  EXPECT_EQ(fabric.route(0, 1).hops, 3);
  EXPECT_EQ(fabric.route(0, 2).shares.size(), 6U);  // two ways round
  std::ostringstream svg;
  write_svg(fabric, svg);
  EXPECT_THAT(svg.str(), HasSubstr("4 leaves"));
  EXPECT_DOUBLE_EQ(report(fabric).bisection_bandwidth_bps, 2 * 400e9);
}

TEST(FileFabric, the_number_of_gpus_is_that_of_the_end_points) {
  ClusterSpec spec = leaf_spine(2, 2, 1);
  spec.gpus = 5;
  EXPECT_THAT(problems(spec), ElementsAre("cluster.gpus: 5 GPUs, but the file of links has 4 end points (h0 to h3). Use 4."));
  spec.gpus = 4;
  spec.host.gpus_per_host = 2;
  spec.host.nics.count = 1;  // with hosts the end points are their NICs
  EXPECT_THAT(problems(spec), ElementsAre(testing::HasSubstr("2 hosts have 2 NICs, but the links join 4 end points (h0 to h3).")));
}

}  // namespace
}  // namespace topology
