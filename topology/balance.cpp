#include "topology/balance.hpp"
#include <algorithm>
#include <map>
#include "sim/error.hpp"

namespace topology {

Balance::Balance(const Fabric& fabric) : fabric_(fabric), flows_(fabric.network_links().size()), bytes_(flows_.size()) {}

void Balance::add(std::span<const sim::LinkShare> shares, double bytes) {
  for (const auto& [link, share] : shares) {
    ++flows_[link.value()];
    bytes_[link.value()] += share * bytes;
  }
}

std::vector<TierBalance> Balance::tiers() const {
  struct Sum {
    TierBalance tier;
    double bytes = 0, capacity = 0, most = 0;
  };
  std::map<std::pair<LinkKind, bool>, Sum> sums;
  for (std::uint32_t i = 0; i < flows_.size(); ++i) {
    const Link& link = fabric_.links()[fabric_.members(sim::LinkId{i}).front()];
    if (link.kind < LinkKind::host_leaf) continue;
    const NodeKind from = fabric_.nodes()[link.from].kind, to = fabric_.nodes()[link.to].kind;
    auto& [tier, bytes, capacity, most] = sums[{link.kind, to < from}];
    tier.kind = link.kind;
    tier.direction = to == from ? "" : to < from ? "down" : "up";
    ++tier.links;
    tier.max_flows = std::max(tier.max_flows, flows_[i]);
    const double width = fabric_.network_links()[i].capacity.value();
    bytes += bytes_[i];
    capacity += width;
    most = std::max(most, bytes_[i] / width);
  }
  std::vector<TierBalance> tiers;
  for (auto& [key, sum] : sums) {
    if (sum.bytes > 0) sum.tier.max_over_mean = sum.most * sum.capacity / sum.bytes;
    tiers.push_back(std::move(sum.tier));
  }
  return tiers;
}

int Balance::most_flows_between_switches() const {
  int most = 0;
  for (const TierBalance& tier : tiers())
    if (tier.kind != LinkKind::host_leaf) most = std::max(most, tier.max_flows);
  return most;
}

Balance half_shift(const Fabric& fabric) {
  Balance balance(fabric);
  const int gpus_per_host = (fabric.gpus() + fabric.hosts() - 1) / fabric.hosts(), shift = fabric.hosts() / 2 * gpus_per_host;
  for (int gpu = 0; gpu < fabric.gpus() && shift > 0; ++gpu) try {
      balance.add(fabric.route(gpu, (gpu + shift) % fabric.gpus()).shares, 1);
    } catch (const sim::SimulationError&) {  // the checks say who is cut off
    }
  return balance;
}

}  // namespace topology
