#include "kernels/collectives/network_collective.hpp"
#include <algorithm>
#include <bit>
#include <cmath>
#include "kernels/collectives/ring.hpp"
#include "kernels/collectives/scale_up_times.hpp"

namespace kernels {
namespace {

// Bytes on the wire for each of the payload: LL has a flag for every four bytes, LL128 eight for every 120.
double wire_factor(NcclProtocol protocol) { return protocol == NcclProtocol::ll ? 2 : protocol == NcclProtocol::ll128 ? 128.0 / 120 : 1; }

// Through the NICs of a host, in one direction.
double host_bytes(CollectiveOp op, const GroupShape& shape, double bytes, NcclAlgorithm algorithm) {
  const double outside = double(shape.ranks - shape.per_host) / shape.ranks;  // of what a rank has for others
  switch (algorithm) {
    case NcclAlgorithm::tree:
    case NcclAlgorithm::nvls_tree:
      return (shape.hosts == 2 ? 1 : 2) * bytes;
    case NcclAlgorithm::collnet_direct:
    case NcclAlgorithm::collnet_chain:
    case NcclAlgorithm::nvls:
      return bytes;
    case NcclAlgorithm::direct:
      return op == CollectiveOp::send_receive ? bytes : shape.per_host * outside * bytes;
    default:
      return ring_traffic(op, shape.ranks) * bytes;
  }
}

int steps_of(CollectiveOp op, const GroupShape& shape, NcclAlgorithm algorithm) {
  const int depth = std::bit_width(static_cast<unsigned>(shape.hosts - 1));  // ceil(log2 hosts)
  switch (algorithm) {
    case NcclAlgorithm::tree:
    case NcclAlgorithm::nvls_tree:
      return 2 * depth;
    case NcclAlgorithm::pat:
      return depth;
    case NcclAlgorithm::collnet_direct:
    case NcclAlgorithm::collnet_chain:
    case NcclAlgorithm::nvls:
    case NcclAlgorithm::direct:
      return 1;
    default:
      return ring_steps(op, shape.ranks);
  }
}

// Of these the ones that leave a host.
double outside_steps(const NetworkCollective& plan, const GroupShape& shape) {
  return plan.algorithm == NcclAlgorithm::ring ? double(plan.steps) * (shape.hosts - 1) / (shape.ranks - 1) : plan.steps;
}

// Between points linear in the logarithms, beyond them as at the last.
double ratio_at(const TransportProfile& transport, double bytes) {
  const auto& points = transport.points;
  const auto above = std::lower_bound(points.begin(), points.end(), bytes, [](const auto& p, double b) { return p.bytes < b; });
  if (above == points.begin()) return points.empty() ? 1 : points.front().ratio;
  if (above == points.end()) return points.back().ratio;
  const auto &low = above[-1], &high = above[0];
  return low.ratio * std::pow(high.ratio / low.ratio, std::log(bytes / low.bytes) / std::log(high.bytes / low.bytes));
}

// The version in use says what runs, the newest one how long: its constants are the best measured.
NcclChoice choice_and_estimate(CollectiveOp op, const GroupShape& shape, double bytes, const ScaleUpProfile& scale_up,
                               const NcclSettings& settings) {
  NcclChoice choice = nccl_choice(op, shape, bytes, nccl_group(scale_up, settings), settings);
  const NcclSettings same{.version = nccl_versions().back(),
                          .algorithm = std::string(name_of(choice.algorithm)),
                          .protocol = std::string(name_of(choice.protocol)),
                          .collnet = settings.collnet};
  const NcclChoice newest = nccl_choice(op, shape, bytes, nccl_group(scale_up, same), same);
  if (newest.algorithm == choice.algorithm && newest.protocol == choice.protocol) {
    choice.latency_s = newest.latency_s;
    choice.inside_s = newest.inside_s;
  }
  return choice;
}

// One call of NCCL.
NetworkCollective plan_call(CollectiveOp op, const GroupShape& shape, double bytes, const OperationTimes& times,
                            const NcclSettings& settings) {
  const NetworkProfile& network = times.profile().network;
  NcclChoice choice = choice_and_estimate(op, shape, bytes, times.profile().scale_up, settings);
  choice.latency_s *= network.latency_factor;
  NetworkCollective plan{.algorithm = choice.algorithm, .protocol = choice.protocol, .channels = choice.channels};
  plan.steps = steps_of(op, shape, choice.algorithm);
  plan.flow_bytes = wire_factor(choice.protocol) * host_bytes(op, shape, bytes, choice.algorithm);
  const double flow_s = empty_fabric_seconds(plan, shape, network);
  const TransportProfile* transport = network.measured(shape.transport);
  const double ratio = transport ? ratio_at(*transport, bytes) : 1;
  const double rest = std::max(0.0, ratio * (choice.latency_s + std::max(choice.inside_s, flow_s)) - flow_s);
  // What was measured has a fabric's latency in it; only a longer way than all of it counts instead.
  plan.latency_s = std::max(std::min(rest, choice.latency_s), shape.route_latency_s * outside_steps(plan, shape));
  plan.after_s = std::max(0.0, rest - plan.latency_s);
  return plan;
}

// Reduce-scatter inside every host, the rest on each rail by NCCL's choice, all-gather inside; one after the other.
NetworkCollective plan_hierarchical(CollectiveOp op, const GroupShape& shape, double bytes, const OperationTimes& times) {
  GroupShape rail = shape;
  rail.ranks = shape.hosts;
  rail.per_host = 1;
  NcclSettings settings = times.nccl();
  settings.algorithm.clear();
  NetworkCollective plan = plan_call(op, rail, bytes / shape.per_host, times, settings);
  plan.algorithm = NcclAlgorithm::hierarchical;
  plan.flow_bytes *= shape.per_host;
  const auto inside = [&](CollectiveOp part) { return times.scale_up_collective(part, shape.per_host, bytes).seconds; };
  if (op != CollectiveOp::all_gather) plan.before_s += inside(CollectiveOp::reduce_scatter);
  if (op != CollectiveOp::reduce_scatter) plan.after_s += inside(CollectiveOp::all_gather);
  return plan;
}

bool has_levels(CollectiveOp op, const GroupShape& shape) {
  const bool divisible = op == CollectiveOp::all_reduce || op == CollectiveOp::all_gather || op == CollectiveOp::reduce_scatter;
  return divisible && shape.hosts > 1 && shape.per_host > 1 && shape.ranks == shape.hosts * shape.per_host;
}

}  // namespace

NetworkCollective plan_network_collective(CollectiveOp op, const GroupShape& shape, double bytes, const OperationTimes& times) {
  if (is_named(NcclAlgorithm::hierarchical, times.nccl().algorithm) && has_levels(op, shape))
    return plan_hierarchical(op, shape, bytes, times);
  return plan_call(op, shape, bytes, times, times.nccl());
}

double empty_fabric_seconds(const NetworkCollective& plan, const GroupShape& shape, const NetworkProfile& network) {
  const double rate = shape.nic_rate_Bps * shape.per_host * network.efficiency(shape.transport);
  return plan.before_s + plan.latency_s + plan.flow_bytes / rate + plan.after_s;
}

}  // namespace kernels
