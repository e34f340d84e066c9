#include "kernels/gemm_surface.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace kernels {
namespace {

struct Tile {
  std::int64_t rows, columns;
  std::size_t tile_class;
};
constexpr Tile tiles[] = {{256, 128, 0}, {128, 256, 0}, {128, 128, 1}, {256, 64, 2}, {64, 256, 2}, {128, 64, 3}, {64, 128, 3}, {64, 64, 4}};
constexpr std::int64_t splits[] = {1, 2, 3, 4, 5, 6, 8, 12, 16};
constexpr std::int64_t k_step = 32;  // k runs in steps of a whole tile slice

std::int64_t parts(std::int64_t whole, std::int64_t part) { return (whole + part - 1) / part; }

std::array<double, 3> coordinates(const GemmShape& shape) {
  return {std::log2(double(shape.m)), std::log2(double(shape.n)), std::log2(double(shape.k))};
}

LocalLinear correction_of(const GemmProfile& profile, const GemmDevice& device) {
  std::vector<double> places, logs;
  for (const auto& p : profile.points) {
    const GemmShape shape{p.m, p.n, p.k};
    const double formula = tile_seconds(tile_plans(shape, device.multiprocessors), shape, profile.tiles, device);
    const auto place = coordinates(shape);
    places.insert(places.end(), place.begin(), place.end());
    logs.push_back(std::log(roofline_seconds(shape, device) / p.utilisation / formula));
  }
  return LocalLinear(3, std::move(places), std::move(logs));
}

}  // namespace

double roofline_seconds(const GemmShape& shape, const GemmDevice& device) {
  return std::max(shape.flops() / device.peak_flops, shape.elements() * device.element_bytes / device.bandwidth_Bps);
}

std::vector<TilePlan> tile_plans(const GemmShape& shape, int multiprocessors) {
  std::vector<TilePlan> plans;
  plans.reserve(std::size(tiles) * std::size(splits));
  for (const Tile& tile : tiles)
    for (const std::int64_t split : splits) {
      const std::int64_t count = parts(shape.m, tile.rows) * parts(shape.n, tile.columns) * split;
      const std::int64_t k = parts(parts(shape.k, split), k_step) * k_step;
      plans.push_back({tile.tile_class, double(parts(count, multiprocessors) * tile.rows * tile.columns), double(k),
                       split == 1 ? 0.0 : double(split) * double(shape.m) * double(shape.n)});
    }
  return plans;
}

double tile_seconds(const std::vector<TilePlan>& plans, const GemmShape& shape, const TileModel& model, const GemmDevice& device) {
  const double flops_per_multiprocessor = device.peak_flops / device.multiprocessors;
  constexpr double partial_bytes = 8;  // FP32, written and read
  double best = std::numeric_limits<double>::infinity();
  for (const auto& plan : plans) {
    const double compute = 2 * plan.wave_area * (plan.k + model.prologue_k) / (flops_per_multiprocessor * model.tile_peak[plan.tile_class]);
    best = std::min(best, compute + plan.partial_elements * partial_bytes / device.bandwidth_Bps);
  }
  const double memory = shape.elements() * device.element_bytes / (device.bandwidth_Bps * model.memory_efficiency);
  return model.floor_seconds + std::max(best, memory);
}

GemmSurface::GemmSurface(const GemmProfile& profile, const GemmDevice& table_device)
    : model_(profile.tiles), correction_(correction_of(profile, table_device)) {}

double GemmSurface::seconds(const GemmShape& shape, const GemmDevice& device) const {
  const double formula = tile_seconds(tile_plans(shape, device.multiprocessors), shape, model_, device);
  const double measured = formula * std::exp(correction_.at(coordinates(shape)));
  return std::max(measured, shape.flops() / device.peak_flops);  // no product beats the peak
}

bool GemmSurface::inside(const GemmShape& shape) const { return correction_.inside(coordinates(shape)); }

}  // namespace kernels
