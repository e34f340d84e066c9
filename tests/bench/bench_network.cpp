// Speed of the network's parts: run with `make bench`. Ratios within one run are what counts; times are of this machine.
#include <benchmark/benchmark.h>
#include <malloc.h>
#include <functional>
#include <queue>
#include "sim/event_queue.hpp"
#include "sim/max_min.hpp"
#include "sim/network.hpp"
#include "sim/radix_heap.hpp"
#include "sim/random.hpp"

namespace {
using namespace sim;
using namespace sim::literals;

// Steps of the hold model, drawn beforehand: uniform up to 1 ms.
std::vector<Time> random_steps() {
  const Random random(1, 1);
  std::vector<Time> steps;
  for (std::uint64_t i = 0; i < 1 << 16; ++i) steps.push_back(Time::picoseconds(static_cast<std::int64_t>(random.uniform(0, i) * 1e9)));
  return steps;
}

struct SmallEvent {
  Time at;
  std::uint64_t content;
  auto operator<=>(const SmallEvent&) const = default;
};

// Hold model: take out the earliest of n events, put one in later. 16-byte events in the bare heap.
void radix_heap_hold(benchmark::State& state) {
  const auto steps = random_steps();
  RadixHeap<SmallEvent, std::less<>> heap;
  std::size_t draw = 0;
  const auto step = [&] { return steps[draw++ & 0xffff]; };
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(state.range(0)); ++i) heap.push({step(), i});
  for (auto _ : state) {
    const SmallEvent event = heap.pop();
    heap.push({event.at + step(), event.content});
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(radix_heap_hold)->RangeMultiplier(10)->Range(1'000, 1'000'000);

// The standard library's heap on the same events, for the ratio.
void binary_heap_hold(benchmark::State& state) {
  const auto steps = random_steps();
  std::priority_queue<SmallEvent, std::vector<SmallEvent>, std::greater<>> heap;
  std::size_t draw = 0;
  const auto step = [&] { return steps[draw++ & 0xffff]; };
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(state.range(0)); ++i) heap.push({step(), i});
  for (auto _ : state) {
    const SmallEvent event = heap.top();
    heap.pop();
    heap.push({event.at + step(), event.content});
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(binary_heap_hold)->RangeMultiplier(10)->Range(1'000, 1'000'000);

// The same with the tie rule of the engine: 32-byte events.
void event_queue_hold(benchmark::State& state) {
  const auto steps = random_steps();
  EventQueue<std::uint32_t> queue;
  std::size_t draw = 0;
  const auto step = [&] { return steps[draw++ & 0xffff]; };
  for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(state.range(0)); ++i) queue.push(step(), 0, 0, draw, i);
  for (auto _ : state) {
    const auto event = queue.pop();
    queue.push(event.at + step(), 0, 0, draw, event.payload);
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

// Random flows on a three-tier fabric of as many hosts: up, across and down six of its links.
class RandomFlows {
 public:
  explicit RandomFlows(std::uint32_t hosts) : hosts_(hosts) {}
  std::vector<LinkSpec> links() const { return std::vector<LinkSpec>(6 * hosts_, {50_GBps}); }
  std::span<const LinkShare> next() {
    const std::uint64_t bits = random_.bits(0, draw_++);
    for (std::uint32_t tier = 0; tier < 6; ++tier)
      route_[tier].link = LinkId{tier * hosts_ + static_cast<std::uint32_t>((bits >> (10 * tier)) % hosts_)};
    return route_;
  }

 private:
  std::uint32_t hosts_;
  Random random_{1, 2};
  std::uint64_t draw_ = 0;
  LinkShare route_[6];
};

// One flow ends and another begins while n share 1,024 hosts; one solve after each of the two.
void change_among(benchmark::State& state) {
  const auto n = static_cast<std::uint32_t>(state.range(0));
  RandomFlows flows(1024);
  MaxMin rates(flows.links());
  for (std::uint32_t id = 0; id < n; ++id) rates.attach(FlowId{id}, flows.next(), {}, 1);
  rates.solve();
  std::uint32_t oldest = 0;
  std::size_t solved = 0;
  for (auto _ : state) {
    rates.detach(FlowId{oldest});
    rates.solve();
    solved += rates.solved_flows().size();
    rates.attach(FlowId{oldest}, flows.next(), {}, 1);
    rates.solve();
    solved += rates.solved_flows().size();
    oldest = (oldest + 1) % n;
  }
  state.SetItemsProcessed(2 * state.iterations());
  state.counters["rates_changed"] = static_cast<double>(solved) / static_cast<double>(2 * state.iterations());
}
BENCHMARK(change_among)->Arg(256)->Arg(1'024)->Arg(4'096)->Unit(benchmark::kMicrosecond);

// n flows begin at once: max-min from scratch, and the memory that a flow takes.
void solve_from_scratch(benchmark::State& state) {
  const auto n = static_cast<std::uint32_t>(state.range(0));
  std::size_t bytes = 0;
  for (auto _ : state) {
    state.PauseTiming();
    RandomFlows flows(1024);
    const std::size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    {
      MaxMin rates(flows.links());
      for (std::uint32_t id = 0; id < n; ++id) rates.attach(FlowId{id}, flows.next(), {}, 1);
      state.ResumeTiming();
      rates.solve();
      state.PauseTiming();
      bytes = mallinfo2().uordblks + mallinfo2().hblkhd - before;
    }
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * n);
  state.counters["bytes_per_flow"] = static_cast<double>(bytes) / n;
}
BENCHMARK(solve_from_scratch)->Arg(10'000)->Arg(100'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

// 64 islands (pods that do not talk to each other) of 64 hosts, all flows at once, on 1, 2 and 4 threads.
void solve_islands(benchmark::State& state) {
  constexpr std::uint32_t islands = 64, hosts = 64, flows = 200'000;
  std::vector<std::vector<LinkShare>> routes(flows);
  RandomFlows island(hosts);
  for (std::uint32_t id = 0; id < flows; ++id)
    for (const LinkShare& s : island.next()) routes[id].push_back({LinkId{id % islands * 6 * hosts + s.link.value()}});
  const std::vector<LinkSpec> links(islands * 6 * hosts, {50_GBps});
  for (auto _ : state) {
    state.PauseTiming();
    MaxMin rates(links, static_cast<int>(state.range(0)));
    for (std::uint32_t id = 0; id < flows; ++id) rates.attach(FlowId{id}, routes[id], {}, 1);
    state.ResumeTiming();
    rates.solve();
  }
  state.SetItemsProcessed(state.iterations() * flows);
}
BENCHMARK(solve_islands)->Arg(1)->Arg(2)->Arg(4)->Unit(benchmark::kMillisecond)->UseRealTime();
}  // namespace
