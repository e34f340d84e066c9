#include <fmt/format.h>
#include <algorithm>
#include "sim/error.hpp"
#include "workloads/executor.hpp"

// Failures that begin and end: all learn of them at once, and what is under way goes on by the ways that are left.
namespace workloads {

bool Executor::finished() const {
  return std::all_of(states_.begin(), states_.end(), [](const RankState& state) { return state.finished; });
}

void Executor::change_ways() {
  const std::vector<Group>& before = groups();
  const auto capacity_before = [&, last = changed_](std::uint32_t link) {
    return last ? plan_.changes[last - 1].capacity[link] : plan_.links[link].capacity;
  };
  const PlanChange& change = plan_.changes[changed_++];
  for (std::uint32_t flow = 0; flow < under_way_.size(); ++flow) {
    if (!under_way_[flow]) continue;
    const std::uint32_t object = target_of_flow_[flow].object;
    if (!target_of_flow_[flow].is_collective)
      network_.reroute(sim::FlowId{flow}, change.channels[object].shares, change.channels[object].ceiling);
    else if (const auto& edges = change.groups[object].edges;
             !std::equal(edges.begin(), edges.end(), before[object].edges.begin(), before[object].edges.end(),
                         [](const auto& a, const auto& b) { return a.shares == b.shares; }))
      network_.reroute(sim::FlowId{flow}, edges);
  }
  for (std::uint32_t link = 0; link < plan_.links.size(); ++link)
    if (capacity_before(link) != change.capacity[link]) network_.set_capacity(sim::LinkId{link}, change.capacity[link]);
}

void Executor::explain_cut_off() const {
  if (changed_ == 0) return;
  const PlanChange& change = plan_.changes[changed_ - 1];
  const auto cut_off = [&](const std::vector<sim::LinkShare>& shares) {
    return std::any_of(shares.begin(), shares.end(),
                       [&](const sim::LinkShare& s) { return change.capacity[s.link.value()] == sim::BytesPerSecond{}; });
  };
  const auto refuse = [&](const std::string& who) {
    throw sim::SimulationError(
        fmt::format("stopped at {:.6f} s: {} with {} out of order (cluster.fabric.failures), and no repair is to come. Give `for`.",
                    network_.now().in_seconds(), who, change.out_of_order));
  };
  for (std::uint32_t flow = 0; flow < under_way_.size(); ++flow) {
    if (!under_way_[flow]) continue;
    const std::uint32_t object = target_of_flow_[flow].object;
    if (!target_of_flow_[flow].is_collective) {
      const Channel& channel = change.channels[object];
      if (cut_off(channel.shares))
        refuse(fmt::format("rank {} has no way to rank {}", plan_.ranks[channel.source].number, plan_.ranks[channel.destination].number));
    } else if (const Group& group = change.groups[object];
               std::any_of(group.edges.begin(), group.edges.end(), [&](const auto& edge) { return cut_off(edge.shares); })) {
      refuse(fmt::format("the collective of ranks {} to {} has no way from host to host", plan_.ranks[group.ranks.front()].number,
                         plan_.ranks[group.ranks.back()].number));
    }
  }
}

}  // namespace workloads
