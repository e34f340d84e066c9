#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>
#include "kernels/attention_surface.hpp"
#include "kernels/fit/fit_device_profile.hpp"
#include "kernels/fit/numerics.hpp"
#include "kernels/operation_times.hpp"
#include "sim/error.hpp"

namespace kernels::fit {
namespace {

struct Measured {
  AttentionPoint shape;
  double seconds = 0;
  int fold = 0;
};

// Rows of one shape are merged to their median.
std::vector<Measured> read_points(const CsvTable& table, const DataSheet& sheet, std::set<std::string>& sources) {
  const auto gpu = table.column("gpu_type"), batch = table.column("batch"), seq_len = table.column("seq_len"),
             heads = table.column("heads"), kv_heads = table.column("kv_heads"), head_dim = table.column("head_dim"),
             causal = table.column("causal"), direction = table.column("direction"), dtype = table.column("dtype"),
             time = table.column("time_us"), source = table.column("source");
  using Key = std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t>;
  std::map<Key, std::vector<double>> times;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    if (std::find(sheet.measured->gpu_types.begin(), sheet.measured->gpu_types.end(), table.text(row, gpu)) ==
        sheet.measured->gpu_types.end())
      continue;
    if (table.text(row, causal) != "True" || table.text(row, direction) != "fwd" || table.text(row, dtype) != "bf16") continue;
    times[{table.whole(row, batch), table.whole(row, seq_len), table.whole(row, heads), table.whole(row, kv_heads),
           table.whole(row, head_dim)}]
        .push_back(table.positive(row, time) * 1e-6);
    sources.insert(table.text(row, source));
  }
  std::vector<Measured> points;
  for (const auto& [key, seconds] : times) {
    const auto [b, s, h, kv, d] = key;
    points.push_back({{b, s, h, kv, d, 0}, median(seconds), fold_of(fmt::format("{},{},{},{},{}", b, s, h, kv, d))});
  }
  if (points.size() < 30)
    throw sim::InputError(fmt::format("{}: {} causal forward bf16 rows of {}, and a fit needs 30. Give a larger table.", table.file(),
                                      points.size(), fmt::join(sheet.measured->gpu_types, ", ")));
  return points;
}

AttentionModel model_of(const std::vector<double>& x) {
  return {std::exp(x[0]) * 1e-6, std::min(std::exp(x[1]), 1.0), std::min(std::exp(x[2]), 1.0), std::exp(x[3])};
}

AttentionModel fit_model(const std::vector<Measured>& points, const AttentionDevice& device, int left_out) {
  const auto cost = [&](const std::vector<double>& x) {
    double sum = 0;
    for (const auto& p : points)
      if (p.fold != left_out) sum += huber(std::log(attention_seconds(p.shape, model_of(x), device) / p.seconds), 0.05);
    return sum;
  };
  AttentionModel model = model_of(minimise(cost, {std::log(10.0), std::log(0.6), std::log(0.8), std::log(64.0)}, 0.2, 1200));
  return {rounded(model.floor_seconds), rounded(model.peak_fraction), rounded(model.memory_efficiency), rounded(model.diagonal_tokens)};
}

std::vector<AttentionPoint> table_of(const std::vector<Measured>& points, const AttentionDevice& device, int left_out) {
  std::vector<AttentionPoint> table;
  for (const auto& p : points) {
    if (p.fold == left_out) continue;
    table.push_back(p.shape);
    table.back().utilisation = rounded(causal_attention_flops(p.shape) / device.peak_flops / p.seconds);
  }
  return table;
}

}  // namespace

void fit_attention_points(const std::vector<AttentionRow>& rows, const AttentionDevice& device, AttentionProfile& attention) {
  std::vector<Measured> points;
  for (const auto& [shape, seconds] : rows) points.push_back({shape, seconds, 0});
  attention.model = fit_model(points, device, -1);
  attention.points = table_of(points, device, -1);
}

void fit_attention(const CsvTable& table, const DataSheet& measured, DeviceProfile& profile) {
  const DeviceProfile& source = measured.profile;
  const AttentionDevice device{source.peak(Precision::bf16), source.memory.bandwidth_Bps, double(bytes_per_element(Precision::bf16))};
  std::set<std::string> sources;
  const auto points = read_points(table, measured, sources);
  const auto fitted = [&](int left_out) {
    AttentionProfile attention = profile.attention;
    attention.model = fit_model(points, device, left_out);
    attention.points = table_of(points, device, left_out);
    return attention;
  };
  std::vector<double> all, large, small;
  for (int fold = 0; fold < folds; ++fold) {
    const AttentionSurface surface(fitted(fold), device);
    for (const auto& p : points) {
      if (p.fold != fold) continue;
      all.push_back(std::log(surface.seconds(p.shape) / p.seconds));
      (attention_residual(p.shape.seq_len) == "attention_long" ? large : small).push_back(all.back());
    }
  }
  profile.attention = fitted(-1);
  profile.residuals.push_back(residual_of("attention", std::int64_t(points.size()), all));
  profile.residuals.push_back(residual_of("attention_long", std::int64_t(large.size()), large));
  profile.residuals.push_back(residual_of("attention_short", std::int64_t(small.size()), small));
  profile.provenance.push_back({"attention points and model: causal, forward", fmt::format("{}", fmt::join(sources, "; ")), "measured",
                                std::int64_t(points.size())});
}

}  // namespace kernels::fit
