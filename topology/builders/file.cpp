#include <algorithm>
#include <array>
#include <map>
#include <numeric>
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
  for (std::uint32_t link = 0; link < wiring.links.size(); ++link) {
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

}  // namespace

std::unique_ptr<Structure> build_file(const ClusterSpec& spec, const HostLayout& hosts, Wiring& wiring) {
  constexpr std::array kinds = {NodeKind::nic, NodeKind::leaf, NodeKind::spine, NodeKind::core};
  constexpr std::array links_up = {LinkKind::host_leaf, LinkKind::leaf_spine, LinkKind::spine_core, LinkKind::spine_core};
  const LinkFile& file = spec.fabric.link_file;
  const std::vector<int> tier = tiers_of(file);
  std::vector<std::uint32_t> node_of(file.nodes.size());
  std::iota(node_of.begin(), node_of.begin() + file.end_points, 0U);
  for (int wanted = 1; wanted <= 3; ++wanted)
    for (std::size_t node = 0; node < file.nodes.size(); ++node)
      if (tier[node] == wanted) node_of[node] = wiring.add_node(file.nodes[node], kinds[static_cast<std::size_t>(wanted)]);
  std::vector<int> ports(file.nodes.size());
  for (const FileLink& link : file.links) {
    const auto lower = static_cast<std::size_t>(std::min(tier[link.from], tier[link.to]));
    wiring.links.push_back({node_of[link.from], node_of[link.to], links_up[lower], link.bandwidth, link.latency});
    wiring.port_by_link.push_back(++ports[link.from]);
  }
  pair_directions(wiring);
  wiring.expose_links();
  return std::make_unique<SearchedFabric>(
      SearchSpec{
          .routing = spec.fabric.routing, .hash = spec.fabric.hash, .because = "over the links of the file (end points pass nothing on)"},
      hosts, wiring);
}

}  // namespace topology
