#include "topology/hosts.hpp"
#include <fmt/format.h>
#include <algorithm>

namespace topology {
namespace {

HostLayout layout(const ClusterSpec& spec) {
  const ScaleUpSpec& scale_up = spec.host.scale_up;
  const bool joined = scale_up.kind != ScaleUpKind::none && spec.gpus > 1;
  HostLayout hosts{spec.gpus, spec.hosts(), spec.host.gpus_per_host, spec.host.nics.count, joined ? scale_up.domain : 1};
  for (int host = 0; host < hosts.hosts; ++host) hosts.nic_bandwidth_by_host.push_back(spec.host_spec(host).nics.bandwidth);
  hosts.shared_bus = scale_up.kind == ScaleUpKind::pcie;
  if (joined && scale_up.kind == ScaleUpKind::mesh)
    hosts.mesh = make_mesh(scale_up.mesh, scale_up.domain, std::min(scale_up.domain, spec.gpus));
  return hosts;
}

// The latency given is that of both links together.
void wire_scale_up(const ClusterSpec& cluster, const HostLayout& hosts, Wiring& wiring) {
  if (!hosts.switched()) return;
  for (int gpu = 0; gpu < hosts.gpus; ++gpu) {
    const ScaleUpSpec& spec = cluster.host_spec(hosts.host_of(gpu)).scale_up;
    const CableEnd nvswitch{hosts.nvswitch_node(hosts.domain_of(gpu)), gpu % hosts.gpus_per_domain + 1};
    wiring.add_cable({static_cast<std::uint32_t>(gpu)}, nvswitch, LinkKind::scale_up, spec.bandwidth, {});
    const auto half = sim::Time::picoseconds(spec.latency.ps() / 2);
    wiring.links.back().latency = half;
    wiring.links[wiring.links.size() - 2].latency = spec.latency - half;
  }
}

void wire_mesh(const ClusterSpec& cluster, const HostLayout& hosts, Wiring& wiring) {
  std::vector<int> ports(hosts.gpus);
  for (int first = 0; first < hosts.gpus && hosts.mesh.gpus > 0; first += hosts.mesh.gpus) {
    const ScaleUpSpec& spec = cluster.host_spec(hosts.host_of(first)).scale_up;
    for (const auto& [a, b, links] : hosts.mesh.cables) {
      const auto end = [&](int gpu) { return CableEnd{static_cast<std::uint32_t>(first + gpu), ++ports[first + gpu]}; };
      const CableEnd lower = end(a);
      wiring.add_cable(lower, end(b), LinkKind::scale_up, spec.bandwidth * (static_cast<double>(links) / hosts.mesh.widest), spec.latency);
    }
  }
}

// PCIe adds no latency of its own: that of the NIC is measured from GPU memory. Where no bandwidth
// is given, the link is as wide as all that can cross the NIC, so that it never limits.
void wire_pcie(const ClusterSpec& cluster, const HostLayout& hosts, Wiring& wiring) {
  if (hosts.nics() == 0) return;
  const int gpus_per_nic = (hosts.gpus_per_host + hosts.nics_per_host - 1) / hosts.nics_per_host;
  const auto bandwidth_of = [&](int host) {
    const HostSpec& spec = cluster.host_spec(host);
    return spec.pcie_bandwidth.value() > 0 ? spec.pcie_bandwidth : spec.nics.bandwidth * gpus_per_nic;
  };
  for (int nic = 0; nic < hosts.nics() && hosts.shared_bus && hosts.switched(); ++nic) {
    const int domain = nic / hosts.nics_per_host;
    wiring.add_cable({hosts.nvswitch_node(domain), hosts.gpus_per_domain + nic % hosts.nics_per_host + 1}, {hosts.nic_node(nic)},
                     LinkKind::pcie, bandwidth_of(nic / hosts.nics_per_host), {});
  }
  for (int gpu = 0; gpu < hosts.gpus && !(hosts.shared_bus && hosts.switched()); ++gpu)
    wiring.add_cable({static_cast<std::uint32_t>(gpu)}, {hosts.nic_node(hosts.nic_of(gpu))}, LinkKind::pcie,
                     bandwidth_of(hosts.host_of(gpu)), {});
}

void cross(std::uint32_t link, Route& route) {
  route.shares.push_back({sim::LinkId{link}});
  ++route.hops;
}

}  // namespace

int HostLayout::gpu_of_rail(int source, int destination) const {
  const int peer = host_of(source) * gpus_per_host + destination % gpus_per_host;
  const bool same_rail = nic_of(source) % nics_per_host == nic_of(destination) % nics_per_host;
  return !same_rail && peer < gpus && domain_of(peer) == domain_of(source) ? peer : source;
}

std::uint32_t HostLayout::pcie_cable(int gpu) const {
  const std::size_t scale_up = mesh.gpus > 0 ? mesh.cables.size() * static_cast<std::size_t>(domains()) : domains() > 0 ? gpus : 0;
  return static_cast<std::uint32_t>(scale_up) + static_cast<std::uint32_t>(shared_bus && domains() > 0 ? nic_of(gpu) : gpu);
}

void HostLayout::scale_up_route(int source, int destination, sim::Time latency, Route& route) const {
  if (mesh.gpus == 0) {
    cross(up_link(scale_up_cable(source)), route);
    cross(down_link(scale_up_cable(destination)), route);
    route.latency += latency;
    return;
  }
  const std::size_t n = static_cast<std::size_t>(mesh.gpus);
  const Mesh::Way& way = mesh.ways[static_cast<std::size_t>(source) % n * n + static_cast<std::size_t>(destination) % n];
  const auto first = 2 * static_cast<std::uint32_t>(domain_of(source) * mesh.cables.size());
  for (const auto& [link, share] : way.steps) route.shares.push_back({sim::LinkId{first + link}, share});
  route.hops += way.hops;
  route.latency += way.hops * latency;
}

void HostLayout::to_nic(int gpu, Route& route) const {
  if (shared_bus && domains() > 0) cross(up_link(scale_up_cable(gpu)), route);
  cross(up_link(pcie_cable(gpu)), route);
}

void HostLayout::from_nic(int gpu, Route& route) const {
  cross(down_link(pcie_cable(gpu)), route);
  if (shared_bus && domains() > 0) cross(down_link(scale_up_cable(gpu)), route);
}

HostLayout wire_hosts(const ClusterSpec& spec, Wiring& wiring) {
  if (spec.fabric.type == FabricType::file && spec.ends_are_gpus()) {
    for (int i = 0; i < spec.gpus; ++i) wiring.add_node(spec.fabric.link_file.nodes[static_cast<std::size_t>(i)], NodeKind::nic, i);
    HostLayout end_points{spec.gpus, spec.gpus, 1, 1, 1, true};
    return end_points;
  }
  const HostLayout hosts = layout(spec);
  for (int gpu = 0; gpu < hosts.gpus; ++gpu) wiring.add_node(fmt::format("gpu-{}", gpu), NodeKind::gpu, hosts.host_of(gpu));
  for (int nic = 0; nic < hosts.nics(); ++nic) {
    const int host = nic / hosts.nics_per_host;
    wiring.add_node(fmt::format("nic-{}.{}", host, nic % hosts.nics_per_host), NodeKind::nic, host);
  }
  const bool in_host = !hosts.domains_span_hosts();
  for (int domain = 0; domain < hosts.domains() && hosts.switched(); ++domain)
    wiring.add_node(fmt::format("{}-{}", hosts.shared_bus ? "pcie" : "nvswitch", domain), NodeKind::nvswitch,
                    in_host ? domain * hosts.gpus_per_domain / hosts.gpus_per_host : -1);
  wire_scale_up(spec, hosts, wiring);
  wire_mesh(spec, hosts, wiring);
  wire_pcie(spec, hosts, wiring);
  wiring.expose_links();
  return hosts;
}

}  // namespace topology
