#include "bindings/report/queues_svg.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <array>
#include "bindings/report/diagram.hpp"

namespace report {
namespace {

using workloads::PacketSeries;
using Points = std::vector<std::pair<double, double>>;

// Pixels.
constexpr double width = 1060, height = 900, left = 86, panel_width = 740, legend = left + panel_width + 18;
constexpr double panel_height = 200, first_panel = 92, panel_step = 270;
constexpr std::array colours = {"#2f6dae", "#de862c", "#4f9d54", "#b5485d", "#7a5ea8", "#6b7783"};

std::string rate_text(double bytes_per_s) { return fmt::format("{:.4g} Gb/s", bytes_per_s * 8e-9); }
std::string number_text(double value) { return fmt::format("{:.4g}", value); }

Panel panel_at(int place, const PacketSeries& series, double most) {
  const double top = first_panel + place * panel_step, seconds = series.bin_s * static_cast<double>(series.bins);
  return {left, top, panel_width, panel_height, Axis(0, seconds, left, left + panel_width), Axis(0, most, top + panel_height, top)};
}

void name_curve(SvgText& out, const Panel& panel, std::size_t place, const std::string& name) {
  const double y = panel.top + 14 + 22 * static_cast<double>(place);
  out.rect(legend, y - 9, 10, 10, colours[place]);
  out.text(legend + 15, y, "label", name);
}

Points curve_of(const Panel& panel, const PacketSeries& series, const std::vector<double>& values) {
  Points points;
  for (std::size_t bin = 0; bin < values.size(); ++bin)
    points.emplace_back(panel.x.at((static_cast<double>(bin) + 0.5) * series.bin_s), panel.y.at(values[bin]));
  return points;
}

void draw_queues(SvgText& out, const PacketSeries& series) {
  double most = 1;
  for (const PacketSeries::Queue& queue : series.longest) most = std::max(most, *std::ranges::max_element(queue.max_bytes));
  const Panel panel = panel_at(0, series, most);
  panel.draw(out, "Longest queues: bytes in front of a cable, the most of each bin", "time", time_text, size_text);
  for (std::size_t place = series.longest.size(); place-- > 0;) {
    out.curve(curve_of(panel, series, series.longest[place].max_bytes), colours[place]);
    name_curve(out, panel, place, series.longest[place].name);
  }
}

void draw_pauses(SvgText& out, const PacketSeries& series) {
  const Panel panel = panel_at(1, series, std::max(1.0, *std::ranges::max_element(series.standing_still)));
  panel.draw(out, "Cables that stand still: paused, or without credit", "time", time_text, number_text);
  out.curve(curve_of(panel, series, series.standing_still), colours[3]);
}

void draw_rates(SvgText& out, const PacketSeries& series) {
  double most = 1;
  for (const PacketSeries::Rates& rates : series.rates) most = std::max(most, rates.fast);
  const Panel panel = panel_at(2, series, most);
  panel.draw(out, "Rates of flows that something arrived of", "time", time_text, rate_text);
  const auto draw = [&](std::size_t place, const char* name, double PacketSeries::Rates::*rate) {
    Points points;
    for (const PacketSeries::Rates& rates : series.rates) points.emplace_back(panel.x.at(rates.time_s), panel.y.at(rates.*rate));
    out.curve(points, colours[place]);
    name_curve(out, panel, place, name);
  };
  draw(0, "fastest tenth", &PacketSeries::Rates::fast);
  draw(1, "median", &PacketSeries::Rates::median);
  draw(2, "slowest tenth", &PacketSeries::Rates::slow);
}

}  // namespace

std::string queues_svg(const std::string& title, const PacketSeries& series) {
  SvgText out(width, height);
  out.text(left, 34, "title", title);
  if (series.bins == 0) {
    out.text(left, 54, "facts", "no packet ever waited");
    return out.finished();
  }
  out.text(left, 54, "facts", fmt::format("{} cables had a queue; bins of {}", series.queues, time_text(series.bin_s)));
  draw_queues(out, series);
  draw_pauses(out, series);
  draw_rates(out, series);
  return out.finished();
}

}  // namespace report
