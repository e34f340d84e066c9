#include "tests/bench/report.hpp"
#include "workloads/collective/collective_run.hpp"
#include "workloads/scenario_reader.hpp"

namespace bench {

// From reading the scenario on: fabric, routes and flows of every rank, then the time.
void collective(Report& report) {
  constexpr auto what = "all-reduce of 1 GiB, rail-optimised";
  if (!report.wants(what)) return;
  const double seconds = cpu_seconds([] {
    const auto scenario =
        workloads::read_shipped_scenario("dgx-h100-superpod", {.overrides = {"cluster.gpus=16384", "cluster.fabric.tiers=3"}});
    workloads::collective::run_collective(scenario, {.min_bytes = 1 << 30, .max_bytes = 1 << 30});
  });
  report.add({what, "16,384 ranks", seconds * 1e3, "ms"});
}

}  // namespace bench
