#include <fmt/format.h>
#include <unistd.h>
#include <filesystem>
#include "tests/bench/report.hpp"
#include "workloads/studies/sweep_run.hpp"

namespace bench {
namespace {

// The main job with `points` latencies of its cables.
workloads::Sweep sweep_of(const char* network, int points) {
  return workloads::Sweep::from_text(
      fmt::format("schema: weftsim-sweep/1\nbase: sc21-145b\naxes:\n  network: [{}]\n  latency: {{key: cluster.fabric.link.latency, "
                  "range: {{from: 1 ns, to: {} ns, step: 1}}}}\n",
                  network, points),
      "bench.yaml");
}

double seconds_of(const workloads::Sweep& sweep, int jobs) {
  const auto folder = std::filesystem::temp_directory_path() / fmt::format("weftsim-bench-{}", ::getpid());
  const double seconds = wall_seconds_once([&] { workloads::run_sweep(sweep, {.directory = folder.string(), .jobs = jobs}); });
  std::filesystem::remove_all(folder);
  return seconds;
}

}  // namespace

// Wall time, tables included. The first sweep warms up what all share.
void sweeps(Report& report) {
  if (!report.wants("sweep of the main job")) return;
  constexpr int analytic = 400, fluid = 200;
  seconds_of(sweep_of("analytic", 20), 1);
  const double one = seconds_of(sweep_of("analytic", analytic), 1), two = seconds_of(sweep_of("analytic", analytic), 2);
  report.add({"sweep of the main job", "analytic, 2 jobs", analytic / two, "points/s"});
  report.add({"sweep of the main job", "fluid, 2 jobs", fluid / seconds_of(sweep_of("fluid", fluid), 2), "points/s"});
  report.add({"sweep of the main job", "time of 2 jobs over 1", two / one, "of 1"});
}

}  // namespace bench
