#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <map>
#include <string>
#include <string_view>
#include <vector>
#include "sim/packet/packet_fabric.hpp"
#include "sim/units.hpp"
#include "topology/bill.hpp"
#include "workloads/trace_rows.hpp"

namespace workloads {

// Exposed time: at each instant a rank is in exactly one category (docs/results.md).
enum class Category : std::uint8_t { compute, tp_comm, cp_comm, ep_comm, pp_comm, dp_comm, pp_bubble, optimizer, host, other };
inline constexpr std::size_t category_count = 10;
inline constexpr std::array<std::string_view, category_count> category_names = {"compute", "tp_comm",   "cp_comm",   "ep_comm", "pp_comm",
                                                                                "dp_comm", "pp_bubble", "optimizer", "host",    "other"};

// Bytes on the worst rank, at the worst moment of the schedule.
struct MemoryUse {
  double weights = 0, gradients = 0, optimizer = 0, activations = 0, buffers = 0;
  double capacity = 0;
  int rank = 0;  // which rank is the worst
  double total() const { return weights + gradients + optimizer + activations + buffers; }
  bool fits() const { return total() <= capacity; }
};

// A relative error of `sigma` of this cause moves the step time by `share` * sigma. Runs with the same cause
// err together (step_interval.hpp).
struct ErrorCause {
  std::string cause;
  double share = 0, sigma = 0;
};

// Time on the critical path of a step that a rank spent in a kernel, or waiting for a transfer or for its host.
struct PathItem {
  std::string op;  // a kernel's name, or a category
  int rank = 0;
  double seconds = 0;
};

struct JobResult {
  std::string name;
  int gpus = 0;
  std::vector<double> steps_s;
  double step_time_s = 0;                          // mean over steps
  double interval_low_s = 0, interval_high_s = 0;  // 90 %
  bool outside_calibrated_range = false;
  std::vector<ErrorCause> error_causes;  // that make the interval
  double tokens_per_step = 0;
  double model_flops_per_step = 0;                   // all GPUs, without recomputation
  double hardware_flops_per_step = 0;                // with it
  double peak_flops_per_gpu = 0;                     // dense, of the job's precision
  std::array<double, category_count> breakdown_s{};  // per step, mean over ranks; sums to step_time_s
  MemoryUse memory;
  std::vector<PathItem> critical_path;  // mean over steps; sums to step_time_s; empty unless RunOptions::critical_path

  double tokens_per_s() const { return tokens_per_step / step_time_s; }
  double model_flops_per_gpu_s() const { return model_flops_per_step / step_time_s / gpus; }
  double hardware_flops_per_gpu_s() const { return hardware_flops_per_step / step_time_s / gpus; }
  double mfu() const { return model_flops_per_gpu_s() / peak_flops_per_gpu; }
  double hfu() const { return hardware_flops_per_gpu_s() / peak_flops_per_gpu; }
};

// A parameter that is better by 1 % (more bandwidth, less latency) shortens the step by `elasticity` percent.
struct Sensitivity {
  std::string parameter;
  double elasticity = 0, seconds_per_percent = 0;
};

// A network link that held flows below the rate of their own NICs.
struct FullLink {
  std::string name;           // "leaf-3 -> spines (5 links)"
  std::string kind;           // "leaf_spine"
  double utilization = 0;     // carried / (capacity x simulated time)
  double limiting_share = 0;  // part of the simulated time
};

struct NetworkStats {
  std::uint64_t flows = 0;
  double bytes = 0;
  double max_link_utilization = 0, mean_link_utilization = 0;  // over links of the fabric, whole run
  std::uint64_t ecmp_max_flows_per_link = 0;
  std::uint64_t full_link_count = 0;         // links that held flows back, ever
  std::vector<FullLink> full_links;          // the worst of them, worst first, at most 32
  std::optional<sim::PacketCounts> packets;  // of a packet network, as the next
  double fluid_step_time_s = 0;              // of the first job in the fluid network
  std::vector<QueueUse> queues;              // where bytes waited longest, the worst first
};

struct Result {
  std::string name, network;
  std::uint64_t seed = 0;
  int gpus = 0;
  std::map<std::string, int> accelerators = {};  // GPUs of each kind
  std::vector<JobResult> jobs;
  std::vector<Sensitivity> sensitivity;  // of the first job, when asked for (studies/sensitivity.hpp)
  NetworkStats network_stats;
  topology::Bill bill_of_materials;
  std::uint64_t events = 0;
  int ranks_simulated = 0;  // after folding
  double wall_s = 0, cpu_s = 0;
  std::uint64_t peak_rss_bytes = 0;
  std::uint64_t signature = 0;  // hash of completion times and bytes (docs/results.md)
  std::vector<std::string> warnings;

  // For the trace; filled when a trace is asked for (RunOptions::trace_level above none).
  std::vector<RankRow> ranks;  // all of them, job by job
  std::vector<LinkRow> links;  // network links of the fabric
  LinkLoad link_load;
  QueueTable queues;  // of a packet network, as the next
  RateTable rates;
};

}  // namespace workloads
