#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include "kernels/collectives/collective_profile.hpp"

// Which algorithm, protocol and number of channels NCCL takes, by its own cost model. The constants are
// data of a version (tuning/nccl-VERSION.json); in microseconds and GB/s, as NCCL has them.
namespace kernels {

using ByProtocol = std::array<double, 3>;
using ByHosts = std::array<double, 3>;  // one host, two, more

struct NcclGeneration {
  std::string name;                    // ampere, hopper, blackwell
  double link_GBps = 0, bus_GBps = 0;  // data sheet, one direction; what NCCL's channels take of it
  int channels = 0;                    // that run
  int search_channels = 0;             // that NCCL's search finds and its limits by channel count: fewer than run
  double net_overhead_us = 0;          // the CPU's, of a step of a ring across hosts
  double collnet_direct = 1;           // on the bandwidth of CollNetDirect
  double ring_plateau = 1;             // on the latency of large ring all-reduces across hosts
  ByHosts ll_GBps{}, ring_ll128_GBps{}, tree_ll128_GBps{}, tree_GBps{}, nvls_tree_GBps{};
  double nvls_efficiency = 0;     // zero: the switch does not reduce
  std::vector<double> nvls_GBps;  // speeds that the search for channels tries, falling
};

struct NcclTuning {
  std::string version, source;
  ByProtocol tree_base_us{}, ring_base_us{}, pat_base_us{}, tree_nvlink_us{}, ring_nvlink_us{}, tree_net_us{}, ring_net_us{};
  double tree_across_hosts = 1, nvls_us = 0, nvls_tree_net_us = 0;
  double collnet_direct_us = 0, collnet_direct_rank_us = 0, collnet_direct_net_us = 0;  // inside the host, for each rank, across
  double collnet_chain_us = 0, collnet_chain_net_us = 0, nvls_net_us = 0;
  double pat_per_rank_us = 0, pat_net_divisor = 1, pat_bandwidth_factor = 1;
  bool nvls_by_ring_steps = true;                      // false: the five sixths of older versions
  std::array<std::vector<double>, 3> tree_correction;  // by protocol and log2(bytes / 64)
  ByProtocol threads{}, bytes_per_thread{};
  double point_to_point_ll_bytes = 0;  // to one peer
  std::vector<NcclGeneration> generations;

  const NcclGeneration& generation(std::string_view name) const;  // the last one if there is no such name
};

// "2.29": the shipped file, or the nearest older one, or the oldest. Empty: the newest.
const NcclTuning& nccl_tuning(std::string_view version);
std::vector<std::string> nccl_versions();  // ascending

// What a user forces, as NCCL_ALGO, NCCL_PROTO, NCCL_MIN_NCHANNELS and NCCL_MAX_NCHANNELS do, and allows, as
// NCCL_COLLNET_ENABLE does. Empty, zero: NCCL's choice.
struct NcclSettings {
  std::string version, algorithm, protocol;
  int min_channels = 0, max_channels = 0;
  bool collnet = false;  // InfiniBand switches may reduce (SHARP)
  auto operator<=>(const NcclSettings&) const = default;
};
// The names as NCCL writes them, in any case. What is wrong: key (algo, proto, version, max_channels) and sentence.
std::vector<std::pair<std::string, std::string>> problems_of(const NcclSettings& settings);

struct NcclChoice {
  NcclAlgorithm algorithm = NcclAlgorithm::ring;
  NcclProtocol protocol = NcclProtocol::simple;
  int channels = 1;
  double latency_s = 0, transfer_s = 0;  // NCCL's own estimate
  double inside_s = 0;                   // of transfer_s what the hosts bound: less where switches between them reduce
};

struct NcclGroup {
  const NcclTuning& tuning;
  const NcclGeneration& generation;
  double bus_GBps = 0;  // of one device inside the host
};

// The choice with the least estimate among those that `settings` allow; a forced algorithm that the operation
// or the group cannot run is ignored, as NCCL does.
bool is_named(NcclAlgorithm algorithm, const std::string& name);  // in any case
NcclChoice nccl_choice(CollectiveOp op, const GroupShape& shape, double bytes, const NcclGroup& group, const NcclSettings& settings = {});

}  // namespace kernels
