#include "bindings/report/validation_svg.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <set>
#include "bindings/report/diagram.hpp"

namespace report {
namespace {

constexpr double width = 900, left = 86, top = 84, size = 560, legend = left + size + 24, row_height = 17;  // pixels
constexpr std::array colours = {"#2f6dae", "#de862c", "#3a8f5c", "#b0413e", "#7a5ea8", "#8a6d3b",
                                "#c46aa0", "#6b7480", "#a3a02f", "#2fa3a0", "#445e9b", "#d0a63c"};
constexpr const char* grey = "#9aa3ad";

}  // namespace

std::string validation_svg(const std::string& title, const std::vector<ValidationPoint>& points) {
  std::set<std::string> sets;
  double low = 1e300, high = 0;
  for (const ValidationPoint& p : points) {
    sets.insert(p.set);
    low = std::min({low, p.predicted, p.measured});
    high = std::max({high, p.predicted, p.measured});
  }
  SvgText out(width, std::max(top + size + 66, top + row_height * static_cast<double>(sets.size()) + 20));
  out.text(left, 34, "title", title);
  out.text(left, 54, "facts", fmt::format("{} rows; the lines: equal, and a tenth more or less", points.size()));
  if (points.empty()) return out.finished();
  low /= 1.2, high *= 1.2;
  const Panel panel{left, top, size, size, Axis(low, high, left, left + size), Axis(low, high, top + size, top)};
  panel.draw(out, "predicted time of a step", "measured time of a step", time_text, time_text);
  for (const double factor : {0.9, 1.0, 1.1}) {
    const double from = std::max(low, low / factor), to = std::min(high, high / factor);
    out.line(panel.x.at(from), panel.y.at(from * factor), panel.x.at(to), panel.y.at(to * factor), grey);
  }
  const auto colour = [&](const std::string& set) {
    return colours[static_cast<std::size_t>(std::distance(sets.begin(), sets.find(set))) % colours.size()];
  };
  for (const ValidationPoint& p : points)
    out.rect(panel.x.at(p.measured) - 2, panel.y.at(p.predicted) - 2, 4, 4, colour(p.set),
             fmt::format("{} {}: {:.4g} s predicted, {:.4g} s measured, {:+.1f} %", p.set, p.id, p.predicted, p.measured,
                         100 * (p.predicted / p.measured - 1)));
  double y = top + 10;
  for (const std::string& set : sets) {
    out.rect(legend, y - 9, 10, 10, colour(set));
    out.text(legend + 16, y, "label", set);
    y += row_height;
  }
  return out.finished();
}

}  // namespace report
