#pragma once
#include <string>
#include <vector>

namespace report {

struct BusbwPoint {
  double bytes = 0, seconds = 0, busbw_GBps = 0;
  std::string name;  // measured: of its set; simulated: of the algorithm
};

struct BusbwPlot {
  std::string title, facts;
  std::vector<BusbwPoint> simulated, measured;
};

// Bus bandwidth against size: the simulated curve, and the measured points over it.
std::string busbw_svg(const BusbwPlot& plot);

}  // namespace report
