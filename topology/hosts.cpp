#include "topology/hosts.hpp"
#include <fmt/format.h>
#include <algorithm>

namespace topology {
namespace {

HostLayout layout(const ClusterSpec& spec) {
  const bool joined = spec.host.scale_up.kind == ScaleUpKind::nvswitch && spec.gpus > 1;
  return {spec.gpus, spec.hosts(), spec.host.gpus_per_host, spec.host.nics.count, joined ? spec.host.scale_up.domain : 1};
}

// The latency given is that of both links together.
void wire_scale_up(const ScaleUpSpec& spec, const HostLayout& hosts, Wiring& wiring) {
  if (hosts.domains() == 0) return;
  for (int gpu = 0; gpu < hosts.gpus; ++gpu) {
    const CableEnd nvswitch{hosts.nvswitch_node(hosts.domain_of(gpu)), gpu % hosts.gpus_per_domain + 1};
    wiring.add_cable({static_cast<std::uint32_t>(gpu)}, nvswitch, LinkKind::scale_up, spec.bandwidth, {});
    const auto half = sim::Time::picoseconds(spec.latency.ps() / 2);
    wiring.links.back().latency = half;
    wiring.links[wiring.links.size() - 2].latency = spec.latency - half;
  }
}

// PCIe adds no latency of its own: that of the NIC is measured from GPU memory. Where no bandwidth
// is given, the link is as wide as all that can cross the NIC, so that it never limits.
void wire_pcie(const HostSpec& spec, const HostLayout& hosts, Wiring& wiring) {
  if (hosts.nics() == 0) return;
  const int gpus_per_nic = (hosts.gpus_per_host + hosts.nics_per_host - 1) / hosts.nics_per_host;
  const auto bandwidth = spec.pcie_bandwidth.value() > 0 ? spec.pcie_bandwidth : spec.nics.bandwidth * gpus_per_nic;
  for (int gpu = 0; gpu < hosts.gpus; ++gpu)
    wiring.add_cable({static_cast<std::uint32_t>(gpu)}, {hosts.nic_node(hosts.nic_of(gpu))}, LinkKind::pcie, bandwidth, {});
}

}  // namespace

HostLayout wire_hosts(const ClusterSpec& spec, Wiring& wiring) {
  if (spec.fabric.type == FabricType::file) {
    for (int i = 0; i < spec.gpus; ++i) wiring.add_node(fmt::format("h{}", i), NodeKind::nic, i);
    return {spec.gpus, spec.gpus, 1, 1, 1, true};
  }
  const HostLayout hosts = layout(spec);
  for (int gpu = 0; gpu < hosts.gpus; ++gpu) wiring.add_node(fmt::format("gpu-{}", gpu), NodeKind::gpu, hosts.host_of(gpu));
  for (int nic = 0; nic < hosts.nics(); ++nic) {
    const int host = nic / hosts.nics_per_host;
    wiring.add_node(fmt::format("nic-{}.{}", host, nic % hosts.nics_per_host), NodeKind::nic, host);
  }
  const bool in_host = !hosts.domains_span_hosts();
  for (int domain = 0; domain < hosts.domains(); ++domain)
    wiring.add_node(fmt::format("nvswitch-{}", domain), NodeKind::nvswitch,
                    in_host ? domain * hosts.gpus_per_domain / hosts.gpus_per_host : -1);
  wire_scale_up(spec.host.scale_up, hosts, wiring);
  wire_pcie(spec.host, hosts, wiring);
  wiring.expose_links();
  return hosts;
}

}  // namespace topology
