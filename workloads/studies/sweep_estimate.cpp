#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <thread>
#include "sim/error.hpp"
#include "workloads/run.hpp"
#include "workloads/run_cache.hpp"
#include "workloads/stopwatch.hpp"
#include "workloads/studies/sweep_cost.hpp"
#include "workloads/studies/sweep_points.hpp"
#include "workloads/studies/sweep_run.hpp"

namespace workloads {
namespace {

double seconds_of(const Scenario& scenario, RunCache& cache) {
  const Stopwatch watch;
  try {
    run(scenario, {.cache = &cache});
  } catch (const sim::SimulationError&) {
  } catch (const sim::InputError&) {}
  return watch.wall_s();
}

}  // namespace

// Samples lie where the golden ratio puts them, so that no axis beats in time with them.
std::vector<double> costs_of(const Sweep& sweep, const std::vector<std::size_t>& points, const SweepOptions& options) {
  constexpr std::size_t most = 24;
  constexpr double most_s = 15;
  RunCache cache;
  std::vector<SweepCost::Sample> samples;
  std::vector<bool> tried(points.size(), false);
  std::size_t fastest = 0, fastest_point = 0;
  const Stopwatch watch;
  for (std::size_t i = 0; i < most && i < points.size() && (i < 2 || watch.wall_s() < most_s); ++i) {
    const double turn = double(i) * std::numbers::phi;
    const auto place = static_cast<std::size_t>((turn - std::floor(turn)) * double(points.size()));
    if (tried[place]) continue;
    tried[place] = true;
    Scenario scenario = scenario_of(sweep, points[place], options.seed);
    scenario.network = "analytic";
    samples.push_back({sweep.choices(points[place]), seconds_of(scenario, cache)});
    if (samples.size() > 1 && samples.back().seconds >= samples[fastest].seconds) continue;
    fastest = samples.size() - 1;
    fastest_point = points[place];
  }
  if (samples.empty()) return {};
  const Scenario as_it_is = scenario_of(sweep, fastest_point, options.seed);
  const double factor = as_it_is.network == "analytic" ? 1 : seconds_of(as_it_is, cache) / samples[fastest].seconds;
  for (SweepCost::Sample& sample : samples) sample.seconds *= factor;
  std::vector<std::size_t> sizes;
  for (const SweepAxis& axis : sweep.axes()) sizes.push_back(axis.values.size());
  const SweepCost cost(sizes, samples);
  std::vector<double> costs;
  for (const std::size_t point : points) costs.push_back(cost.seconds(sweep.choices(point)));
  return costs;
}

SweepEstimate estimate_sweep(const Sweep& sweep, const SweepOptions& options) {
  const std::vector<std::string> reasons = exclusions(sweep);
  SweepEstimate estimate;
  std::vector<std::size_t> points;
  for (std::size_t p = 0; p < sweep.size(); ++p) {
    if (!reasons[p].empty()) {
      estimate.excluded.push_back({p, reasons[p]});
      continue;
    }
    try {
      sweep.scenario(p);
      points.push_back(p);
    } catch (const sim::InputError& error) {
      estimate.invalid.push_back({p, in_one_line(error.what())});
    }
  }
  estimate.runs = points.size();
  const std::vector<double> costs = costs_of(sweep, points, options);
  const int machine = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  const int jobs = options.jobs > 0 ? std::min(options.jobs, machine) : machine;
  estimate.seconds = std::accumulate(costs.begin(), costs.end(), 0.0) / jobs;
  return estimate;
}

}  // namespace workloads
