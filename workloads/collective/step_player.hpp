#pragma once
#include <functional>
#include <vector>
#include "kernels/collectives/algorithm.hpp"
#include "sim/network.hpp"

namespace workloads::collective {

// How messages get from one node of a schedule to another.
struct Way {
  std::vector<sim::LinkShare> shares;
  sim::Time latency;       // of every message
  double wire_factor = 1;  // bytes on the wire per byte
};
using WayOf = std::function<Way(int source, int destination, int channel)>;

// Carries out a schedule message by message, from the network's present time on; returns when the last has arrived.
// A message starts when all that it sends has arrived at its source, and the message before it on the same source,
// destination and channel has arrived. Assumes that reducing keeps up with receiving and that there is always room to receive.
sim::Time play(const kernels::collectives::Schedule& schedule, double bytes_per_element, const WayOf& way_of, sim::Network& network);

}  // namespace workloads::collective
