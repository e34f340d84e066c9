// Speed of the network: run with `make bench`. Ratios within one run are what counts; times are of this machine.
#include <benchmark/benchmark.h>
#include "sim/event_queue.hpp"
#include "sim/network.hpp"
#include "sim/random.hpp"

namespace {
using namespace sim;
using namespace sim::literals;

// Hold model: pop the earliest of n events, post one later.
void event_queue_hold(benchmark::State& state) {
  const Random random(1, 1);
  EventQueue<int> queue;
  std::uint64_t draw = 0;
  const auto later = [&](Time now) { return now + Time::picoseconds(static_cast<std::int64_t>(random.uniform(0, draw++) * 1e9)); };
  for (int i = 0; i < state.range(0); ++i) queue.push(later({}), 0, 0, draw, i);
  for (auto _ : state) {
    const auto event = queue.pop();
    queue.push(later(event.at), 0, 0, draw, event.payload);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(event_queue_hold)->RangeMultiplier(10)->Range(1'000, 1'000'000);

// A permutation of n hosts under one trunk each way, full bisection (every flow alone) or 4:1 (all flows share).
void fluid_permutation(benchmark::State& state) {
  const auto n = static_cast<std::uint32_t>(state.range(0));
  const double oversubscription = static_cast<double>(state.range(1));
  std::vector<LinkSpec> links(2 * n + 1, {50_GBps});
  links[2 * n].capacity = BytesPerSecond{50e9 * n / oversubscription};
  for (auto _ : state) {
    const auto net = make_network("fluid", links);
    for (std::uint32_t i = 0; i < n; ++i) {
      const LinkShare route[] = {{LinkId{i}}, {LinkId{2 * n}}, {LinkId{n + (i + 1) % n}}};
      net->start({Bytes{1'000'000 + i}, 1_us, route});
    }
    for (Time t = net->next_event(); t != never; t = net->next_event()) benchmark::DoNotOptimize(net->advance_to(t).size());
  }
  state.SetItemsProcessed(state.iterations() * n);
}
BENCHMARK(fluid_permutation)->ArgsProduct({{64, 1'024}, {1, 4}})->Unit(benchmark::kMillisecond);
}  // namespace
