#pragma once
#include "kernels/operation_times.hpp"
#include "sim/units.hpp"

// Collectives of a group that spans hosts: which algorithm, and what it asks of the fabric.
namespace kernels {

// `ranks` ranks, at most `per_host` of them on each of `hosts` hosts, each with a NIC of its own (or its part of one).
struct GroupShape {
  int ranks = 1;
  int hosts = 1;
  int per_host = 1;
  double nic_rate_Bps = 0;     // of one rank's NIC, per direction
  double route_latency_s = 0;  // mean over neighbouring hosts: cables, switches, NICs
  auto operator<=>(const GroupShape&) const = default;
};

enum class NetworkAlgorithm : std::uint8_t { ring, two_level, tree };

// One collective as a coupled flow: `before`, then `flow_bytes` at the rate of the slowest NIC after
// `latency`, then `after`. Each rank's NIC carries flow_bytes / per_host.
struct NetworkCollective {
  NetworkAlgorithm algorithm = NetworkAlgorithm::ring;
  double before_s = 0, latency_s = 0, after_s = 0;
  double flow_bytes = 0;
};

// The algorithm with the least time on an empty fabric. Ring: 2(n-1)/n S through every NIC's host and
// 2(n-1) steps. Two-level: reduce-scatter inside the host, ring over hosts, all-gather inside. Tree: the
// same with a double binary tree over hosts (log2 steps, 2 S a host). Patarasso and Yuan 2009; NCCL.
// Step latencies and the part of the NIC rate that large messages reach are the profile's.
NetworkCollective plan_network_collective(CollectiveOp op, const GroupShape& shape, double bytes, const OperationTimes& times);

}  // namespace kernels
