#include "topology/wiring.hpp"
#include <utility>

namespace topology {

std::uint32_t Wiring::add_node(std::string name, NodeKind kind, int host) {
  nodes.push_back({std::move(name), kind, host});
  return static_cast<std::uint32_t>(nodes.size() - 1);
}

void Wiring::add_cable(CableEnd lower, CableEnd upper, LinkKind kind, sim::BytesPerSecond capacity, sim::Time latency) {
  const auto up = static_cast<std::uint32_t>(links.size());
  links.push_back({lower.node, upper.node, kind, capacity, latency});
  links.push_back({upper.node, lower.node, kind, capacity, latency});
  port_by_link.push_back(lower.port);
  port_by_link.push_back(upper.port);
  reverse_by_link.push_back(up + 1);
  reverse_by_link.push_back(up);
}

// Holds only while there are no trunks: then network link i is link i.
void Wiring::expose_links() {
  for (auto link = static_cast<std::uint32_t>(network_links.size()); link < links.size(); ++link) network_links.push_back({{link}, {}});
}

void Wiring::add_trunk(std::string name, std::vector<std::uint32_t> members) {
  network_links.push_back({std::move(members), std::move(name)});
}

}  // namespace topology
