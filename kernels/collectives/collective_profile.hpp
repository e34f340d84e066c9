#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>
#include "kernels/collectives/group_shape.hpp"

// What a device profile holds about collectives. Plain data; scale_up_times.hpp and network_collective.hpp use it.
namespace kernels {

enum class CollectiveOp : std::uint8_t {
  all_reduce,
  all_gather,
  reduce_scatter,
  broadcast,
  all_to_all,
  send_receive,
  reduce,
  gather,
  scatter
};
std::string_view name_of(CollectiveOp op);

// direct: every pair exchanges its part (all_to_all, gather, scatter, send_receive). collnet: switches between hosts reduce.
// hierarchical: what frameworks make of several calls, inside the hosts and on each rail.
enum class NcclAlgorithm : std::uint8_t { tree, ring, nvls, nvls_tree, pat, direct, collnet_direct, collnet_chain, hierarchical };
inline constexpr NcclAlgorithm every_nccl_algorithm[] = {
    NcclAlgorithm::tree,   NcclAlgorithm::ring,           NcclAlgorithm::nvls,          NcclAlgorithm::nvls_tree,   NcclAlgorithm::pat,
    NcclAlgorithm::direct, NcclAlgorithm::collnet_direct, NcclAlgorithm::collnet_chain, NcclAlgorithm::hierarchical};
enum class NcclProtocol : std::uint8_t { ll, ll128, simple };
std::string_view name_of(NcclAlgorithm algorithm);  // Tree, Ring, NVLS, NVLSTree, PAT, Direct, CollNetDirect, CollNetChain, Hierarchical
std::string_view name_of(NcclProtocol protocol);    // LL, LL128, Simple

struct TimedBytes {
  double bytes = 0, seconds = 0;
};
using CollectivePoint = TimedBytes;

// Measured with one algorithm and protocol, median over sources.
struct CollectiveTable {
  CollectiveOp op = CollectiveOp::all_reduce;
  int ranks = 0;
  NcclAlgorithm algorithm = NcclAlgorithm::ring;
  NcclProtocol protocol = NcclProtocol::simple;
  std::vector<CollectivePoint> points;  // both columns ascending
};

// base + steps (step + growth) + bytes sent (per_byte) + sqrt(bytes sent) root + bytes of one chunk (copy):
// what one algorithm and protocol takes inside a domain. See scale_up_times.hpp.
struct CollectiveModel {
  CollectiveOp op = CollectiveOp::all_reduce;
  NcclAlgorithm algorithm = NcclAlgorithm::ring;
  NcclProtocol protocol = NcclProtocol::simple;
  double base_s = 0, step_s = 0, growth_s = 0, per_byte_s = 0, root_s = 0, copy_s = 0;
};

// What an algorithm and protocol takes in a version of NCCL, over what it takes in the one of the tables.
struct VersionFactor {
  std::string nccl;  // "2.27"
  NcclAlgorithm algorithm = NcclAlgorithm::ring;
  NcclProtocol protocol = NcclProtocol::simple;
  double factor = 1;
};

// Collectives inside one scale-up domain.
struct ScaleUpProfile {
  double bandwidth_Bps = 0;  // of a device, one direction
  double efficiency = 0;     // of it, that large messages reach
  double base_seconds = 0, step_seconds = 0;
  std::string nccl, generation;         // whose choices: tuning/nccl-VERSION.json
  std::vector<CollectiveModel> models;  // none: NCCL's own estimate
  std::vector<VersionFactor> versions;  // of versions that are not here: 1
  std::vector<CollectiveTable> tables;  // sorted by op, ranks, algorithm, protocol
  // Not NCCL, but a library that does not say what it runs ("Open MPI 4.1.4"): its entries are filed as Ring or Direct, Simple.
  std::string library;
};

// One published multi-host all_reduce: what its rows say alone.
struct NetworkSet {
  std::string source, network, traffic;  // traffic: ring | two-host tree
  int ranks = 0, hosts = 0;
  double host_Bps = 0;  // all NICs of a host, one direction
  double efficiency = 0, latency_seconds = 0, median_abs_error = 0;
};

// Measured / (NCCL's latency + the bytes at `efficiency` of the NIC), by bytes.
struct TransportProfile {
  Transport transport = Transport::infiniband;
  double efficiency = 0;  // zero: the rows were not held back by NICs; nic_efficiency holds
  std::string source;
  struct Point {
    double bytes = 0, ratio = 1;
  };
  std::vector<Point> points;  // bytes ascending
};

// Across hosts: latency per step between hosts and inside a host, and the part of the NIC rates that large
// messages reach. A fitted step contains the latency of the route (switches, cables of the measured fabric).
struct NetworkProfile {
  double base_seconds = 0, inter_step_seconds = 0, intra_step_seconds = 0;
  double nic_efficiency = 0;
  std::string source;
  std::vector<NetworkSet> sets;
  std::vector<TransportProfile> transports;
  double latency_factor = 1;  // of NCCL's latencies; not in files, for sensitivities

  const TransportProfile* measured(Transport transport) const;  // null: not measured
  double efficiency(Transport transport) const;
};

}  // namespace kernels
