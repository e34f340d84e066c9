#include "topology/lengths.hpp"
#include <algorithm>
#include <cmath>
#include <map>
#include "topology/fabric_impl.hpp"

namespace topology {
namespace {

struct Place {
  double along = 0, across = 0;  // metres
};

std::optional<double> host_power(const ClusterSpec& spec, const std::string& preset) {
  for (const NamedPart& part : spec.site.table.hosts)
    if (part.name == preset) return part.figures.power_w;
  return {};
}

std::optional<double> copper_reach(const PartsTable& parts, const FabricLinkSpec& link) {
  for (const ModulePart& part : parts.modules)
    if (part.optics == Optics::dac && part.bandwidth == link.bandwidth) return part.reach_m;
  return {};
}

// Of hosts by rack, of switches in the middle of those below them; kinds are in order of height.
std::vector<Place> places(const Fabric& fabric, int per_rack) {
  const RackPart& racks = fabric.impl().spec.site.table.racks;
  const std::vector<Node>& nodes = fabric.nodes();
  std::vector<Place> places(nodes.size());
  for (std::size_t node = 0; node < nodes.size(); ++node) {
    if (nodes[node].kind != NodeKind::nic) continue;
    const int rack = nodes[node].host / per_rack;
    places[node] = {rack % racks.per_row * racks.pitch_m, rack / racks.per_row * racks.row_pitch_m};
  }
  for (const NodeKind kind : {NodeKind::leaf, NodeKind::spine, NodeKind::core}) {
    std::vector<int> below(nodes.size());
    std::vector<Place> sum(nodes.size());
    for (const Link& link : fabric.links()) {
      if (nodes[link.to].kind != kind || nodes[link.from].kind >= kind) continue;
      sum[link.to].along += places[link.from].along, sum[link.to].across += places[link.from].across;
      ++below[link.to];
    }
    for (std::size_t node = 0; node < nodes.size(); ++node)
      if (below[node] > 0) places[node] = {sum[node].along / below[node], sum[node].across / below[node]};
  }
  return places;
}

}  // namespace

std::optional<int> hosts_per_rack(const ClusterSpec& spec) {
  const auto& coolings = spec.site.table.cooling;
  const auto cooling = std::find_if(coolings.begin(), coolings.end(), [&](const CoolingPart& c) { return c.name == spec.site.cooling; });
  const auto power = host_power(spec, spec.host.preset);
  if (cooling == coolings.end() || !cooling->rack_kw || !power) return {};
  return std::max(1, static_cast<int>(*cooling->rack_kw * 1000 / *power));
}

std::vector<TierLengths> cable_lengths(const Fabric& fabric) {
  const ClusterSpec& spec = fabric.impl().spec;
  const RackPart& racks = spec.site.table.racks;
  const auto per_rack = hosts_per_rack(spec);
  if (!per_rack || racks.per_row == 0 || spec.fabric.type == FabricType::file) return {};
  const std::vector<Place> at = places(fabric, *per_rack);
  std::map<LinkKind, TierLengths> tiers;
  for (std::uint32_t i = 0; i < fabric.links().size(); ++i) {
    const Link& link = fabric.links()[i];
    if (link.kind < LinkKind::host_leaf || !fabric.impl().wiring.stands_for_cable(i)) continue;
    const int tier = link.kind == LinkKind::host_leaf ? 0 : link.kind == LinkKind::spine_core || link.kind == LinkKind::global ? 2 : 1;
    const auto reach = copper_reach(spec.site.table, spec.fabric.link_of(tier));
    if (!reach) continue;
    const Place &a = at[link.from], &b = at[link.to];
    const double length = std::abs(a.along - b.along) + std::abs(a.across - b.across) + 2 * racks.rise_m;
    TierLengths& sum = tiers[link.kind];
    sum.kind = link.kind, sum.reach_m = *reach;
    sum.longest_m = std::max(sum.longest_m, length);
    ++(length <= *reach ? sum.copper : sum.optical);
  }
  std::vector<TierLengths> list;
  for (const auto& [kind, lengths] : tiers) list.push_back(lengths);
  return list;
}

}  // namespace topology
