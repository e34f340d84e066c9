#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>
#include "kernels/precision.hpp"

// What is known of one device: data sheet, measured points condensed from their sources, and how far
// to trust what is computed from them. Plain data; the look-ups are in operation_times.hpp.
namespace kernels {

enum class CollectiveOp : std::uint8_t { all_reduce, all_gather, reduce_scatter, broadcast, all_to_all, send_receive };
std::string_view name_of(CollectiveOp op);

// Where a part of the profile came from. how: measured | data sheet | assumption | fit.
struct Provenance {
  std::string what, source, how;
  std::int64_t rows = 0;  // of the source that were used
};

struct MemoryProfile {
  double capacity_bytes = 0, bandwidth_Bps = 0;
  double efficiency = 0;  // of the bandwidth, reached by element-wise kernels
};

// utilisation = roofline time / measured time.
struct GemmPoint {
  std::int64_t m = 0, n = 0, k = 0;
  double utilisation = 0;
};

// How a BLAS spreads a product over the multiprocessors: see gemm_surface.hpp.
struct TileModel {
  double floor_seconds = 0;           // of any product
  double prologue_k = 0;              // filling and draining a tile costs so many steps of k
  double memory_efficiency = 0;       // of the memory bandwidth, for operands and result
  std::array<double, 5> tile_peak{};  // fraction of peak of each class of tile: 256x128, 128x128, 256x64, 128x64, 64x64
};

struct GemmProfile {
  Precision table_precision = Precision::bf16;
  std::vector<Precision> used_for;  // these run kernels like the measured ones; others scale by their peak and count as not measured
  TileModel tiles;
  std::vector<GemmPoint> points;  // sorted by m, n, k
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

struct CollectivePoint {
  double bytes = 0, seconds = 0;
};

struct CollectiveTable {
  CollectiveOp op = CollectiveOp::all_reduce;
  int ranks = 0;
  std::vector<CollectivePoint> points;  // both columns ascending
};

// Collectives inside one scale-up domain: tables where measured, else
// base + steps * step + traffic / (efficiency * bandwidth).
struct ScaleUpProfile {
  double bandwidth_Bps = 0;  // of a device, one direction
  double efficiency = 0;
  double base_seconds = 0, step_seconds = 0;
  std::vector<CollectiveTable> tables;  // sorted by op, ranks
};

// One published multi-host all_reduce: what its rows say alone.
struct NetworkSet {
  std::string source, network, traffic;  // traffic: ring | two-host tree
  int ranks = 0, hosts = 0;
  double host_Bps = 0;  // all NICs of a host, one direction
  double efficiency = 0, latency_seconds = 0, median_abs_error = 0;
};

// Across hosts: latency per step between hosts and inside a host, and the part of the NIC rates that large
// messages reach. A fitted step contains the latency of the route (switches, cables of the measured fabric).
struct NetworkProfile {
  double base_seconds = 0, inter_step_seconds = 0, intra_step_seconds = 0;
  double nic_efficiency = 0;
  std::string source;
  std::vector<NetworkSet> sets;
};

// How wrong held-out measurements are predicted. Errors are of time: predicted / measured.
struct Residual {
  std::string what;                                // "gemm", "gemm_large", "attention", "all_reduce", ...
  std::int64_t n = 0, held_out = 0;                // points in all; predictions of points that were left out
  double median_abs_error = 0, p90_abs_error = 0;  // |predicted / measured - 1|
  double bias = 0;                                 // mean of log(predicted / measured)
  double sigma = 0;                                // 1.4826 * median absolute deviation of that log
};

struct DeviceProfile {
  std::string name, description, vendor;
  bool calibrated = false;  // by measurements; false: data sheet only
  std::vector<Provenance> provenance;
  int multiprocessors = 0;
  std::array<double, 4> peak_flops{};  // dense, by Precision
  MemoryProfile memory;
  GemmProfile gemm;
  BatchedGemmProfile batched_gemm;
  AttentionProfile attention;
  ScaleUpProfile scale_up;
  NetworkProfile network;
  std::vector<Residual> residuals;

  double peak(Precision precision) const { return peak_flops[static_cast<std::size_t>(precision)]; }
  const Residual* residual(std::string_view what) const;  // null: not stated
};

// A shipped profile by name, or a file. Throws InputError with all problems of the file.
DeviceProfile load_device_profile(std::string_view name_or_path);
DeviceProfile parse_device_profile(std::string_view json, const std::string& file);
std::vector<std::string> shipped_device_profiles();
// Readable JSON, one row of numbers a line; equal profiles give equal text.
std::string to_json(const DeviceProfile& profile);

}  // namespace kernels
