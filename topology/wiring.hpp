#pragma once
#include <cstdint>
#include <string>
#include <vector>
#include "topology/fabric.hpp"  // Node, Link, LinkKind

namespace topology {

// What the simulator shares out: one directed link, or a trunk of equal ones.
struct NetworkLink {
  std::vector<std::uint32_t> members;  // links
  std::string name;                    // of a trunk; empty: the two ends of the only member
};

// One end of a cable. Ports are numbered from 1, as on the front of a switch.
struct CableEnd {
  std::uint32_t node = 0;
  int port = 1;
};

// Nodes and cables of a fabric, collected while it is built. Cable c is link 2c from the lower end
// up and link 2c + 1 back down, so that routes can be computed instead of looked up; only a fabric of
// type file has its links in the order of the file.
struct Wiring {
  std::vector<Node> nodes;
  std::vector<Link> links;
  std::vector<int> port_by_link;               // at the node where the link starts
  std::vector<std::uint32_t> reverse_by_link;  // the other direction of the cable; itself: there is none
  std::vector<NetworkLink> network_links;

  std::uint32_t add_node(std::string name, NodeKind kind, int host = -1);
  void add_cable(CableEnd lower, CableEnd upper, LinkKind kind, sim::BytesPerSecond capacity, sim::Time latency);
  // One of the two directions of each cable.
  bool stands_for_cable(std::uint32_t link) const { return link <= reverse_by_link[link]; }
  std::uint32_t cables() const { return static_cast<std::uint32_t>(links.size() / 2); }

  void expose_links();  // each link that is not exposed yet is a network link of its own
  void add_trunk(std::string name, std::vector<std::uint32_t> members);
};

constexpr std::uint32_t up_link(std::uint32_t cable) { return 2 * cable; }
constexpr std::uint32_t down_link(std::uint32_t cable) { return 2 * cable + 1; }

}  // namespace topology
