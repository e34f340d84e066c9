#include <optional>
#include "tests/bench/report.hpp"
#include "topology/fabric.hpp"
#include "workloads/scenario_reader.hpp"

namespace bench {

// Three tiers of 128-port switches, eight rails: one build, and a route from each GPU.
void fabrics(Report& report) {
  if (!report.wants("fabric of three tiers")) return;
  const auto scenario = workloads::read_scenario_text(
      "schema: weftsim/1\nname: large\ncluster:\n  gpus: 100000\n  host: {preset: dgx-h100}\n  fabric: {type: fat-tree, tiers: 3, radix: "
      "128, "
      "rails: 8, link: {bandwidth: 400 Gb/s, latency: 300 ns}, routing: ecmp}\n",
      "large.yaml", {.workload_required = false});
  const double before = allocated();
  std::optional<topology::Fabric> fabric;
  const double seconds = cpu_seconds_once([&] { fabric.emplace(scenario.cluster); });
  const double bytes = allocated() - before;
  int links = 0;
  const double routing = cpu_seconds([&] {
    for (int i = 0; i < 100'000; ++i) links += fabric->route(i, static_cast<int>((i * 7919LL + 50'000) % 100'000), 1).hops;
  });
  const char* size = "100,000 GPUs";
  report.add({"fabric of three tiers, built", size, 1e3 * seconds, "ms"});
  report.add({"fabric of three tiers, in memory", size, bytes / 0x1p20, "MiB"});
  report.add({"fabric of three tiers, a route", size, links > 0 ? routing / 1e5 * 1e9 : 0, "ns"});
}

}  // namespace bench
