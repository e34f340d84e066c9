#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>
#include "workloads/studies/sweep.hpp"
#include "workloads/studies/sweep_table.hpp"

namespace workloads {

struct SweepOptions {
  std::string directory;                 // gets records/, results.csv and results.h5
  bool resume = false;                   // keep what `directory` has; else it must have nothing
  int jobs = 0;                          // points at once; 0: as many as the machine gives. The results do not depend on it
  std::optional<std::uint64_t> seed;     // instead of the scenario's
  std::function<bool(double)> progress;  // of the fraction done; false stops: Interrupted is thrown, what is done is kept
};

struct ListedPoint {
  std::size_t point = 0;
  std::string reason;
};

struct SweepOutcome {
  std::size_t ok = 0, reused = 0;                      // of the ok and failed, those that were there before
  std::vector<ListedPoint> excluded, invalid, failed;  // by a condition; wrong scenarios; what the simulation ended
  std::vector<ListedPoint> missing;                    // not simulated yet: only of collect_sweep
  bool all_well() const { return invalid.empty() && failed.empty() && missing.empty(); }
};

// Simulates every point whose content (resolved scenario, files it names, version) has no record yet, then writes the tables.
// Throws sim::InputError when not one point is a scenario, or the folder is taken.
SweepOutcome run_sweep(const Sweep& sweep, const SweepOptions& options);

// For work that others share out. `points_to_run`: those without a record, ascending; throws as run_sweep. `run_points`: simulates those of
// `points` that have none, into a record file of this process, and writes no tables. `collect_sweep`: the tables of what is there.
std::vector<std::size_t> points_to_run(const Sweep& sweep, const SweepOptions& options);
void run_points(const Sweep& sweep, const std::vector<std::size_t>& points, const SweepOptions& options);
SweepOutcome collect_sweep(const Sweep& sweep, const SweepOptions& options);

std::string sweep_json(const Sweep& sweep, const SweepOptions& options, const SweepOutcome& outcome);

struct SweepEstimate {
  std::size_t runs = 0;  // points that would run
  std::vector<ListedPoint> excluded, invalid;
  double seconds = 0;  // of all on so many jobs, from a few of them
};
SweepEstimate estimate_sweep(const Sweep& sweep, const SweepOptions& options);
// Seconds of each on one thread, about. Runs nothing for good: a few points on the analytic network, and the fastest of them as it is.
std::vector<double> costs_of(const Sweep& sweep, const std::vector<std::size_t>& points, const SweepOptions& options);

}  // namespace workloads
