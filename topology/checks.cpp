#include "topology/checks.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include "topology/builders/searched.hpp"
#include "topology/fabric_impl.hpp"
#include "topology/lengths.hpp"
#include "topology/reach.hpp"

namespace topology {
namespace {

bool is_switch(NodeKind kind) { return kind == NodeKind::leaf || kind == NodeKind::spine || kind == NodeKind::core; }

std::size_t tier_of(NodeKind kind) { return static_cast<std::size_t>(kind) - static_cast<std::size_t>(NodeKind::leaf); }

Check check_connected(const Reach& found) {
  return {"connected", found.connected, found.connected ? "every GPU reaches every other" : "some GPUs have no way to each other"};
}

Check check_nics(const Fabric& fabric) {
  const HostLayout& hosts = fabric.impl().hosts;
  std::vector<bool> used(static_cast<std::size_t>(hosts.nics()));
  for (int gpu = 0; gpu < hosts.gpus && hosts.nics() > 0; ++gpu) used[hosts.nic_of(gpu)] = true;
  const auto idle = std::count(used.begin(), used.end(), false);
  return {"nics_used", idle == 0, idle == 0 ? "every NIC serves a GPU" : fmt::format("{} of {} NICs serve no GPU", idle, used.size())};
}

Check check_bisection(const Fabric& fabric, double bisection) {
  double all = 0;
  for (const Link& link : fabric.links())
    if (link.kind == LinkKind::host_leaf && fabric.nodes()[link.from].kind == NodeKind::nic) all += 8 * link.capacity.value();
  const int nics = fabric.impl().hosts.nics();
  if (all == 0) all = 8 * nics * fabric.impl().spec.host.nics.bandwidth.value();  // a torus has no cable of its own for a NIC
  const double full = nics == 0 ? 0 : all / nics * (nics / 2);
  const bool ok = bisection >= full * (1 - 1e-9);
  return {"full_bisection", ok,
          ok ? fmt::format("half of the NICs can send to the other half at full rate ({:.10g} Gb/s)", bisection * 1e-9)
             : fmt::format("halves of the NICs reach {:.10g} of {:.10g} Gb/s ({:.3g} %)", bisection * 1e-9, full * 1e-9,
                           100 * bisection / full)};
}

// NICs that failures leave without a way out.
Check check_failures(const Fabric& fabric) {
  const HostLayout& hosts = fabric.impl().hosts;
  std::vector<bool> joined(hosts.nics());
  for (std::uint32_t i = 0; i < fabric.links().size(); ++i) {
    const Link& link = fabric.links()[i];
    if (link.kind >= LinkKind::host_leaf && !fabric.impl().failed[i] && link.from >= hosts.nic_node(0) &&
        link.from < hosts.nic_node(hosts.nics()))
      joined[link.from - hosts.nic_node(0)] = true;
  }
  const auto lost = std::count(joined.begin(), joined.end(), false);
  const std::string names = fmt::format("{}", fmt::join(fabric.impl().spec.fabric.failures, ", "));
  return {"failures", lost == 0,
          lost == 0 ? fmt::format("without {} every NIC still has a way out", names)
                    : fmt::format("without {} {} of {} NICs are cut off", names, lost, joined.size())};
}

Check check_paths(const Reach& found) {
  const bool one_leaf = found.diameter_hops <= 2;
  return {"equal_cost_paths", one_leaf || found.shortest_paths > 1,
          fmt::format("{:.0f} shortest paths between the farthest NICs, {} hops", found.shortest_paths, found.diameter_hops)};
}

Check check_single_points(const std::vector<FailureDomain>& domains) {
  std::string points;
  for (const FailureDomain& domain : domains)
    if (domain.hosts_cut_off > 0 || domain.bandwidth_lost == 1)
      points += fmt::format("{}one {} {}", points.empty() ? "" : "; ", domain.name, domain.text);
  return {"single_points_of_failure", points.empty(), points.empty() ? "no switch cuts off a host" : points};
}

Check check_ports(const TierPorts& tier) {
  return {fmt::format("ports_{}", name_of(tier.kind)), true,
          fmt::format("{} of {} ports used, {} free ({} switches of {})", tier.used, tier.switches * tier.radix, tier.free(), tier.switches,
                      tier.radix)};
}

// What a host gives off against what its cooling takes from a rack.
void check_rack(const ClusterSpec& spec, std::vector<Check>& list) {
  const PartsTable& parts = spec.site.table;
  const auto cooling = std::find_if(parts.cooling.begin(), parts.cooling.end(), [&](const auto& c) { return c.name == spec.site.cooling; });
  const auto host = std::find_if(parts.hosts.begin(), parts.hosts.end(), [&](const auto& h) { return h.name == spec.host.preset; });
  if (cooling == parts.cooling.end() || host == parts.hosts.end() || !cooling->rack_kw || !host->figures.power_w) return;
  const double kilowatts = *host->figures.power_w / 1000;
  const bool ok = kilowatts <= *cooling->rack_kw;
  list.push_back(
      {"rack_density", ok,
       ok ? fmt::format("{} hosts of {:g} kW a rack of {:g} kW ({})", *hosts_per_rack(spec), kilowatts, *cooling->rack_kw, cooling->name)
          : fmt::format("one host draws {:g} kW, {} takes {:g} kW from a rack", kilowatts, cooling->name, *cooling->rack_kw)});
}

// Cables that are said to be copper and are too long for it; latencies below that of their two modules.
void check_cables(const Fabric& fabric, std::vector<Check>& list) {
  const ClusterSpec& spec = fabric.impl().spec;
  for (const TierLengths& tier : cable_lengths(fabric)) {
    const int number = tier.kind == LinkKind::host_leaf ? 0 : tier.kind == LinkKind::spine_core || tier.kind == LinkKind::global ? 2 : 1;
    if (spec.fabric.link_of(number).optics == Optics::dac && tier.optical > 0)
      list.push_back({fmt::format("copper_{}", name_of(tier.kind)), false,
                      fmt::format("{} of {} cables are longer than the {:g} m of passive copper (up to {:.0f} m)", tier.optical,
                                  tier.copper + tier.optical, tier.reach_m, tier.longest_m)});
  }
  for (int tier = 0; tier < spec.fabric.levels(); ++tier) {
    const FabricLinkSpec& link = spec.fabric.link_of(tier);
    const auto bandwidth = link.module_bandwidth.value() > 0 ? link.module_bandwidth : link.bandwidth;
    for (const ModulePart& part : spec.site.table.modules)
      if (part.optics == link.optics && part.bandwidth == bandwidth && part.latency && link.latency < 2 * *part.latency &&
          (tier == 0 || !spec.fabric.upper_links.empty()))
        list.push_back({fmt::format("latency_tier_{}", tier), false,
                        fmt::format("{:g} ns a cable is less than its two modules take ({:g} ns)",
                                    static_cast<double>(link.latency.ps()) * 1e-3, static_cast<double>(2 * part.latency->ps()) * 1e-3)});
  }
}

}  // namespace

// In ports of the speed of the cables below: an up-link of twice the speed takes two.
std::vector<TierPorts> ports_by_tier(const Fabric& fabric) {
  const FabricSpec& spec = fabric.impl().spec.fabric;
  std::vector<TierPorts> tiers;
  std::vector<double> used;
  for (std::uint32_t node = 0; node < fabric.nodes().size(); ++node) {
    const NodeKind kind = fabric.nodes()[node].kind;
    if (!is_switch(kind)) continue;
    const std::size_t tier = tier_of(kind);
    if (tiers.size() <= tier) tiers.push_back({kind, 0, spec.radix[std::min(tier, spec.radix.size() - 1)], 0}), used.push_back(0);
    ++tiers.back().switches;
  }
  for (const Link& link : fabric.links()) {
    const NodeKind kind = fabric.nodes()[link.from].kind;
    if (!is_switch(kind)) continue;
    const std::size_t tier = tier_of(kind);
    const bool up = fabric.nodes()[link.to].kind > kind;
    used[tier] +=
        up ? spec.link_of(static_cast<int>(tier) + 1).bandwidth.value() / spec.link_of(static_cast<int>(tier)).bandwidth.value() : 1;
  }
  for (std::size_t tier = 0; tier < tiers.size(); ++tier) tiers[tier].used = static_cast<int>(std::ceil(used[tier] - 1e-6));
  return tiers;
}

// A link counts as down where it leads to a node of a lower kind; kinds are in order of height.
std::vector<double> oversubscription(const Fabric& fabric) {
  std::vector<double> down(fabric.nodes().size()), up(fabric.nodes().size());
  for (const Link& link : fabric.links()) {
    const NodeKind from = fabric.nodes()[link.from].kind, to = fabric.nodes()[link.to].kind;
    if (from != to) (to < from ? down : up)[link.from] += link.capacity.value();
  }
  std::vector<double> worst;
  for (std::uint32_t node = 0; node < fabric.nodes().size(); ++node) {
    const NodeKind kind = fabric.nodes()[node].kind;
    if (!is_switch(kind) || up[node] == 0) continue;
    if (worst.size() <= tier_of(kind)) worst.push_back(0);
    worst.back() = std::max(worst.back(), down[node] / up[node]);
  }
  return worst;
}

double bisection_bandwidth_bps(const Fabric& fabric) {
  if (!fabric.impl().spec.groups.empty() && fabric.impl().structure)  // the closed forms are for equal hosts
    return 8 * SearchedFabric({}, fabric.impl().hosts, fabric.impl().wiring).bisection().value();
  return fabric.impl().structure ? 8 * fabric.impl().structure->bisection().value() : 0;
}

std::vector<FailureDomain> failure_domains(const Fabric& fabric) {
  std::vector<FailureDomain> domains;
  if (fabric.impl().structure) domains = fabric.impl().structure->failure_domains();
  const HostLayout& hosts = fabric.impl().hosts;
  if (hosts.domains() == 0) return domains;
  const int gpus = std::min(hosts.gpus, hosts.gpus_per_domain);
  domains.push_back({.name = "scale_up",
                     .count = hosts.domains(),
                     .hosts_degraded = (gpus + hosts.gpus_per_host - 1) / hosts.gpus_per_host,
                     .text = fmt::format("leaves {} GPUs without scale-up links", gpus)});
  return domains;
}

std::vector<Check> checks(const Fabric& fabric) {
  const Reach found = reach(fabric);
  std::vector<Check> list = {check_connected(found), check_nics(fabric)};
  if (!fabric.impl().failed.empty()) list.push_back(check_failures(fabric));
  if (!fabric.impl().structure) return list;
  list.push_back(check_bisection(fabric, bisection_bandwidth_bps(fabric)));
  list.push_back(check_paths(found));
  list.push_back(check_single_points(failure_domains(fabric)));
  check_rack(fabric.impl().spec, list);
  if (fabric.impl().spec.fabric.type == FabricType::file) return list;  // says nothing of free ports
  check_cables(fabric, list);
  for (const TierPorts& tier : ports_by_tier(fabric)) list.push_back(check_ports(tier));
  return list;
}

}  // namespace topology
