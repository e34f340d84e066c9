#include "topology/counts.hpp"
#include <gmock/gmock.h>
#include <chrono>
#include "tests/topology/example_clusters.hpp"

namespace topology {
namespace {

using examples::dgx;
using examples::end_points;
using examples::fabric;

// k-ary fat tree (Al-Fares et al. 2008): k^3/4 hosts, k^2/2 leaves and spines, k^2/4 cores, k^3/4 cables a tier.
TEST(Counts, are_those_of_the_k4_fat_tree) {
  const Counts counts = count(Fabric(end_points(16, fabric(FabricType::fat_tree, 4, 3))));
  EXPECT_EQ(counts.hosts, 16);
  EXPECT_EQ(counts.switches.leaf, 8);
  EXPECT_EQ(counts.switches.spine, 8);
  EXPECT_EQ(counts.switches.core, 4);
  EXPECT_EQ(counts.switches.total(), 20);
  EXPECT_EQ(counts.cables.total(), 48);
  EXPECT_EQ(counts.optical_modules, 96);
  EXPECT_DOUBLE_EQ(counts.modules_per_gpu(), 6);
}

// 16 leaves of 32 ports: 16 down, 16 up. 256 up-links fill 8 spines of 32 ports, two cables from each leaf.
TEST(Counts, are_those_of_a_16_by_16_leaf_spine) {
  const Counts counts = count(Fabric(end_points(256, fabric(FabricType::leaf_spine, 32, 2))));
  EXPECT_EQ(counts.switches.leaf, 16);
  EXPECT_EQ(counts.switches.spine, 8);
  EXPECT_EQ(counts.cables.host_leaf, 256);
  EXPECT_EQ(counts.cables.leaf_spine, 256);
}

// A row of NVIDIA's reference architectures (DGX H100, B200 and B300 SuperPOD, compute fabric tables).
struct Published {
  const char* name;
  int hosts, radix, tiers, rails, leaves, spines, cores, host_leaf, leaf_spine, spine_core;
  int planes = 1;
};

class PublishedBill : public testing::TestWithParam<Published> {};

TEST_P(PublishedBill, comes_out_of_the_builder) {
  const Published& row = GetParam();
  FabricSpec spec = fabric(FabricType::fat_tree, row.radix, row.tiers);
  spec.rails = row.rails;
  spec.planes = row.planes;
  ClusterSpec cluster = dgx(row.hosts, spec);
  cluster.host.nics.ports = row.planes;
  const Counts counts = count(Fabric(cluster));
  EXPECT_EQ(counts.switches.leaf, row.leaves);
  EXPECT_EQ(counts.switches.spine, row.spines);
  EXPECT_EQ(counts.switches.core, row.cores);
  EXPECT_EQ(counts.cables.host_leaf, row.host_leaf);
  EXPECT_EQ(counts.cables.leaf_spine, row.leaf_spine);
  EXPECT_EQ(counts.cables.spine_core, row.spine_core);
}

// XDR at 4 units: 32 leaves x 72 up-links need 16 spines, but 18 is the next number that divides 72. Spectrum-X: 800 Gb/s NICs as two
// ports of 400 in two planes of 128-port switches; the table counts cables of 800, ours two of 400 each. H100: the tables keep a slot
// of each unit for the fabric manager, whose 4 cables they count (252 for 31 hosts).
INSTANTIATE_TEST_SUITE_P(SuperPod, PublishedBill,
                         testing::Values(Published{"b200_2su", 64, 64, 2, 8, 16, 8, 0, 512, 512, 0},
                                         Published{"b200_4su", 128, 64, 2, 8, 32, 16, 0, 1024, 1024, 0},
                                         Published{"b200_8su", 256, 64, 2, 8, 64, 32, 0, 2048, 2048, 0},
                                         Published{"b200_16su", 512, 64, 3, 8, 128, 128, 64, 4096, 4096, 4096},
                                         Published{"b200_32su", 1024, 64, 3, 8, 256, 256, 128, 8192, 8192, 8192},
                                         Published{"b200_64su", 2048, 64, 3, 8, 512, 512, 256, 16384, 16384, 16384},
                                         Published{"b300_spectrum_1su", 64, 128, 2, 8, 16, 8, 0, 2 * 512, 2 * 512, 0, 2},
                                         Published{"b300_spectrum_2su", 128, 128, 2, 8, 32, 16, 0, 2 * 1024, 2 * 1024, 0, 2},
                                         Published{"b300_spectrum_4su", 256, 128, 2, 8, 64, 32, 0, 2 * 2048, 2 * 2048, 0, 2},
                                         Published{"b300_spectrum_8su", 512, 128, 2, 8, 128, 64, 0, 2 * 4096, 2 * 4096, 0, 2},
                                         Published{"b300_spectrum_16su", 1024, 128, 2, 8, 256, 128, 0, 2 * 8192, 2 * 8192, 0, 2},
                                         Published{"b300_xdr_1su", 72, 144, 2, 8, 8, 4, 0, 576, 576, 0},
                                         Published{"b300_xdr_2su", 144, 144, 2, 8, 16, 8, 0, 1152, 1152, 0},
                                         Published{"b300_xdr_4su", 288, 144, 2, 8, 32, 18, 0, 2304, 2304, 0},
                                         Published{"b300_xdr_8su", 576, 144, 2, 8, 64, 36, 0, 4608, 4608, 0},
                                         Published{"b300_xdr_18su", 1296, 144, 2, 8, 144, 72, 0, 10368, 10368, 0},
                                         Published{"h100_1su", 31, 64, 2, 8, 8, 4, 0, 252 - 4, 256, 0},
                                         Published{"h100_2su", 63, 64, 2, 8, 16, 8, 0, 508 - 4, 512, 0},
                                         Published{"h100_3su", 95, 64, 2, 8, 24, 16, 0, 764 - 4, 768, 0},
                                         Published{"h100_4su", 127, 64, 2, 8, 32, 16, 0, 1020 - 4, 1024, 0}),
                         [](const auto& tested) { return tested.param.name; });

// Selene: units of 20 hosts on 8 leaves; 2 units fill 16 of a spine's 20 ports down, so 16 up are used. 384 hosts are 20
// units: 160 leaves in 10 pods of 20 spines. A group's 10 x 16 up-links fill 4 cores of 40 ports.
TEST(Counts, are_those_of_a_superpod_of_40_port_switches_built_in_little_time) {
  FabricSpec spec = fabric(FabricType::fat_tree, 40, 3);
  spec.rails = 8;
  spec.hosts_per_unit = 20;
  const auto begin = std::chrono::steady_clock::now();
  const Fabric built(dgx(384, spec));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(200));
  const Counts counts = count(built);
  EXPECT_EQ(counts.switches.leaf, 160);
  EXPECT_EQ(counts.switches.spine, 200);
  EXPECT_EQ(counts.switches.core, 80);
  EXPECT_EQ(counts.cables.host_leaf, 3072);
  EXPECT_EQ(counts.cables.leaf_spine, 3200);
  EXPECT_EQ(counts.cables.spine_core, 3200);
}

// One rail: 2 hosts of 8 NICs on a leaf with 20 ports down, so a unit of 20 hosts is 10 leaves. 128 hosts
// are 6 units and 8 hosts on 4 leaves: 64 leaves, 2 units a pod, 4 pods of 20 spines, 80 links over 2 cores a group.
TEST(Counts, of_units_larger_than_a_leaf_take_as_many_leaves_as_they_need) {
  FabricSpec spec = fabric(FabricType::fat_tree, 40, 3);
  spec.hosts_per_unit = 20;
  const Counts counts = count(Fabric(dgx(128, spec)));
  EXPECT_EQ(counts.switches.leaf, 64);
  EXPECT_EQ(counts.switches.spine, 80);
  EXPECT_EQ(counts.switches.core, 40);
}

TEST(Counts, leave_out_tiers_that_would_join_nothing) {
  EXPECT_EQ(count(Fabric(end_points(16, fabric(FabricType::leaf_spine, 32, 2)))).switches.total(), 1);  // one leaf
  const Counts one_pod = count(Fabric(end_points(4, fabric(FabricType::fat_tree, 4, 3))));
  EXPECT_EQ(one_pod.switches.spine, 2);
  EXPECT_EQ(one_pod.switches.core, 0);
}

TEST(Counts, of_modules_depend_on_the_optics) {
  const auto modules = [](Optics optics) {
    FabricSpec spec = fabric(FabricType::fat_tree, 4, 3);
    spec.link.optics = optics;
    return count(Fabric(end_points(16, spec))).optical_modules;
  };
  EXPECT_EQ(modules(Optics::dsp), 96);
  EXPECT_EQ(modules(Optics::lpo), 96);
  EXPECT_EQ(modules(Optics::cpo), 0);
  EXPECT_EQ(modules(Optics::dac), 0);
}

// NVSwitches inside a host are part of it; a rack of 18 hosts with 4 GPUs shares one NVLink domain of 72.
TEST(Counts, of_scale_up_begin_where_a_domain_spans_hosts) {
  EXPECT_EQ(count(Fabric(dgx(4, fabric(FabricType::leaf_spine, 40, 2)))).switches.scale_up, 0);
  ClusterSpec racks = dgx(1, fabric(FabricType::leaf_spine, 40, 2));
  racks.gpus = 144;
  racks.host.gpus_per_host = 4;
  racks.host.scale_up.domain = 72;
  racks.host.nics.count = 4;
  const Fabric built(racks);
  EXPECT_EQ(count(built).switches.scale_up, 2);
  EXPECT_EQ(count(built).cables.scale_up, 144);
  EXPECT_TRUE(built.same_domain(0, 71));
  EXPECT_FALSE(built.same_domain(71, 72));
}

TEST(Counts, of_a_partial_host_are_its_GPUs_and_all_its_NICs) {
  ClusterSpec spec = dgx(1, {});
  spec.gpus = 4;
  const Fabric built(spec);
  EXPECT_EQ(built.gpus(), 4);
  EXPECT_EQ(built.hosts(), 1);
  EXPECT_EQ(count(built).nics, 8);
  EXPECT_EQ(count(built).switches.total(), 0);
}

}  // namespace
}  // namespace topology
