#pragma once
#include <cstdint>
#include <span>
#include <vector>
#include "sim/network.hpp"
#include "sim/packet/packet_fabric.hpp"

namespace sim {

// The ways of all flows in one array: a flow's network links in order, then a mark with the flow. A place in it says where a packet is
// and whose it is. Blocks of finished flows are used again for ways of equal length.
class PacketWays {
 public:
  explicit PacketWays(const PacketFabric& fabric);

  // Throws InputError where the shares are no single way from link to link.
  std::uint32_t add(std::span<const LinkShare> shares, std::uint32_t flow);
  void remove(std::uint32_t first, std::uint32_t links) { free_[links].push_back(first); }

  bool is_end(std::uint32_t place) const { return (way_[place] & end_mark) != 0; }
  std::uint32_t network_link(std::uint32_t place) const { return way_[place]; }
  void prefetch(std::uint32_t place) const { __builtin_prefetch(&way_[place]); }
  std::uint32_t flow_at(std::uint32_t place) const;
  // The one link of the fabric that a network link stands for; none: there are several.
  std::uint32_t only_member(std::uint32_t network_link) const { return only_member_[network_link]; }
  // Those that begin at `node`.
  std::span<const std::uint32_t> members(std::uint32_t network_link, std::uint32_t node) const;
  Time latency(std::uint32_t first) const;  // of the links alone

  static constexpr std::uint32_t none = ~0u;

 private:
  static constexpr std::uint32_t end_mark = 1u << 31;
  const PacketFabric& fabric_;
  std::vector<std::uint32_t> only_member_;
  std::vector<std::uint32_t> way_;
  std::vector<std::vector<std::uint32_t>> free_;  // blocks by number of links
};

}  // namespace sim
