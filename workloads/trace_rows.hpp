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

}  // namespace workloads
