#include "topology/cluster_spec.hpp"
#include <fmt/format.h>
#include <set>

namespace topology {
namespace {

using Problems = std::vector<std::string>;

void check_host(const ClusterSpec& spec, Problems& found) {
  const HostSpec& host = spec.host;
  if (spec.gpus < 1) found.push_back(fmt::format("cluster.gpus: {} GPUs are no cluster. Use at least 1.", spec.gpus));
  if (host.gpus_per_host < 1) {
    found.push_back(fmt::format("cluster.host.gpus_per_host: {} GPUs are no host. Use at least 1.", host.gpus_per_host));
    return;
  }
  const int rest = spec.gpus % host.gpus_per_host;
  if (spec.gpus > host.gpus_per_host && rest != 0)
    found.push_back(fmt::format("cluster.gpus: {} GPUs are no multiple of a host of {}. Use {} or {}.", spec.gpus, host.gpus_per_host,
                                spec.gpus - rest, spec.gpus - rest + host.gpus_per_host));
  if (host.pcie_bandwidth.value() < 0)
    found.push_back("cluster.host.pcie.bandwidth: it is negative. Give a positive one, or leave it out where PCIe never limits.");
}

void check_scale_up(const HostSpec& host, int gpus, Problems& found) {
  const ScaleUpSpec& scale_up = host.scale_up;
  if (scale_up.kind == ScaleUpKind::none) return;
  if (scale_up.domain < 1) {
    found.push_back(fmt::format("cluster.host.scale_up.domain: {} GPUs are no domain. Use at least 1.", scale_up.domain));
    return;
  }
  const bool divides = host.gpus_per_host > 0 && host.gpus_per_host % scale_up.domain == 0;
  const bool is_multiple = host.gpus_per_host > 0 && scale_up.domain % host.gpus_per_host == 0;
  if (!divides && !is_multiple)
    found.push_back(fmt::format("cluster.host.scale_up.domain: {0} GPUs neither divide a host of {1} nor are a multiple of it. Use {1}.",
                                scale_up.domain, host.gpus_per_host));
  const bool within_host = scale_up.kind == ScaleUpKind::nvswitch || scale_up.domain <= host.gpus_per_host;
  if (!within_host || (scale_up.kind == ScaleUpKind::pcie && scale_up.domain != host.gpus_per_host))
    found.push_back(fmt::format("cluster.host.scale_up.domain: {} GPUs are not the {} that share a {} in a host. Use {}.", scale_up.domain,
                                host.gpus_per_host, scale_up.kind == ScaleUpKind::mesh ? "mesh" : "bus", host.gpus_per_host));
  if (scale_up.kind == ScaleUpKind::mesh && divides && gpus > scale_up.domain && gpus % scale_up.domain != 0)
    found.push_back(fmt::format("cluster.gpus: {} GPUs are no multiple of a mesh of {}. Use {}.", gpus, scale_up.domain,
                                (gpus / scale_up.domain + 1) * scale_up.domain));
  if (scale_up.kind == ScaleUpKind::mesh && scale_up.domain > 64)
    found.push_back(fmt::format(
        "cluster.host.scale_up.domain: a mesh of {} GPUs is more than the 64 that are supported. Use kind: nvswitch.", scale_up.domain));
  if (!scale_up.mesh.empty() && scale_up.kind != ScaleUpKind::mesh)
    found.push_back("cluster.host.scale_up.mesh: it says how a mesh is wired, but kind is another. Leave it out, or use kind: mesh.");
  if (!scale_up.radix.empty() && scale_up.links == 0)
    found.push_back("cluster.host.scale_up.radix: without the links of a GPU no switches can be counted. Give scale_up.links.");
  if (scale_up.domain > 1 && scale_up.bandwidth.value() <= 0)
    found.push_back("cluster.host.scale_up.bandwidth: it is missing. Give the bandwidth of one GPU per direction, or kind: none.");
}

void check_nics(const ClusterSpec& spec, Problems& found) {
  const NicSpec& nics = spec.host.nics;
  if (nics.count < 0) found.push_back(fmt::format("cluster.host.nics.count: {} is negative. Use 0 or more.", nics.count));
  if (nics.ports < 1) found.push_back(fmt::format("cluster.host.nics.ports: {} ports are no NIC. Use at least 1.", nics.ports));
  if (nics.count > 0 && nics.bandwidth.value() <= 0)
    found.push_back("cluster.host.nics.bandwidth: it is missing. Give the bandwidth of one NIC per direction.");
  if (nics.count == 0 && spec.fabric.type != FabricType::none)
    found.push_back("cluster.host.nics.count: a fabric needs NICs, but hosts have 0. Give at least 1, or fabric type none.");
}

std::string shown(sim::Bytes bytes) {
  for (const auto& [name, factor] : {std::pair{"MB", 1'000'000}, std::pair{"kB", 1000}})
    if (bytes.count() > 0 && bytes.count() % factor == 0) return fmt::format("{} {}", bytes.count() / factor, name);
  return fmt::format("{} B", bytes.count());
}

void check_packet(const PacketSpec& packet, Problems& found) {
  if (packet.mtu && (packet.mtu->count() < 64 || packet.mtu->count() > 65'536))
    found.push_back(fmt::format("cluster.fabric.packet.mtu: {} is no packet. Use 64 to 65536 B.", shown(*packet.mtu)));
  if (packet.ecn_min.has_value() != packet.ecn_max.has_value())
    found.push_back("cluster.fabric.packet.ecn: min and max belong together. Give both, or neither.");
  if (packet.ecn_min && packet.ecn_max && *packet.ecn_min >= *packet.ecn_max)
    found.push_back(fmt::format("cluster.fabric.packet.ecn: min of {} is not below max of {}. Raise max.", shown(*packet.ecn_min),
                                shown(*packet.ecn_max)));
  if (packet.xoff && packet.xon && *packet.xon > *packet.xoff)
    found.push_back(
        fmt::format("cluster.fabric.packet.pfc: xon of {} is above xoff of {}. Lower xon.", shown(*packet.xon), shown(*packet.xoff)));
}

void check_lists(const FabricSpec& fabric, Problems& found) {
  const int tiers = fabric.levels();
  if (fabric.radix.size() != 1 && static_cast<int>(fabric.radix.size()) != tiers)
    found.push_back(fmt::format("cluster.fabric.radix: {} values for {} tiers. Give 1 or {} values.", fabric.radix.size(), tiers, tiers));
  for (const int radix : fabric.radix)
    if (radix < 2) found.push_back(fmt::format("cluster.fabric.radix: {} ports are no switch. Use at least 2.", radix));
  const int ratios = static_cast<int>(fabric.oversubscription.size());
  if (ratios < 1 || ratios > tiers - 1)
    found.push_back(fmt::format("cluster.fabric.oversubscription: {} values for {} tiers, and the top tier has no up-links. Give {}.",
                                ratios, tiers, tiers == 2 ? "1 value" : "1 or 2 values"));
  for (const double ratio : fabric.oversubscription)
    if (!(ratio > 0))
      found.push_back(fmt::format("cluster.fabric.oversubscription: {:g} is no ratio of down to up. Use 1 for none.", ratio));
}

bool is_clos(FabricType type) { return type <= FabricType::dual_plane; }

// Keys that shape a Clos network and mean nothing elsewhere.
void check_clos(const ClusterSpec& spec, Problems& found) {
  const FabricSpec& fabric = spec.fabric;
  if (fabric.levels() < 2 || fabric.levels() > 3)
    found.push_back(fmt::format("cluster.fabric.tiers: {} tiers are not supported (known: 2, 3). Use 2 or 3.", fabric.tiers));
  else if (fabric.type == FabricType::leaf_spine && fabric.tiers != 2)
    found.push_back("cluster.fabric.tiers: leaf-spine has 2 tiers. Use 2, or type: fat-tree.");
  else
    check_lists(fabric, found);
  const auto [count, ports, bandwidth, latency] = spec.host.nics;
  if (fabric.rails < 1 || (count > 0 && fabric.rails > count))
    found.push_back(fmt::format("cluster.fabric.rails: {} rails, but a host has {} NICs. Use 1 to {}.", fabric.rails, count, count));
  if (fabric.hosts_per_unit < 0)
    found.push_back(fmt::format("cluster.fabric.hosts_per_unit: {} is negative. Leave it out for as many as fit.", fabric.hosts_per_unit));
  if (fabric.planes < 1) found.push_back(fmt::format("cluster.fabric.planes: {} planes are no fabric. Use at least 1.", fabric.planes));
  if (fabric.tors_per_host < 0 || (ports >= 1 && fabric.tors_per_host > ports))
    found.push_back(fmt::format("cluster.fabric.tors_per_host: {} leaves, but a NIC has {} port{}. Use 1 to {}, or give host.nics.ports.",
                                fabric.tors_per_host, ports, ports == 1 ? "" : "s", ports));
  if (fabric.pods < 1 || (fabric.pods > 1 && fabric.levels() != 3))
    found.push_back(fmt::format("cluster.fabric.pods: {} pods, but two tiers are one pod. Use 1, or tiers: 3.", fabric.pods));
  if (fabric.parallel_links < 1)
    found.push_back(fmt::format("cluster.fabric.parallel_links: {} cables join nothing. Use at least 1.", fabric.parallel_links));
  if (fabric.type == FabricType::dual_plane && ports != 2)
    found.push_back(fmt::format("cluster.host.nics.ports: dual-plane needs NICs of 2 ports, one in each plane, not of {}. Use 2.", ports));
  if (fabric.type == FabricType::dual_plane && fabric.planes > 2)
    found.push_back("cluster.fabric.planes: dual-plane has 2. Leave planes out, or use type: fat-tree.");
  if (fabric.routing == Routing::valiant)
    found.push_back("cluster.fabric.routing: valiant is for a dragonfly. Use adaptive, spray, ecmp or static.");
}

void check_direct(const ClusterSpec& spec, Problems& found) {
  const FabricSpec& fabric = spec.fabric;
  if (spec.host.nics.ports > 1) found.push_back("cluster.host.nics.ports: in a torus and a dragonfly a NIC has one way in. Use 1.");
  if (fabric.type == FabricType::torus && (fabric.dims.empty() || fabric.dims.size() > 3))
    found.push_back(
        fmt::format("cluster.fabric.dims: a torus has 1 to 3 dimensions, not {}. Write dims: [16, 16, 16].", fabric.dims.size()));
  for (const int size : fabric.dims)
    if (size < 1) found.push_back(fmt::format("cluster.fabric.dims: {} is no size. Use at least 1.", size));
  if (fabric.type == FabricType::dragonfly && (fabric.radix.size() != 1 || fabric.radix[0] < 3))
    found.push_back("cluster.fabric.radix: a dragonfly has one kind of switch, with at least 3 ports. Give one value.");
  if (fabric.type == FabricType::torus && fabric.routing == Routing::valiant)
    found.push_back("cluster.fabric.routing: valiant is for a dragonfly. Use adaptive, spray, ecmp or static.");
}

void check_links(const FabricSpec& fabric, Problems& found) {
  for (int tier = 0; tier <= static_cast<int>(fabric.upper_links.size()); ++tier)
    if (fabric.link_of(tier).bandwidth.value() <= 0)
      found.push_back("cluster.fabric.link.bandwidth: it is missing. Give the bandwidth of one cable per direction.");
  if (fabric.upper_links.size() > 2)
    found.push_back(
        fmt::format("cluster.fabric.link: {} kinds of cable, but there are at most 3 tiers. Give 1 to 3.", fabric.upper_links.size() + 1));
}

void check_side_network(const SideNetworkSpec& side, std::string_view name, Problems& found) {
  if (side.type == FabricType::none) return;
  if (side.type != FabricType::leaf_spine && side.type != FabricType::fat_tree)
    found.push_back(
        fmt::format("cluster.fabric.{0}.type: such a network is only counted as leaf-spine or fat-tree. Use one of them.", name));
  if (side.link.bandwidth.value() <= 0)
    found.push_back(fmt::format("cluster.fabric.{}.link.bandwidth: it is missing. Give the bandwidth of one cable per direction.", name));
}

void check_fabric(const ClusterSpec& spec, Problems& found) {
  if (is_clos(spec.fabric.type))
    check_clos(spec, found);
  else
    check_direct(spec, found);
  check_links(spec.fabric, found);
  check_side_network(spec.fabric.storage, "storage", found);
  check_side_network(spec.fabric.management, "management", found);
}

void check_timed_failures(const FabricSpec& fabric, Problems& found) {
  for (const TimedFailure& failure : fabric.timed_failures)
    if (failure.duration && *failure.duration <= sim::Time{})
      found.push_back(fmt::format(
          "cluster.fabric.failures: '{}' fails for no time. Give `for`, or leave it out where it is never repaired.", failure.part));
}

// Hosts may differ in what their parts can do, not in how many there are.
void check_groups(const ClusterSpec& spec, Problems& found) {
  int hosts = 0;
  for (const HostGroup& group : spec.groups) {
    const auto [nics, ports, rate, wait] = group.host.nics;
    if (group.host.gpus_per_host != spec.host.gpus_per_host || nics != spec.host.nics.count || ports != spec.host.nics.ports ||
        group.host.scale_up.kind != spec.host.scale_up.kind || group.host.scale_up.domain != spec.host.scale_up.domain ||
        group.host.scale_up.mesh != spec.host.scale_up.mesh)
      found.push_back(
          "cluster.groups: hosts of other numbers of GPUs, NICs or ports, or joined otherwise inside, are not supported yet in "
          "one fabric. Give them gpus_per_host, nics and scale_up alike.");
    hosts += group.count;
    check_scale_up(group.host, spec.gpus, found);
    if (nics > 0 && rate.value() <= 0) found.push_back("cluster.groups: the bandwidth of NICs is missing. Give that of one per direction.");
  }
  if (hosts > spec.hosts())
    found.push_back(
        fmt::format("cluster.groups: {} hosts, but the {} GPUs of the cluster are {}. Give more gpus.", hosts, spec.gpus, spec.hosts()));
  if (!spec.groups.empty() && (spec.host.scale_up.domain > spec.host.gpus_per_host || spec.fabric.type == FabricType::torus))
    found.push_back("cluster.groups: they are not supported yet where domains span hosts, and in a torus. Leave them out.");
}

// Each GPU is an end point of the file (there is no NIC before the first link, and nothing inside a host), or each NIC is.
void check_file(const ClusterSpec& spec, Problems& found) {
  const LinkFile& file = spec.fabric.link_file;
  if (file.links.empty())
    found.push_back("cluster.fabric.links: there are no links. Give the path of a CSV with the columns link,from,to,gbps,latency_ns.");
  else if (spec.ends_are_gpus() && spec.gpus != file.end_points)
    found.push_back(fmt::format("cluster.gpus: {0} GPUs, but the file of links has {1} end points (h0 to h{2}). Use {1}.", spec.gpus,
                                file.end_points, file.end_points - 1));
  else if (!spec.ends_are_gpus() && static_cast<std::int64_t>(spec.hosts()) * spec.host.nics.count != file.end_points)
    found.push_back(
        fmt::format("cluster.fabric.links: {} hosts have {} NICs, but the links join {} end points (h0 to h{}). Make h{}n + i NIC i "
                    "of host n, or leave host out, so that each GPU is an end point.",
                    spec.hosts(), static_cast<std::int64_t>(spec.hosts()) * spec.host.nics.count, file.end_points, file.end_points - 1,
                    spec.host.nics.count));
}

const HostGroup* group_of(const std::vector<HostGroup>& groups, int host) {
  for (const HostGroup& group : groups)
    if ((host -= group.count) < 0) return &group;
  return nullptr;
}

}  // namespace

const HostSpec& ClusterSpec::host_spec(int number) const {
  const HostGroup* group = group_of(groups, number);
  return group ? group->host : host;
}
const std::string& ClusterSpec::accelerator_of(int number) const {
  const HostGroup* group = group_of(groups, number);
  return group && !group->accelerator.empty() ? group->accelerator : accelerator;
}

std::vector<sim::Time> FabricSpec::changes() const {
  std::set<sim::Time> times;
  for (const TimedFailure& failure : timed_failures) {
    times.insert(failure.at);
    if (failure.duration) times.insert(failure.at + *failure.duration);
  }
  return {times.begin(), times.end()};
}

std::vector<std::string> FabricSpec::failures_at(sim::Time t) const {
  std::vector<std::string> parts = failures;
  for (const TimedFailure& failure : timed_failures)
    if (failure.lasts(t) && failure.left == 0) parts.push_back(failure.part);
  return parts;
}

std::vector<std::string> problems(const ClusterSpec& spec) {
  Problems found;
  check_timed_failures(spec.fabric, found);
  check_packet(spec.fabric.packet, found);
  if (spec.fabric.type == FabricType::file) {
    check_file(spec, found);
    return found;
  }
  check_host(spec, found);
  check_scale_up(spec.host, spec.gpus, found);
  check_nics(spec, found);
  if (spec.host.gpus_per_host > 0) check_groups(spec, found);
  if (spec.fabric.type != FabricType::none)
    check_fabric(spec, found);
  else if (spec.host.gpus_per_host > 0 && spec.hosts() > 1 &&
           (spec.host.scale_up.kind == ScaleUpKind::none || spec.host.scale_up.domain < spec.gpus))
    found.push_back(
        fmt::format("cluster.fabric.type: none does not join {} hosts (known: fat-tree, leaf-spine, rail-optimized, three-tier, "
                    "dual-plane, torus, dragonfly, file). Name one of them.",
                    spec.hosts()));
  return found;
}

}  // namespace topology
