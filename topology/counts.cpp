#include "topology/counts.hpp"
#include <algorithm>
#include "topology/fabric_impl.hpp"

namespace topology {
namespace {

int nodes_of(const Fabric& fabric, NodeKind kind) {
  return static_cast<int>(std::count_if(fabric.nodes().begin(), fabric.nodes().end(), [&](const Node& n) { return n.kind == kind; }));
}

int cables_of(const Fabric& fabric, LinkKind kind) {
  int cables = 0;
  for (std::uint32_t link = 0; link < fabric.links().size(); ++link)
    cables += fabric.links()[link].kind == kind && fabric.impl().wiring.stands_for_cable(link);
  return cables;
}

}  // namespace

Counts count(const Fabric& fabric) {
  const bool racks = fabric.impl().hosts.domains_span_hosts();
  Counts counts{.hosts = fabric.hosts(), .gpus = fabric.gpus(), .nics = nodes_of(fabric, NodeKind::nic), .switches = {}, .cables = {}};
  counts.switches = {nodes_of(fabric, NodeKind::leaf), nodes_of(fabric, NodeKind::spine), nodes_of(fabric, NodeKind::core),
                     racks ? nodes_of(fabric, NodeKind::nvswitch) : 0};
  counts.cables = {cables_of(fabric, LinkKind::host_leaf), cables_of(fabric, LinkKind::leaf_spine), cables_of(fabric, LinkKind::spine_core),
                   racks ? cables_of(fabric, LinkKind::scale_up) : 0};
  const Optics optics = fabric.impl().spec.fabric.link.optics;
  const bool known = fabric.impl().spec.fabric.type != FabricType::file;  // a file says nothing of optics
  counts.optical_modules = known && (optics == Optics::dsp || optics == Optics::lpo) ? 2 * counts.cables.fabric() : 0;
  return counts;
}

}  // namespace topology
