#pragma once
#include <cstdint>
#include <string>
#include <vector>
#include "sim/units.hpp"

// What a trace says of the ranks and links of a run, beside the operations and flows.
namespace workloads {

struct RankRow {
  std::int32_t rank = 0, gpu = 0, host = 0, tp = 0, pp = 0, dp = 0, cp = 0, ep = 0, job = 0;
};

struct LinkRow {  // its id is its place
  std::string name, source, destination, kind;
  double capacity_Bps = 0;
};

struct LinkLoad {
  sim::Time bin_width;
  std::vector<double> bytes;  // time bins x links, by bins
};

// The queues in front of cables, in packet mode. The matrices are time bins x queues, by bins.
struct QueueRow {
  std::int32_t link = 0;  // the network link that the cable belongs to
  std::string source, destination;
  double capacity_Bps = 0;
};
struct QueueTable {
  sim::Time bin_width;
  std::vector<QueueRow> queues;
  std::vector<double> mean_bytes, max_bytes, paused_ps, marks, drops;
};

// Payload that arrived in one bin of time.
struct RateRow {
  std::int32_t flow = -1;  // row of /flows; -1: of all between two GPUs
  std::int32_t source = 0, destination = 0;
  sim::Time from;
  std::int64_t bytes = 0;
};
struct RateTable {
  sim::Time bin_width;
  std::vector<RateRow> rows;  // by flow, then time
};

struct NetworkTrace {
  LinkLoad load;
  QueueTable queues;
  RateTable rates;
};

// One queue over the whole run.
struct QueueUse {
  std::string name;  // "leaf-0 -> spine-3"
  double mean_bytes = 0, max_bytes = 0, paused_share = 0;
  std::uint64_t marks = 0, drops = 0;
};

}  // namespace workloads
