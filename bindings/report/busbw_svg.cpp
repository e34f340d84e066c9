#include "bindings/report/busbw_svg.hpp"
#include <fmt/format.h>
#include <algorithm>
#include "bindings/report/diagram.hpp"

namespace report {
namespace {

// Pixels.
constexpr double width = 760, height = 470, left = 76, top = 92, panel_width = 640, panel_height = 300;
constexpr const char *ink = "#2f6dae", *strong = "#de862c";

void draw_legend(SvgText& out, double x, const char* colour, const char* name) {
  out.rect(x, top - 21, 10, 10, colour);
  out.text(x + 15, top - 12, "label", name);
}

}  // namespace

std::string busbw_svg(const BusbwPlot& plot) {
  SvgText out(width, height);
  out.text(left, 34, "title", plot.title);
  out.text(left, 54, "facts", plot.facts);
  if (plot.simulated.empty()) return out.finished();
  double low = plot.simulated.front().bytes, high = plot.simulated.back().bytes, most = 1e-3;
  for (const auto* points : {&plot.simulated, &plot.measured})
    for (const BusbwPoint& point : *points) {
      low = std::min(low, point.bytes), high = std::max(high, point.bytes);
      most = std::max(most, 1.05 * point.busbw_GBps);
    }
  const Panel panel{
      left, top, panel_width, panel_height, Axis(low, high, left, left + panel_width), Axis(0, most, top + panel_height, top)};
  panel.draw(out, "bus bandwidth, GB/s", "bytes", size_text, [](double value) { return fmt::format("{:.4g}", value); });
  std::vector<std::pair<double, double>> curve;
  for (const BusbwPoint& point : plot.simulated) curve.emplace_back(panel.x.at(point.bytes), panel.y.at(point.busbw_GBps));
  out.curve(curve, ink);
  const auto mark = [&](const BusbwPoint& point, double size, const char* colour) {
    out.rect(panel.x.at(point.bytes) - size / 2, panel.y.at(point.busbw_GBps) - size / 2, size, size, colour,
             fmt::format("{}{}{}: {}, {:.4g} GB/s", point.name, point.name.empty() ? "" : ", ", size_text(point.bytes),
                         time_text(point.seconds), point.busbw_GBps));
  };
  for (const BusbwPoint& point : plot.simulated) mark(point, 4, ink);
  for (const BusbwPoint& point : plot.measured) mark(point, 5, strong);
  if (!plot.measured.empty()) {
    draw_legend(out, left + panel_width - 190, ink, "simulated");
    draw_legend(out, left + panel_width - 90, strong, "measured");
  }
  return out.finished();
}

}  // namespace report
