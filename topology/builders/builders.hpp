#pragma once
#include <memory>
#include <string_view>
#include "topology/hosts.hpp"
#include "topology/structure.hpp"

namespace topology {

// Adds switches and cables of the fabric to the wiring; throws sim::InputError when they do not come out.
using Builder = std::unique_ptr<Structure> (*)(const ClusterSpec& spec, const HostLayout& hosts, Wiring& wiring);

std::unique_ptr<Structure> build_fat_tree(const ClusterSpec& spec, const HostLayout& hosts, Wiring& wiring);
std::unique_ptr<Structure> build_leaf_spine(const ClusterSpec& spec, const HostLayout& hosts, Wiring& wiring);
std::unique_ptr<Structure> build_rail_optimized(const ClusterSpec& spec, const HostLayout& hosts, Wiring& wiring);
std::unique_ptr<Structure> build_three_tier(const ClusterSpec& spec, const HostLayout& hosts, Wiring& wiring);
std::unique_ptr<Structure> build_dual_plane(const ClusterSpec& spec, const HostLayout& hosts, Wiring& wiring);
std::unique_ptr<Structure> build_torus(const ClusterSpec& spec, const HostLayout& hosts, Wiring& wiring);
std::unique_ptr<Structure> build_dragonfly(const ClusterSpec& spec, const HostLayout& hosts, Wiring& wiring);
std::unique_ptr<Structure> build_file(const ClusterSpec& spec, const HostLayout& hosts, Wiring& wiring);
std::unique_ptr<Structure> build_none(const ClusterSpec& spec, const HostLayout& hosts, Wiring& wiring);  // null: nothing joins the NICs

struct NamedBuilder {
  FabricType type;
  std::string_view name;
  Builder build;
};
const NamedBuilder& builder_of(FabricType type);

}  // namespace topology
