#include "topology/builders/clos.hpp"
#include <fmt/format.h>
#include <algorithm>
#include "sim/error.hpp"
#include "topology/builders/path_hash.hpp"

namespace topology {
namespace {

void cross(std::uint32_t network_link, Route& route) { route.shares.push_back({sim::LinkId{network_link}, 1}); }

// Adds to the share that the route has on the link from entry `begin` on.
void cross(std::uint32_t network_link, double share, std::size_t begin, Route& route) {
  const auto first = route.shares.begin() + static_cast<std::ptrdiff_t>(begin);
  const auto same = std::find_if(first, route.shares.end(), [&](const sim::LinkShare& s) { return s.link.value() == network_link; });
  if (same == route.shares.end())
    route.shares.push_back({sim::LinkId{network_link}, share});
  else
    same->share += share;
}

}  // namespace

Clos::Clos(const ClusterSpec& spec, const ClosPlan& plan, const HostLayout& hosts, Wiring& wiring)
    : plan_(plan),
      hosts_(hosts),
      port_bandwidth_(std::min(spec.host.nics.bandwidth / plan.ports_per_nic, spec.fabric.link.bandwidth)),
      links_{spec.fabric.link_of(0), spec.fabric.link_of(1), spec.fabric.link_of(2)},
      switch_latency_(spec.fabric.switch_latency),
      routing_(spec.fabric.routing),
      hash_(spec.fabric.hash) {
  wire_leaves(wiring);
  wiring.expose_links();
  wire_spines(wiring);
  wire_cores(wiring);
  if (levels_out(routing_)) {
    add_leaf_trunks(wiring);
    add_pod_trunks(wiring);
  } else {
    wiring.expose_links();
  }
}

void Clos::wire_leaves(Wiring& wiring) {
  first_leaf_ = static_cast<std::uint32_t>(wiring.nodes.size());
  first_host_cable_ = wiring.cables();
  for (int leaf = 0; leaf < plan_.leaves(); ++leaf) wiring.add_node(fmt::format("leaf-{}", leaf), NodeKind::leaf);
  const int of_host = hosts_.nics_per_host * plan_.ports_per_nic;
  for (int port = 0; port < hosts_.hosts * of_host; ++port) {
    const int leaf = plan_.leaf_of(port / of_host, port % of_host), leaf_port = plan_.leaf_port_of(port / of_host, port % of_host);
    ports_.push_back({leaf, leaf * plan_.leaf_down + leaf_port});
    const auto bandwidth = std::min(hosts_.nic_bandwidth(port / plan_.ports_per_nic) / plan_.ports_per_nic, links_[0].bandwidth);
    wiring.add_cable({hosts_.nic_node(port / plan_.ports_per_nic), port % plan_.ports_per_nic + 1}, {first_leaf_ + leaf, leaf_port + 1},
                     LinkKind::host_leaf, bandwidth, links_[0].latency);
  }
}

void Clos::wire_spines(Wiring& wiring) {
  first_spine_ = static_cast<std::uint32_t>(wiring.nodes.size());
  first_spine_cable_ = wiring.cables();
  for (int spine = 0; spine < plan_.spines(); ++spine) wiring.add_node(fmt::format("spine-{}", spine), NodeKind::spine);
  if (plan_.spines() == 0) return;
  for (int leaf = 0; leaf < plan_.leaves(); ++leaf) {
    const int pod = plan_.pod_of(leaf), place = plan_.place_in_pod(leaf);
    for (int port = 0; port < plan_.leaf_up; ++port) {
      const int spine = pod * plan_.spines_per_pod + port % plan_.spines_per_pod;
      const int spine_port = place * plan_.cables_per_spine() + port / plan_.spines_per_pod;
      wiring.add_cable({first_leaf_ + leaf, plan_.leaf_down + port + 1}, {first_spine_ + spine, spine_port + 1}, LinkKind::leaf_spine,
                       links_[1].bandwidth, links_[1].latency);
    }
  }
}

void Clos::wire_cores(Wiring& wiring) {
  first_core_ = static_cast<std::uint32_t>(wiring.nodes.size());
  first_core_cable_ = wiring.cables();
  for (int core = 0; core < plan_.cores(); ++core) wiring.add_node(fmt::format("core-{}", core), NodeKind::core);
  if (plan_.cores() == 0) return;
  const int pods_per_plane = plan_.groups * plan_.pods_per_group;
  for (int spine = 0; spine < plan_.spines(); ++spine) {
    const int pod = spine / plan_.spines_per_pod, place = spine % plan_.spines_per_pod;
    const int first = plan_.plane_of_pod(pod) * plan_.cores_per_plane() + place % plan_.core_groups * plan_.cores_per_group;
    const int number = pod % pods_per_plane * plan_.spines_of_group() + place / plan_.core_groups;  // among the spines of the group
    for (int port = 0; port < plan_.spine_up; ++port) {
      const int core_port = number * plan_.cables_per_core() + port / plan_.cores_per_group;
      wiring.add_cable({first_spine_ + spine, plan_.spine_down + port + 1},
                       {first_core_ + first + port % plan_.cores_per_group, core_port + 1}, LinkKind::spine_core, links_[2].bandwidth,
                       links_[2].latency);
    }
  }
}

void Clos::add_leaf_trunks(Wiring& wiring) {
  first_leaf_trunk_ = static_cast<std::uint32_t>(wiring.network_links.size());
  if (plan_.spines() == 0) return;
  for (int leaf = 0; leaf < plan_.leaves(); ++leaf) {
    std::vector<std::uint32_t> up, down;
    for (int port = 0; port < plan_.leaf_up; ++port) {
      up.push_back(up_link(spine_cable(leaf, port)));
      down.push_back(down_link(spine_cable(leaf, port)));
    }
    wiring.add_trunk(fmt::format("leaf-{} -> spines ({} links)", leaf, up.size()), up);
    wiring.add_trunk(fmt::format("spines -> leaf-{} ({} links)", leaf, down.size()), down);
  }
}

void Clos::add_pod_trunks(Wiring& wiring) {
  first_pod_trunk_ = static_cast<std::uint32_t>(wiring.network_links.size());
  if (plan_.cores() == 0) return;
  for (int pod = 0; pod < plan_.pods(); ++pod) {
    std::vector<std::uint32_t> up, down;
    for (int port = 0; port < plan_.spines_per_pod * plan_.spine_up; ++port) {
      up.push_back(up_link(core_cable(pod * plan_.spines_per_pod, port)));
      down.push_back(down_link(core_cable(pod * plan_.spines_per_pod, port)));
    }
    wiring.add_trunk(fmt::format("pod-{} -> cores ({} links)", pod, up.size()), up);
    wiring.add_trunk(fmt::format("cores -> pod-{} ({} links)", pod, down.size()), down);
  }
}

Clos::Distance Clos::between(int leaf, int other) const {
  if (leaf == other) return Distance::one_leaf;
  if (plan_.plane_of_leaf(leaf) != plan_.plane_of_leaf(other)) return Distance::none;
  return plan_.pod_of(leaf) == plan_.pod_of(other) ? Distance::one_pod : Distance::over_cores;
}

std::vector<int> Clos::nearest_ports(int from, int destination_nic) const {
  std::vector<int> ports;
  Distance nearest = Distance::none;
  for (int to = destination_nic * plan_.ports_per_nic; to < (destination_nic + 1) * plan_.ports_per_nic; ++to) {
    const Distance distance = between(ports_[from].leaf, ports_[to].leaf);
    if (distance == Distance::none || distance > nearest) continue;
    if (distance < nearest) ports.clear();
    nearest = distance;
    ports.push_back(to);
  }
  return ports;
}

void Clos::no_way(const Flow& flow) const {
  const auto name = [&](int nic) { return fmt::format("nic-{}.{}", nic / hosts_.nics_per_host, nic % hosts_.nics_per_host); };
  throw sim::SimulationError(fmt::format(
      "no way from {} to {}: they are in different planes, which nothing joins. Set cluster.fabric.pxn: true, so that a GPU sends by the "
      "NIC of the right plane.",
      name(flow.source), name(flow.destination)));
}

void Clos::route(int source_nic, int destination_nic, std::uint64_t label, Route& route) const {
  const Flow flow{source_nic, destination_nic, label};
  const int ports = plan_.ports_per_nic, first = source_nic * ports;
  const std::size_t begin = route.shares.size();
  if (levels_out(routing_)) {
    for (int from = first; from < first + ports; ++from) {
      const std::vector<int> nearest = nearest_ports(from, destination_nic);
      if (nearest.empty()) no_way(flow);
      for (const int to : nearest) over_trunks(from, to, 1.0 / (ports * static_cast<double>(nearest.size())), begin, route);
    }
    add_latency(between(ports_[first].leaf, ports_[nearest_ports(first, destination_nic)[0]].leaf), route);
    return;
  }
  const bool fixed = routing_ == Routing::static_;
  const int from = first + (fixed ? destination_nic % ports : hashed(hosts_.nic_node(source_nic), flow, ports));
  const std::vector<int> nearest = nearest_ports(from, destination_nic);
  if (nearest.empty()) no_way(flow);
  const auto ways = static_cast<int>(nearest.size());
  const int to = nearest[fixed ? from % ways : hashed(hosts_.nic_node(destination_nic), flow, ways)];
  over_links(flow, from, to, route);
  add_latency(between(ports_[from].leaf, ports_[to].leaf), route);
}

void Clos::add_latency(Distance distance, Route& route) const {
  const int tiers = static_cast<int>(distance) + 1;
  route.hops += 2 * tiers;
  route.latency += (2 * tiers - 1) * switch_latency_;  // a switch between any two links
  for (int tier = 0; tier < tiers; ++tier) route.latency += 2 * links_[tier].latency;
}

void Clos::over_trunks(int from, int to, double share, std::size_t begin, Route& route) const {
  const int leaf = ports_[from].leaf, to_leaf = ports_[to].leaf;
  cross(up_link(host_cable(from)), share, begin, route);
  if (leaf != to_leaf) {
    const int pod = plan_.pod_of(leaf), to_pod = plan_.pod_of(to_leaf);
    cross(first_leaf_trunk_ + 2 * leaf, share, begin, route);
    if (pod != to_pod) {
      cross(first_pod_trunk_ + 2 * pod, share, begin, route);
      cross(first_pod_trunk_ + 2 * to_pod + 1, share, begin, route);
    }
    cross(first_leaf_trunk_ + 2 * to_leaf + 1, share, begin, route);
  }
  cross(down_link(host_cable(to)), share, begin, route);
}

// Up-port p leads to spine p mod spines of the pod, and up-port q of that spine to core q mod cores of its group. Down from
// the core to a spine of the group, static: to that with the place of the one it came from; then over any parallel cable.
void Clos::over_links(const Flow& flow, int from, int to, Route& route) const {
  const bool fixed = routing_ == Routing::static_;
  const auto [leaf, ignored] = ports_[from];
  const auto [to_leaf, slot] = ports_[to];
  cross(up_link(host_cable(from)), route);
  if (leaf != to_leaf) {
    const int pod = plan_.pod_of(leaf), to_pod = plan_.pod_of(to_leaf);
    const int up = fixed ? slot % plan_.leaf_up : hashed(first_leaf_ + leaf, flow, plan_.leaf_up);
    const int place = up % plan_.spines_per_pod, spine = pod * plan_.spines_per_pod + place;
    int to_spine = spine;
    cross(up_link(spine_cable(leaf, up)), route);
    if (pod != to_pod) {
      const int group = place % plan_.core_groups;
      const int core_up = fixed ? slot / plan_.leaf_up % plan_.spine_up : hashed(first_spine_ + spine, flow, plan_.spine_up);
      const int core = core_up % plan_.cores_per_group;
      const int first_of_group = plan_.plane_of_pod(pod) * plan_.cores_per_plane() + group * plan_.cores_per_group;
      const int ways = plan_.spines_of_group() * plan_.cables_per_core();
      const int way = fixed ? 0 : hashed(first_core_ + first_of_group + core, flow, ways);
      to_spine = to_pod * plan_.spines_per_pod + (fixed ? place : group + plan_.core_groups * (way / plan_.cables_per_core()));
      const int core_down = fixed ? core_up : core + plan_.cores_per_group * (way % plan_.cables_per_core());
      cross(up_link(core_cable(spine, core_up)), route);
      cross(down_link(core_cable(to_spine, core_down)), route);
    }
    const int to_place = to_spine % plan_.spines_per_pod;
    const int down = fixed ? up : to_place + plan_.spines_per_pod * hashed(first_spine_ + to_spine, flow, plan_.cables_per_spine());
    cross(down_link(spine_cable(to_leaf, down)), route);
  }
  cross(down_link(host_cable(to)), route);
}

int Clos::hashed(std::uint32_t node, const Flow& flow, int ways) const {
  if (ways == 1) return 0;
  return static_cast<int>(path_hash(hash_, node, flow.source, flow.destination, flow.label) % static_cast<std::uint64_t>(ways));
}

}  // namespace topology
