#pragma once
#include <cstdint>
#include <vector>
#include "kernels/device_profile.hpp"
#include "kernels/log_grid.hpp"

// How long one matrix product takes. A formula knows tiles and waves, the table knows the device:
// what is interpolated is measured time / formula, which is smooth, where utilisation is not (1024 x 3072 runs
// at 75 % of an A100's peak and 1024 x 3584 at 45 %: 96 and 112 tiles on 108 multiprocessors).
namespace kernels {

// The part of a device that the formula needs, in one precision.
struct GemmDevice {
  int multiprocessors = 0;
  double peak_flops = 0, bandwidth_Bps = 0;
  double operand_bytes = 2, result_bytes = 2;  // of an element
};
GemmDevice gemm_device(const DeviceProfile& profile, Precision precision);

struct GemmShape {
  std::int64_t m = 0, n = 0, k = 0;
  double flops() const { return 2.0 * double(m) * double(n) * double(k); }
  double bytes(const GemmDevice& device) const {
    return double(m) * double(n) * device.result_bytes + (double(m) + double(n)) * double(k) * device.operand_bytes;
  }
};

// max(FLOPs / peak, bytes / bandwidth): what utilisation is relative to.
double roofline_seconds(const GemmShape& shape, const GemmDevice& device);

// One way to run a product: tiles of one size, k cut into `split` parts.
struct TilePlan {
  std::size_t tile_class = 0;   // index into TileModel::tile_peak
  double wave_area = 0;         // waves * rows * columns of a tile: what one multiprocessor computes, per step of k
  double mean_area = 0;         // the same with parts of a wave
  double k = 0;                 // steps of one part
  double partial_elements = 0;  // of FP32 partial sums; 0 if k is whole
};
// All ways that are tried, the tile sizes 256x128 to 64x64 either way round. Independent of the fitted numbers.
std::vector<TilePlan> tile_plans(const GemmShape& shape, int multiprocessors);
// The best of the plans, as a BLAS would choose: floor + max(compute, memory), where
// compute = waves * 2 * tile * (k + prologue) / (tile's part of a multiprocessor's peak) + partial sums written and read once.
double tile_seconds(const std::vector<TilePlan>& plans, const GemmShape& shape, const TileModel& model, const GemmDevice& device);
double quantise_seconds(double elements, const QuantiseModel& model, double bandwidth_Bps);

class GemmSurface {
 public:
  explicit GemmSurface(const GemmTable& table);
  // Of the product alone on `device` (another precision of the same hardware has its own peak and element size).
  double product_seconds(const GemmShape& shape, const GemmDevice& device) const;
  // As tables are measured: with what turns the operand into the table's format.
  double table_seconds(const GemmShape& shape, const GemmDevice& device) const;
  bool inside(const GemmShape& shape) const;

 private:
  double correction(const GemmShape& shape) const { return correction_.at({shape.m, shape.n, shape.k}); }
  TileModel tiles_;
  QuantiseModel quantise_;
  LogGrid correction_;
};

}  // namespace kernels
