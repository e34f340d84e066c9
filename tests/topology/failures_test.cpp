// What is out of order for the whole run is routed round, or the pair that it cuts off is named.
#include <gmock/gmock.h>
#include <map>
#include "sim/error.hpp"
#include "tests/topology/example_clusters.hpp"
#include "topology/report.hpp"

namespace topology {
namespace {

using namespace sim::literals;
using examples::dgx;
using examples::end_points;
using examples::fabric;
using testing::HasSubstr;

ClusterSpec without(ClusterSpec spec, std::vector<std::string> failures) {
  spec.fabric.failures = std::move(failures);
  return spec;
}

std::string refusal(const ClusterSpec& spec, int source, int destination) {
  try {
    Fabric(spec).route(source, destination);
  } catch (const std::exception& error) {
    return error.what();
  }
  return "accepted";
}

bool crosses(const Fabric& built, const Route& route, const std::string& node) {
  return std::any_of(route.shares.begin(), route.shares.end(),
                     [&](const sim::LinkShare& s) { return built.network_link_name(s.link).find(node + " ") != std::string::npos; });
}

// k = 4, every pair, every routing: never over spine-1, nor up again after down, and as long as without the failure.
TEST(Failures, are_routed_round_over_as_many_links) {
  const ClusterSpec spec = end_points(16, fabric(FabricType::fat_tree, 4, 3));
  const Fabric whole(spec);
  for (const Routing routing : {Routing::ecmp, Routing::static_, Routing::spray, Routing::adaptive}) {
    ClusterSpec broken = without(spec, {"spine-1", "leaf-6:spine-7"});
    broken.fabric.routing = routing;
    const Fabric built(broken);
    for (int source = 0; source < 16; ++source)
      for (int destination = 0; destination < 16; ++destination) {
        const Route route = built.route(source, destination, 3);
        EXPECT_FALSE(crosses(built, route, "spine-1"));
        EXPECT_EQ(route.hops, whole.route(source, destination).hops);
        EXPECT_EQ(route.latency, whole.route(source, destination).latency);
      }
  }
}

// Leaf 0 has lost spine 0, leaf 1 spine 1: over leaf 2 there is a path, but it goes up again after down.
TEST(Failures, never_make_a_route_go_up_after_down) {
  const ClusterSpec spec = without(end_points(6, fabric(FabricType::leaf_spine, 4, 2)), {"leaf-0:spine-0", "leaf-1:spine-1"});
  EXPECT_EQ(refusal(spec, 0, 2),
            "no way from nic-0.0 to nic-2.0 with leaf-0:spine-0, leaf-1:spine-1 out of order (cluster.fabric.failures).");
  EXPECT_EQ(refusal(spec, 0, 4), "accepted");
}

TEST(Failures, of_a_single_ToR_cut_off_its_hosts) {
  const ClusterSpec spec = without(dgx(6, fabric(FabricType::leaf_spine, 32, 2)), {"leaf-1"});
  EXPECT_EQ(refusal(spec, 0, 16), "no way from nic-0.0 to nic-2.0 with leaf-1 out of order (cluster.fabric.failures).");
  const TopologyReport found = report(Fabric(spec));
  const auto failures = std::find_if(found.checks.begin(), found.checks.end(), [](const Check& c) { return c.name == "failures"; });
  EXPECT_EQ(failures->text, "without leaf-1 16 of 48 NICs are cut off");
}

// One of the two ports of a NIC is left, with half of the bandwidth: all the flow crosses it.
TEST(Failures, of_one_of_two_ToRs_leave_half_of_the_bandwidth) {
  ClusterSpec spec = dgx(6, fabric(FabricType::leaf_spine, 32, 2));
  spec.host.nics.ports = 2;
  spec.fabric.routing = Routing::adaptive;
  const auto worst = [](const Fabric& built) {
    std::map<std::string, double> share_by_link;
    double most = 0;
    for (const auto& [link, share] : built.route(0, 40).shares)
      if (built.network_link_kind(link) == LinkKind::host_leaf)
        most = std::max(most, share / built.network_links()[link.value()].capacity.value());
    return most;
  };
  EXPECT_DOUBLE_EQ(worst(Fabric(spec)), 1 / (200_Gbps).value());
  EXPECT_DOUBLE_EQ(worst(Fabric(without(spec, {"leaf-0"}))), 2 / (200_Gbps).value());
}

TEST(Failures, lower_the_bisection) {
  const ClusterSpec spec = end_points(16, fabric(FabricType::leaf_spine, 8, 2));
  EXPECT_EQ(bisection_bandwidth_bps(Fabric(spec)), 8 * 200e9);
  EXPECT_NEAR(bisection_bandwidth_bps(Fabric(without(spec, {"spine-0"}))), 4 * 200e9, 1);
}

TEST(Failures, in_a_torus_take_the_other_way_round) {
  FabricSpec ring = fabric(FabricType::torus, 64, 2);
  ring.dims = {6};
  const Fabric built(without(end_points(6, ring), {"nic-0.0:nic-1.0"}));
  EXPECT_EQ(built.route(0, 1).hops, 5 + 2);  // and PCIe at both ends
}

TEST(Failures, must_name_what_is_there) {
  const ClusterSpec spec = end_points(16, fabric(FabricType::fat_tree, 4, 3));
  EXPECT_THAT(
      refusal(without(spec, {"leaf-8"}), 0, 1),
      HasSubstr("cluster.fabric.failures: 'leaf-8' names nothing of this fabric (known: up to leaf-7, up to spine-7, up to core-3, and "
                "NICs such as nic-0.0)."));
  EXPECT_THAT(refusal(without(spec, {"leaf-0:spine-7"}), 0, 1), HasSubstr("there is no such cable. Name two ends that are joined."));
}

// Leaf-spine of two spines; spine-0 is out from 1 to 3 ms. Same links all the time, other routes.
TEST(TimedFailures, change_the_routes_and_not_the_links) {
  ClusterSpec spec = end_points(8, fabric(FabricType::leaf_spine, 4, 2));
  spec.fabric.routing = Routing::static_;
  spec.fabric.timed_failures = {{"spine-0", 1_ms, 2_ms}};
  EXPECT_THAT(spec.fabric.changes(), testing::ElementsAre(1_ms, 3_ms));
  const Fabric before(spec), during(spec, 1_ms), after(spec, 3_ms);
  EXPECT_EQ(before.network_links().size(), during.network_links().size());
  EXPECT_TRUE(crosses(before, before.route(0, 2), "spine-0"));
  EXPECT_FALSE(crosses(during, during.route(0, 2), "spine-0"));
  EXPECT_EQ(after.route(0, 2).shares, before.route(0, 2).shares);
  int out = 0;
  for (std::uint32_t link = 0; link < during.network_links().size(); ++link) out += !during.works(sim::LinkId{link});
  EXPECT_EQ(out, 8);  // four cables
}

// While its only leaf is out a pair keeps to its way, on which a link does not work. What fails for the whole run still refuses it.
TEST(TimedFailures, leave_a_pair_that_they_cut_off_on_its_way) {
  ClusterSpec spec = end_points(8, fabric(FabricType::leaf_spine, 4, 2));
  spec.fabric.timed_failures = {{"leaf-0", 1_ms, {}}};
  const Fabric before(spec), during(spec, 1_ms);
  const Route route = during.route(0, 2);
  EXPECT_EQ(route.shares, before.route(0, 2).shares);
  EXPECT_FALSE(during.works(route.shares[1].link));
  spec.fabric.failures = {"leaf-1"};
  EXPECT_THROW(Fabric(spec, 1_ms).route(0, 2), sim::SimulationError);
}

TEST(TimedFailures, must_name_what_is_there_and_last) {
  ClusterSpec spec = end_points(8, fabric(FabricType::leaf_spine, 4, 2));
  spec.fabric.timed_failures = {{"spine-9", 1_ms, {}}};
  EXPECT_THAT(refusal(spec, 0, 1), HasSubstr("'spine-9' names nothing of this fabric"));
  spec.fabric.timed_failures = {{"spine-0", 1_ms, 0_ms}};
  EXPECT_THAT(refusal(spec, 0, 1), HasSubstr("'spine-0' fails for no time"));
}

}  // namespace
}  // namespace topology
