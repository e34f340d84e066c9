#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>
#include "sim/ids.hpp"
#include "sim/network.hpp"  // LinkSpec, LinkShare
#include "sim/units.hpp"
#include "topology/cluster_spec.hpp"

namespace topology {

enum class NodeKind : std::uint8_t { gpu, nic, nvswitch, leaf, spine, core };
// What a link joins. `up` and `down` are two links (full duplex), so capacity is per direction.
// peer: between alike, in a torus or a group of a dragonfly; global: between such groups.
enum class LinkKind : std::uint8_t { scale_up, pcie, host_leaf, leaf_spine, spine_core, peer, global };
std::string_view name_of(NodeKind kind);
std::string_view name_of(LinkKind kind);

struct Node {
  std::string name;  // "gpu-17", "nic-3.2" (host 3, NIC 2), "leaf-0", "spine-4", "core-1"; those of the file with type file
  NodeKind kind;
  std::int32_t host = -1;  // -1: a switch of the fabric
};

struct Link {
  std::uint32_t from = 0, to = 0;  // nodes
  LinkKind kind;
  sim::BytesPerSecond capacity;
  sim::Time latency;  // of the cable; switches and NICs add theirs in `Route`
};

// A way from one GPU to another. Shares name *network links* (see Fabric::network_links).
struct Route {
  std::vector<sim::LinkShare> shares;
  sim::Time latency;  // cables, switches and NICs on the way
  int hops = 0;       // directed links crossed
};

// GPUs, NICs, NVSwitches, switches and directed links of a cluster. Immutable once built.
//
// Network links are what the simulator shares out. With `ecmp` and `static` each is one directed
// link. With `spray` and `adaptive` the equal links that a switch (or a pod) offers in one
// direction are one network link of their summed capacity, a *trunk*: packets level out over all
// minimal paths, so only the sum can run out. That is exact for a regular Clos network without failures.
class Fabric {
 public:
  explicit Fabric(const ClusterSpec& spec);  // before its timed failures; throws sim::InputError when it cannot be wired
  // As it is at `at`, with those timed failures that last then: the same links, other routes. A pair that only they cut off
  // keeps to a way from before, on which nothing works.
  Fabric(const ClusterSpec& spec, sim::Time at);
  ~Fabric();
  Fabric(Fabric&&) noexcept;
  Fabric& operator=(Fabric&&) noexcept;

  int gpus() const;
  int hosts() const;
  const std::vector<Node>& nodes() const;
  const std::vector<Link>& links() const;  // physical, directed

  const std::vector<sim::LinkSpec>& network_links() const;  // as wide as they are when nothing fails
  bool works(sim::LinkId network_link) const;
  sim::BytesPerSecond capacity(sim::LinkId network_link) const;  // now: less where it is degraded, none where it does not work
  // Physical links (indices into links()) behind a network link; all carry an equal part of its load.
  const std::vector<std::uint32_t>& members(sim::LinkId network_link) const;
  // "gpu-0 -> nvswitch-0", or "leaf-3 -> spines (20 links)" for a trunk.
  std::string network_link_name(sim::LinkId network_link) const;
  LinkKind network_link_kind(sim::LinkId network_link) const;

  // `label` tells apart flows of one pair (QP, channel) where a hash decides (ecmp).
  // Same GPU: no links, no latency. Same scale-up domain: through it, else out by each GPU's own NIC
  // (two GPUs of one NIC: through that NIC alone). With `pxn` to another rail of another host: over scale-up to the GPU of
  // that rail, and out by its NIC.
  // Throws sim::SimulationError when there is no way.
  Route route(int source_gpu, int destination_gpu, std::uint64_t label = 0) const;
  bool same_domain(int gpu_a, int gpu_b) const;  // one scale-up domain
  int host_of(int gpu) const;

  struct Impl;  // graph and structure; used by the parts in topology/ only
  const Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace topology
