#include "topology/builders/clos.hpp"
#include <fmt/format.h>
#include <algorithm>
#include "topology/builders/path_hash.hpp"

namespace topology {
namespace {

void cross(std::uint32_t network_link, Route& route) { route.shares.push_back({sim::LinkId{network_link}, 1}); }

}  // namespace

Clos::Clos(const ClusterSpec& spec, const ClosPlan& plan, const HostLayout& hosts, Wiring& wiring)
    : plan_(plan),
      hosts_(hosts),
      host_bandwidth_(std::min(spec.host.nics.bandwidth, spec.fabric.link.bandwidth)),
      link_(spec.fabric.link),
      switch_latency_(spec.fabric.switch_latency),
      routing_(spec.fabric.routing),
      hash_(spec.fabric.hash) {
  wire_leaves(wiring);
  wiring.expose_links();
  wire_spines(wiring);
  wire_cores(wiring);
  if (routing_ == Routing::spray || routing_ == Routing::adaptive) {
    add_leaf_trunks(wiring);
    add_pod_trunks(wiring);
  } else {
    wiring.expose_links();
  }
}

void Clos::wire_leaves(Wiring& wiring) {
  first_leaf_ = static_cast<std::uint32_t>(wiring.nodes.size());
  first_host_cable_ = wiring.cables();
  for (int leaf = 0; leaf < plan_.leaves; ++leaf) wiring.add_node(fmt::format("leaf-{}", leaf), NodeKind::leaf);
  for (int nic = 0; nic < hosts_.nics(); ++nic) {
    const int leaf = plan_.leaf_of(nic), port = plan_.leaf_port_of(nic);
    leaf_by_nic_.push_back(leaf);
    slot_by_nic_.push_back(leaf * plan_.leaf_down + port);
    wiring.add_cable({hosts_.nic_node(nic)}, {first_leaf_ + leaf, port + 1}, LinkKind::host_leaf, host_bandwidth_, link_.latency);
  }
}

void Clos::wire_spines(Wiring& wiring) {
  first_spine_ = static_cast<std::uint32_t>(wiring.nodes.size());
  first_spine_cable_ = wiring.cables();
  for (int spine = 0; spine < plan_.spines(); ++spine) wiring.add_node(fmt::format("spine-{}", spine), NodeKind::spine);
  if (plan_.spines() == 0) return;
  for (int leaf = 0; leaf < plan_.leaves; ++leaf) {
    const int pod = plan_.pod_of(leaf), place = leaf % plan_.leaves_per_pod;
    for (int port = 0; port < plan_.leaf_up; ++port) {
      const int spine = pod * plan_.spines_per_pod + port % plan_.spines_per_pod;
      const int spine_port = place * plan_.cables_per_spine() + port / plan_.spines_per_pod;
      wiring.add_cable({first_leaf_ + leaf, plan_.leaf_down + port + 1}, {first_spine_ + spine, spine_port + 1}, LinkKind::leaf_spine,
                       link_.bandwidth, link_.latency);
    }
  }
}

void Clos::wire_cores(Wiring& wiring) {
  first_core_ = static_cast<std::uint32_t>(wiring.nodes.size());
  first_core_cable_ = wiring.cables();
  for (int core = 0; core < plan_.cores(); ++core) wiring.add_node(fmt::format("core-{}", core), NodeKind::core);
  if (plan_.cores() == 0) return;
  for (int spine = 0; spine < plan_.spines(); ++spine) {
    const int pod = spine / plan_.spines_per_pod, group = spine % plan_.spines_per_pod;
    for (int port = 0; port < plan_.spine_up; ++port) {
      const int core = group * plan_.cores_per_group + port % plan_.cores_per_group;
      const int core_port = pod * plan_.cables_per_core() + port / plan_.cores_per_group;
      wiring.add_cable({first_spine_ + spine, plan_.spine_down + port + 1}, {first_core_ + core, core_port + 1}, LinkKind::spine_core,
                       link_.bandwidth, link_.latency);
    }
  }
}

void Clos::add_leaf_trunks(Wiring& wiring) {
  first_leaf_trunk_ = static_cast<std::uint32_t>(wiring.network_links.size());
  if (plan_.spines() == 0) return;
  for (int leaf = 0; leaf < plan_.leaves; ++leaf) {
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
  for (int pod = 0; pod < plan_.pods; ++pod) {
    std::vector<std::uint32_t> up, down;
    for (int port = 0; port < plan_.spines_per_pod * plan_.spine_up; ++port) {
      up.push_back(up_link(core_cable(pod * plan_.spines_per_pod, port)));
      down.push_back(down_link(core_cable(pod * plan_.spines_per_pod, port)));
    }
    wiring.add_trunk(fmt::format("pod-{} -> cores ({} links)", pod, up.size()), up);
    wiring.add_trunk(fmt::format("cores -> pod-{} ({} links)", pod, down.size()), down);
  }
}

void Clos::route(int source_nic, int destination_nic, std::uint64_t label, Route& route) const {
  const Flow flow{source_nic, destination_nic, leaf_by_nic_[source_nic], leaf_by_nic_[destination_nic], label};
  const std::size_t before = route.shares.size();
  cross(up_link(first_host_cable_ + source_nic), route);
  if (flow.from != flow.to) {
    if (routing_ == Routing::spray || routing_ == Routing::adaptive)
      over_trunks(flow, route);
    else
      over_links(flow, route);
  }
  cross(down_link(first_host_cable_ + destination_nic), route);
  const auto links = static_cast<int>(route.shares.size() - before);
  route.hops += links;
  route.latency += links * link_.latency + (links - 1) * switch_latency_;  // a switch between any two links
}

void Clos::over_trunks(const Flow& flow, Route& route) const {
  const int from = plan_.pod_of(flow.from), to = plan_.pod_of(flow.to);
  cross(first_leaf_trunk_ + 2 * flow.from, route);
  if (from != to) {
    cross(first_pod_trunk_ + 2 * from, route);
    cross(first_pod_trunk_ + 2 * to + 1, route);
  }
  cross(first_leaf_trunk_ + 2 * flow.to + 1, route);
}

// Up-port p leads to spine p mod spines of the pod, and up-port q of that spine to core q mod cores of
// its group; the same ports lead down again, or those of a parallel cable.
void Clos::over_links(const Flow& flow, Route& route) const {
  const bool fixed = routing_ == Routing::static_;
  const int slot = slot_by_nic_[flow.destination];
  const int from = plan_.pod_of(flow.from), to = plan_.pod_of(flow.to);

  const int up = fixed ? slot % plan_.leaf_up : hashed(first_leaf_ + flow.from, flow, plan_.leaf_up);
  const int spine = up % plan_.spines_per_pod;
  const int from_spine = from * plan_.spines_per_pod + spine, to_spine = to * plan_.spines_per_pod + spine;
  cross(up_link(spine_cable(flow.from, up)), route);
  if (from != to) {
    const int core_up = fixed ? slot / plan_.leaf_up % plan_.spine_up : hashed(first_spine_ + from_spine, flow, plan_.spine_up);
    const int core = core_up % plan_.cores_per_group;
    const auto core_node = first_core_ + static_cast<std::uint32_t>(spine * plan_.cores_per_group + core);
    const int core_down = fixed ? core_up : core + plan_.cores_per_group * hashed(core_node, flow, plan_.cables_per_core());
    cross(up_link(core_cable(from_spine, core_up)), route);
    cross(down_link(core_cable(to_spine, core_down)), route);
  }
  const int down = fixed ? up : spine + plan_.spines_per_pod * hashed(first_spine_ + to_spine, flow, plan_.cables_per_spine());
  cross(down_link(spine_cable(flow.to, down)), route);
}

int Clos::hashed(std::uint32_t node, const Flow& flow, int ways) const {
  if (ways == 1) return 0;
  return static_cast<int>(path_hash(hash_, node, flow.source, flow.destination, flow.label) % static_cast<std::uint64_t>(ways));
}

}  // namespace topology
