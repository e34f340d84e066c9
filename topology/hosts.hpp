#pragma once
#include <cstdint>
#include <vector>
#include "topology/wiring.hpp"

namespace topology {

// What joins the GPUs of a domain without a switch: cables, and the shortest ways over them.
struct Mesh {
  struct Cable {
    int a, b, links;
  };
  struct Step {
    std::uint32_t link;  // of the domain: 2 c up and 2 c + 1 down cable c
    double share;
  };
  struct Way {
    int hops = 0;
    std::vector<Step> steps;  // in order of hops; an equal part over each shortest path
  };
  int gpus = 0, widest = 0;  // links of the GPU that has the most
  std::vector<Cable> cables;
  std::vector<Way> ways;  // from a to b at a * gpus + b
};

// `text`: "0-1 0-3x2 …"; empty: each GPU joined to each other by one link. Throws sim::InputError for what is not such a text.
// `present`: the first so many GPUs of the domain are there.
Mesh make_mesh(const std::string& text, int domain, int present);

// Numbers of GPUs, NICs and scale-up domains, and of their nodes and cables. Nodes: GPUs, then NICs,
// then NVSwitches; cables: scale-up (one per GPU; mesh: those of each domain), then PCIe (one per GPU; on a shared bus one per NIC).
struct HostLayout {
  int gpus = 0, hosts = 0;
  int gpus_per_host = 0, nics_per_host = 0;
  int gpus_per_domain = 1;  // 1: no scale-up links
  bool end_points = false;  // GPU g is node g and its own NIC: no PCIe, nothing inside a host (fabric of type file)
  bool shared_bus = false;  // NICs hang on the switch that joins the GPUs (scale-up of kind pcie)
  std::vector<sim::BytesPerSecond> nic_bandwidth_by_host;
  Mesh mesh;  // no GPUs: the domain has a switch

  int host_of(int gpu) const { return gpu / gpus_per_host; }
  // GPU i of a host uses NIC floor(i * NICs / GPUs of a host).
  int nic_of(int gpu) const { return host_of(gpu) * nics_per_host + gpu % gpus_per_host * nics_per_host / gpus_per_host; }
  int domain_of(int gpu) const { return gpu / gpus_per_domain; }
  sim::BytesPerSecond nic_bandwidth(int nic) const { return nic_bandwidth_by_host[static_cast<std::size_t>(nic / nics_per_host)]; }
  int nics() const { return hosts * nics_per_host; }
  int domains() const { return gpus_per_domain == 1 ? 0 : (gpus + gpus_per_domain - 1) / gpus_per_domain; }
  bool switched() const { return domains() > 0 && mesh.gpus == 0; }
  // A domain within one host is part of that host: nothing to buy or to cable.
  bool domains_span_hosts() const { return gpus_per_domain > gpus_per_host && hosts > 1; }
  // The GPU of the source's host that has the place of the destination in its own; the source where there is none in its domain.
  int gpu_of_rail(int source, int destination) const;

  std::uint32_t nic_node(int nic) const { return static_cast<std::uint32_t>(end_points ? nic : gpus + nic); }
  std::uint32_t nvswitch_node(int domain) const { return static_cast<std::uint32_t>(gpus + nics() + domain); }
  std::uint32_t scale_up_cable(int gpu) const { return static_cast<std::uint32_t>(gpu); }
  std::uint32_t pcie_cable(int gpu) const;

  // Append links, hops and latency. Within a domain; between a GPU and its NIC (no latency: the NIC's is measured from GPU memory).
  void scale_up_route(int source, int destination, sim::Time latency, Route& route) const;
  void to_nic(int gpu, Route& route) const;
  void from_nic(int gpu, Route& route) const;
};

// Adds everything inside the hosts; the NICs' cables to the fabric are the builder's.
HostLayout wire_hosts(const ClusterSpec& spec, Wiring& wiring);

}  // namespace topology
