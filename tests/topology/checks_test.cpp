#include "topology/checks.hpp"
#include <gmock/gmock.h>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/push_relabel_max_flow.hpp>
#include <cmath>
#include <limits>
#include "sim/error.hpp"
#include "tests/topology/example_clusters.hpp"
#include "topology/reach.hpp"
#include "topology/report.hpp"

namespace topology {
namespace {

using namespace sim::literals;
using examples::dgx;
using examples::end_points;
using examples::fabric;

// Most that one set of NICs can send to the others, in bits/s, by Boost's maximum flow.
class MaxFlow {
 public:
  explicit MaxFlow(const Fabric& built) : graph_(built.nodes().size() + 2) {
    source_ = built.nodes().size();
    for (const Link& link : built.links())
      if (link.kind >= LinkKind::host_leaf) add(link.from, link.to, std::lround(8 * link.capacity.value()));
    for (std::uint32_t node = 0; node < built.nodes().size(); ++node)
      if (built.nodes()[node].kind == NodeKind::nic) ends_.push_back({add(source_, node, 0), add(node, source_ + 1, 0)});
  }
  std::size_t nics() const { return ends_.size(); }

  double between(std::uint32_t senders) {
    const long unlimited = 1'000'000'000'000'000;
    for (std::size_t nic = 0; nic < ends_.size(); ++nic) {
      const bool sends = senders >> nic & 1;
      capacity()[ends_[nic].first] = sends ? unlimited : 0;
      capacity()[ends_[nic].second] = sends ? 0 : unlimited;
    }
    return static_cast<double>(boost::push_relabel_max_flow(graph_, source_, source_ + 1));
  }

 private:
  using Traits = boost::adjacency_list_traits<boost::vecS, boost::vecS, boost::directedS>;
  using Capacity = boost::property<
      boost::edge_capacity_t, long,
      boost::property<boost::edge_residual_capacity_t, long, boost::property<boost::edge_reverse_t, Traits::edge_descriptor>>>;
  using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS, boost::no_property, Capacity>;

  boost::property_map<Graph, boost::edge_capacity_t>::type capacity() { return get(boost::edge_capacity, graph_); }
  Traits::edge_descriptor add(std::size_t from, std::size_t to, long bits) {
    const auto edge = add_edge(from, to, bits, graph_).first, back = add_edge(to, from, 0, graph_).first;
    put(boost::edge_reverse, graph_, edge, back);
    put(boost::edge_reverse, graph_, back, edge);
    return edge;
  }

