#pragma once
#include <string>
#include <utility>
#include <vector>
#include "sim/packet/packet_fabric.hpp"
#include "workloads/trace_rows.hpp"

namespace cli {

// What the terminal says of packets: labels and lines.
std::vector<std::pair<std::string, std::string>> packet_lines(const sim::PacketCounts& packets,
                                                              const std::vector<workloads::QueueUse>& queues);

}  // namespace cli
