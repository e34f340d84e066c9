#include "topology/bill.hpp"
#include <gmock/gmock.h>
#include <algorithm>
#include "tests/topology/example_clusters.hpp"
#include "topology/checks.hpp"
#include "topology/lengths.hpp"

namespace topology {
namespace {

using namespace sim::literals;
using examples::dgx;
using examples::fabric;

ClusterSpec priced() {
  ClusterSpec spec = dgx(4, fabric(FabricType::leaf_spine, 40, 2));
  spec.accelerator = "gpu";
  spec.host.preset = "host";
  PartsTable& table = spec.site.table;
  table.switches = {{"large", 16'000_Gbps, {900, 50'000}}, {"small", 8000_Gbps, {400, 20'000}}};
  table.modules = {{Optics::dsp, 200_Gbps, {5, 300}}, {Optics::dac, 200_Gbps, {0, 100}}, {Optics::dsp, 400_Gbps, {9, 700}}};
  table.fibres = {{200_Gbps, 10}};
  table.gpus = {{"gpu", {400, {}}}};
  table.hosts = {{"host", {6500, 200'000}}};
  table.cooling = {{"air", 1.4, 1000}, {"cold-plate", 1.1, {}}};
  return spec;
}

// 2 leaves and 1 spine of 40 ports of 200 Gb/s, 32 + 40 cables.
TEST(Bill, adds_up_watts_and_dollars) {
  const Bill found = bill(Fabric(priced()));
  EXPECT_EQ(found.power_w.gpus, 32 * 400);
  EXPECT_EQ(found.power_w.hosts, 4 * (6500 - 8 * 400));
  EXPECT_EQ(found.power_w.switches, 3 * 400);
  EXPECT_EQ(found.power_w.optics, 2 * 72 * 5);
  const double equipment = 4 * 6500 + 1200 + 720;
  EXPECT_DOUBLE_EQ(*found.power_w.cooling, 0.4 * equipment);
  EXPECT_DOUBLE_EQ(*found.power_w.total, 1.4 * equipment);
  EXPECT_EQ(found.price_usd.hosts, 800'000);
  EXPECT_EQ(found.price_usd.switches, 60'000);
  EXPECT_EQ(found.price_usd.optics, 144 * 300);
  EXPECT_EQ(found.price_usd.cables, 72 * 10);
  EXPECT_EQ(found.price_usd.total, 800'000 + 60'000 + 43'200 + 720);
  EXPECT_DOUBLE_EQ(*found.price_usd.building, equipment);
}

TEST(Bill, does_not_know_the_sum_of_what_it_does_not_know) {
  ClusterSpec spec = priced();
  spec.site.table.fibres.clear();
  spec.site.table.gpus.clear();
  const Bill found = bill(Fabric(spec));
  EXPECT_FALSE(found.power_w.gpus || found.power_w.hosts || found.power_w.cooling || found.power_w.total);
  EXPECT_EQ(found.power_w.switches, 1200);
  EXPECT_FALSE(found.price_usd.cables || found.price_usd.total || found.price_usd.building);
  EXPECT_EQ(found.price_usd.optics, 43'200);
}

TEST(Bill, takes_the_stated_pue_before_that_of_the_cooling) {
  ClusterSpec spec = priced();
  spec.site.cooling = "cold-plate";
  const Bill cold = bill(Fabric(spec));
  EXPECT_NEAR(*cold.power_w.total, 1.1 * (4 * 6500 + 1200 + 720), 1e-6);
  EXPECT_FALSE(cold.price_usd.building);
  spec.site.pue = 2;
  EXPECT_DOUBLE_EQ(*bill(Fabric(spec)).power_w.total, 2.0 * (4 * 6500 + 1200 + 720));
}

// A module of 400 Gb/s holds two cables of 200: 72 in all. Copper has no module, and is priced by its two ends.
TEST(Bill, knows_modules_of_two_cables_and_copper) {
  ClusterSpec spec = priced();
  spec.fabric.link.module_bandwidth = 400_Gbps;
  EXPECT_EQ(bill(Fabric(spec)).optical_modules, 72);
  EXPECT_EQ(bill(Fabric(spec)).power_w.optics, 72 * 9);
  spec.fabric.link = {200_Gbps, 300_ns, Optics::dac};
  EXPECT_EQ(bill(Fabric(spec)).optical_modules, 0);
  EXPECT_EQ(bill(Fabric(spec)).price_usd.optics, 0);
  EXPECT_EQ(bill(Fabric(spec)).price_usd.cables, 144 * 100);
}

// One storage port a host on a switch of its own: 4 cables, 8 modules.
TEST(Bill, includes_storage) {
  ClusterSpec spec = priced();
  spec.fabric.storage = {.type = FabricType::leaf_spine, .nics = 1, .radix = {40}, .link = {200_Gbps}};
  const Bill found = bill(Fabric(spec));
  EXPECT_EQ(found.switches.total(), 3);
  EXPECT_EQ(found.all().switches.total(), 4);
  EXPECT_EQ(found.power_w.switches, 4 * 400);
  EXPECT_EQ(found.price_usd.optics, (144 + 8) * 300);
}

// Two of the four hosts are of another kind: 10 kW with GPUs of 700 W, 400 Gb/s a NIC, on cables of 200.
TEST(Bill, counts_each_group_of_hosts_by_its_own_parts) {
  ClusterSpec spec = priced();
  HostGroup group{2, "big", spec.host};
  group.host.preset = "large-host";
  group.host.nics.bandwidth = 100_Gbps;
  spec.groups = {group};
  spec.site.table.gpus.push_back({"big", {700, {}}});
  spec.site.table.hosts.push_back({"large-host", {10'000, 300'000}});
  const Fabric built(spec);
  const Bill found = bill(built);
  EXPECT_EQ(found.power_w.gpus, 16 * 700 + 16 * 400);
  EXPECT_EQ(found.power_w.hosts, 2 * (10'000 - 8 * 700) + 2 * (6500 - 8 * 400));
  EXPECT_EQ(found.price_usd.hosts, 2 * 300'000 + 2 * 200'000);
  const auto width = [&](int gpu) { return built.network_links()[built.route(gpu, 31 - gpu).shares[1].link.value()].capacity; };
  EXPECT_EQ(width(0), 100_Gbps);  // NIC to leaf
  EXPECT_EQ(width(31), 200_Gbps);
}

TEST(Bill, of_groups_that_do_not_fit_is_refused) {
  ClusterSpec spec = priced();
  spec.groups = {{5, "", spec.host}};
  EXPECT_THAT(problems(spec), testing::ElementsAre(testing::HasSubstr("cluster.groups: 5 hosts, but the 32 GPUs of the cluster are 4")));
  spec.groups = {{1, "", spec.host}};
  spec.groups[0].host.gpus_per_host = 4;
  EXPECT_THAT(problems(spec), testing::Contains(testing::HasSubstr("are not supported yet in one fabric")));
}

// Hosts of 6.5 kW: seven in a rack of 50 kW, so four hosts and their leaves are one rack: 2 m of trays. One in a rack of 10 kW:
// the leaf of two hosts stands 0.3 m from each.
TEST(Lengths, follow_from_what_a_rack_can_cool) {
  ClusterSpec spec = priced();
  PartsTable& table = spec.site.table;
  table.modules[1].reach_m = 2.2;
  table.racks = {0.6, 3, 20, 1};
  table.cooling = {{"air", 1.4, {}, 10}, {"cold-plate", 1.1, {}, 50}};
  spec.site.cooling = "cold-plate";
  EXPECT_EQ(hosts_per_rack(spec), 7);
  const auto cold = cable_lengths(Fabric(spec));
  ASSERT_EQ(cold.size(), 2U);
  EXPECT_EQ(cold[0].copper, 32);
  EXPECT_DOUBLE_EQ(cold[0].longest_m, 2);
  spec.site.cooling = "air";
  EXPECT_EQ(hosts_per_rack(spec), 1);
  const auto air = cable_lengths(Fabric(spec));
  EXPECT_EQ(air[0].optical, 32);
  EXPECT_DOUBLE_EQ(air[0].longest_m, 2.3);
  spec.fabric.link.optics = Optics::dac;
  const auto found = checks(Fabric(spec));
  EXPECT_TRUE(std::any_of(found.begin(), found.end(), [](const Check& c) { return c.name == "copper_host_leaf" && !c.ok; }));
  spec.site.table.hosts = {{"host", {10'200, {}}}};
  const auto hot = checks(Fabric(spec));
  const auto rack = std::find_if(hot.begin(), hot.end(), [](const Check& c) { return c.name == "rack_density"; });
  ASSERT_NE(rack, hot.end());
  EXPECT_EQ(rack->text, "one host draws 10.2 kW, air takes 10 kW from a rack");
}

}  // namespace
}  // namespace topology
