#include "kernels/gemm_surface.hpp"
#include <algorithm>
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

}  // namespace

GemmDevice gemm_device(const DeviceProfile& profile, Precision precision) {
  return {profile.multiprocessors, profile.peak(precision), profile.memory.bandwidth_Bps, double(bytes_per_element(precision)),
          double(bytes_per_result(precision))};
}

double roofline_seconds(const GemmShape& shape, const GemmDevice& device) {
  return std::max(shape.flops() / device.peak_flops, shape.bytes(device) / device.bandwidth_Bps);
}

std::vector<TilePlan> tile_plans(const GemmShape& shape, int multiprocessors) {
  std::vector<TilePlan> plans;
  plans.reserve(std::size(tiles) * std::size(splits));
  for (const Tile& tile : tiles)
    for (const std::int64_t split : splits) {
      const std::int64_t count = parts(shape.m, tile.rows) * parts(shape.n, tile.columns) * split;
      const std::int64_t k = parts(parts(shape.k, split), k_step) * k_step;
      const double area = double(tile.rows * tile.columns);
      plans.push_back({tile.tile_class, double(parts(count, multiprocessors)) * area, double(count) / multiprocessors * area, double(k),
                       split == 1 ? 0.0 : double(split) * double(shape.m) * double(shape.n)});
    }
  return plans;
}

double tile_seconds(const std::vector<TilePlan>& plans, const GemmShape& shape, const TileModel& model, const GemmDevice& device) {
  const double flops_per_multiprocessor = device.peak_flops / device.multiprocessors;
  constexpr double partial_bytes = 8;  // FP32, written and read
  double best = std::numeric_limits<double>::infinity();
  for (const auto& plan : plans) {
    const double area = plan.mean_area + model.wave_rounding * (plan.wave_area - plan.mean_area);
    const double compute = 2 * area * (plan.k + model.prologue_k) / (flops_per_multiprocessor * model.tile_peak[plan.tile_class]);
    best = std::min(best, compute + plan.partial_elements * partial_bytes / device.bandwidth_Bps);
  }
  const double memory = shape.bytes(device) / (device.bandwidth_Bps * model.memory_efficiency);
  return model.floor_seconds + std::max(best, memory);
}

double quantise_seconds(double elements, const QuantiseModel& model, double bandwidth_Bps) {
  return model.floor_seconds + model.bytes_per_element * elements / bandwidth_Bps;
}

GemmSurface::GemmSurface(const GemmTable& table)
    : tiles_(table.tiles), quantise_(table.quantise), correction_({table.m, table.n, table.k}, table.correction) {}

double GemmSurface::product_seconds(const GemmShape& shape, const GemmDevice& device) const {
  const double formula = tile_seconds(tile_plans(shape, device.multiprocessors), shape, tiles_, device);
  return std::max(formula * correction(shape), shape.flops() / device.peak_flops);  // no product beats the peak
}

double GemmSurface::table_seconds(const GemmShape& shape, const GemmDevice& device) const {
  const double elements = double(shape.m) * double(shape.k);
  return product_seconds(shape, device) + correction(shape) * quantise_seconds(elements, quantise_, device.bandwidth_Bps);
}

bool GemmSurface::inside(const GemmShape& shape) const { return correction_.inside({shape.m, shape.n, shape.k}); }

}  // namespace kernels
