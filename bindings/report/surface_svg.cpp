#include "bindings/report/surface_svg.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include "bindings/report/diagram.hpp"

namespace report {
namespace {

// Pixels.
constexpr double width = 1060, height = 484, panel_top = 126, panel_height = 290, panel_width = 410, left_panel = 76, panel_step = 530;
constexpr int curve_points = 240;
constexpr double fewest_rows = 128, most_rows = 32768;  // m

struct Weights {
  std::int64_t n, k;
  const char* colour;
};
constexpr Weights shown[] = {
    {512, 512, "#8a97a8"}, {2048, 2048, "#4c9a6a"}, {4096, 4096, "#2f6dae"}, {8192, 8192, "#de862c"}, {12288, 4096, "#a4478f"}};

double utilisation(const kernels::OperationTimes& times, const kernels::Gemm& gemm, double seconds) {
  return gemm.flops() / times.profile().peak(gemm.precision) / seconds;
}

std::string percent(double share) { return fmt::format("{:.0f} %", 100 * share); }
std::string rows_text(double m) { return fmt::format("{:.0f}", m); }

void draw_weights(SvgText& out, const Panel& panel, const Weights& w, kernels::Precision precision, const kernels::OperationTimes& times,
                  const std::vector<MeasuredGemm>& measured) {
  std::vector<std::pair<double, double>> curve;
  for (int i = 0; i <= curve_points; ++i) {
    const double m = fewest_rows * std::pow(most_rows / fewest_rows, double(i) / curve_points);
    const kernels::Gemm gemm{std::llround(m), w.n, w.k, 1, precision};
    curve.emplace_back(panel.x.at(m), panel.y.at(std::min(1.0, utilisation(times, gemm, times.table_gemm(gemm).seconds))));
  }
  out.curve(curve, w.colour);
  for (const MeasuredGemm& point : measured) {
    const kernels::Gemm& g = point.gemm;
    if (g.n != w.n || g.k != w.k || g.precision != precision || double(g.m) < fewest_rows || double(g.m) > most_rows) continue;
    const double u = utilisation(times, g, point.seconds);
    out.rect(panel.x.at(double(g.m)) - 3, panel.y.at(std::min(1.0, u)) - 3, 6, 6, w.colour,
             fmt::format("{} x {} x {}: measured {:.1f} us, {}", g.m, g.n, g.k, point.seconds * 1e6, percent(u)));
  }
}

}  // namespace

std::string surface_svg(const kernels::OperationTimes& times, const std::vector<MeasuredGemm>& measured) {
  const kernels::DeviceProfile& profile = times.profile();
  SvgText out(width, height);
  out.text(left_panel - 40, 32, "title", profile.description + (profile.calibrated ? "" : ", not measured"));
  out.text(
      left_panel - 40, 52, "facts",
      measured.empty() ? "matrix products: the fitted surface" : "matrix products: curves are the fitted surface, squares were measured");
  double left = left_panel;
  for (const auto& table : profile.gemm) {
    const Panel panel{left,
                      panel_top,
                      panel_width,
                      panel_height,
                      Axis(fewest_rows, most_rows, left, left + panel_width),
                      Axis(0, 1, panel_top + panel_height, panel_top)};
    const std::string quantising = table.quantise.bytes_per_element > 0 ? ", quantising included" : "";
    panel.draw(
        out,
        fmt::format("{}: part of the peak of {:.0f} TFLOP/s{}", name_of(table.precision), profile.peak(table.precision) / 1e12, quantising),
        "m (tokens)", rows_text, percent);
    double legend = left;
    for (const Weights& w : shown) {
      draw_weights(out, panel, w, table.precision, times, measured);
      out.rect(legend, panel_top - 44, 8, 8, w.colour);
      out.text(legend + 11, panel_top - 36, "label", fmt::format("{}x{}", w.n, w.k));
      legend += panel_width / double(std::size(shown));
    }
    left += panel_step;
  }
  return out.finished();
}

}  // namespace report
