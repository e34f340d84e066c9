#include "sim/packet/packet_way.hpp"
#include <algorithm>
#include "sim/error.hpp"

namespace sim {

PacketWays::PacketWays(const PacketFabric& fabric) : fabric_(fabric) {
  for (const auto& members : fabric.members) only_member_.push_back(members.size() == 1 ? members.front() : none);
}

std::uint32_t PacketWays::add(std::span<const LinkShare> shares, std::uint32_t flow) {
  const std::size_t links = shares.size();
  if (free_.size() <= links) free_.resize(links + 1);
  if (free_[links].empty()) {
    free_[links].push_back(static_cast<std::uint32_t>(way_.size()));
    way_.resize(way_.size() + links + 1);
  }
  const std::uint32_t first = free_[links].back();
  free_[links].pop_back();
  for (std::size_t i = 0; i < links; ++i) {
    if (shares[i].share != 1)
      throw InputError("network: packets over several paths of unlike links are not supported yet. Take routing ecmp or static.");
    way_[first + i] = shares[i].link.value();
  }
  way_[first + links] = end_mark | flow;
  return first;
}

std::uint32_t PacketWays::flow_at(std::uint32_t place) const {
  while (!is_end(place)) ++place;
  return way_[place] & ~end_mark;
}

std::span<const std::uint32_t> PacketWays::members(std::uint32_t network_link, std::uint32_t node) const {
  const auto& all = fabric_.members[network_link];
  const auto from = [&](std::uint32_t link) { return fabric_.links[link].from; };
  const auto first = std::partition_point(all.begin(), all.end(), [&](std::uint32_t link) { return from(link) < node; });
  const auto last = std::partition_point(first, all.end(), [&](std::uint32_t link) { return from(link) == node; });
  if (first == last)
    throw SimulationError(
        "network: a packet has no way on where links have failed (adaptive and spray choose hop by hop). Take routing ecmp.");
  return {&*first, static_cast<std::size_t>(last - first)};
}

Time PacketWays::latency(std::uint32_t place) const {
  Time sum;
  for (; !is_end(place); ++place) sum += fabric_.links[fabric_.members[way_[place]].front()].delay;
  return sum;
}

}  // namespace sim
