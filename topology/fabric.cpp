#include "topology/fabric.hpp"
#include <fmt/format.h>
#include <array>
#include <cassert>
#include "sim/error.hpp"
#include "topology/builders/builders.hpp"
#include "topology/builders/failures.hpp"
#include "topology/fabric_impl.hpp"

namespace topology {
namespace {

const ClusterSpec& checked(const ClusterSpec& spec) {
  if (auto found = problems(spec); !found.empty()) throw sim::InputError(std::move(found));
  return spec;
}

Graph graph_of(const Wiring& wiring) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> ends;
  std::vector<LinkIndex> indices;
  ends.reserve(wiring.links.size());
  indices.reserve(wiring.links.size());
  for (const Link& link : wiring.links) {
    indices.push_back({static_cast<std::uint32_t>(ends.size())});
    ends.emplace_back(link.from, link.to);
  }
  return Graph(boost::edges_are_unsorted_multi_pass, ends.begin(), ends.end(), indices.begin(),
               static_cast<std::uint32_t>(wiring.nodes.size()));
}

// All members are equal, so the sum is exact up to rounding.
std::vector<sim::LinkSpec> capacities(const Wiring& wiring) {
  std::vector<sim::LinkSpec> specs;
  specs.reserve(wiring.network_links.size());
  for (const NetworkLink& link : wiring.network_links)
    specs.push_back({wiring.links[link.members.front()].capacity * static_cast<double>(link.members.size())});
  return specs;
}

}  // namespace

std::string_view name_of(NodeKind kind) {
  constexpr std::array<std::string_view, 6> names = {"gpu", "nic", "nvswitch", "leaf", "spine", "core"};
  return names[static_cast<std::size_t>(kind)];
}

std::string_view name_of(LinkKind kind) {
  constexpr std::array<std::string_view, 7> names = {"scale_up", "pcie", "host_leaf", "leaf_spine", "spine_core", "peer", "global"};
  return names[static_cast<std::size_t>(kind)];
}

Fabric::Impl::Impl(const ClusterSpec& cluster, std::vector<std::string> out_of_order)
    : spec(checked(cluster)),
      hosts(wire_hosts(spec, wiring)),
      structure(spec.fabric.failures.empty() && spec.fabric.timed_failures.empty()
                    ? builder_of(spec.fabric.type).build(spec, hosts, wiring)
                    : build_with_failures(spec, hosts, wiring, out_of_order, failed)),
      network_links(capacities(wiring)),
      graph(graph_of(wiring)) {}

Fabric::Fabric(const ClusterSpec& spec) : impl_(std::make_unique<Impl>(spec, spec.fabric.failures)) {}
Fabric::Fabric(const ClusterSpec& spec, sim::Time at) : impl_(std::make_unique<Impl>(spec, spec.fabric.failures_at(at))) {
  impl_->left = left_of_links(spec.fabric, at, impl_->wiring);
}
Fabric::~Fabric() = default;
Fabric::Fabric(Fabric&&) noexcept = default;
Fabric& Fabric::operator=(Fabric&&) noexcept = default;

int Fabric::gpus() const { return impl_->hosts.gpus; }
int Fabric::hosts() const { return impl_->hosts.hosts; }
const std::vector<Node>& Fabric::nodes() const { return impl_->wiring.nodes; }
const std::vector<Link>& Fabric::links() const { return impl_->wiring.links; }
const std::vector<sim::LinkSpec>& Fabric::network_links() const { return impl_->network_links; }

const std::vector<std::uint32_t>& Fabric::members(sim::LinkId network_link) const {
  return impl_->wiring.network_links[network_link.value()].members;
}

bool Fabric::works(sim::LinkId network_link) const { return impl_->failed.empty() || !impl_->failed[members(network_link).front()]; }

sim::BytesPerSecond Fabric::capacity(sim::LinkId network_link) const {
  if (!works(network_link)) return {};
  if (impl_->left.empty()) return network_links()[network_link.value()].capacity;
  double sum = 0;
  for (const std::uint32_t link : members(network_link)) sum += links()[link].capacity.value() * impl_->left[link];
  return sim::BytesPerSecond{sum};
}

std::string Fabric::network_link_name(sim::LinkId network_link) const {
  const NetworkLink& named = impl_->wiring.network_links[network_link.value()];
  if (!named.name.empty()) return named.name;
  const Link& link = links()[named.members.front()];
  return fmt::format("{} -> {}", nodes()[link.from].name, nodes()[link.to].name);
}

LinkKind Fabric::network_link_kind(sim::LinkId network_link) const { return links()[members(network_link).front()].kind; }

Route Fabric::route(int source_gpu, int destination_gpu, std::uint64_t label) const {
  assert(source_gpu >= 0 && source_gpu < gpus() && destination_gpu >= 0 && destination_gpu < gpus());
  const HostLayout& hosts = impl_->hosts;
  Route route;
  if (source_gpu == destination_gpu) return route;
  if (hosts.end_points) {
    impl_->structure->route(source_gpu, destination_gpu, label, route);
    return route;
  }
  if (same_domain(source_gpu, destination_gpu)) {
    hosts.scale_up_route(source_gpu, destination_gpu, impl_->spec.host_spec(host_of(source_gpu)).scale_up.latency, route);
    return route;
  }
  if (hosts.nics_per_host == 0)
    throw sim::SimulationError(
        fmt::format("no way from gpu-{} to gpu-{}: they share no scale-up domain and their host has no NIC.", source_gpu, destination_gpu));
  route.shares.reserve(8);
  const int sender = impl_->spec.fabric.pxn ? hosts.gpu_of_rail(source_gpu, destination_gpu) : source_gpu;
  const HostSpec &from = impl_->spec.host_spec(host_of(source_gpu)), &to = impl_->spec.host_spec(host_of(destination_gpu));
  if (sender != source_gpu) hosts.scale_up_route(source_gpu, sender, from.scale_up.latency, route);
  const int source_nic = hosts.nic_of(sender), destination_nic = hosts.nic_of(destination_gpu);
  if (source_nic != destination_nic && !impl_->structure)
    throw sim::SimulationError(
        fmt::format("no way from gpu-{} to gpu-{}: nothing joins their NICs (fabric type none).", source_gpu, destination_gpu));
  route.latency += from.nics.latency + to.nics.latency;
  hosts.to_nic(sender, route);
  if (source_nic != destination_nic) impl_->structure->route(source_nic, destination_nic, label, route);
  hosts.from_nic(destination_gpu, route);
  return route;
}

bool Fabric::same_domain(int gpu_a, int gpu_b) const { return impl_->hosts.domain_of(gpu_a) == impl_->hosts.domain_of(gpu_b); }
int Fabric::host_of(int gpu) const { return impl_->hosts.host_of(gpu); }

}  // namespace topology
