#include "topology/builders/builders.hpp"
#include <algorithm>
#include <array>

namespace topology {
namespace {
// Every fabric that a scenario can name.
constexpr std::array builders = {
    NamedBuilder{FabricType::fat_tree, "fat-tree", build_fat_tree},
    NamedBuilder{FabricType::leaf_spine, "leaf-spine", build_leaf_spine},
    NamedBuilder{FabricType::rail_optimized, "rail-optimized", build_rail_optimized},
    NamedBuilder{FabricType::three_tier, "three-tier", build_three_tier},
    NamedBuilder{FabricType::dual_plane, "dual-plane", build_dual_plane},
    NamedBuilder{FabricType::torus, "torus", build_torus},
    NamedBuilder{FabricType::dragonfly, "dragonfly", build_dragonfly},
    NamedBuilder{FabricType::file, "file", build_file},
    NamedBuilder{FabricType::none, "none", build_none},
};
}  // namespace

const NamedBuilder& builder_of(FabricType type) {
  return *std::find_if(builders.begin(), builders.end(), [&](const NamedBuilder& b) { return b.type == type; });
}

std::unique_ptr<Structure> build_none(const ClusterSpec&, const HostLayout&, Wiring&) { return nullptr; }

}  // namespace topology
