#pragma once
#include <string>
#include <vector>
#include "workloads/trace_rows.hpp"

namespace workloads {

// What packets did over time, as it is drawn: a value for each bin, at its middle.
struct PacketSeries {
  struct Queue {
    std::string name;               // "leaf-0 -> spine-3"
    std::vector<double> max_bytes;  // by bin
  };
  double bin_s = 0;
  std::size_t bins = 0, queues = 0;    // cables that ever had a queue
  std::vector<Queue> longest;          // those in which bytes waited longest, the worst first, at most six
  std::vector<double> standing_still;  // cables that were paused or had no credit, on average over the bin
  struct Rates {
    double time_s = 0, slow = 0, median = 0, fast = 0;  // bytes per second: slowest tenth, median and fastest tenth
  };
  std::vector<Rates> rates;  // of flows of which something arrived in the bin
};

PacketSeries packet_series(const QueueTable& queues, const RateTable& rates);

}  // namespace workloads
