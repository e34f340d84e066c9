// Fabrics as published, derived from radix, tiers and the like; no count is typed in.
#include <gmock/gmock.h>
#include "sim/error.hpp"
#include "tests/topology/example_clusters.hpp"
#include "topology/report.hpp"

namespace topology {
namespace {

using namespace sim::literals;
using examples::dgx;
using examples::end_points;
using examples::fabric;

// DGX SuperPOD A100: 7 units of 8 leaves. A rail has 7 leaves with 2 cables to each of 10 spines: 14 ports down, 14 up.
// 8 x 10 spines x 14 = 1,120 up-links fill 28 cores of 40 ports. 3 tiers x 2 ends: 6 modules a GPU; two storage ports a host
// over two tiers: 2 x 2 x 2 / 8 GPUs = 1 more, the published 7.
TEST(Published, dgx_superpod_a100) {
  FabricSpec spec = fabric(FabricType::rail_optimized, 40, 3);
  spec.hosts_per_unit = 20;
  spec.parallel_links = 2;
  spec.storage = {.type = FabricType::leaf_spine, .nics = 2, .radix = {40}, .link = {200_Gbps}};
  const Counts counts = count(Fabric(dgx(140, spec)));
  EXPECT_EQ(counts.switches.leaf, 56);
  EXPECT_EQ(counts.switches.spine, 80);
  EXPECT_EQ(counts.switches.core, 28);
  EXPECT_EQ(counts.cables.host_leaf, 1120);
  EXPECT_EQ(counts.cables.leaf_spine, 1120);
  EXPECT_EQ(counts.cables.spine_core, 1120);
  EXPECT_EQ(counts.modules_per_gpu(), 6);
  EXPECT_EQ(counts.storage->optical_modules, 1120);
  EXPECT_EQ(counts.all().optical_modules, 7 * 1120);
}

// Twin-port modules hold two cables of 400 Gb/s: 3 tiers x 2 ends / 2 = 3 a GPU; storage (2 + 2) x 2 / 2 / 8 = 0.5. Published: 3.5.
TEST(Published, dgx_superpod_h100_in_three_tiers) {
  FabricSpec spec = fabric(FabricType::fat_tree, 64, 3);
  spec.rails = 8;
  spec.link = {400_Gbps, 300_ns, Optics::dsp, 800_Gbps};
  spec.storage = {.type = FabricType::leaf_spine, .nics = 2, .link = spec.link};
  const Counts counts = count(Fabric(dgx(512, spec)));
  EXPECT_EQ(counts.modules_per_gpu(), 3);
  EXPECT_EQ(counts.all().optical_modules, 3.5 * 4096);
}

ClusterSpec gh200(int gpus, FabricSpec spec) {
  ClusterSpec cluster = end_points(gpus, std::move(spec));
  cluster.host.scale_up = {ScaleUpKind::nvswitch, 256, 450_GBps, 500_ns, {}, 18, {96, 128}, 800_Gbps};
  cluster.host.nics.bandwidth = 400_Gbps;
  return cluster;
}

// 256 x 18 links: to the first level and between the levels. A first-level switch has 48 of each, 96 switches; 4,608 / 128 = 36.
// 18 x 200 Gb/s = 4.5 modules of 800 Gb/s, at two ends 9 a GPU; three tiers of 400 Gb/s with twin-port modules add 3.
TEST(Published, dgx_gh200) {
  ClusterSpec alone = gh200(256, {});
  alone.host.nics.count = 0;
  const Counts one = count(Fabric(alone));
  EXPECT_EQ(one.switches.scale_up, 96 + 36);
  EXPECT_EQ(one.cables.scale_up, 2 * 4608);
  EXPECT_EQ(one.modules_per_gpu(), 9);
  FabricSpec outside = fabric(FabricType::fat_tree, 64, 3);
  outside.link = {400_Gbps, 300_ns, Optics::dsp, 800_Gbps};
  EXPECT_EQ(count(Fabric(gh200(4096, outside))).modules_per_gpu(), 12);
}

// 72 x 18 links on trays of 144: nine trays.
TEST(Published, gb200_nvl72) {
  ClusterSpec rack = dgx(1, {});
  rack.gpus = 72;
  rack.host.gpus_per_host = 4;
  rack.host.nics.count = 0;
  rack.host.scale_up = {ScaleUpKind::nvswitch, 72, 900_GBps, 500_ns, {}, 18, {144}};
  const Counts counts = count(Fabric(rack));
  EXPECT_EQ(counts.switches.scale_up, 9);
  EXPECT_EQ(counts.optical_modules, 0);
}

ClusterSpec hpn(int segments) {
  FabricSpec spec = fabric(FabricType::dual_plane, 128, 3);
  spec.radix = {248, 128, 128};
  spec.oversubscription = {16.0 / 15, 15};
  spec.hosts_per_unit = 128;
  spec.upper_links = {{400_Gbps, 300_ns}};
  ClusterSpec cluster = dgx(128 * segments, spec);
  cluster.host.nics = {8, 2, 400_Gbps, 600_ns};
  return cluster;
}

// Alibaba HPN: a leaf has 128 x 200 Gb/s down and 60 x 400 up (1.067:1); 8 rails x 2 planes x 15 segments = 240 leaves, 60 spines a
// plane with 120 ports down. With a second pod the other 8 go up: 15:1.
TEST(Published, alibaba_hpn) {
  const Fabric pod(hpn(15));
  EXPECT_EQ(pod.gpus(), 15360);
  EXPECT_EQ(count(pod).switches.leaf, 240);
  EXPECT_EQ(count(pod).switches.spine, 120);
  EXPECT_EQ(count(pod).switches.core, 0);
  EXPECT_EQ(count(pod).cables.leaf_spine, 240 * 60);
  const Fabric two(hpn(30));
  EXPECT_EQ(count(two).cables.spine_core, 240 * 8);
  EXPECT_THAT(oversubscription(two), testing::ElementsAre(testing::DoubleNear(16.0 / 15, 1e-6), 15));
  const FailureDomain leaf = failure_domains(pod).front();
  EXPECT_EQ(leaf.nics_cut_off, 0);  // the other plane is left
  EXPECT_EQ(leaf.hosts_degraded, 128);
  EXPECT_EQ(leaf.bandwidth_lost, 1.0 / 16);
}

// MegaScale: 64 x 400 Gb/s switches; down-links split into 128 / 2 = 64 of 200 Gb/s, 32 up; 64 hosts share 8 leaves, 1:1.
TEST(Published, megascale) {
  FabricSpec spec = fabric(FabricType::fat_tree, 64, 3);
  spec.radix = {128, 64, 64};
  spec.rails = 8;
  spec.upper_links = {{400_Gbps, 300_ns}};
  const Fabric built(dgx(64 * 20, spec));
  EXPECT_EQ(count(built).switches.leaf, 8 * 20);
  EXPECT_EQ(count(built).cables.leaf_spine, 8 * 20 * 32);
  EXPECT_THAT(oversubscription(built), testing::ElementsAre(1, 1));
  EXPECT_EQ(bisection_bandwidth_bps(built), 200e9 * 64 * 20 * 8 / 2);
}

// Llama 3 (Meta): racks of 2 servers, pods of 192 racks with full bisection, 8 pods, 1:7 above. Our leaf is the rack's switch with
// 32 ports, a pod has 16 spines of 219 or more ports (the chassis of 7800 kind), 192 of them down; 192 / 7 is no whole number, so 28 up.
TEST(Published, meta_roce) {
  FabricSpec spec = fabric(FabricType::fat_tree, 32, 3);
  spec.radix = {32, 224, 256};
  spec.oversubscription = {1, 7};
  spec.pods = 8;
  const Fabric built(dgx(3072, spec));
  EXPECT_EQ(built.gpus(), 24576);
  EXPECT_EQ(count(built).switches.leaf, 8 * 192);
  EXPECT_EQ(count(built).switches.spine, 8 * 16);
  EXPECT_EQ(count(built).cables.spine_core, 8 * 16 * 28);
}

// 16,384 GPUs on 64-port switches: 512 leaves and 512 spines and 256 cores, or eight networks of 64 leaves and 32 spines.
TEST(Published, rail_planes_save_two_switches_of_five) {
  FabricSpec spec = fabric(FabricType::fat_tree, 64, 3);
  spec.rails = 8;
  EXPECT_EQ(count(Fabric(dgx(2048, spec))).switches.total(), 1280);
  spec.tiers = 2;
  spec.planes = 8;
  EXPECT_EQ(count(Fabric(dgx(2048, spec))).switches.total(), 768);
}

// TPU v4: 3 x 4,096 cables; 8 steps at most in each dimension; a cut across one crosses 2 x 256 cables.
TEST(Published, tpu_v4) {
  FabricSpec spec = fabric(FabricType::torus, 64, 2);
  spec.dims = {16, 16, 16};
  spec.link = {50_GBps, 300_ns, Optics::dac};
  const TopologyReport found = report(Fabric(end_points(4096, spec)));
  EXPECT_EQ(found.bill.cables.peer, 12288);
  EXPECT_EQ(found.bill.switches.total(), 0);
  EXPECT_EQ(found.diameter_hops, 24);
  EXPECT_EQ(found.bisection_bandwidth_bps, 512 * 400e9);
}

// Balanced, 7 ports: 2 NICs, 3 to the group of 4, 2 out. All 9 groups hold 72 NICs; every pair of groups has one cable.
TEST(Published, balanced_dragonfly) {
  const TopologyReport found = report(Fabric(end_points(72, fabric(FabricType::dragonfly, 7, 2))));
  EXPECT_EQ(found.bill.switches.leaf, 36);
  EXPECT_EQ(found.bill.cables.peer, 9 * 6);
  EXPECT_EQ(found.bill.cables.global, 36);
  EXPECT_EQ(found.diameter_hops, 5);
  EXPECT_THROW(Fabric(end_points(73, fabric(FabricType::dragonfly, 7, 2))), sim::InputError);
}

TEST(Impossible, says_the_most_and_what_would_do) {
  try {
    const Fabric built(dgx(2048, fabric(FabricType::leaf_spine, 64, 2)));
    FAIL();
  } catch (const sim::InputError& error) {
    EXPECT_STREQ(
        error.what(),
        "cluster.fabric.radix: 2048 hosts need 512 leaves, but spine switches of 64 ports join at most 256 hosts. Use 3 tiers or a "
        "greater radix (256).");
  }
}

}  // namespace
}  // namespace topology
