#include "bindings/report/fct_svg.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include "bindings/report/diagram.hpp"
#include "bindings/report/svg.hpp"

namespace report {
namespace {

// Pixels.
constexpr double width = 1060, height = 470, panel_top = 92, panel_height = 300, panel_width = 410, left_panel = 76, right_panel = 606;
constexpr const char *ink = "#2f6dae", *strong = "#de862c", *pale = "#b9cbe0";
constexpr std::size_t most_points = 2'000, curve_points = 400;

std::string factor_text(double value) { return fmt::format("{:.4g}", value); }

double quantile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const double above = sorted[std::min(below + 1, sorted.size() - 1)];
  return sorted[below] + (place - static_cast<double>(below)) * (above - sorted[below]);
}

Axis share_axis() { return {0, 1, panel_top + panel_height, panel_top}; }
std::string percent(double share) { return fmt::format("{:.0f} %", 100 * share); }

// The share of values at or below x: a staircase, thinned out where steps are narrower than a pixel.
void draw_distribution(SvgText& out, const Panel& panel, const std::vector<double>& sorted) {
  std::vector<std::pair<double, double>> points;
  const std::size_t step = std::max<std::size_t>(1, sorted.size() / curve_points);
  double before = panel.y.at(0);
  for (std::size_t i = 0; i < sorted.size(); i += step) {
    const std::size_t last = std::min(i + step, sorted.size()) - 1;
    const double x = panel.x.at(sorted[last]), y = panel.y.at(static_cast<double>(last + 1) / static_cast<double>(sorted.size()));
    points.emplace_back(x, before);
    points.emplace_back(x, y);
    before = y;
  }
  out.curve(points, ink);
}

void draw_marks(SvgText& out, const Panel& panel, const std::vector<double>& sorted, const std::function<std::string(double)>& text) {
  for (const double share : {0.5, 0.99}) {
    const double value = quantile(sorted, share), x = panel.x.at(value), y = panel.y.at(share);
    out.rect(x - 3, y - 3, 6, 6, strong);
    const bool left = x > panel.left + panel_width - 90;
    out.text(left ? panel.left + panel_width - 8 : x + 8, share > 0.9 ? y + (left ? 32 : 17) : y + 4, left ? "row" : "label",
             fmt::format("{} {}", percent(share), text(value)));
  }
}

void draw_times(SvgText& out, const std::vector<double>& times) {
  const double shortest = *std::find_if(times.begin(), times.end() - 1, [](double t) { return t > 0; });
  const double low = times.back() >= 10 * shortest ? shortest : 0;
  const Panel panel{left_panel,  panel_top, panel_width, panel_height, Axis(low, times.back(), left_panel, left_panel + panel_width),
                    share_axis()};
  panel.draw(out, "Flows that are complete within a time", "completion time", time_text, percent);
  draw_distribution(out, panel, times);
  draw_marks(out, panel, times, time_text);
}

void draw_slowdowns(SvgText& out, const std::vector<FctPoint>& flows) {
  std::vector<double> all;
  for (const FctPoint& flow : flows) all.push_back(flow.slowdown);
  std::sort(all.begin(), all.end());
  const Panel panel{right_panel,
                    panel_top,
                    panel_width,
                    panel_height,
                    Axis(std::min(1.0, all.front()), std::max(all.back(), 1.1), right_panel, right_panel + panel_width),
                    share_axis()};
  panel.draw(out, "Flows that are slowed down by at most a factor", "slowdown: completion time over that in an empty network", factor_text,
             percent);
  draw_distribution(out, panel, all);
  draw_marks(out, panel, all, factor_text);
}

void draw_slowdown_by_size(SvgText& out, const std::vector<FctPoint>& flows, const std::map<int, std::vector<double>>& by_size) {
  double low = 1e300, high = 0, most = 1.1;
  for (const FctPoint& flow : flows) {
    low = std::min(low, std::max(flow.bytes, 1.0)), high = std::max(high, flow.bytes);
    most = std::max(most, flow.slowdown);
  }
  const Panel panel{right_panel,
                    panel_top,
                    panel_width,
                    panel_height,
                    Axis(low, high, right_panel, right_panel + panel_width),
                    Axis(1, most, panel_top + panel_height, panel_top)};
  panel.draw(out, "Slowdown by size", "bytes of a flow", size_text, factor_text);
  const std::size_t step = (flows.size() + most_points - 1) / most_points;
  for (std::size_t i = 0; i < flows.size(); i += step)
    out.rect(panel.x.at(std::max(flows[i].bytes, 1.0)) - 1, panel.y.at(flows[i].slowdown) - 1, 2, 2, pale);
  for (const auto& [share, colour, name] : {std::tuple(0.99, strong, "99 %"), std::tuple(0.5, ink, "median")}) {
    std::vector<std::pair<double, double>> points;
    for (const auto& [size, slowdowns] : by_size)
      points.emplace_back(panel.x.at(std::clamp(std::pow(10, (size + 0.5) / 4), low, high)), panel.y.at(quantile(slowdowns, share)));
    out.curve(points, colour);
    for (const auto& [x, y] : points) out.rect(x - 2.5, y - 2.5, 5, 5, colour);
    const double legend = right_panel + panel_width - (share > 0.9 ? 150 : 80);
    out.rect(legend, panel_top - 21, 10, 10, colour);
    out.text(legend + 15, panel_top - 12, "label", name);
  }
}

}  // namespace

std::string fct_svg(const FctPlot& plot) {
  SvgText out(width, height);
  std::vector<double> times;
  std::map<int, std::vector<double>> slowdowns_by_size;  // quarters of a decade
  for (const FctPoint& flow : plot.flows) {
    times.push_back(flow.seconds);
    slowdowns_by_size[static_cast<int>(std::floor(4 * std::log10(std::max(flow.bytes, 1.0))))].push_back(flow.slowdown);
  }
  std::sort(times.begin(), times.end());
  for (auto& [size, slowdowns] : slowdowns_by_size) std::sort(slowdowns.begin(), slowdowns.end());
  out.text(left_panel, 34, "title", plot.title);
  out.text(
      left_panel, 54, "facts",
      fmt::format("{} flows; the last is complete {} after its start", plot.flows.size(), times.empty() ? "-" : time_text(times.back())));
  if (times.empty()) return out.finished();
  draw_times(out, times);
  if (slowdowns_by_size.size() > 1)
    draw_slowdown_by_size(out, plot.flows, slowdowns_by_size);
  else
    draw_slowdowns(out, plot.flows);
  return out.finished();
}

}  // namespace report
