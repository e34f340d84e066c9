#include "kernels/collectives/network_collective.hpp"
#include <algorithm>
#include <array>
#include <bit>

namespace kernels {
namespace {

// All-reduce is a reduce-scatter and an all-gather; the others are one of the two.
double halves(CollectiveOp op) { return op == CollectiveOp::all_reduce ? 2 : 1; }

// A measured step has a fabric's latency in it; only a longer way than all of it counts instead.
double step_latency(const GroupShape& shape, const NetworkProfile& network) {
  return std::max(network.inter_step_seconds, shape.route_latency_s);
}

NetworkCollective ring(CollectiveOp op, const GroupShape& shape, double bytes, const OperationTimes& times) {
  const NetworkProfile& network = times.profile().network;
  const double n = shape.ranks;
  const double steps = halves(op) * ((shape.hosts - 1) * step_latency(shape, network) + (n - shape.hosts) * network.intra_step_seconds);
  return {NetworkAlgorithm::ring, 0, network.base_seconds + steps, 0, halves(op) * (n - 1) / n * bytes};
}

// Inside the host before and after, and what is left of the bytes across hosts by `steps` steps.
NetworkCollective with_host_phases(CollectiveOp op, const GroupShape& shape, double bytes, const OperationTimes& times,
                                   NetworkAlgorithm algorithm, double steps, double traffic) {
  const NetworkProfile& network = times.profile().network;
  const auto inside = [&](CollectiveOp phase) {
    return shape.per_host == 1 ? 0.0 : times.scale_up_collective(phase, shape.per_host, bytes).seconds;
  };
  NetworkCollective plan{algorithm, 0, network.base_seconds + steps * step_latency(shape, network), 0, traffic * bytes};
  if (op != CollectiveOp::all_gather) plan.before_s = inside(CollectiveOp::reduce_scatter);
  if (op != CollectiveOp::reduce_scatter) plan.after_s = inside(CollectiveOp::all_gather);
  return plan;
}

NetworkCollective two_level(CollectiveOp op, const GroupShape& shape, double bytes, const OperationTimes& times) {
  const double hosts = shape.hosts;
  return with_host_phases(op, shape, bytes, times, NetworkAlgorithm::two_level, halves(op) * (hosts - 1), halves(op) * (hosts - 1) / hosts);
}

NetworkCollective tree(CollectiveOp op, const GroupShape& shape, double bytes, const OperationTimes& times) {
  const int depth = std::bit_width(static_cast<unsigned>(shape.hosts - 1));  // ceil(log2 hosts)
  const double traffic = shape.hosts == 2 ? 1 : 2;                           // of two hosts each sends once and receives once
  return with_host_phases(op, shape, bytes, times, NetworkAlgorithm::tree, 2 * depth, traffic);
}

}  // namespace

NetworkCollective plan_network_collective(CollectiveOp op, const GroupShape& shape, double bytes, const OperationTimes& times) {
  std::array<NetworkCollective, 3> plans = {ring(op, shape, bytes, times), two_level(op, shape, bytes, times), {}};
  const bool has_tree = op == CollectiveOp::all_reduce;
  plans[2] = has_tree ? tree(op, shape, bytes, times) : plans[0];
  const double rate = shape.nic_rate_Bps * shape.per_host * times.profile().network.nic_efficiency;
  const auto seconds = [&](const NetworkCollective& p) { return p.before_s + p.latency_s + p.after_s + p.flow_bytes / rate; };
  return *std::min_element(plans.begin(), plans.end(), [&](const auto& a, const auto& b) { return seconds(a) < seconds(b); });
}

}  // namespace kernels
