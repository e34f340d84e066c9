#pragma once
#include <string>
#include <vector>

namespace report {

struct ValidationPoint {
  std::string set, id;
  double predicted = 0, measured = 0;  // seconds
};

// Predicted against measured, a square a row, a colour a set; the diagonal and a tenth to either side of it.
std::string validation_svg(const std::string& title, const std::vector<ValidationPoint>& points);

}  // namespace report
