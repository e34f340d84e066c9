#include "workloads/network_report.hpp"
#include <algorithm>

namespace workloads {
namespace {

constexpr std::size_t full_links_listed = 32;

bool is_fabric(topology::LinkKind kind) { return kind != topology::LinkKind::scale_up && kind != topology::LinkKind::pcie; }

}  // namespace

NetworkStats make_network_stats(const Plan& plan, const topology::Fabric& fabric, const Outcome& outcome) {
  NetworkStats stats;
  stats.flows = outcome.flows;
  stats.bytes = outcome.flow_bytes;
  const double seconds = std::max(outcome.end.in_seconds(), 1e-12);
  double sum = 0;
  std::size_t fabric_links = 0;
  for (std::uint32_t l = 0; l < plan.link_of_network_link.size(); ++l) {
    const topology::LinkKind kind = fabric.network_link_kind(sim::LinkId{l});
    if (!is_fabric(kind)) continue;
    const std::uint32_t place = plan.link_of_network_link[l];
    const sim::LinkUse& use = outcome.links[place];
    const double utilization = use.bytes / (plan.links[place].capacity.value() * seconds);
    stats.max_link_utilization = std::max(stats.max_link_utilization, utilization);
    sum += utilization;
    ++fabric_links;
    if (use.limiting > sim::Time{})
      stats.full_links.push_back(
          {fabric.network_link_name(sim::LinkId{l}), std::string(name_of(kind)), utilization, use.limiting.in_seconds() / seconds});
  }
  stats.mean_link_utilization = fabric_links ? sum / static_cast<double>(fabric_links) : 0;
  std::stable_sort(stats.full_links.begin(), stats.full_links.end(),
                   [](const FullLink& a, const FullLink& b) { return a.limiting_share > b.limiting_share; });
  stats.full_link_count = stats.full_links.size();
  stats.full_links.resize(std::min(stats.full_links.size(), full_links_listed));
  return stats;
}

std::uint64_t most_flows_on_a_link(const Plan& plan, const topology::Fabric& fabric) {
  std::vector<std::uint64_t> flows(plan.links.size());
  const auto add = [&](const std::vector<sim::LinkShare>& shares) {
    for (const sim::LinkShare& s : shares) {
      const topology::LinkKind kind = fabric.network_link_kind(s.link);
      if (kind == topology::LinkKind::leaf_spine || kind == topology::LinkKind::spine_core) ++flows[s.link.value()];
    }
  };
  for (const Channel& channel : plan.channels) add(channel.shares);
  for (const Group& group : plan.groups)
    for (const sim::CollectiveEdge& edge : group.edges) add(edge.shares);
  return flows.empty() ? 0 : *std::max_element(flows.begin(), flows.end());
}

std::vector<LinkRow> make_link_rows(const topology::Fabric& fabric) {
  std::vector<LinkRow> rows;
  for (std::uint32_t l = 0; l < fabric.network_links().size(); ++l) {
    const std::string name = fabric.network_link_name(sim::LinkId{l});
    const std::size_t arrow = name.find(" -> ");
    rows.push_back({name, name.substr(0, arrow), arrow == std::string::npos ? "" : name.substr(arrow + 4),
                    std::string(name_of(fabric.network_link_kind(sim::LinkId{l}))), fabric.network_links()[l].capacity.value()});
  }
  return rows;
}

LinkLoad make_link_load(const Plan& plan, const LinkLoadHistogram& histogram) {
  LinkLoad load{histogram.bin_width(), {}};
  load.bytes.reserve(histogram.bins_used() * plan.link_of_network_link.size());
  for (std::size_t bin = 0; bin < histogram.bins_used(); ++bin)
    for (const std::uint32_t place : plan.link_of_network_link) load.bytes.push_back(histogram.bytes(bin, place));
  return load;
}

}  // namespace workloads
