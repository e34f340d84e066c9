#include <gmock/gmock.h>
#include <functional>
#include "sim/error.hpp"
#include "tests/topology/example_clusters.hpp"
#include "topology/fabric.hpp"

namespace topology {
namespace {

using namespace sim::literals;

// What Fabric says of a DGX cluster of 4 hosts on 40-port switches after one change.
std::string refusal(const std::function<void(ClusterSpec&)>& change) {
  ClusterSpec spec = examples::dgx(4, examples::fabric(FabricType::fat_tree, 40, 2));
  change(spec);
  try {
    const Fabric built(spec);
  } catch (const sim::InputError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(RejectedInput, ports_that_are_not_whole) {
  EXPECT_EQ(refusal([](auto& s) { s.fabric.oversubscription = {2}; }),
            "cluster.fabric.radix: 40 ports with oversubscription 2 leave 26.67 ports down. Use oversubscription 1 or 3, or radix 42.");
}

TEST(RejectedInput, a_ratio_that_leaves_no_port_down) {
  EXPECT_EQ(refusal([](auto& s) { s.fabric.oversubscription = {0.001}; }),
            "cluster.fabric.radix: 40 ports with oversubscription 0.001 leave 0.04 ports down. Use oversubscription 1.");
}

TEST(RejectedInput, a_host_that_does_not_fit_on_a_leaf) {
  EXPECT_EQ(refusal([](auto& s) { s.fabric.radix = {8}; }),
            "cluster.fabric.radix: 8 NICs of a host do not fit on a leaf with 4 ports down. Use a greater radix or more rails than 1.");
}

TEST(RejectedInput, more_hosts_per_unit_than_a_leaf_has_ports) {
  EXPECT_EQ(refusal([](auto& s) { s.fabric.rails = 8, s.fabric.hosts_per_unit = 32; }),
            "cluster.fabric.hosts_per_unit: 32 hosts need 32 ports of a leaf, which has 20 down. Use at most 20.");
}

// 2 hosts a leaf, 40 leaves under a spine.
TEST(RejectedInput, more_hosts_than_two_tiers_reach) {
  EXPECT_EQ(refusal([](auto& s) { s.gpus = 8 * 100; }),
            "cluster.fabric.radix: 100 hosts need 50 leaves, but spine switches of 40 ports join at most 80 hosts. Use 3 tiers or a "
            "greater radix (80).");
}

// k = 4 with one NIC a host reaches 4^3 / 4.
TEST(RejectedInput, more_hosts_than_three_tiers_reach) {
  EXPECT_EQ(refusal([](auto& s) { s = examples::end_points(17, examples::fabric(FabricType::fat_tree, 4, 3)); }),
            "cluster.fabric.radix: 17 hosts need 9 leaves, but core switches of 4 ports join at most 16 hosts. Use a greater radix.");
}

TEST(RejectedInput, a_unit_wider_than_a_pod) {
  EXPECT_EQ(refusal([](auto& s) {
              s.fabric.tiers = 3, s.fabric.rails = 8, s.fabric.radix = {40, 8, 8};
            }),
            "cluster.fabric.radix: a unit has 8 leaves, but a spine only 4 ports down. Use a greater radix, fewer rails or fewer hosts per "
            "unit.");
}

TEST(RejectedInput, several_hosts_without_a_fabric) {
  EXPECT_EQ(refusal([](auto& s) { s.fabric.type = FabricType::none; }),
            "cluster.fabric.type: none does not join 4 hosts (known: fat-tree, leaf-spine, rail-optimized, three-tier, dual-plane, torus, "
            "dragonfly, file). Name one of them.");
}

TEST(RejectedInput, a_broken_host) {
  EXPECT_EQ(refusal([](auto& s) { s.gpus = 20; }), "cluster.gpus: 20 GPUs are no multiple of a host of 8. Use 16 or 24.");
}

TEST(RejectedInput, a_domain_that_does_not_match_the_host) {
  EXPECT_EQ(refusal([](auto& s) { s.host.scale_up.domain = 6; }),
            "cluster.host.scale_up.domain: 6 GPUs neither divide a host of 8 nor are a multiple of it. Use 8.");
}

TEST(RejectedInput, what_is_not_supported_yet) {
  EXPECT_EQ(refusal([](auto& s) { s.fabric.tiers = 4; }), "cluster.fabric.tiers: 4 tiers are not supported (known: 2, 3). Use 2 or 3.");
  EXPECT_EQ(refusal([](auto& s) { s.fabric.type = FabricType::leaf_spine, s.fabric.tiers = 3; }),
            "cluster.fabric.tiers: leaf-spine has 2 tiers. Use 2, or type: fat-tree.");
}

TEST(RejectedInput, lists_that_do_not_match_the_tiers) {
  EXPECT_EQ(refusal([](auto& s) { s.fabric.radix = {40, 40, 40}; }), "cluster.fabric.radix: 3 values for 2 tiers. Give 1 or 2 values.");
  EXPECT_EQ(refusal([](auto& s) {
              s.fabric.oversubscription = {1, 1};
            }),
            "cluster.fabric.oversubscription: 2 values for 2 tiers, and the top tier has no up-links. Give 1 value.");
}

TEST(RejectedInput, is_reported_all_at_once) {
  EXPECT_EQ(refusal([](auto& s) { s.fabric.rails = 9, s.fabric.link.bandwidth = {}, s.host.nics.bandwidth = {}; }),
            "cluster.host.nics.bandwidth: it is missing. Give the bandwidth of one NIC per direction.\n"
            "cluster.fabric.rails: 9 rails, but a host has 8 NICs. Use 1 to 8.\n"
            "cluster.fabric.link.bandwidth: it is missing. Give the bandwidth of one cable per direction.");
}

}  // namespace
}  // namespace topology
