#pragma once
#include <functional>
#include <string>
#include <vector>
#include "bindings/report/svg.hpp"

// Frame, grid and ticks of x-y diagrams.
namespace report {

// Values to pixels: logarithmic when they span a decade or more.
class Axis {
 public:
  Axis(double low, double high, double from, double to);
  double at(double value) const;
  std::vector<double> ticks() const;

 private:
  double low_, high_, from_, to_;
  bool log_ = false;
};

struct Panel {
  double left, top, width, height;  // pixels
  Axis x, y;
  void draw(SvgText& out, const std::string& title, const std::string& x_label, const std::function<std::string(double)>& x_text,
            const std::function<std::string(double)>& y_text) const;
};

std::string time_text(double seconds);
std::string size_text(double bytes);

}  // namespace report
