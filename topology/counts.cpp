#include "topology/counts.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include "topology/fabric_impl.hpp"

namespace topology {
namespace {

constexpr std::size_t kinds = static_cast<std::size_t>(LinkKind::global) + 1;

int modules_of(int cables, const FabricLinkSpec& link) {
  if (link.optics != Optics::dsp && link.optics != Optics::lpo) return 0;
  const double of_module =
      link.module_bandwidth.value() > 0 ? std::floor(link.module_bandwidth.value() / link.bandwidth.value() + 1e-9) : 1;
  return static_cast<int>(std::ceil(2 * cables / std::max(1.0, of_module)));
}

// GPU to the first level of switches is copper (NVL72, DGX GH200).
void count_scale_up(const Fabric& fabric, NetworkCounts& counts) {
  const ScaleUpSpec& spec = fabric.impl().spec.host.scale_up;
  const HostLayout& hosts = fabric.impl().hosts;
  if (!hosts.domains_span_hosts()) return;
  if (spec.links == 0) {
    counts.switches.scale_up = hosts.domains();
    counts.cables.scale_up = hosts.gpus;
    return;
  }
  const int links = hosts.gpus_per_domain * spec.links, levels = static_cast<int>(std::max<std::size_t>(1, spec.radix.size()));
  for (int level = 0; level < levels; ++level) {
    const int ends = level + 1 < levels ? 2 * links : links;  // down, and up but at the top
    counts.switches.scale_up += hosts.domains() * (spec.radix.empty() ? 1 : (ends + spec.radix[level] - 1) / spec.radix[level]);
  }
  counts.cables.scale_up = hosts.domains() * links * levels;
  if (spec.module_bandwidth.value() > 0)
    counts.optical_modules +=
        modules_of(hosts.domains() * links * (levels - 1), {spec.bandwidth / spec.links, {}, Optics::dsp, spec.module_bandwidth});
}

NetworkCounts operator+(NetworkCounts a, const std::optional<NetworkCounts>& b) {
  if (!b) return a;
  a.switches.leaf += b->switches.leaf, a.switches.spine += b->switches.spine, a.switches.core += b->switches.core;
  a.cables.host_leaf += b->cables.host_leaf, a.cables.leaf_spine += b->cables.leaf_spine, a.cables.spine_core += b->cables.spine_core;
  a.optical_modules += b->optical_modules;
  return a;
}

}  // namespace

NetworkCounts Counts::all() const { return *this + storage + management; }

ClusterSpec cluster_of(const SideNetworkSpec& side, int hosts) {
  ClusterSpec cluster;
  cluster.gpus = hosts * side.nics + side.end_points;
  cluster.host.gpus_per_host = 1;
  cluster.host.scale_up.kind = ScaleUpKind::none;
  cluster.host.nics = {1, 1, side.link.bandwidth, {}};
  cluster.fabric.type = side.type;
  cluster.fabric.radix = side.radix;
  cluster.fabric.tiers = side.tiers;
  cluster.fabric.oversubscription = side.oversubscription;
  cluster.fabric.link = side.link;
  return cluster;
}

Counts count(const Fabric& fabric) {
  std::array<int, static_cast<std::size_t>(NodeKind::core) + 1> nodes{};
  for (const Node& node : fabric.nodes()) ++nodes[static_cast<std::size_t>(node.kind)];
  std::array<int, kinds> cables{};
  for (std::uint32_t link = 0; link < fabric.links().size(); ++link)
    cables[static_cast<std::size_t>(fabric.links()[link].kind)] += fabric.impl().wiring.stands_for_cable(link);
  const auto nodes_of = [&](NodeKind kind) { return nodes[static_cast<std::size_t>(kind)]; };
  const auto cables_of = [&](LinkKind kind) { return cables[static_cast<std::size_t>(kind)]; };

  Counts counts;
  counts.hosts = fabric.hosts(), counts.gpus = fabric.gpus(), counts.nics = nodes_of(NodeKind::nic);
  counts.switches = {nodes_of(NodeKind::leaf), nodes_of(NodeKind::spine), nodes_of(NodeKind::core), 0};
  counts.cables = {cables_of(LinkKind::host_leaf), cables_of(LinkKind::leaf_spine), cables_of(LinkKind::spine_core),
                   cables_of(LinkKind::peer),      cables_of(LinkKind::global),     0};
  const FabricSpec& spec = fabric.impl().spec.fabric;
  if (spec.type != FabricType::file)
    counts.optical_modules = modules_of(counts.cables.host_leaf, spec.link) +
                             modules_of(counts.cables.leaf_spine + counts.cables.peer, spec.link_of(1)) +
                             modules_of(counts.cables.spine_core + counts.cables.global, spec.link_of(2));
  count_scale_up(fabric, counts);
  if (spec.storage.type != FabricType::none) counts.storage = count(Fabric(cluster_of(spec.storage, counts.hosts)));
  if (spec.management.type != FabricType::none) counts.management = count(Fabric(cluster_of(spec.management, counts.hosts)));
  return counts;
}

}  // namespace topology
