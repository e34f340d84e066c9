#pragma once
#include <cstdint>
#include "topology/wiring.hpp"

namespace topology {

// Numbers of GPUs, NICs and scale-up domains, and of their nodes and cables. Nodes: GPUs, then NICs,
// then NVSwitches; cables: scale-up (one per GPU), then PCIe (one per GPU).
struct HostLayout {
  int gpus = 0, hosts = 0;
  int gpus_per_host = 0, nics_per_host = 0;
  int gpus_per_domain = 1;  // 1: no scale-up links
  bool end_points = false;  // GPU g is node g and its own NIC: no PCIe, nothing inside a host (fabric of type file)

  int host_of(int gpu) const { return gpu / gpus_per_host; }
  // GPU i of a host uses NIC floor(i * NICs / GPUs of a host).
  int nic_of(int gpu) const { return host_of(gpu) * nics_per_host + gpu % gpus_per_host * nics_per_host / gpus_per_host; }
  int domain_of(int gpu) const { return gpu / gpus_per_domain; }
  int nics() const { return hosts * nics_per_host; }
  int domains() const { return gpus_per_domain == 1 ? 0 : (gpus + gpus_per_domain - 1) / gpus_per_domain; }
  // A domain within one host is part of that host: nothing to buy or to cable.
  bool domains_span_hosts() const { return gpus_per_domain > gpus_per_host && hosts > 1; }

  std::uint32_t nic_node(int nic) const { return static_cast<std::uint32_t>(end_points ? nic : gpus + nic); }
  std::uint32_t nvswitch_node(int domain) const { return static_cast<std::uint32_t>(gpus + nics() + domain); }
  std::uint32_t scale_up_cable(int gpu) const { return static_cast<std::uint32_t>(gpu); }
  std::uint32_t pcie_cable(int gpu) const { return static_cast<std::uint32_t>((domains() > 0 ? gpus : 0) + gpu); }
};

// Adds everything inside the hosts; the NICs' cables to the fabric are the builder's.
HostLayout wire_hosts(const ClusterSpec& spec, Wiring& wiring);

}  // namespace topology
