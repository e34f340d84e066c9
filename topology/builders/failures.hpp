#pragma once
#include <memory>
#include <string>
#include <vector>
#include "topology/hosts.hpp"
#include "topology/structure.hpp"

namespace topology {

// The fabric of the spec with `fabric.failures` out of order: wired as if whole, routed by searching what is left, in a Clos
// network up and then down. `out_of_order`: those failures, and the timed ones that last. `failed` gets the links that are lost. Throws
// sim::InputError for what names no switch or cable.
std::unique_ptr<Structure> build_with_failures(const ClusterSpec& spec, const HostLayout& hosts, Wiring& wiring,
                                               const std::vector<std::string>& out_of_order, std::vector<bool>& failed);

// Share of its bandwidth that each link has at `at`: less than 1 where it is degraded. Empty: no link is.
std::vector<double> left_of_links(const FabricSpec& fabric, sim::Time at, const Wiring& wiring);

}  // namespace topology
