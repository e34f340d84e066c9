#pragma once
#include <string>
#include "workloads/packet_series.hpp"

namespace report {

// Three diagrams over time, one below the other: the longest queues, how many cables stand still, and the rates of flows.
std::string queues_svg(const std::string& title, const workloads::PacketSeries& series);

}  // namespace report
