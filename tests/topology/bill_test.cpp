#include "topology/bill.hpp"
#include <gmock/gmock.h>
#include "tests/topology/example_clusters.hpp"

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

}  // namespace
}  // namespace topology
