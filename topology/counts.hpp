#pragma once
#include <optional>
#include <string>
#include <vector>
#include "topology/fabric.hpp"

namespace topology {

struct SwitchCounts {
  int leaf = 0, spine = 0, core = 0;
  int scale_up = 0;  // of domains that span hosts (NVL72); inside a host they are part of it
  int total() const { return leaf + spine + core + scale_up; }
};

struct CableCounts {
  int host_leaf = 0, leaf_spine = 0, spine_core = 0;
  int peer = 0, global = 0;  // torus; dragonfly
  int scale_up = 0;          // links where a domain spans hosts: of each GPU, once per level of switches
  int fabric() const { return host_leaf + leaf_spine + spine_core + peer + global; }
  int total() const { return fabric() + scale_up; }
};

// Counted from the fabric as built. A cable is both directions.
struct NetworkCounts {
  SwitchCounts switches;
  CableCounts cables;
  // Two ends per cable with dsp or lpo, several ends a module where it holds several cables (twin-port), and the same between
  // the levels of a scale-up domain; cpo sits in the switch, dac is copper, a file says nothing.
  int optical_modules = 0;
};

struct Counts : NetworkCounts {
  int hosts = 0, gpus = 0, nics = 0;
  std::optional<NetworkCounts> storage, management;
  NetworkCounts all() const;  // with these two
  double modules_per_gpu() const { return static_cast<double>(optical_modules) / gpus; }
};

Counts count(const Fabric& fabric);

// A side network as a cluster of its own: each NIC an end point.
ClusterSpec cluster_of(const SideNetworkSpec& side, int hosts);

}  // namespace topology
