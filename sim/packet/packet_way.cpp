#include "sim/packet/packet_way.hpp"
#include <algorithm>
#include "sim/error.hpp"

namespace sim {

PacketWays::PacketWays(const PacketFabric& fabric) : fabric_(fabric) {
  for (const auto& members : fabric.members) only_member_.push_back(members.size() == 1 ? members.front() : none);
}

std::uint32_t PacketWays::add(std::span<const LinkShare> shares, std::uint32_t flow) {
  const std::vector<std::uint32_t> way = stages(shares);
  const std::size_t links = way.size();
  if (free_.size() <= links) free_.resize(links + 1);
  if (free_[links].empty()) {
    free_[links].push_back(static_cast<std::uint32_t>(way_.size()));
    way_.resize(way_.size() + links + 1);
  }
  const std::uint32_t first = free_[links].back();
  free_[links].pop_back();
  std::copy(way.begin(), way.end(), way_.begin() + first);
  way_[first + links] = end_mark | flow;
  return first;
}

// One network link after the other, or, where each carries a part, bundles of those at one distance.
std::vector<std::uint32_t> PacketWays::stages(std::span<const LinkShare> shares) {
  std::vector<std::uint32_t> way, links;
  for (const LinkShare& s : shares) {
    way.push_back(s.link.value());
    const auto& members = fabric_.members[s.link.value()];
    links.insert(links.end(), members.begin(), members.end());
  }
  const bool whole = std::all_of(shares.begin(), shares.end(), [](const LinkShare& s) { return s.share == 1; });
  if (whole && in_order(way)) return way;

  std::map<std::uint32_t, std::size_t> distance;  // of a node from the begin
  for (const std::uint32_t link : links)
    if (std::none_of(links.begin(), links.end(), [&](std::uint32_t other) { return fabric_.links[other].to == fabric_.links[link].from; }))
      distance[fabric_.links[link].from] = 0;
  std::vector<std::vector<std::uint32_t>> stages;
  for (std::size_t placed = 0, before = links.size(); placed < links.size() && placed != before;) {
    before = placed;
    std::vector<std::uint32_t> stage;
    for (const std::uint32_t link : links) {
      const auto from = distance.find(fabric_.links[link].from);
      if (from == distance.end() || from->second != stages.size()) continue;
      if (distance.try_emplace(fabric_.links[link].to, stages.size() + 1).first->second != stages.size() + 1)
        throw InputError("network: packets over paths of unequal length are not supported yet. Take routing ecmp or static.");
      stage.push_back(link);
    }
    std::sort(stage.begin(), stage.end(),
              [&](auto a, auto b) { return std::pair(fabric_.links[a].from, a) < std::pair(fabric_.links[b].from, b); });
    placed += stage.size();
    if (!stage.empty()) stages.push_back(std::move(stage));
  }
  way.clear();
  for (auto& stage : stages) way.push_back(bundle(std::move(stage)));
  return way;
}

// Whether each of these network links begins where the one before it ends.
bool PacketWays::in_order(std::span<const std::uint32_t> way) const {
  for (std::size_t i = 1; i < way.size(); ++i) {
    const PacketLink& before = fabric_.links[fabric_.members[way[i - 1]].front()];
    const auto begins = [&](std::uint32_t link) { return fabric_.links[link].from == before.to; };
    if (std::ranges::none_of(fabric_.members[way[i]], begins)) return false;
  }
  return true;
}

std::uint32_t PacketWays::bundle(std::vector<std::uint32_t> links) {
  const auto next = static_cast<std::uint32_t>(fabric_.members.size() + bundles_.size());
  const auto [at, is_new] = number_of_bundle_.try_emplace(links, next);
  if (is_new) {
    only_member_.push_back(links.size() == 1 ? links.front() : none);
    bundles_.push_back(std::move(links));
  }
  return at->second;
}

std::vector<LinkShare> PacketWays::shares(std::uint32_t first) {
  if (network_link_of_.empty()) {
    network_link_of_.resize(fabric_.links.size());
    for (std::uint32_t i = 0; i < fabric_.members.size(); ++i)
      for (const std::uint32_t link : fabric_.members[i]) network_link_of_[link] = i;
  }
  std::map<std::uint32_t, double> parts;
  for (; !is_end(first); ++first)
    for (const auto& bundle = links(way_[first]); const std::uint32_t link : bundle)
      parts[network_link_of_[link]] += 1.0 / static_cast<double>(bundle.size());
  std::vector<LinkShare> shares;
  for (const auto& [link, part] : parts) shares.push_back({LinkId{link}, part});
  return shares;
}

std::uint32_t PacketWays::flow_at(std::uint32_t place) const {
  while (!is_end(place)) ++place;
  return way_[place] & ~end_mark;
}

bool PacketWays::is_way(std::uint32_t first, std::span<const LinkShare> shares) {
  for (const std::uint32_t stage : stages(shares))
    if (is_end(first) || way_[first++] != stage) return false;
  return is_end(first);
}

std::span<const std::uint32_t> PacketWays::members(std::uint32_t network_link, std::uint32_t node) const {
  const auto& all = links(network_link);
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
  for (; !is_end(place); ++place) sum += fabric_.links[links(way_[place]).front()].delay;
  return sum;
}

}  // namespace sim
