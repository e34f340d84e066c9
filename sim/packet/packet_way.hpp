#pragma once
#include <cstdint>
#include <map>
#include <span>
#include <vector>
#include "sim/network.hpp"
#include "sim/packet/packet_fabric.hpp"

namespace sim {

// The ways of all flows in one array: a flow's network links in order, then a mark with the flow. Where a flow's parts go over several
// paths (shares below 1), the links at one distance from its begin are a bundle, which stands for a network link: packets choose among
// them. A place in it says where a packet is and whose it is. Blocks of finished flows are used again for ways of equal length.
class PacketWays {
 public:
  explicit PacketWays(const PacketFabric& fabric);

  // Throws InputError where the paths are of unequal length.
  std::uint32_t add(std::span<const LinkShare> shares, std::uint32_t flow);
  void remove(std::uint32_t first, std::uint32_t links) { free_[links].push_back(first); }

  bool is_end(std::uint32_t place) const { return (way_[place] & end_mark) != 0; }
  std::uint32_t network_link(std::uint32_t place) const { return way_[place]; }
  void prefetch(std::uint32_t place) const { __builtin_prefetch(&way_[place]); }
  std::uint32_t flow_at(std::uint32_t place) const;
  bool is_way(std::uint32_t first, std::span<const LinkShare> shares);  // over just these links
  // Links of the fabric behind a network link or bundle, by `from`.
  const std::vector<std::uint32_t>& links(std::uint32_t network_link) const {
    const std::size_t given = fabric_.members.size();
    return network_link < given ? fabric_.members[network_link] : bundles_[network_link - given];
  }
  // The network links of a flow that begins there, with the part of it that each carries.
  std::vector<LinkShare> shares(std::uint32_t first);
  // The one link of the fabric that a network link stands for; none: there are several.
  std::uint32_t only_member(std::uint32_t network_link) const { return only_member_[network_link]; }
  // Those that begin at `node`.
  std::span<const std::uint32_t> members(std::uint32_t network_link, std::uint32_t node) const;
  Time latency(std::uint32_t first) const;  // of the links alone

  static constexpr std::uint32_t none = ~0u;

 private:
  static constexpr std::uint32_t end_mark = 1u << 31;
  std::vector<std::uint32_t> stages(std::span<const LinkShare> shares);
  bool in_order(std::span<const std::uint32_t> way) const;
  std::uint32_t bundle(std::vector<std::uint32_t> links);

  const PacketFabric& fabric_;
  std::vector<std::uint32_t> only_member_;
  std::vector<std::uint32_t> network_link_of_;  // by link; made when it is first asked for
  std::vector<std::uint32_t> way_;
  std::vector<std::vector<std::uint32_t>> bundles_;
  std::map<std::vector<std::uint32_t>, std::uint32_t> number_of_bundle_;
  std::vector<std::vector<std::uint32_t>> free_;  // blocks by number of links
};

}  // namespace sim
