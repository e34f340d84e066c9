#include "workloads/selfcheck/step_scenarios.hpp"
#include <fmt/format.h>
#include "sim/units.hpp"
#include "workloads/quantity.hpp"
#include "workloads/scenario_reader.hpp"

namespace workloads::selfcheck {
namespace {

struct Parallel {
  int tp, pp;
};

// Some tenths of a second a step, so that some steps are not disturbed; products and passes of the sizes that were measured.
struct Size {
  std::string_view model, precision, overlap_dp;
  int micro_batch, micro_batches;
};
Size size_of(std::string_view platform) {
  if (platform == "cpu")  // MPI moves large messages only inside its calls: nothing to hide them under
    return {"{name: small-gpt, layers: 2, hidden: 512, heads: 8, vocab: 2048, seq_len: 256}", "fp32", "false", 2, 2};
  return {"{name: small-gpt, layers: 4, hidden: 4096, heads: 32, vocab: 32768, seq_len: 2048}", "bf16", "true", 1, 4};
}

Scenario scenario_of(const kernels::DeviceProfile& profile, std::string_view accelerator, std::string_view software, const Size& size,
                     int ranks, Parallel parallel) {
  const int dp = ranks / (parallel.tp * parallel.pp);
  const std::string name = fmt::format("step dp{} tp{} pp{}", dp, parallel.tp, parallel.pp);
  const std::string text = fmt::format(
      R"(schema: weftsim/1
name: {}
cluster:
  gpus: {}
  accelerator: "{}"
  host:
    gpus_per_host: {}
    scale_up: {{kind: nvswitch, domain: {}, bandwidth: "{}", latency: "1 ns"}}
    nics: {{count: 1, bandwidth: "1 Gb/s", latency: "1 us"}}
  fabric: {{type: none}}
workload:
  model: {}
  parallel: {{tp: {}, pp: {}, dp: {}}}
  micro_batch: {}
  global_batch: {}
  precision: {}
  attention: unfused
  overlap: {{dp: {}}}
  software: "{}"
)",
      name, ranks, accelerator, ranks, ranks, to_text(sim::BytesPerSecond{profile.scale_up.bandwidth_Bps}), size.model, parallel.tp,
      parallel.pp, dp, size.micro_batch, size.micro_batch * size.micro_batches * dp, size.precision, size.overlap_dp, software);
  return read_scenario_text(text, name + ".yaml");
}

}  // namespace

std::vector<Scenario> step_scenarios(const kernels::DeviceProfile& profile, std::string_view accelerator, std::string_view software,
                                     std::string_view platform, int ranks) {
  std::vector<Scenario> scenarios;
  for (const Parallel parallel : {Parallel{1, 1}, Parallel{2, 1}, Parallel{1, 2}, Parallel{2, 2}})
    if (ranks % (parallel.tp * parallel.pp) == 0)
      scenarios.push_back(scenario_of(profile, accelerator, software, size_of(platform), ranks, parallel));
  return scenarios;
}

}  // namespace workloads::selfcheck
