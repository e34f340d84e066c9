// Inside hosts: meshes, a shared bus, several ports a NIC, and the way over NVLink to another rail.
#include <gmock/gmock.h>
#include <map>
#include "sim/error.hpp"
#include "tests/topology/example_clusters.hpp"
#include "topology/fabric.hpp"

namespace topology {
namespace {

using namespace sim::literals;
using examples::dgx;
using examples::fabric;
using testing::ElementsAre;
using testing::HasSubstr;

ClusterSpec meshed(int gpus, std::string mesh) {
  ClusterSpec spec = dgx(1, {});
  spec.gpus = spec.host.gpus_per_host = spec.host.scale_up.domain = gpus;
  spec.host.scale_up.kind = ScaleUpKind::mesh;
  spec.host.scale_up.bandwidth = 150_GBps;
  spec.host.scale_up.mesh = std::move(mesh);
  return spec;
}

std::map<std::string, double> shares(const Fabric& built, int source, int destination) {
  std::map<std::string, double> named;
  for (const auto& [link, share] : built.route(source, destination).shares) named[built.network_link_name(link)] = share;
  return named;
}

const char* const cube_mesh = "0-1 0-2 0-3x2 0-4x2 1-2x2 1-3 1-5x2 2-3x2 2-6 3-7 4-5 4-6 4-7x2 5-6x2 5-7 6-7x2";

// Each GPU has six links of 25 GB/s. From 0 to 5 over 1 (1 x 2 ways) and over 4 (2 x 1): half on each.
TEST(Mesh, routes_over_the_shortest_paths_in_proportion_to_their_links) {
  const Fabric built(meshed(8, cube_mesh));
  std::map<std::uint32_t, double> out;
  for (const Link& link : built.links())
    if (link.kind == LinkKind::scale_up) out[link.from] += link.capacity.value();
  for (const auto& [gpu, capacity] : out) EXPECT_DOUBLE_EQ(capacity, 150e9) << gpu;
  EXPECT_THAT(shares(built, 0, 3), ElementsAre(std::pair("gpu-0 -> gpu-3", 1.0)));
  EXPECT_EQ(built.network_links()[built.route(0, 3).shares[0].link.value()].capacity, 50_GBps);
  EXPECT_THAT(shares(built, 0, 5), ElementsAre(std::pair("gpu-0 -> gpu-1", 0.5), std::pair("gpu-0 -> gpu-4", 0.5),
                                               std::pair("gpu-1 -> gpu-5", 0.5), std::pair("gpu-4 -> gpu-5", 0.5)));
  EXPECT_EQ(built.route(0, 5).hops, 2);
  EXPECT_EQ(built.route(0, 5).latency, 1_us);
}

TEST(Mesh, joins_each_to_each_where_nothing_is_said) {
  const Fabric built(meshed(4, ""));
  for (int source = 0; source < 4; ++source)
    for (int destination = 0; destination < 4; ++destination) EXPECT_EQ(built.route(source, destination).hops, source != destination);
  EXPECT_EQ(built.network_links()[0].capacity, 50_GBps);
}

// Four GPUs of eight are the first quad of the cube mesh; links stay as wide.
TEST(Mesh, may_be_part_of_a_host) {
  ClusterSpec spec = meshed(8, cube_mesh);
  spec.gpus = 4;
  const Fabric built(spec);
  EXPECT_EQ(built.route(0, 3).hops, 1);
  EXPECT_EQ(built.network_links()[built.route(0, 3).shares[0].link.value()].capacity, 50_GBps);
}

TEST(Mesh, refuses_what_is_no_mesh) {
  const auto refusal = [](const char* mesh) -> std::string {
    try {
      const Fabric built(meshed(4, mesh));
    } catch (const sim::InputError& error) {
      return error.what();
    }
    return "accepted";
  };
  for (const char* mesh : {"0-4", "1-0", "0-1x0", "0-1x", "0:1", "0-1y", "-1-2", "0-99999999999"})
    EXPECT_THAT(refusal(mesh), HasSubstr("is no pair of GPUs of a domain of 4")) << mesh;
  EXPECT_THAT(refusal("0-1 2-3"), HasSubstr("nothing joins GPU 0 to GPU 2"));
}

// GPU to GPU and GPU to NIC cross the same PCIe link of the card.
TEST(SharedBus, carries_scale_up_and_network_on_one_link) {
  ClusterSpec spec = dgx(2, fabric(FabricType::leaf_spine, 40, 2));
  spec.host.scale_up = {ScaleUpKind::pcie, 8, 25_GBps, 1_us};
  spec.host.nics.count = 2;
  const Fabric built(spec);
  EXPECT_THAT(shares(built, 0, 1), ElementsAre(std::pair("gpu-0 -> pcie-0", 1.0), std::pair("pcie-0 -> gpu-1", 1.0)));
  EXPECT_THAT(shares(built, 0, 15),
              ElementsAre(std::pair("gpu-0 -> pcie-0", 1.0), std::pair("leaf-0 -> nic-1.1", 1.0), std::pair("nic-0.0 -> leaf-0", 1.0),
                          std::pair("nic-1.1 -> pcie-1", 1.0), std::pair("pcie-0 -> nic-0.0", 1.0), std::pair("pcie-1 -> gpu-15", 1.0)));
}

// A hash binds a flow to one port, adaptive routing uses both.
TEST(Ports, are_chosen_by_the_hash_or_shared) {
  ClusterSpec spec = dgx(2, fabric(FabricType::leaf_spine, 40, 2));
  spec.host.nics.ports = 2;
  const Fabric hashed(spec);
  std::map<sim::LinkId, int> flows;
  for (std::uint64_t label = 0; label < 64; ++label) ++flows[hashed.route(0, 8, label).shares[1].link];
  EXPECT_EQ(flows.size(), 2U);
  EXPECT_EQ(hashed.network_links()[flows.begin()->first.value()].capacity, 100_Gbps);
  spec.fabric.routing = Routing::adaptive;
  const Fabric spread(spec);
  EXPECT_EQ(spread.route(0, 8).shares[1].share, 0.5);
}

// To rail 3 of another host: over NVLink to GPU 3, out by its NIC. Without PXN the way leads over the spines.
TEST(Pxn, goes_over_NVLink_to_the_GPU_of_the_rail) {
  ClusterSpec spec = dgx(4, fabric(FabricType::rail_optimized, 16, 2));
  EXPECT_EQ(Fabric(spec).route(0, 11).hops, 6);
  spec.fabric.pxn = true;
  const Fabric built(spec);
  EXPECT_THAT(shares(built, 0, 11),
              ElementsAre(std::pair("gpu-0 -> nvswitch-0", 1.0), std::pair("gpu-3 -> nic-0.3", 1.0), std::pair("leaf-3 -> nic-1.3", 1.0),
                          std::pair("nic-0.3 -> leaf-3", 1.0), std::pair("nic-1.3 -> gpu-11", 1.0), std::pair("nvswitch-0 -> gpu-3", 1.0)));
  EXPECT_EQ(built.route(0, 8).hops, 4);  // the same rail
}

TEST(Pxn, is_asked_for_where_rails_meet_nowhere_else) {
  ClusterSpec spec = dgx(4, fabric(FabricType::leaf_spine, 16, 2));
  spec.fabric.planes = 8;
  const Fabric apart(spec);
  EXPECT_EQ(apart.route(0, 8).hops, 4);
  try {
    apart.route(0, 9);
    FAIL();
  } catch (const sim::SimulationError& error) {
    EXPECT_STREQ(
        error.what(),
        "no way from nic-0.0 to nic-1.1: they are in different planes, which nothing joins. Set cluster.fabric.pxn: true, so that a "
        "GPU sends by the NIC of the right plane.");
  }
  spec.fabric.pxn = true;
  EXPECT_EQ(Fabric(spec).route(0, 9).hops, 6);
}

TEST(Valiant, takes_two_global_cables_by_way_of_a_third_group) {
  ClusterSpec spec = examples::end_points(72, fabric(FabricType::dragonfly, 7, 2));
  spec.fabric.routing = Routing::valiant;
  const Fabric built(spec);
  std::map<int, int> by_global;
  std::map<sim::LinkId, int> first_global;
  for (std::uint64_t label = 0; label < 200; ++label) {
    const Route route = built.route(0, 71, label);
    int globals = 0;
    for (const sim::LinkShare& s : route.shares)
      if (built.network_link_kind(s.link) == LinkKind::global && globals++ == 0) ++first_global[s.link];
    ++by_global[globals];
  }
  EXPECT_THAT(by_global, ElementsAre(std::pair(2, 200)));
  EXPECT_EQ(first_global.size(), 7U);  // of 9 groups all but the two ends
}

}  // namespace
}  // namespace topology
