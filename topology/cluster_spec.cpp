#include "topology/cluster_spec.hpp"
#include <fmt/format.h>

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

void check_scale_up(const HostSpec& host, Problems& found) {
  const ScaleUpSpec& scale_up = host.scale_up;
  if (scale_up.kind == ScaleUpKind::none) return;
  if (scale_up.kind != ScaleUpKind::nvswitch) {
    found.push_back(fmt::format("cluster.host.scale_up.kind: {} is not supported yet (known: nvswitch, none). Use one of them.",
                                scale_up.kind == ScaleUpKind::mesh ? "mesh" : "pcie"));
    return;
  }
  if (scale_up.domain < 1) {
    found.push_back(fmt::format("cluster.host.scale_up.domain: {} GPUs are no domain. Use at least 1.", scale_up.domain));
    return;
  }
  const bool divides = host.gpus_per_host > 0 && host.gpus_per_host % scale_up.domain == 0;
  const bool is_multiple = host.gpus_per_host > 0 && scale_up.domain % host.gpus_per_host == 0;
  if (!divides && !is_multiple)
    found.push_back(fmt::format("cluster.host.scale_up.domain: {0} GPUs neither divide a host of {1} nor are a multiple of it. Use {1}.",
                                scale_up.domain, host.gpus_per_host));
  if (scale_up.domain > 1 && scale_up.bandwidth.value() <= 0)
    found.push_back("cluster.host.scale_up.bandwidth: it is missing. Give the bandwidth of one GPU per direction, or kind: none.");
}

void check_nics(const ClusterSpec& spec, Problems& found) {
  const NicSpec& nics = spec.host.nics;
  if (nics.count < 0) found.push_back(fmt::format("cluster.host.nics.count: {} is negative. Use 0 or more.", nics.count));
  if (nics.ports != 1)
    found.push_back(fmt::format("cluster.host.nics.ports: {} ports are not supported yet (known: 1). Use 1.", nics.ports));
  if (nics.count > 0 && nics.bandwidth.value() <= 0)
    found.push_back("cluster.host.nics.bandwidth: it is missing. Give the bandwidth of one NIC per direction.");
  if (nics.count == 0 && spec.fabric.type != FabricType::none)
    found.push_back("cluster.host.nics.count: a fabric needs NICs, but hosts have 0. Give at least 1, or fabric type none.");
}

void check_lists(const FabricSpec& fabric, Problems& found) {
  const int tiers = fabric.tiers;
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

void check_fabric(const ClusterSpec& spec, Problems& found) {
  const FabricSpec& fabric = spec.fabric;
  if (fabric.tiers < 2 || fabric.tiers > 3)
    found.push_back(fmt::format("cluster.fabric.tiers: {} tiers are not supported (known: 2, 3). Use 2 or 3.", fabric.tiers));
  else if (fabric.type == FabricType::leaf_spine && fabric.tiers != 2)
    found.push_back("cluster.fabric.tiers: leaf-spine has 2 tiers. Use 2, or type: fat-tree.");
  else
    check_lists(fabric, found);
  const int nics = spec.host.nics.count;
  if (fabric.rails < 1 || (nics > 0 && fabric.rails > nics))
    found.push_back(fmt::format("cluster.fabric.rails: {} rails, but a host has {} NICs. Use 1 to {}.", fabric.rails, nics, nics));
  if (fabric.hosts_per_unit < 0)
    found.push_back(fmt::format("cluster.fabric.hosts_per_unit: {} is negative. Leave it out for as many as fit.", fabric.hosts_per_unit));
  if (fabric.link.bandwidth.value() <= 0)
    found.push_back("cluster.fabric.link.bandwidth: it is missing. Give the bandwidth of one cable per direction.");
}

// Each GPU is an end point of the file: there is no NIC before the first link, and nothing inside a host.
void check_file(const ClusterSpec& spec, Problems& found) {
  const LinkFile& file = spec.fabric.link_file;
  if (file.links.empty())
    found.push_back("cluster.fabric.links: there are no links. Give the path of a CSV with the columns link,from,to,gbps,latency_ns.");
  else if (spec.gpus != file.end_points)
    found.push_back(fmt::format("cluster.gpus: {0} GPUs, but the file of links has {1} end points (h0 to h{2}). Use {1}.", spec.gpus,
                                file.end_points, file.end_points - 1));
  if (spec.host.gpus_per_host != 1 || spec.host.scale_up.kind != ScaleUpKind::none)
    found.push_back(
        fmt::format("cluster.host.gpus_per_host: {} GPUs a host, but in a fabric of type file each GPU is an end point of its "
                    "own. Leave host out, or use preset: single-gpu.",
                    spec.host.gpus_per_host));
}

}  // namespace

std::vector<std::string> problems(const ClusterSpec& spec) {
  Problems found;
  if (spec.fabric.type == FabricType::file) {
    check_file(spec, found);
    return found;
  }
  check_host(spec, found);
  check_scale_up(spec.host, found);
  check_nics(spec, found);
  if (spec.fabric.type != FabricType::none)
    check_fabric(spec, found);
  else if (spec.host.gpus_per_host > 0 && spec.hosts() > 1)
    found.push_back(fmt::format(
        "cluster.fabric.type: none does not join {} hosts (known: fat-tree, leaf-spine, rail-optimized, file). Name one of them.",
        spec.hosts()));
  return found;
}

}  // namespace topology
