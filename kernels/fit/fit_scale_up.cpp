#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include "kernels/collectives/scale_up_table.hpp"
#include "kernels/fit/fit_device_profile.hpp"
#include "kernels/fit/numerics.hpp"
#include "sim/error.hpp"

namespace kernels::fit {
namespace {

constexpr double mebibyte = 1 << 20;

int octave(double bytes) { return static_cast<int>(std::floor(std::log2(bytes))); }

// Median time by size, from the rows of one source.
CollectiveTable table_of_source(const std::vector<const CollectiveRow*>& rows) {
  std::map<double, std::vector<double>> times;
  for (const auto* row : rows) times[row->bytes].push_back(row->seconds);
  CollectiveTable table;
  for (const auto& [bytes, seconds] : times) table.points.push_back({bytes, median(seconds)});
  return table;
}

// Times must not fall with bytes: neighbours that do are replaced by their geometric mean (pool adjacent violators).
void make_monotone(std::vector<CollectivePoint>& points) {
  struct Pool {
    double log_sum;
    int count;
    double mean() const { return log_sum / count; }
  };
  std::vector<Pool> pools;
  for (const auto& p : points) {
    pools.push_back({std::log(p.seconds), 1});
    while (pools.size() > 1 && pools[pools.size() - 2].mean() > pools.back().mean()) {
      pools[pools.size() - 2].log_sum += pools.back().log_sum;
      pools[pools.size() - 2].count += pools.back().count;
      pools.pop_back();
    }
  }
  std::size_t i = 0;
  for (const auto& pool : pools)
    for (int j = 0; j < pool.count; ++j) points[i++].seconds = std::exp(pool.mean());
}

// Sources differ in sizes: each is interpolated on its own at the powers of two that it covers, then the median
// over sources is taken. (Pooling the rows would jump between sources from size to size.)
CollectiveTable merged(CollectiveOp op, int ranks, const std::vector<const CollectiveRow*>& rows) {
  std::map<std::string, std::vector<const CollectiveRow*>> by_source;
  for (const auto* row : rows) by_source[row->source].push_back(row);
  std::map<int, std::vector<double>> logs_by_octave;
  for (const auto& [source, its_rows] : by_source) {
    const CollectiveTable table = table_of_source(its_rows);
    const double first = table.points.front().bytes, last = table.points.back().bytes;
    for (int o = octave(first); o <= octave(last); ++o)
      if (const double bytes = std::ldexp(1.0, o); bytes >= first)
        logs_by_octave[o].push_back(std::log(interpolated_seconds(table, bytes)));
  }
  CollectiveTable table{op, ranks, {}};
  for (const auto& [o, logs] : logs_by_octave) table.points.push_back({std::ldexp(1.0, o), std::exp(median(logs))});
  make_monotone(table.points);
  for (auto& p : table.points) p.seconds = rounded(p.seconds * 1e6) * 1e-6;
  return table;
}

// Octaves number `left_out`, `left_out` + 5, ... are not looked at; -1: all are.
std::vector<CollectiveTable> tables_of(const std::vector<CollectiveRow>& rows, int left_out) {
  std::map<std::pair<CollectiveOp, int>, std::vector<const CollectiveRow*>> groups;
  for (const auto& row : rows)
    if (left_out < 0 || octave(row.bytes) % folds != left_out) groups[{row.op, row.ranks}].push_back(&row);
  std::vector<CollectiveTable> tables;
  for (const auto& [key, its_rows] : groups) tables.push_back(merged(key.first, key.second, its_rows));
  return tables;
}

// base + steps * step + traffic / bandwidth, on relative residuals of all_reduce.
void fit_formula(const std::vector<CollectiveRow>& rows, ScaleUpProfile& scale_up) {
  std::vector<std::vector<double>> terms;
  std::vector<double> ones;
  for (const auto& row : rows) {
    if (row.op != CollectiveOp::all_reduce) continue;
    terms.push_back({1e-6 / row.seconds, 1e-6 * ring_steps(row.op, row.ranks) / row.seconds,
                     ring_traffic(row.op, row.ranks) * row.bytes / scale_up.bandwidth_Bps / row.seconds});
    ones.push_back(1);
  }
  const auto x = nonnegative_least_squares(terms, ones);
  scale_up.base_seconds = rounded(x[0] * 1e-6);
  scale_up.step_seconds = rounded(x[1] * 1e-6);
  scale_up.efficiency = rounded(std::min(1.0, 1 / x[2]));
}

}  // namespace

void fit_scale_up(const CsvTable& table, const DataSheet& measured, DeviceProfile& profile) {
  auto rows = usable_rows(table, measured.gpu_types);
  std::erase_if(rows, [](const CollectiveRow& row) { return row.hosts != 1; });
  std::set<std::string> sources;
  std::map<CollectiveOp, std::int64_t> count;
  for (const auto& row : rows) {
    sources.insert(row.source);
    ++count[row.op];
  }
  if (count[CollectiveOp::all_reduce] < 20)
    throw sim::InputError(fmt::format("{}: {} rows of all_reduce on one NVSwitch host of {}, and a fit needs 20. Give a larger table.",
                                      table.file(), count[CollectiveOp::all_reduce], fmt::join(measured.gpu_types, ", ")));
  std::map<CollectiveOp, std::vector<double>> large;
  std::vector<double> small;
  for (int fold = 0; fold < folds; ++fold) {
    ScaleUpProfile without = profile.scale_up;
    without.tables = tables_of(rows, fold);
    const ScaleUpTable look_up(without);
    for (const auto& row : rows)
      if (octave(row.bytes) % folds == fold)
        (row.bytes < mebibyte ? small : large[row.op])
            .push_back(std::log(look_up.time(row.op, row.ranks, row.bytes).seconds / row.seconds));
  }
  profile.scale_up.tables = tables_of(rows, -1);
  fit_formula(rows, profile.scale_up);
  for (const auto& [op, logs] : large) profile.residuals.push_back(residual_of(name_of(op), std::int64_t(logs.size()), logs));
  profile.residuals.push_back(residual_of("collectives_below_1_MiB", std::int64_t(small.size()), small));
  profile.provenance.push_back({"scale_up tables: NCCL under NVSwitch, one host, median over sources by size",
                                fmt::format("{}", fmt::join(sources, "; ")), "measured", std::int64_t(rows.size())});
  profile.provenance.push_back({"scale_up base, step, efficiency: where there is no table",
                                "least squares on relative residuals of all_reduce", "fit", count[CollectiveOp::all_reduce]});
}

}  // namespace kernels::fit
