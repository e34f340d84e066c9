#pragma once
#include <cmath>
#include <string>
#include <string_view>
#include <vector>
#include "kernels/csv_table.hpp"
#include "kernels/device_profile.hpp"
#include "kernels/attention_surface.hpp"
#include "kernels/data_sheet.hpp"
#include "kernels/gemm_surface.hpp"

// Published measurements of a device -> its profile, with the error of predicting points that were left out.
// Equal input gives equal text.
namespace kernels::fit {

struct FitInput {
  DataSheet sheet;     // of the device that is wanted
  DataSheet measured;  // of the device that was measured: utilisations are taken from one to the other
  CsvTable gemm, attention, collectives;
};

// DIR with gemm_*.csv, attention.csv, collectives.csv. Throws InputError.
FitInput read_fit_input(const std::string& directory, std::string_view device);
DeviceProfile fit_device_profile(const FitInput& input);

// Its parts; each fills its own fields of the profile and adds residuals and provenance.
void fit_gemm(const CsvTable& table, const DataSheet& measured, DeviceProfile& profile);
void fit_attention(const CsvTable& table, const DataSheet& measured, DeviceProfile& profile);

// Products of one precision, each shape once; `start` says which.
struct GemmRow {
  GemmShape shape;
  double seconds = 0;
};
GemmTable fit_gemm_table(const std::vector<GemmRow>& rows, const GemmDevice& device, const GemmTable& start);
// Forward, causal; `utilisation` is ignored.
struct AttentionRow {
  AttentionPoint shape;
  double seconds = 0;
};
void fit_attention_points(const std::vector<AttentionRow>& rows, const AttentionDevice& device, AttentionProfile& attention);

// One usable row of collectives.csv.
struct CollectiveRow {
  std::string source, network, gpu_type, nccl;  // nccl: its version, if stated
  CollectiveOp op = CollectiveOp::all_reduce;
  int ranks = 0, hosts = 0;
  double bytes = 0, seconds = 0;
};
// Predicted by a fit that did not see it.
struct HeldOut {
  CollectiveRow row;
  std::string_view
      unseen;  // half: each half of the rows (by a hash) from the other; 4 ranks: from other numbers; cluster: from other clusters
  double predicted_s = 0;
  double log() const { return std::log(predicted_s / row.seconds); }
};
std::vector<HeldOut> fit_scale_up(const CsvTable& table, const DataSheet& measured, DeviceProfile& profile);
// Times must not fall with bytes: neighbours that do are replaced by their median (pool adjacent violators), which
// outliers do not move.
void make_monotone(std::vector<TimedBytes>& points);
// Models and tables of the collectives of one host: by the choices of the newest NCCL among them, or of `scale_up.library`.
void fit_collectives(const std::vector<CollectiveRow>& rows, ScaleUpProfile& scale_up);
std::vector<HeldOut> fit_network(const CsvTable& table, const DataSheet& measured, DeviceProfile& profile);  // after fit_scale_up
// `own`: the device's name; rows of others (whose names it does not begin with) lend theirs.
std::vector<HeldOut> fit_network(std::vector<CollectiveRow> rows, const std::string& own, DeviceProfile& profile);

// Rows of these GPUs under NVSwitch whose quality is ok, by NCCL's choice; hosts of one NVLink domain count as one.
std::vector<CollectiveRow> usable_rows(const CsvTable& table, const std::vector<std::string>& gpu_types);
// "… 8x200G …" -> 8 * 200 Gb/s in bytes per second; zero if the text says no such thing.
double nic_rate_of(const std::string& network);
// "… EFA …", "… RoCE …", else InfiniBand.
Transport transport_of(const std::string& network);

}  // namespace kernels::fit
