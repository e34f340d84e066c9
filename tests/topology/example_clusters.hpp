#pragma once
#include "topology/cluster_spec.hpp"
#include "sim/units.hpp"

// Clusters that the tests of this room start from; each test changes what it is about.
namespace topology::examples {

using namespace sim::literals;

inline FabricSpec fabric(FabricType type, int radix, int tiers) {
  FabricSpec spec;
  spec.type = type;
  spec.radix = {radix};
  spec.tiers = tiers;
  spec.link = {200_Gbps, 300_ns, Optics::dsp};
  spec.switch_latency = 130_ns;
  spec.routing = Routing::ecmp;
  return spec;
}

// One GPU and one NIC a host: GPU = host = NIC.
inline ClusterSpec end_points(int count, FabricSpec fabric) {
  ClusterSpec spec;
  spec.gpus = count;
  spec.host.gpus_per_host = 1;
  spec.host.scale_up = {ScaleUpKind::none, 1, {}, {}};
  spec.host.nics = {1, 1, 200_Gbps, 600_ns};
  spec.fabric = std::move(fabric);
  return spec;
}

// DGX A100: 8 GPUs in one NVSwitch domain, 8 NICs of 200 Gb/s.
inline ClusterSpec dgx(int hosts, FabricSpec fabric) {
  ClusterSpec spec = end_points(8 * hosts, std::move(fabric));
  spec.host.gpus_per_host = 8;
  spec.host.scale_up = {ScaleUpKind::nvswitch, 8, 300_GBps, 500_ns};
  spec.host.nics.count = 8;
  spec.host.pcie_bandwidth = 25_GBps;
  return spec;
}

}  // namespace topology::examples
