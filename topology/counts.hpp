#pragma once
#include "topology/fabric.hpp"

namespace topology {

struct SwitchCounts {
  int leaf = 0, spine = 0, core = 0;
  int scale_up = 0;  // one per domain that spans hosts (NVL72); inside a host it is part of the host
  int total() const { return leaf + spine + core + scale_up; }
};

struct CableCounts {
  int host_leaf = 0, leaf_spine = 0, spine_core = 0;
  int scale_up = 0;  // one per GPU where a domain spans hosts; inside a host there is nothing to cable
  int fabric() const { return host_leaf + leaf_spine + spine_core; }
  int total() const { return fabric() + scale_up; }
};

// The bill of materials, counted from the fabric as built. A cable is both directions.
struct Counts {
  int hosts = 0, gpus = 0, nics = 0;
  SwitchCounts switches;
  CableCounts cables;
  int optical_modules = 0;  // two per cable of the fabric with dsp or lpo; cpo sits in the switch, dac is copper; type file: 0
  double modules_per_gpu() const { return static_cast<double>(optical_modules) / gpus; }
};

Counts count(const Fabric& fabric);

}  // namespace topology
