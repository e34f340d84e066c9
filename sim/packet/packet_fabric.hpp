#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>
#include "sim/units.hpp"

namespace sim {

// One direction of a cable: what leaves the queue at `from` is at the next queue `delay` after its last bit was sent.
struct PacketLink {
  std::uint32_t from = 0, to = 0;  // nodes
  BytesPerSecond capacity;
  Time delay;                // of the cable and of what it leads to (switch, NIC)
  bool inside_host = false;  // PCIe, scale-up
};

// What packets cross. Routes name network links (sim/network.hpp); packets choose among the members that begin where they are.
struct PacketFabric {
  std::vector<PacketLink> links;
  std::vector<std::vector<std::uint32_t>> members;  // by network link: links, by `from`
  std::uint32_t nodes = 0;
};

// What only packets tell.
struct PacketCounts {
  std::uint64_t packet_hops = 0;   // of data, one for each directed link
  std::uint64_t skipped_hops = 0;  // of these, in steady states that were jumped over
  std::uint64_t drops = 0, pauses = 0, marks = 0;
  std::int64_t max_queue_bytes = 0;  // in front of any link of a switch
  std::uint64_t paused_links = 0;    // that were paused, or waited for credits, at some time,
  Time paused;                       // and for how long, summed over links
};

// How a packet chooses among the equal links of a trunk.
enum class PacketChoice : std::uint8_t {
  shortest_queue,
  in_turn,  // each node gives its packets to its links one after the other
  flowlets  // the shortest queue for each packet that comes long after the one before it of its flow; the others follow that
};

}  // namespace sim
