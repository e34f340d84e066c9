#include "kernels/calibrate/fit/fit_journal.hpp"
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <algorithm>
#include <cmath>
#include <map>
#include "kernels/calibrate/fit/predict.hpp"
#include "kernels/fit/fit_device_profile.hpp"
#include "kernels/fit/numerics.hpp"
#include "sim/error.hpp"

namespace kernels::calibrate {
namespace {

constexpr std::size_t fewest_products = 20;
constexpr std::size_t fewest_of_a_class = 8;  // fewer: the errors of its whole family count
constexpr double ninety_percent = 1.645;      // standard deviations to each side

int fold_of(const Operation& operation) { return fit::fold_of("left out " + to_json(operation)); }

// gemm_fp32_large -> gemm; collectives are one family.
std::string family_of(const std::string& residual_class) {
  for (const char* family : {"gemm", "attention", "memory", "message"})
    if (residual_class.starts_with(family)) return family;
  return "collectives";
}

Samples usable(const Journal& journal) {
  Samples samples;
  for (const Sample& sample : journal.samples)
    if (sample.skipped.empty()) samples.push_back(&sample);
  return samples;
}

void check(const Samples& samples, const FitSettings& settings) {
  const auto is_product = [](const Sample* sample) {
    const auto* product = std::get_if<Product>(&sample->operation);
    return product && product->shape.batch == 1;
  };
  const auto products = static_cast<std::size_t>(std::count_if(samples.begin(), samples.end(), is_product));
  if (settings.whole_machine && settings.base.gemm.empty() && products < fewest_products)
    throw sim::InputError(fmt::format("{}: {} matrix products were measured, and a fit needs {}. Measure longer (--budget).",
                                      settings.source, products, fewest_products));
}

struct LeftOut {
  const Sample* sample;
  OperationTime predicted;
};

std::vector<LeftOut> predict_left_out(const Samples& samples, const FitSettings& settings) {
  std::vector<LeftOut> rows;
  for (int fold = 0; fold < fit::folds; ++fold) {
    Samples seen;
    std::copy_if(samples.begin(), samples.end(), std::back_inserter(seen), [&](const Sample* s) { return fold_of(s->operation) != fold; });
    Parts parts = fit_parts(settings.base, seen, settings.library);
    parts.profile.calibrated = true;
    const OperationTimes times(parts.profile);
    for (const Sample* sample : samples) {
      if (fold_of(sample->operation) != fold) continue;
      const auto* collective = std::get_if<Collective>(&sample->operation);
      if (collective && settings.library.hosts_of(*collective) > 1) continue;
      if (const auto time = predict(sample->operation, times, parts.costs.factor)) rows.push_back({sample, *time});
    }
  }
  return rows;
}

// What drifts from one minute to the next is added to what the fit leaves.
Residual widened(Residual r, double drift_sigma) {
  const auto wide = [&](double part) { return std::hypot(std::log(part), ninety_percent * drift_sigma); };
  r.low = fit::rounded(std::exp(-wide(std::min(r.low, 1.0))));
  r.high = fit::rounded(std::exp(wide(std::max(r.high, 1.0))));
  r.sigma = fit::rounded(std::hypot(r.sigma, drift_sigma));
  return r;
}

void add_residuals(const std::vector<LeftOut>& rows, const FitSettings& settings, DeviceProfile& profile) {
  std::map<std::string, std::vector<double>> by_class, by_family;
  for (const LeftOut& row : rows) {
    const std::string name = residual_class(row.sample->operation, profile);
    by_class[name].push_back(std::log(row.predicted.seconds / row.sample->seconds));
    by_family[family_of(name)].push_back(by_class[name].back());
  }
  for (const auto& [name, logs] : by_class) {
    std::erase_if(profile.residuals, [&, &what = name](const Residual& r) { return r.what == what; });
    const auto& counted = logs.size() < fewest_of_a_class ? by_family[family_of(name)] : logs;
    profile.residuals.push_back(widened(fit::residual_of(name, std::int64_t(logs.size()), counted), settings.drift_sigma));
  }
  const double wide = ninety_percent * settings.drift_sigma;
  for (const char* family : {"gemm", "attention"}) {
    const std::string what = fmt::format("{}_common", family);
    if (!by_family.contains(family) && profile.residual(what)) continue;
    std::erase_if(profile.residuals, [&](const Residual& r) { return r.what == what; });
    profile.residuals.push_back({.what = what, .sigma = settings.drift_sigma, .low = std::exp(-wide), .high = std::exp(wide)});
  }
  std::sort(profile.residuals.begin(), profile.residuals.end(), [](const auto& a, const auto& b) { return a.what < b.what; });
}

// Rows of several hosts, each half of them predicted from the other, or each cluster from the others.
void fit_across_hosts(std::vector<fit::CollectiveRow> rows, const FitSettings& settings, Calibration& result) {
  for (auto& row : rows) {
    row.gpu_type = settings.name;
    if (row.network.empty()) row.network = settings.network;
    if (fit::nic_rate_of(row.network) <= 0)
      throw sim::InputError(
          fmt::format("{}: collectives over {} hosts were measured, and the rate of their NICs is not known. Say it, as in --network "
                      "'8x400G InfiniBand'.",
                      settings.source, row.hosts));
  }
  std::erase_if(result.profile.residuals, [](const Residual& r) { return r.what.starts_with("network_"); });
  const auto count = static_cast<std::int64_t>(rows.size());
  const auto held_out = fit::fit_network(std::move(rows), settings.name, result.profile);
  if (held_out.empty())
    throw sim::InputError(
        fmt::format("{}: {} rows across hosts are no curve: a fit needs 10 of one operation and number of ranks, some of "
                    "1 GiB or more. Measure more sizes.",
                    settings.source, count));
  const auto& residuals = result.profile.residuals;
  for (const auto& h : held_out) {
    const std::string name = h.row.bytes < 0x1p20 ? "network_below_1_MiB" : fmt::format("network_{}", name_of(h.row.op));
    const auto r = std::find_if(residuals.begin(), residuals.end(), [&](const Residual& each) { return each.what.starts_with(name); });
    const bool known = r != residuals.end();
    result.rows.push_back({fmt::format("{} across hosts", name_of(h.row.op)),
                           fmt::format("{} of {} ranks on {} hosts {:.0f} B", name_of(h.row.op), h.row.ranks, h.row.hosts, h.row.bytes),
                           h.row.seconds, h.predicted_s, known ? r->low : 1, known ? r->high : 1});
  }
}

}  // namespace

FitSettings settings_of(const Machine& machine, const std::string& name) {
  const Platform platform = platform_named(machine.platform);
  FitSettings settings{.name = name,
                       .base = base_profile(machine),
                       .library = {},
                       .drift_sigma = platform.drift_sigma,
                       .drift_source = platform.drift_source,
                       .source = machine.device};
  for (const auto& [fact, value] : machine.facts) settings.source += fmt::format("; {} {}", fact, value);
  const std::string mpi = fact_of(machine, "mpi");
  if (machine.platform == "cpu")
    settings.library.library = mpi.empty() ? "MPI" : mpi.substr(0, mpi.find(','));
  else
    settings.library.nccl = fact_of(machine, "nccl");
  if (machine.hosts > 1) settings.library.ranks_of_host = machine.ranks / machine.hosts;
  return settings;
}

Calibration fit_journal(const Journal& journal, const FitSettings& settings, std::vector<fit::CollectiveRow> across_hosts) {
  const Samples samples = usable(journal);
  check(samples, settings);
  for (const Sample* sample : samples)
    if (const auto* c = std::get_if<Collective>(&sample->operation); c && settings.library.hosts_of(*c) > 1)
      across_hosts.push_back(collective_row(*c, sample->seconds, settings.library));
  Parts parts = fit_parts(settings.base, samples, settings.library);
  Calibration result{std::move(parts.profile), parts.costs, {}};
  if (parts.fitted.empty() && across_hosts.empty())
    throw sim::InputError(
        fmt::format("{}: {} rows are too few to fit anything: 12 products of a precision, or 8 collectives of one host. Give more.",
                    settings.source, samples.size()));
  fit_costs(journal, result.costs);
  DeviceProfile& profile = result.profile;
  profile.name = settings.name;
  profile.calibrated = true;
  if (settings.whole_machine) profile.description = journal.machine.device;
  profile.provenance.push_back(
      {fmt::format("{}", fmt::join(parts.fitted, ", ")), settings.source, "measured", static_cast<std::int64_t>(samples.size())});
  profile.provenance.push_back({"part of all residuals and intervals", settings.drift_source, "assumption", 0});
  const auto left_out = predict_left_out(samples, settings);
  add_residuals(left_out, settings, profile);
  if (!across_hosts.empty()) fit_across_hosts(std::move(across_hosts), settings, result);
  for (const auto& [sample, predicted] : left_out) {
    ComparedRow& row = result.rows.emplace_back(compared(sample->operation, sample->seconds, predicted));
    if (const Residual* r = profile.residual(residual_class(sample->operation, profile))) row.low = r->low, row.high = r->high;
  }
  return result;
}

}  // namespace kernels::calibrate
