#pragma once
#include <string>
#include <vector>

namespace report {

struct FctPoint {
  double bytes = 0, seconds = 0;  // of a flow: size and completion time
  double slowdown = 1;            // completion time over that in an empty network
};

struct FctPlot {
  std::string title;
  std::vector<FctPoint> flows;
};

// Two diagrams side by side: which share of the flows is complete within a time, and the slowdown by size (median,
// 99 % and up to 2,000 single flows). Where all flows are about equally large, the second is the distribution of slowdowns.
std::string fct_svg(const FctPlot& plot);

}  // namespace report
