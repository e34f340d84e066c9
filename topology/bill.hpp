#pragma once
#include <optional>
#include "topology/counts.hpp"

namespace topology {

// Watts at full load and prices of what was bought; a figure without a source is absent, not zero.
struct Power {
  std::optional<double> gpus, hosts, switches, optics, cooling, total;
};
struct Price {
  std::optional<double> hosts, switches, optics, cables, total;
  std::optional<double> building;  // the room that cools it; not part of the total
};

// Counts, and what the site's parts table makes of them, storage and management included. A switch is the smallest of the table
// that has the capacity; a cluster of fewer GPUs than a host has the power of a whole one.
struct Bill : Counts {
  Power power_w;
  Price price_usd;
};
Bill bill(const Fabric& fabric);

}  // namespace topology
