#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>
#include "kernels/collectives/ring.hpp"
#include "kernels/collectives/scale_up_times.hpp"
#include "kernels/fit/fit_device_profile.hpp"
#include "kernels/fit/numerics.hpp"
#include "kernels/operation_times.hpp"
#include "sim/error.hpp"

namespace kernels::fit {
namespace {

using Rows = std::vector<CollectiveRow>;
constexpr int rows_of_a_curve = 10;

// The device's own rows (of its name, or of a less specific one) count alone where they are a curve of an operation and
// number of ranks; else those of its relatives count too.
Rows own_first(const Rows& rows, const std::string& own) {
  const auto is_own = [&](const CollectiveRow& row) { return own.starts_with(row.gpu_type); };
  std::map<std::pair<CollectiveOp, int>, int> own_rows;
  for (const auto& row : rows) own_rows[{row.op, row.ranks}] += is_own(row);
  Rows kept;
  for (const auto& row : rows)
    if (is_own(row) || own_rows[{row.op, row.ranks}] < rows_of_a_curve) kept.push_back(row);
  return kept;
}

// The newest version that any row states.
std::string newest_nccl(const Rows& rows) {
  std::vector<std::string> versions = nccl_versions();
  for (auto version = versions.rbegin(); version != versions.rend(); ++version)
    if (std::any_of(rows.begin(), rows.end(), [&](const auto& row) { return row.nccl.starts_with(*version); })) return *version;
  return versions.front();
}

std::string generation_of(double bandwidth_Bps, const std::string& version) {
  const auto& all = nccl_tuning(version).generations;
  const auto far = [&](const NcclGeneration& g) { return std::abs(std::log(g.link_GBps * 1e9 / bandwidth_Bps)); };
  return std::min_element(all.begin(), all.end(), [&](const auto& a, const auto& b) { return far(a) < far(b); })->name;
}

// One (algorithm, protocol): least squares on relative residuals, no unknown below zero. Operations share the
// step and the bandwidth; base and copy are each operation's own. LL128 runs in a narrow range of sizes, so that it gets
// one base for all, a step and a bandwidth.
std::vector<CollectiveModel> fit_protocol(const std::vector<const CollectiveRow*>& rows, NcclAlgorithm algorithm, NcclProtocol protocol) {
  std::set<CollectiveOp> ops;
  for (const auto* row : rows) ops.insert(row->op);
  const bool narrow = protocol == NcclProtocol::ll128;
  struct Unknown {
    std::size_t term;
    std::set<CollectiveOp> ops;
  };
  std::vector<Unknown> unknowns;
  const auto add = [&](std::size_t term, bool each) {
    if (!each) unknowns.push_back({term, ops});
    for (const auto op : ops)
      if (each) unknowns.push_back({term, {op}});
  };
  add(0, !narrow);
  add(1, false);
  add(3, false);
  if (!narrow) {
    if (protocol == NcclProtocol::ll) add(2, false);
    add(4, false);
    add(5, true);
  }
  std::vector<std::vector<double>> terms;
  std::vector<double> scale(unknowns.size(), 0);
  for (const auto* row : rows) {
    const auto t = model_terms(row->op, algorithm, row->ranks, row->bytes);
    auto& line = terms.emplace_back();
    for (std::size_t u = 0; u < unknowns.size(); ++u) {
      line.push_back(unknowns[u].ops.contains(row->op) ? t[unknowns[u].term] / row->seconds : 0);
      scale[u] = std::max(scale[u], line.back());
    }
  }
  for (auto& line : terms)
    for (std::size_t u = 0; u < line.size(); ++u) line[u] /= scale[u] > 0 ? scale[u] : 1;
  const auto x = nonnegative_least_squares(terms, std::vector<double>(terms.size(), 1));
  constexpr double CollectiveModel::*fields[] = {&CollectiveModel::base_s,     &CollectiveModel::step_s, &CollectiveModel::growth_s,
                                                 &CollectiveModel::per_byte_s, &CollectiveModel::root_s, &CollectiveModel::copy_s};
  std::vector<CollectiveModel> models;
  for (const auto op : ops) {
    CollectiveModel& model = models.emplace_back(CollectiveModel{op, algorithm, protocol});
    for (std::size_t u = 0; u < unknowns.size(); ++u)
      if (unknowns[u].ops.contains(op) && scale[u] > 0) model.*fields[unknowns[u].term] = rounded(x[u] / scale[u]);
  }
  return models;
}

std::vector<CollectiveModel> fit_models(const Rows& rows, const ScaleUpProfile& scale_up) {
  const NcclGroup group = nccl_group(scale_up, {});
  std::map<std::pair<NcclAlgorithm, NcclProtocol>, std::vector<const CollectiveRow*>> groups;
  for (const auto& row : rows) {
    if (row.op == CollectiveOp::send_receive) continue;  // follows all_to_all
    const NcclChoice choice = nccl_choice(row.op, one_host(row.ranks), row.bytes, group);
    groups[{choice.algorithm, choice.protocol}].push_back(&row);
  }
  std::vector<CollectiveModel> models;
  for (const auto& [key, its_rows] : groups) {
    const auto fitted = fit_protocol(its_rows, key.first, key.second);
    models.insert(models.end(), fitted.begin(), fitted.end());
  }
  return models;
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

// Sources differ in sizes: the ratio of each to the form is interpolated at the powers of two that it covers, then the median
// over sources is taken. (Pooling the rows would jump between sources from size to size; times jump between protocols.)
CollectiveTable merged(CollectiveOp op, int ranks, const std::vector<const CollectiveRow*>& rows, const ScaleUpTimes& form) {
  const auto form_seconds = [&](double bytes) { return form.form_seconds(op, ranks, bytes, form.choice(op, ranks, bytes)); };
  std::map<std::string, std::map<double, std::vector<double>>> by_source;
  for (const auto* row : rows) by_source[row->source][row->bytes].push_back(row->seconds / form_seconds(row->bytes));
  std::map<int, std::vector<double>> logs_by_octave;
  for (const auto& [source, by_bytes] : by_source) {
    CollectiveTable ratios;
    for (const auto& [bytes, values] : by_bytes) ratios.points.push_back({bytes, median(values)});
    const double first = ratios.points.front().bytes, last = ratios.points.back().bytes;
    for (int o = static_cast<int>(std::ceil(std::log2(first))); std::ldexp(1.0, o) <= last; ++o)
      logs_by_octave[o].push_back(std::log(interpolated_seconds(ratios, std::ldexp(1.0, o))));
  }
  CollectiveTable table{op, ranks, {}};
  for (const auto& [o, logs] : logs_by_octave) {
    const double bytes = std::ldexp(1.0, o);
    table.points.push_back({bytes, std::exp(median(logs)) * form_seconds(bytes)});
  }
  make_monotone(table.points);
  for (auto& p : table.points) p.seconds = rounded(p.seconds * 1e6) * 1e-6;
  return table;
}

void fit_tables(const Rows& rows, ScaleUpProfile& scale_up) {
  scale_up.tables.clear();
  scale_up.models = fit_models(rows, scale_up);
  const ScaleUpTimes form(scale_up);
  std::map<std::pair<CollectiveOp, int>, std::vector<const CollectiveRow*>> groups;
  for (const auto& row : rows) groups[{row.op, row.ranks}].push_back(&row);
  for (const auto& [key, its_rows] : groups)
    if (CollectiveTable table = merged(key.first, key.second, its_rows, form); !table.points.empty())
      scale_up.tables.push_back(std::move(table));
}

// base + steps * step + traffic / bandwidth, on relative residuals of all_reduce.
void fit_formula(const Rows& rows, ScaleUpProfile& scale_up) {
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

// Predictions of the rows that `left_out` says, from the others; nothing if too few are left.
template <class LeftOut>
void predict(const Rows& rows, const ScaleUpProfile& scale_up, LeftOut left_out, std::map<std::string, std::vector<double>>& logs) {
  Rows seen;
  for (const auto& row : rows)
    if (!left_out(row)) seen.push_back(row);
  if (seen.empty() || seen.size() == rows.size()) return;
  ScaleUpProfile without = scale_up;
  fit_tables(seen, without);
  const ScaleUpTimes times(without);
  for (const auto& row : rows)
    if (left_out(row))
      logs[std::string(collective_residual(row.op, row.bytes))].push_back(
          std::log(times.time(row.op, row.ranks, row.bytes).seconds / row.seconds));
}

}  // namespace

void fit_scale_up(const CsvTable& table, const DataSheet& measured, DeviceProfile& profile) {
  const auto& gpu_types = measured.measured->gpu_types;
  Rows rows = usable_rows(table, gpu_types);
  std::erase_if(rows, [](const CollectiveRow& row) { return row.hosts != 1; });
  rows = own_first(rows, gpu_types.front());
  std::set<std::string> sources;
  std::map<CollectiveOp, std::int64_t> count;
  for (const auto& row : rows) {
    sources.insert(row.source);
    ++count[row.op];
  }
  if (count[CollectiveOp::all_reduce] < 20)
    throw sim::InputError(fmt::format("{}: {} rows of all_reduce on one NVSwitch host of {}, and a fit needs 20. Give a larger table.",
                                      table.file(), count[CollectiveOp::all_reduce], fmt::join(gpu_types, ", ")));
  ScaleUpProfile& scale_up = profile.scale_up;
  scale_up.nccl = newest_nccl(rows);
  scale_up.generation = generation_of(scale_up.bandwidth_Bps, scale_up.nccl);

  const auto key = [](const CollectiveRow& row) {
    return fmt::format("{} {} {} {:.0f}", row.source, name_of(row.op), row.ranks, row.bytes);
  };
  std::map<std::string, std::vector<double>> halves, ranks_left_out;
  for (const int half : {0, 1})
    predict(
        rows, scale_up, [&](const CollectiveRow& row) { return half_of(key(row)) == half; }, halves);
  predict(
      rows, scale_up, [](const CollectiveRow& row) { return row.ranks == 4; }, ranks_left_out);

  fit_tables(rows, scale_up);
  fit_formula(rows, scale_up);
  for (const auto& [what, logs] : halves) profile.residuals.push_back(residual_of(what, std::int64_t(rows.size()), logs));
  for (const auto& [what, logs] : ranks_left_out)
    profile.residuals.push_back(residual_of(what + ", 4 ranks never seen", std::int64_t(rows.size()), logs));
  profile.provenance.push_back({"scale_up tables: NCCL under NVSwitch, one domain, median over sources by size",
                                fmt::format("{}", fmt::join(sources, "; ")), "measured", std::int64_t(rows.size())});
  profile.provenance.push_back({"scale_up models: one for each algorithm and protocol that NCCL " + scale_up.nccl + " chooses",
                                nccl_tuning(scale_up.nccl).source + "; least squares on relative residuals", "fit",
                                std::int64_t(rows.size())});
  profile.provenance.push_back({"scale_up base, step, efficiency: of messages between two devices",
                                "least squares on relative residuals of all_reduce", "fit", count[CollectiveOp::all_reduce]});
}

}  // namespace kernels::fit
