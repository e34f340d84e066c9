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

// Who is told what the network does; they outlive it.
struct Watchers {
  sim::FlowObserver* flows = nullptr;  // of the analytic and the fluid one
  sim::PacketLog* packets = nullptr;
};

// The network that the scenario names, over the network links of the fabric. Packets of `transport: ideal` are the open loop, unless
// congestion control is asked for. Throws sim::InputError where packets do not support what the scenario asks for.
std::unique_ptr<sim::Network> make_network(const Scenario& scenario, const topology::Fabric& fabric, int threads = 1,
                                           const Watchers& watchers = {});

// The same for a plan, whose bytes are wire bytes by the measured efficiency: packets without headers, closed loop.
std::unique_ptr<sim::Network> make_packet_network_of_plan(const Scenario& scenario, const topology::Fabric& fabric, int threads = 1,
                                                          sim::PacketLog* log = nullptr);

// How many packet-hops it will be, from the bytes that cross each link, and how long that takes; says so if it is a minute or more.
void tell_of_packets(std::span<const sim::LinkUse> links, const topology::ClusterSpec& cluster,
                     const std::function<void(const std::string&)>& notice);

}  // namespace workloads
