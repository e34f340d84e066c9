#pragma once
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include "sim/packet/packet_fabric.hpp"
#include "sim/packet/packet_log.hpp"
#include "topology/fabric.hpp"
#include "workloads/trace_rows.hpp"

namespace workloads {

// What packets did over time: loads by network link, queues by cable (those that ever held a packet or stood still), rates by flow.
// `end` is that of the run. Rates of flows without a label have flow -1.
NetworkTrace make_network_trace(sim::PacketLog& log, const topology::Fabric& fabric, sim::Time end);

// The queues in which bytes waited longest, at most so many, the worst first: what to look at.
std::vector<QueueUse> worst_queues(const NetworkTrace& trace, std::size_t most = 10);

// What the JSON of a run and of a list of flows says of packets; null without them. `queues` is empty where nothing was traced.
nlohmann::ordered_json packets_json(const std::optional<sim::PacketCounts>& packets, const std::vector<QueueUse>& queues);

}  // namespace workloads
