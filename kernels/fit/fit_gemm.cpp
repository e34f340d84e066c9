#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <array>
#include <iterator>
#include <map>
#include <string>
#include <tuple>
#include "kernels/fit/fit_device_profile.hpp"
#include "kernels/fit/numerics.hpp"
#include "kernels/gemm_surface.hpp"
#include "kernels/local_linear.hpp"
#include "kernels/operation_times.hpp"
#include "sim/error.hpp"

// One precision of a table: first the formula, from a part of the points; then measured / formula of all
// points, smoothed onto a grid. Both halves of a hash split are predicted from the other one for the residuals.
namespace kernels::fit {
namespace {

constexpr std::size_t enough_for_formula = 1000;  // points; ten numbers are sought
constexpr std::int64_t training_rows = 256;       // fewer tokens are inference
// Fine where training's shapes lie; a grid of octaves loses 0.3 % of accuracy.
constexpr std::int64_t grid_lines[] = {32,   64,   128,  256,  512,   768,   1024,  1536,  2048,  2560,  3072,
                                       4096, 5120, 6144, 8192, 10240, 12288, 16384, 24576, 32768, 49152, 65536};

// What the points themselves decide: how much of a partial wave is paid, how noisy they are.
struct Choice {
  double wave_rounding = 1;
  LocalLinear::Smoothing smoothing;
};
constexpr Choice choices[] = {{1, {16, 0.01}}, {0.7, {24, 0.3}}, {0.4, {24, 0.3}}, {0.2, {24, 0.3}}};

struct Measured {
  GemmShape shape;
  double seconds = 0;
  std::vector<TilePlan> plans;
  int half = 0;
};

std::vector<Measured> points_of(const std::vector<GemmRow>& rows, int multiprocessors, const std::string& file) {
  std::vector<Measured> points;
  for (const auto& [shape, seconds] : rows)
    points.push_back({shape, seconds, tile_plans(shape, multiprocessors), half_of(fmt::format("{},{},{}", shape.m, shape.n, shape.k))});
  const auto key = [](const Measured& p) { return std::tie(p.shape.m, p.shape.n, p.shape.k); };
  std::stable_sort(points.begin(), points.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
  const auto twice = std::adjacent_find(points.begin(), points.end(), [&](const auto& a, const auto& b) { return key(a) == key(b); });
  if (twice != points.end())
    throw sim::InputError(fmt::format("{}: the product {} x {} x {} stands there twice. Keep one row.", file, twice->shape.m,
                                      twice->shape.n, twice->shape.k));
  return points;
}

std::vector<Measured> read_points(const CsvTable& table, Precision precision, int multiprocessors) {
  const auto dtype = table.column("dtype"), m = table.column("m"), n = table.column("n"), k = table.column("k"),
             time = table.column("time_us");
  std::vector<GemmRow> rows;
  for (std::size_t row = 0; row < table.rows(); ++row)
    if (table.text(row, dtype) == name_of(precision))
      rows.push_back({{table.whole(row, m), table.whole(row, n), table.whole(row, k)}, table.positive(row, time) * 1e-6});
  const auto points = points_of(rows, multiprocessors, table.file());
  if (points.size() < 100)
    throw sim::InputError(
        fmt::format("{}: {} rows of {}, and a fit needs 100. Give a larger table.", table.file(), points.size(), name_of(precision)));
  return points;
}

std::vector<Measured> without_half(const std::vector<Measured>& points, int half) {
  std::vector<Measured> kept;
  std::copy_if(points.begin(), points.end(), std::back_inserter(kept), [&](const Measured& p) { return p.half != half; });
  return kept;
}

double formula_seconds(const Measured& p, const GemmTable& table, const GemmDevice& device) {
  return tile_seconds(p.plans, p.shape, table.tiles, device) +
         quantise_seconds(double(p.shape.m) * double(p.shape.k), table.quantise, device.bandwidth_Bps);
}

// Positive numbers are searched by their logarithm; what is a fraction stays one. A product that quantises has two
// floors which its times cannot tell apart: the product's is then `known_floor`.
void set_model(const std::vector<double>& x, double known_floor, GemmTable& table) {
  const auto fraction = [](double logarithm) { return std::min(std::exp(logarithm), 1.0); };
  TileModel& tiles = table.tiles;
  tiles.prologue_k = rounded(std::exp(x[0]));
  tiles.memory_efficiency = rounded(fraction(x[1]));
  for (std::size_t i = 0; i < tiles.tile_peak.size(); ++i) tiles.tile_peak[i] = rounded(fraction(x[2 + i]));
  tiles.floor_seconds = x.size() == 8 ? rounded(std::exp(x[7]) * 1e-6) : known_floor;
  if (x.size() == 9) table.quantise = {rounded(std::exp(x[7]) * 1e-6), rounded(std::exp(x[8]))};
}

void fit_formula(const std::vector<Measured>& points, const GemmDevice& device, double known_floor, GemmTable& table) {
  std::vector<const Measured*> part;
  const std::size_t stride = std::max<std::size_t>(1, points.size() / enough_for_formula);
  for (std::size_t i = 0; i < points.size(); i += stride) part.push_back(&points[i]);
  const auto cost = [&](const std::vector<double>& x) {
    GemmTable trial = table;
    set_model(x, known_floor, trial);
    double sum = 0;
    for (const auto* p : part) sum += huber(std::log(formula_seconds(*p, trial, device) / p->seconds), 0.08);
    return sum;
  };
  std::vector<double> start = {std::log(150.0), std::log(0.75), std::log(0.8), std::log(0.75), std::log(0.7), std::log(0.6), std::log(0.5)};
  if (table.quantise.bytes_per_element > 0)
    start.insert(start.end(), {std::log(10.0), std::log(table.quantise.bytes_per_element)});
  else
    start.push_back(std::log(2.5));
  set_model(minimise(cost, start, 0.2, 2000), known_floor, table);
}

// Grid lines that the measured sizes span.
std::vector<std::int64_t> axis(const std::vector<Measured>& points, std::int64_t GemmShape::*side) {
  const auto [least, most] =
      std::minmax_element(points.begin(), points.end(), [&](const auto& a, const auto& b) { return a.shape.*side < b.shape.*side; });
  std::vector<std::int64_t> lines;
  for (const auto line : grid_lines)
    if (line >= least->shape.*side && line <= most->shape.*side) lines.push_back(line);
  return lines;
}

void condense(const std::vector<Measured>& points, const GemmDevice& device, const LocalLinear::Smoothing& smoothing, GemmTable& table) {
  std::vector<double> places, logs;
  const auto place = [](double m, double n, double k) { return std::array{std::log2(m), std::log2(n), std::log2(k)}; };
  for (const auto& p : points) {
    const auto at = place(double(p.shape.m), double(p.shape.n), double(p.shape.k));
    places.insert(places.end(), at.begin(), at.end());
    logs.push_back(std::log(p.seconds / formula_seconds(p, table, device)));
  }
  const LocalLinear smooth(3, std::move(places), std::move(logs), smoothing);
  table.m = axis(points, &GemmShape::m);
  table.n = axis(points, &GemmShape::n);
  table.k = axis(points, &GemmShape::k);
  table.correction.clear();
  for (const auto m : table.m)
    for (const auto n : table.n)
      for (const auto k : table.k)
        table.correction.push_back(std::round(1000 * std::exp(smooth.at(place(double(m), double(n), double(k))))) / 1000);
}

// Fits one table: `start` has its precision, `known_floor` is of a precision that does not quantise.
struct Fitter {
  GemmDevice device;
  double known_floor = 0;
  GemmTable start;

  GemmTable fitted(const std::vector<Measured>& points, const Choice& choice) const {
    GemmTable table = start;
    table.tiles.wave_rounding = choice.wave_rounding;
    fit_formula(points, device, known_floor, table);
    condense(points, device, choice.smoothing, table);
    return table;
  }
  // Calls each(shape, log(predicted / measured)) for the points of one half, predicted from the other.
  template <class Each>
  void predict_half(const std::vector<Measured>& points, int half, const Choice& choice, Each each) const {
    const GemmSurface surface(fitted(without_half(points, half), choice));
    for (const auto& p : points)
      if (p.half == half) each(p.shape, std::log(surface.table_seconds(p.shape, device) / p.seconds));
  }
  Choice best_choice(const std::vector<Measured>& points) const {
    const Choice* best = nullptr;
    double least = 0;
    for (const Choice& choice : choices) {
      double sum = 0;
      predict_half(points, 0, choice, [&](const GemmShape& shape, double log) {
        if (shape.m >= training_rows) sum += huber(log, 0.05);
      });
      if (best && sum >= least) continue;
      best = &choice;
      least = sum;
    }
    return *best;
  }
};

void add_residuals(const std::vector<Measured>& points, const Fitter& fitter, const Choice& choice, DeviceProfile& profile) {
  std::vector<double> training;
  std::map<std::string, std::vector<double>> by_class;
  const Precision precision = fitter.start.precision;
  for (const int half : {0, 1})
    fitter.predict_half(points, half, choice, [&](const GemmShape& shape, double log) {
      if (shape.m >= training_rows) training.push_back(log);
      by_class[gemm_residual({shape.m, shape.n, shape.k}, precision)].push_back(log);
    });
  profile.residuals.push_back(residual_of(fmt::format("gemm_{}_m256", name_of(precision)), std::int64_t(training.size()), training));
  for (const auto& [what, logs] : by_class) profile.residuals.push_back(residual_of(what, std::int64_t(logs.size()), logs));
}

}  // namespace

GemmTable fit_gemm_table(const std::vector<GemmRow>& rows, const GemmDevice& device, const GemmTable& start) {
  const Fitter fitter{device, 0, start};
  const auto points = points_of(rows, device.multiprocessors, "measured products");
  return fitter.fitted(points, fitter.best_choice(points));
}

void fit_gemm(const CsvTable& csv, const DataSheet& measured, DeviceProfile& profile) {
  double floor = 0;  // of the first precision, which does not quantise
  for (GemmTable& table : profile.gemm) {
    const Fitter fitter{gemm_device(measured.profile, table.precision), floor, table};
    const auto points = read_points(csv, table.precision, fitter.device.multiprocessors);
    const Choice choice = fitter.best_choice(points);
    add_residuals(points, fitter, choice, profile);
    table = fitter.fitted(points, choice);
    if (floor == 0) floor = table.tiles.floor_seconds;
    profile.provenance.push_back({fmt::format("gemm {}: formula, and measured / formula smoothed onto a grid", name_of(table.precision)),
                                  measured.measured->gemm_source, "measured", std::int64_t(points.size())});
  }
}

}  // namespace kernels::fit
