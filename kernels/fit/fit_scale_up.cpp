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
constexpr int splits = 4;            // into halves: which rows one hash leaves out moves an error by a point
constexpr double nccl_weight = 0.1;  // of NCCL's own constants, to the data; 0.03 to 0.4 give the same held-out error
constexpr std::size_t points_of_a_factor = 5;

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

// Of an operation and number of ranks, rows that state NCCL's version count alone at the sizes that they cover: what others
// ran is not known.
Rows stated_first(const Rows& rows) {
  std::map<std::pair<CollectiveOp, int>, std::pair<double, double>> covered;
  for (const auto& row : rows) {
    if (row.nccl.empty()) continue;
    auto& [least, most] = covered.try_emplace({row.op, row.ranks}, row.bytes, row.bytes).first->second;
    least = std::min(least, row.bytes);
    most = std::max(most, row.bytes);
  }
  Rows kept;
  for (const auto& row : rows) {
    const auto range = covered.find({row.op, row.ranks});
    const bool inside = range != covered.end() && row.bytes >= range->second.first && row.bytes <= range->second.second;
    if (!row.nccl.empty() || !inside) kept.push_back(row);
  }
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

// What NCCL's own model says of the unknowns of a form (in the order of model_terms).
std::array<double, 6> nccl_terms(NcclAlgorithm algorithm, NcclProtocol protocol, const NcclGroup& group) {
  const auto p = static_cast<std::size_t>(protocol);
  const double bus = group.bus_GBps;
  const double rates[] = {std::min(group.generation.ll_GBps[0], 0.5 * bus), 0.92 * bus, bus};
  const double byte_s = 1e-9 / rates[p];
  if (algorithm == NcclAlgorithm::nvls) return {group.tuning.nvls_us * 1e-6, 0, 0, byte_s, 0, 0};
  return {group.tuning.ring_base_us[p] * 1e-6, group.tuning.ring_nvlink_us[p] * 1e-6, 0, byte_s, 0, 0};
}

// One (algorithm, protocol): least squares on relative residuals, no unknown below zero. Operations share the
// step and the bandwidth; base and copy are each operation's own. LL128 runs in a narrow range of sizes, so that it gets
// one base for all, a step and a bandwidth.
std::vector<CollectiveModel> fit_protocol(const std::vector<const CollectiveRow*>& rows, NcclAlgorithm algorithm, NcclProtocol protocol,
                                          const std::array<double, 6>& prior, double prior_weight) {
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
    if (protocol == NcclProtocol::simple) add(4, false);
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
  std::vector<double> right(terms.size(), 1);
  for (std::size_t u = 0; u < unknowns.size(); ++u) {
    double squares = 0;
    for (auto& line : terms) {
      line[u] /= scale[u] > 0 ? scale[u] : 1;
      if (&line - terms.data() < std::ptrdiff_t(rows.size())) squares += line[u] * line[u];
    }
    const double weight = prior_weight * std::sqrt(squares);
    terms.emplace_back(unknowns.size(), 0.0)[u] = weight;
    right.push_back(weight * prior[unknowns[u].term] * scale[u]);
  }
  const auto x = nonnegative_least_squares(terms, right);
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

// What ran, by the version of the row, or where it says none by the newest of the table.
NcclChoice choice_of(const CollectiveRow& row, const ScaleUpProfile& scale_up) {
  if (!scale_up.library.empty()) return library_choice(row.op);
  return nccl_choice(row.op, one_host(row.ranks), row.bytes, nccl_group(scale_up, {.version = row.nccl}));
}

std::vector<CollectiveModel> fit_models(const Rows& rows, const ScaleUpProfile& scale_up) {
  const NcclGroup group = nccl_group(scale_up, {});
  std::map<std::pair<NcclAlgorithm, NcclProtocol>, std::vector<const CollectiveRow*>> groups;
  for (const auto& row : rows) {
    if (row.op == CollectiveOp::send_receive) continue;  // follows all_to_all
    const NcclChoice choice = choice_of(row, scale_up);
    groups[{choice.algorithm, choice.protocol}].push_back(&row);
  }
  std::vector<CollectiveModel> models;
  for (const auto& [key, its_rows] : groups) {
    const double weight = scale_up.library.empty() ? nccl_weight : 0;
    const auto fitted = fit_protocol(its_rows, key.first, key.second, nccl_terms(key.first, key.second, group), weight);
    models.insert(models.end(), fitted.begin(), fitted.end());
  }
  return models;
}

using Choice = std::pair<NcclAlgorithm, NcclProtocol>;

// Versions against the one of the profile: the median over sizes that both were measured at, where both chose the same.
std::vector<VersionFactor> fit_versions(const Rows& rows, const ScaleUpProfile& scale_up) {
  using Point = std::tuple<CollectiveOp, int, double, Choice>;
  std::map<Point, double> reference;
  std::map<std::pair<std::string, Choice>, std::vector<double>> logs;
  for (const bool is_reference : {true, false})
    for (const auto& row : rows) {
      const std::string version(minor_version(row.nccl));
      if (version.empty() || (version == scale_up.nccl) != is_reference) continue;
      const NcclChoice ran = choice_of(row, scale_up);
      const Choice choice{ran.algorithm, ran.protocol};
      const Point point{row.op, row.ranks, row.bytes, choice};
      if (is_reference)
        reference[point] = row.seconds;
      else if (const auto found = reference.find(point); found != reference.end())
        logs[{version, choice}].push_back(std::log(row.seconds / found->second));
    }
  std::vector<VersionFactor> versions;
  for (const auto& [key, values] : logs)
    if (values.size() >= points_of_a_factor)
      versions.push_back({key.first, key.second.first, key.second.second, rounded(std::exp(median(values)))});
  return versions;
}

// Sources differ in sizes: the ratio of each to the form is interpolated at the powers of two that it covers, then the median
// over sources is taken. (Pooling the rows would jump between sources from size to size; times jump between protocols.)
CollectiveTable merged(CollectiveTable table, const std::vector<const CollectiveRow*>& rows, const ScaleUpTimes& form) {
  const auto form_seconds = [&](double bytes) {
    return form.form_seconds(table.op, table.ranks, bytes, {table.algorithm, table.protocol});
  };
  std::map<std::string, std::map<double, std::vector<double>>> by_source;
  for (const auto* row : rows) by_source[row->source][row->bytes].push_back(row->seconds / form_seconds(row->bytes));
  std::map<int, std::vector<double>> logs_by_octave;
  for (const auto& [source, by_bytes] : by_source) {
    CollectiveTable ratios;
    for (const auto& [bytes, values] : by_bytes) ratios.points.push_back({bytes, median(values)});
    const double first = ratios.points.front().bytes, last = ratios.points.back().bytes;
    for (int o = static_cast<int>(std::ceil(std::log2(first))); std::ldexp(1.0, o) <= last; ++o)
      logs_by_octave[o].push_back(std::log(interpolated_seconds(ratios.points, std::ldexp(1.0, o))));
  }
  for (const auto& [o, logs] : logs_by_octave) {
    const double bytes = std::ldexp(1.0, o);
    table.points.push_back({bytes, std::exp(median(logs)) * form_seconds(bytes)});
  }
  make_monotone(table.points);
  for (auto& p : table.points) p.seconds = rounded(p.seconds * 1e6) * 1e-6;
  return table;
}

double factor_of(const CollectiveRow& row, const ScaleUpProfile& scale_up) {
  const NcclChoice ran = choice_of(row, scale_up);
  for (const auto& v : scale_up.versions)
    if (v.nccl == minor_version(row.nccl) && v.algorithm == ran.algorithm && v.protocol == ran.protocol) return v.factor;
  return 1;
}

void fit_tables(const Rows& all, ScaleUpProfile& scale_up) {
  Rows rows = stated_first(all);
  scale_up.versions = fit_versions(rows, scale_up);
  for (auto& row : rows) row.seconds /= factor_of(row, scale_up);
  scale_up.tables.clear();
  scale_up.models = fit_models(rows, scale_up);
  const ScaleUpTimes form(scale_up);
  std::map<std::tuple<CollectiveOp, int, NcclAlgorithm, NcclProtocol>, std::vector<const CollectiveRow*>> groups;
  for (const auto& row : rows) {
    const NcclChoice choice = choice_of(row, scale_up);
    groups[{row.op, row.ranks, choice.algorithm, choice.protocol}].push_back(&row);
  }
  for (const auto& [key, its_rows] : groups) {
    const auto& [op, ranks, algorithm, protocol] = key;
    if (CollectiveTable table = merged({op, ranks, algorithm, protocol, {}}, its_rows, form); !table.points.empty())
      scale_up.tables.push_back(std::move(table));
  }
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

void choose_nccl(const Rows& rows, ScaleUpProfile& scale_up) {
  scale_up.nccl = newest_nccl(rows);
  scale_up.generation = generation_of(scale_up.bandwidth_Bps, scale_up.nccl);
}

// Predictions of the rows that `left_out` says, from the others; nothing if too few are left.
template <class LeftOut>
void predict(const Rows& rows, const ScaleUpProfile& scale_up, std::string_view unseen, LeftOut left_out, std::vector<HeldOut>& held_out) {
  Rows seen;
  for (const auto& row : rows)
    if (!left_out(row)) seen.push_back(row);
  if (seen.empty() || seen.size() == rows.size()) return;
  ScaleUpProfile without = scale_up;
  fit_tables(seen, without);
  std::map<std::string, ScaleUpTimes> times;
  for (const auto& row : rows) {
    if (!left_out(row)) continue;
    const auto& by_version = times.try_emplace(row.nccl, without, NcclSettings{.version = row.nccl}).first->second;
    held_out.push_back({row, unseen, by_version.time(row.op, row.ranks, row.bytes).seconds});
  }
}

}  // namespace

void make_monotone(std::vector<TimedBytes>& points) {
  struct Pool {
    std::vector<double> seconds;
    double middle;
  };
  std::vector<Pool> pools;
  for (const auto& p : points) {
    pools.push_back({{p.seconds}, p.seconds});
    while (pools.size() > 1 && pools[pools.size() - 2].middle > pools.back().middle) {
      auto& merged = pools[pools.size() - 2];
      merged.seconds.insert(merged.seconds.end(), pools.back().seconds.begin(), pools.back().seconds.end());
      merged.middle = median(merged.seconds);
      pools.pop_back();
    }
  }
  std::size_t i = 0;
  for (const auto& pool : pools)
    for (std::size_t j = 0; j < pool.seconds.size(); ++j) points[i++].seconds = pool.middle;
}

void fit_collectives(const std::vector<CollectiveRow>& rows, ScaleUpProfile& scale_up) {
  if (scale_up.library.empty()) choose_nccl(rows, scale_up);
  fit_tables(rows, scale_up);
  const auto reduces = [](const CollectiveRow& row) { return row.op == CollectiveOp::all_reduce; };
  if (std::any_of(rows.begin(), rows.end(), reduces)) fit_formula(rows, scale_up);
}

std::vector<HeldOut> fit_scale_up(const CsvTable& table, const DataSheet& measured, DeviceProfile& profile) {
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
  choose_nccl(rows, scale_up);

  const auto key = [](const CollectiveRow& row) {
    return fmt::format("{} {} {} {:.0f}", row.source, name_of(row.op), row.ranks, row.bytes);
  };
  std::vector<HeldOut> held_out;
  for (int split = 0; split < splits; ++split)
    for (const int half : {0, 1}) {
      const auto left_out = [&](const CollectiveRow& row) { return half_of(fmt::format("{} {}", split, key(row))) == half; };
      predict(rows, scale_up, "half", left_out, held_out);
    }
  predict(
      rows, scale_up, "4 ranks", [](const CollectiveRow& row) { return row.ranks == 4; }, held_out);
  std::map<std::string, std::vector<double>> logs;
  for (const auto& h : held_out)
    logs[std::string(collective_residual(h.row.op, h.row.bytes)) + (h.unseen == "half" ? "" : ", 4 ranks never seen")].push_back(h.log());

  fit_tables(rows, scale_up);
  fit_formula(rows, scale_up);
  for (const auto& [what, values] : logs) profile.residuals.push_back(residual_of(what, std::int64_t(rows.size()), values));
  profile.provenance.push_back({"scale_up tables: NCCL under NVSwitch, one domain, median over sources by size",
                                fmt::format("{}", fmt::join(sources, "; ")), "measured", std::int64_t(rows.size())});
  profile.provenance.push_back({"scale_up models: one for each algorithm and protocol that NCCL " + scale_up.nccl + " chooses",
                                nccl_tuning(scale_up.nccl).source + "; least squares on relative residuals", "fit",
                                std::int64_t(rows.size())});
  profile.provenance.push_back({"scale_up base, step, efficiency: of messages between two devices",
                                "least squares on relative residuals of all_reduce", "fit", count[CollectiveOp::all_reduce]});
  return held_out;
}

}  // namespace kernels::fit