  Graph graph_;
  std::size_t source_;
  std::vector<std::pair<Traits::edge_descriptor, Traits::edge_descriptor>> ends_;
};

double worst_half_split(const Fabric& built) {
  MaxFlow flow(built);
  double worst = std::numeric_limits<double>::infinity();
  for (std::uint32_t senders = 0; senders < 1u << flow.nics(); ++senders)
    if (static_cast<std::size_t>(__builtin_popcount(senders)) == flow.nics() / 2) worst = std::min(worst, flow.between(senders));
  return worst;
}

// All half splits of small fabrics, one by one, against the closed form.
TEST(Bisection, agrees_with_maximum_flow_over_the_worst_half_split) {
  const auto compare = [](ClusterSpec spec, std::vector<int> radix, std::vector<double> oversubscription) {
    spec.fabric.radix = radix;
    spec.fabric.oversubscription = oversubscription;
    const Fabric built(spec);
    EXPECT_NEAR(bisection_bandwidth_bps(built), worst_half_split(built), 1) << spec.gpus << ' ' << radix[0] << ' ' << oversubscription[0];
  };
  const FabricSpec two = fabric(FabricType::leaf_spine, 0, 2), three = fabric(FabricType::fat_tree, 0, 3);
  compare(end_points(8, two), {4, 4}, {1});           // full
  compare(end_points(8, two), {6, 6}, {2});           // 2 leaves of 4
  compare(end_points(12, two), {6, 6}, {2});          // 3 leaves: half of the NICs is 1.5 leaves
  compare(end_points(10, two), {6, 6}, {2});          // the last leaf half empty
  compare(end_points(7, two), {6, 6}, {5});           // odd, 5:1
  compare(end_points(3, two), {6, 6}, {1});           // one leaf
  compare(end_points(12, three), {4, 6, 4}, {1, 2});  // pods of 4 leaves, 2:1 above; the last pod has 2
  compare(end_points(12, three), {3, 3, 6}, {2, 2});  // 2:1 twice
  compare(end_points(12, three), {4, 4, 4}, {1});
  compare(end_points(10, three), {4, 4, 4}, {3, 3});
  ClusterSpec rails = end_points(6, two);
  rails.host.nics.count = 2;
  rails.fabric.rails = 2;
  compare(rails, {6, 6}, {2});
  rails.host.nics.bandwidth = 100_Gbps;  // slower than the cables above
  compare(rails, {6, 6}, {2});
  rails.host.nics.count = 3;  // two NICs on one rail, one on the other
  rails.gpus = 4;
  compare(rails, {12, 12}, {2});
}

TEST(Bisection, agrees_with_maximum_flow_for_every_number_of_hosts_that_fits) {
  for (const auto& [radix, ratio] : std::vector<std::pair<std::vector<int>, std::vector<double>>>{
           {{4, 4, 4}, {1}}, {{4, 4, 4}, {1, 3}}, {{4, 4, 4}, {3, 1}}, {{3, 3, 4}, {2, 2}}, {{3, 4, 6}, {0.5, 1}}, {{4, 6, 8}, {1, 2}}})
    for (int hosts = 2; hosts <= 10; ++hosts) {
      ClusterSpec spec = end_points(hosts, fabric(FabricType::fat_tree, 4, 3));
      spec.fabric.radix = radix;
      spec.fabric.oversubscription = ratio;
      try {
        const Fabric built(spec);
        EXPECT_NEAR(bisection_bandwidth_bps(built), worst_half_split(built), 1) << hosts << ' ' << radix[0] << ' ' << ratio[0];
      } catch (const sim::InputError&) {
        EXPECT_GT(hosts, 4) << radix[0] << ' ' << ratio[0];  // too many for these ports
      }
    }
}

TEST(Oversubscription, of_4_to_1_leaves_a_quarter_of_the_capacity) {
  ClusterSpec spec = end_points(32, fabric(FabricType::leaf_spine, 10, 2));
  spec.fabric.oversubscription = {4};
  const TopologyReport found = report(Fabric(spec));
  EXPECT_THAT(found.oversubscription, testing::ElementsAre(4));
  EXPECT_DOUBLE_EQ(found.bisection_bandwidth_bps, 16 * 200e9 / 4);
  EXPECT_EQ(found.diameter_hops, 4);
  EXPECT_FALSE(found.bill.power_w.total.has_value());
  EXPECT_FALSE(found.bill.price_usd.total.has_value());
}

// Leaf of 12 ports at 2:1: 8 down, 4 up; spine of 8 ports at 3:1: 6 down, 2 up, all 6 used.
TEST(Oversubscription, is_stated_per_tier) {
  ClusterSpec spec = end_points(96, fabric(FabricType::fat_tree, 12, 3));
  spec.fabric.radix = {12, 8, 8};
  spec.fabric.oversubscription = {2, 3};
  EXPECT_THAT(oversubscription(Fabric(spec)), testing::ElementsAre(2, 3));
}

// k = 4: 2 leaf up-links x 2 spine up-links; then there is one way down.
TEST(Reach, counts_the_shortest_paths_between_the_farthest) {
  const Reach far = reach(Fabric(end_points(16, fabric(FabricType::fat_tree, 4, 3))));
  EXPECT_EQ(far.diameter_hops, 6);
  EXPECT_DOUBLE_EQ(far.shortest_paths, 4);
  EXPECT_TRUE(far.connected);
  ClusterSpec alone = dgx(1, {});
  alone.host.scale_up.kind = ScaleUpKind::none;
  EXPECT_FALSE(reach(Fabric(alone)).connected);
}

const Check& check_named(const std::vector<Check>& list, const std::string& name) {
  return *std::find_if(list.begin(), list.end(), [&](const Check& check) { return check.name == name; });
}

// One rail: a leaf of 20 ports down holds 2 hosts, and both are lost with it. 8 rails: 8 leaves hold all 4
// hosts, and each costs every host one NIC of 8.
TEST(FailureDomains, are_whole_hosts_on_one_rail_and_an_eighth_of_each_on_eight) {
  const auto leaf = [](int rails) {
    FabricSpec spec = fabric(FabricType::leaf_spine, 40, 2);
    spec.rails = rails;
    return failure_domains(Fabric(dgx(4, spec))).front();
  };
  EXPECT_EQ(leaf(1).hosts_cut_off, 2);
  EXPECT_EQ(leaf(1).gpus_cut_off, 16);
  EXPECT_EQ(leaf(1).text, "cuts off 2 hosts (16 GPUs)");
  EXPECT_EQ(leaf(8).hosts_cut_off, 0);
  EXPECT_EQ(leaf(8).hosts_degraded, 4);
  EXPECT_DOUBLE_EQ(leaf(8).bandwidth_lost, 0.125);
}

// k = 4: a spine is half of a pod's way out, a core a quarter of everyone's.
TEST(FailureDomains, above_the_leaves_cost_a_part_of_the_bandwidth) {
  const auto domains = failure_domains(Fabric(end_points(16, fabric(FabricType::fat_tree, 4, 3))));
  ASSERT_EQ(domains.size(), 3u);
  EXPECT_EQ(domains[1].text, "4 hosts lose 50 % of their bandwidth to the farthest");
  EXPECT_EQ(domains[2].text, "16 hosts lose 25 % of their bandwidth to the farthest");
}

TEST(Checks, say_what_holds_and_warn_of_what_does_not) {
  ClusterSpec spec = dgx(16, fabric(FabricType::leaf_spine, 10, 2));
  spec.fabric.radix = {10, 16};
  spec.fabric.oversubscription = {4};
  const auto list = checks(Fabric(spec));
  EXPECT_TRUE(check_named(list, "connected").ok);
  EXPECT_TRUE(check_named(list, "nics_used").ok);
  EXPECT_EQ(check_named(list, "full_bisection").text, "halves of the NICs reach 3200 of 12800 Gb/s (25 %)");
  EXPECT_FALSE(check_named(list, "full_bisection").ok);
  EXPECT_EQ(check_named(list, "single_points_of_failure").text, "one leaf cuts off 1 host (8 GPUs)");
  EXPECT_EQ(check_named(list, "ports_leaf").text, "160 of 160 ports used, 0 free (16 switches of 10)");
  EXPECT_EQ(check_named(list, "ports_spine").text, "32 of 32 ports used, 0 free (2 switches of 16)");
}

TEST(Checks, of_a_lone_host_do_not_speak_of_a_fabric) {
  const TopologyReport found = report(Fabric(dgx(1, {})));
  EXPECT_EQ(found.bisection_bandwidth_bps, 0);
  EXPECT_TRUE(found.oversubscription.empty());
  EXPECT_EQ(found.checks.size(), 2u);
  EXPECT_EQ(found.failure_domains.front().text, "leaves 8 GPUs without scale-up links");
}

}  // namespace
}  // namespace topology
