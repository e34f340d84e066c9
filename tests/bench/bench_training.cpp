// Speed of whole training steps: folded and unfolded, on one core.
#include <benchmark/benchmark.h>
#include "workloads/run.hpp"
#include "workloads/scenario_reader.hpp"

namespace {
void training_step(benchmark::State& state, const char* name, bool fold) {
  const workloads::Scenario scenario = workloads::read_shipped_scenario(name);
  std::uint64_t events = 0;
  for (auto _ : state) events += workloads::run(scenario, {.fold = fold}).events;
  state.SetItemsProcessed(static_cast<std::int64_t>(events));  // simulated steps of ranks, messages and collectives
}
BENCHMARK_CAPTURE(training_step, main_job_folded, "sc21-145b", true)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(training_step, main_job_unfolded, "sc21-145b", false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(training_step, trillion_folded, "sc21-1008b", true)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(training_step, one_host_of_ranks_folded, "quick", true)->Unit(benchmark::kMillisecond);
}  // namespace
