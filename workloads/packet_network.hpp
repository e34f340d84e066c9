#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>
#include "sim/network.hpp"
#include "sim/packet/closed_loop.hpp"
#include "topology/fabric.hpp"
#include "workloads/scenario.hpp"

namespace workloads {

// The fabric as packets see it: every directed cable with its delay, and behind it that of the switch or NIC.
// A NIC's latency is halved between its two sides; scale-up links of a switch take half of theirs each.
sim::PacketFabric packet_fabric(const topology::ClusterSpec& cluster, const topology::Fabric& fabric);

// What the scenario says of its packets, and where it says nothing the constants of packet/packet.json.
sim::ClosedLoopSpec closed_loop_spec(const topology::FabricSpec& fabric, std::int64_t header, std::uint64_t seed);

struct NetworkOptions {
  int threads = 1;
  bool exact = false;                  // no steady state is jumped over
  sim::FlowObserver* flows = nullptr;  // told of flows by the analytic and the fluid network, and
  sim::PacketLog* packets = nullptr;   // of queues and rates by packets; both outlive the network
};

// The network that the scenario names, over the network links of the fabric. Packets of `transport: ideal` are the open loop, unless
// congestion control is asked for. Throws sim::InputError where packets do not support what the scenario asks for.
std::unique_ptr<sim::Network> make_network(const Scenario& scenario, const topology::Fabric& fabric, const NetworkOptions& options = {});

// The same for a plan, whose bytes are wire bytes by the measured efficiency: packets without headers, closed loop.
std::unique_ptr<sim::Network> make_packet_network_of_plan(const Scenario& scenario, const topology::Fabric& fabric,
                                                          const NetworkOptions& options = {});

// How many packet-hops it will be, from the bytes that cross each link, and how long that takes; says so if it is a minute or more.
void tell_of_packets(std::span<const sim::LinkUse> links, const topology::ClusterSpec& cluster,
                     const std::function<void(const std::string&)>& notice);

}  // namespace workloads
