#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>
#include "kernels/collectives/collective_profile.hpp"  // CollectiveOp, ScaleUpProfile, NetworkProfile
#include "kernels/precision.hpp"

// What is known of one device: data sheet, measured points condensed from their sources, and how far
// to trust what is computed from them. Plain data; the look-ups are in operation_times.hpp.
namespace kernels {

// Where a part of the profile came from. how: measured | data sheet | assumption | fit.
struct Provenance {
  std::string what, source, how;
  std::int64_t rows = 0;  // of the source that were used
};

struct MemoryProfile {
  double capacity_bytes = 0, bandwidth_Bps = 0;
  double efficiency = 0;  // of the bandwidth, reached by element-wise kernels
  // Measured, bytes and seconds ascending: caches and start-up make small passes unlike large ones. None: `efficiency` of all sizes.
  std::vector<TimedBytes> points;
};

// How a BLAS spreads a product over the multiprocessors: see gemm_surface.hpp.
struct TileModel {
  double floor_seconds = 0;           // of any product
  double prologue_k = 0;              // filling and draining a tile costs so many steps of k
  double memory_efficiency = 0;       // of the memory bandwidth, for operands and result
  double wave_rounding = 1;           // 1: a partial wave costs a whole one; 0: its part of one
  std::array<double, 5> tile_peak{};  // fraction of peak of each class of tile: 256x128, 128x128, 256x64, 128x64, 64x64
};

// Turning the m x k operand into a narrower format first: floor + bytes * m * k / memory bandwidth.
// Published fp8 tables contain it; a training step casts once for several products and counts it apart.
struct QuantiseModel {
  double floor_seconds = 0;
  double bytes_per_element = 0;  // 0: the operands are there already
};

// Products of one precision: a formula, and measured / formula on a grid (k fastest), condensed from all measurements.
struct GemmTable {
  Precision precision = Precision::bf16;
  std::vector<Precision> used_for;  // these run kernels like the measured ones
  TileModel tiles;
  QuantiseModel quantise;
  std::vector<std::int64_t> m, n, k;  // ascending; all empty: the formula alone
  std::vector<double> correction;
};

// Products of a batch (unfused attention scores) have no table: a fraction of peak.
struct BatchedGemmProfile {
  double peak_fraction = 0;
  std::string source;
};

// Flash attention, forward, causal (half the FLOPs counted): utilisation = FLOPs / peak / time.
struct AttentionPoint {
  std::int64_t batch = 0, seq_len = 0, heads = 0, kv_heads = 0, head_dim = 0;
  double utilisation = 0;
};

// The formula whose ratio to the points is interpolated: see attention_surface.hpp.
struct AttentionModel {
  double floor_seconds = 0;
  double peak_fraction = 0;
  double memory_efficiency = 0;
  double diagonal_tokens = 0;  // work above the diagonal that blocks cannot skip
};

struct AttentionProfile {
  AttentionModel model;
  double backward_flops = 0;  // times the forward FLOPs
  double backward_rate = 0;   // times the forward FLOPs per second
  std::string source;         // of the last two
  std::vector<AttentionPoint> points;
};

// How wrong held-out measurements are predicted. Errors are of time: predicted / measured.
struct Residual {
  std::string what;                                // "gemm", "gemm_large", "attention", "all_reduce", ...
  std::int64_t n = 0, held_out = 0;                // points in all; predictions of points that were left out
  double median_abs_error = 0, p90_abs_error = 0;  // |predicted / measured - 1|
  double bias = 0;                                 // mean of log(predicted / measured)
  double sigma = 0;                                // 1.4826 * median absolute deviation of that log
  double mean_abs_error = 0, p95_abs_error = 0;    // of the first two kind
  double low = 1, high = 1;                        // 90 % of measured / predicted lie between
};

inline constexpr std::string_view transferred = "taken from another device";  // the class of all that was not measured

struct DeviceProfile {
  std::string name, description, vendor;
  bool calibrated = false;  // by measurements; false: data sheet only
  std::vector<Provenance> provenance;
  int multiprocessors = 0;
  std::array<double, precision_count> peak_flops{};  // dense, by Precision; zero: the device has no such units
  MemoryProfile memory;
  std::vector<GemmTable> gemm;
  BatchedGemmProfile batched_gemm;
  AttentionProfile attention;
  ScaleUpProfile scale_up;
  NetworkProfile network;
  std::vector<Residual> residuals;

  double peak(Precision precision) const { return peak_flops[static_cast<std::size_t>(precision)]; }
  std::vector<std::string_view> precisions() const;  // names of those that it has units for
  // The table for products of this precision; another one, whose formula scales by the peak, if none was measured.
  const GemmTable& gemm_table(Precision precision) const;
  // Of a class; of an uncalibrated profile the one entry for all, `transferred`. Null: not stated.
  const Residual* residual(std::string_view what) const;
};

// A shipped profile by name, or a file: a profile, or a data sheet (data_sheet.hpp) that says which device it is like. Throws InputError
// with all problems of the file.
DeviceProfile load_device_profile(std::string_view name_or_path);
DeviceProfile parse_device_profile(std::string_view json, const std::string& file);
std::vector<std::string> shipped_device_profiles();
// Readable JSON, one row of numbers a line; equal profiles give equal text.
std::string to_json(const DeviceProfile& profile);

}  // namespace kernels
