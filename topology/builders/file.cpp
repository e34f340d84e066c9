#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <fmt/format.h>
#include "sim/error.hpp"
#include "topology/builders/builders.hpp"
#include "topology/builders/searched.hpp"

namespace topology {
namespace {

// Switches are leaves, spines or cores by their distance from the nearest end point: 1, 2, more.
std::vector<int> tiers_of(const LinkFile& file) {
  std::vector<std::vector<std::uint32_t>> neighbours(file.nodes.size());
  for (const FileLink& link : file.links) {
    neighbours[link.from].push_back(link.to);
    neighbours[link.to].push_back(link.from);
  }
  std::vector<int> tier(file.nodes.size(), 3);
  std::vector<std::uint32_t> queue(static_cast<std::size_t>(file.end_points));
  std::iota(queue.begin(), queue.end(), 0U);
  std::fill_n(tier.begin(), file.end_points, 0);
  for (std::size_t next = 0; next < queue.size() && tier[queue[next]] < 2; ++next)
    for (const std::uint32_t node : neighbours[queue[next]])
      if (tier[node] == 3) {
        tier[node] = tier[queue[next]] + 1;
        queue.push_back(node);
      }
  return tier;
}

// The first link the other way between the same nodes, as wide, that has no partner yet.
void pair_directions(Wiring& wiring) {
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<std::uint32_t>> single;
  for (auto link = static_cast<std::uint32_t>(wiring.reverse_by_link.size()); link < wiring.links.size(); ++link) {
    const auto& [from, to, kind, capacity, latency] = wiring.links[link];
    wiring.reverse_by_link.push_back(link);
    auto& partners = single[{to, from}];
    if (partners.empty()) {
      single[{from, to}].push_back(link);
      continue;
    }
    wiring.reverse_by_link[link] = partners.front();
    wiring.reverse_by_link[partners.front()] = link;
    partners.erase(partners.begin());
  }
}

// Where it is said how many ports a switch has.
void check_ports(const FabricSpec& spec, const LinkFile& file, const std::vector<int>& ports) {
  if (spec.radix.empty()) return;
  const auto widest = std::max_element(ports.begin() + file.end_points, ports.end());
  if (widest != ports.end() && *widest > spec.radix[0])
    throw sim::InputError(
        fmt::format("cluster.fabric.radix: '{}' has {} links out, more than the {} ports of a switch. Use fewer links, or radix {}.",
                    file.nodes[static_cast<std::size_t>(widest - ports.begin())], *widest, spec.radix[0], *widest));
}

}  // namespace

std::unique_ptr<Structure> build_file(const ClusterSpec& spec, const HostLayout& hosts, Wiring& wiring) {
  constexpr std::array kinds = {NodeKind::nic, NodeKind::leaf, NodeKind::spine, NodeKind::core};
  constexpr std::array links_up = {LinkKind::host_leaf, LinkKind::leaf_spine, LinkKind::spine_core, LinkKind::spine_core};
  const LinkFile& file = spec.fabric.link_file;
  const std::vector<int> tier = tiers_of(file);
  std::vector<std::uint32_t> node_of(file.nodes.size());
  std::iota(node_of.begin(), node_of.begin() + file.end_points, hosts.nic_node(0));
  for (int wanted = 1; wanted <= 3; ++wanted)
    for (std::size_t node = 0; node < file.nodes.size(); ++node)
      if (tier[node] == wanted) node_of[node] = wiring.add_node(file.nodes[node], kinds[static_cast<std::size_t>(wanted)]);
  std::vector<int> ports(file.nodes.size());
  for (const FileLink& link : file.links) {
    const auto lower = static_cast<std::size_t>(std::min(tier[link.from], tier[link.to]));
    wiring.links.push_back({node_of[link.from], node_of[link.to], links_up[lower], link.bandwidth, link.latency});
    wiring.port_by_link.push_back(++ports[link.from]);
  }
  check_ports(spec.fabric, file, ports);
  pair_directions(wiring);
  wiring.expose_links();
  return std::make_unique<SearchedFabric>(SearchSpec{.routing = spec.fabric.routing,
                                                     .hash = spec.fabric.hash,
                                                     .switch_latency = spec.fabric.switch_latency,
                                                     .because = "over the links of the file (end points pass nothing on)"},
                                          hosts, wiring);
}

}  // namespace topology
