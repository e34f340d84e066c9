#pragma once
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include "sim/units.hpp"

namespace report {

std::string xml_escaped(std::string_view text);

// Writes one SVG picture, element by element. Lengths in pixels; text is escaped. Styles of text:
// title, facts, label, tick (centred), row (right-aligned), light and dark (numbers in boxes).
class SvgText {
 public:
  SvgText(double width, double height);
  void rect(double x, double y, double width, double height, std::string_view fill, std::string_view tooltip = {});
  void line(double x0, double y0, double x1, double y1, std::string_view colour);
  void curve(std::span<const std::pair<double, double>> points, std::string_view colour);  // 2 pixels wide
  void text(double x, double y, std::string_view style, std::string_view words);
  std::string finished();  // once, last

 private:
  std::string out_;
};

// A unit of time in which a span reads well: seconds from 1 s on, then ms and us.
struct SvgTime {
  double seconds = 1;
  const char* name = "s";
  double in_unit(sim::Time time) const { return time.in_seconds() / seconds; }
  std::string number(sim::Time time) const;  // four digits
};
SvgTime svg_time(sim::Time span);

}  // namespace report
