#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <tuple>
#include "kernels/fit/fit_device_profile.hpp"
#include "kernels/fit/numerics.hpp"
#include "kernels/gemm_surface.hpp"
#include "sim/error.hpp"

namespace kernels::fit {
namespace {

struct Measured {
  GemmShape shape;
  double seconds = 0;
  std::vector<TilePlan> plans;
  int fold = 0;
};

std::vector<Measured> read_points(const CsvTable& table, Precision precision, int multiprocessors) {
  const auto dtype = table.column("dtype"), m = table.column("m"), n = table.column("n"), k = table.column("k"),
             time = table.column("time_us");
  std::vector<Measured> points;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    if (table.text(row, dtype) != name_of(precision)) continue;
    const GemmShape shape{table.whole(row, m), table.whole(row, n), table.whole(row, k)};
    points.push_back({shape, table.positive(row, time) * 1e-6, tile_plans(shape, multiprocessors),
                      fold_of(fmt::format("{},{},{}", shape.m, shape.n, shape.k))});
  }
  const auto key = [](const Measured& p) { return std::tie(p.shape.m, p.shape.n, p.shape.k); };
  std::stable_sort(points.begin(), points.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
  const auto twice = std::adjacent_find(points.begin(), points.end(), [&](const auto& a, const auto& b) { return key(a) == key(b); });
  if (twice != points.end())
    throw sim::InputError(fmt::format("{}: the product {} x {} x {} stands there twice. Keep one row.", table.file(), twice->shape.m,
                                      twice->shape.n, twice->shape.k));
  if (points.size() < 100)
    throw sim::InputError(
        fmt::format("{}: {} rows of {}, and a fit needs 100. Give a larger table.", table.file(), points.size(), name_of(precision)));
  return points;
}

// Positive numbers are searched by their logarithm; what is a fraction stays one.
TileModel model_of(const std::vector<double>& x) {
  TileModel model;
  model.floor_seconds = std::exp(x[0]) * 1e-6;
  model.prologue_k = std::exp(x[1]);
  model.memory_efficiency = std::min(std::exp(x[2]), 1.0);
  for (std::size_t i = 0; i < model.tile_peak.size(); ++i) model.tile_peak[i] = std::min(std::exp(x[3 + i]), 1.0);
  return model;
}

// `left_out`: the fold that must not be looked at; -1 for none.
TileModel fit_tiles(const std::vector<Measured>& points, const GemmDevice& device, int left_out) {
  const auto cost = [&](const std::vector<double>& x) {
    const TileModel model = model_of(x);
    double sum = 0;
    for (const auto& p : points)
      if (p.fold != left_out) sum += huber(std::log(tile_seconds(p.plans, p.shape, model, device) / p.seconds), 0.08);
    return sum;
  };
  const std::vector<double> start = {std::log(2.5), std::log(150.0), std::log(0.8), std::log(0.9),
                                     std::log(0.8), std::log(0.7),   std::log(0.6), std::log(0.5)};
  TileModel model = model_of(minimise(cost, start, 0.1, 1600));
  model.floor_seconds = rounded(model.floor_seconds);
  model.prologue_k = rounded(model.prologue_k);
  model.memory_efficiency = rounded(model.memory_efficiency);
  for (double& peak : model.tile_peak) peak = rounded(peak);
  return model;
}

std::vector<GemmPoint> table_of(const std::vector<Measured>& points, const GemmDevice& device, int left_out) {
  std::vector<GemmPoint> table;
  for (const auto& p : points)
    if (p.fold != left_out) table.push_back({p.shape.m, p.shape.n, p.shape.k, rounded(roofline_seconds(p.shape, device) / p.seconds)});
  return table;
}

}  // namespace

void fit_gemm(const CsvTable& table, const DataSheet& measured, DeviceProfile& profile) {
  const DeviceProfile& source = measured.profile;
  const Precision precision = source.gemm.table_precision;
  const GemmDevice device{source.multiprocessors, source.peak(precision), source.memory.bandwidth_Bps,
                          double(bytes_per_element(precision))};
  const auto points = read_points(table, precision, device.multiprocessors);

  std::vector<double> all, large;  // log(predicted / measured), each fifth predicted from the other four
  for (int fold = 0; fold < folds; ++fold) {
    const GemmSurface surface({precision, {}, fit_tiles(points, device, fold), table_of(points, device, fold)}, device);
    for (const auto& p : points) {
      if (p.fold != fold) continue;
      all.push_back(std::log(surface.seconds(p.shape, device) / p.seconds));
      if (std::min({p.shape.m, p.shape.n, p.shape.k}) >= 1024) large.push_back(all.back());
    }
  }
  profile.gemm.tiles = fit_tiles(points, device, -1);
  profile.gemm.points = table_of(points, device, -1);
  profile.residuals.push_back(residual_of("gemm", std::int64_t(points.size()), all));
  profile.residuals.push_back(residual_of("gemm_large", std::int64_t(large.size()), large));
  profile.provenance.push_back({"gemm points and tiles", measured.gemm_source, "measured", std::int64_t(points.size())});
}

}  // namespace kernels::fit
