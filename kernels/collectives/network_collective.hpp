#pragma once
#include "kernels/collectives/group_shape.hpp"
#include "kernels/operation_times.hpp"

// Collectives of a group that spans hosts: which algorithm, and what it asks of the fabric.
namespace kernels {

// One collective as a coupled flow: `before`, then `flow_bytes` at the rate of the slowest NIC after
// `latency`, then `after`. Each rank's NIC carries flow_bytes / per_host.
struct NetworkCollective {
  NcclAlgorithm algorithm = NcclAlgorithm::ring;
  NcclProtocol protocol = NcclProtocol::simple;
  int channels = 1;
  double before_s = 0, latency_s = 0, after_s = 0;
  double flow_bytes = 0;
  int steps = 1;  // messages that carry them over a NIC, one after the other
};

// The choice of NCCL's model, and its time on an empty fabric: NCCL's latency and the bytes that the algorithm
// sends through the NICs at the part of their rate that large messages reach (or its own limit inside the
// host, if that is slower), times the ratio measured with this transport at this size.
// The bytes are the flow's; what is left of the time is latency, up to NCCL's, and after.
// Where switches reduce (CollNet, NVLS across hosts), S goes once through every host's NICs each way, on the links of the ring.
// Hierarchical: NCCL's choice on each rail, between a reduce-scatter and an all-gather inside the hosts.
// A ring sends 2(n-1)/n S through every host's NICs (half for the halves), a tree S between two hosts, else 2 S;
// all_to_all what other hosts get.
NetworkCollective plan_network_collective(CollectiveOp op, const GroupShape& shape, double bytes, const OperationTimes& times);

// On an empty fabric: before, latency, flow and after.
double empty_fabric_seconds(const NetworkCollective& plan, const GroupShape& shape, const NetworkProfile& network);

}  // namespace kernels
