// Speed of the fluid network on the common cases (T1: leaf-spine of 256 hosts, T2: fat-tree of 1,024, T3: of 8,192;
// every link 400 Gb/s and 1 us). The inputs are made here, number for number those of the published lists.
//
//   bench_common_cases [CASE] [--threads N] [--finishes]
//
// CASE is a part of a case's name (T1b). --finishes prints `flow,start_ps,finish_ps` instead of the table.
#include <fmt/format.h>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <ctime>
#include <functional>
#include <numeric>
#include <random>
#include <sstream>
#include <string>
#include <vector>
#include "sim/event_queue.hpp"
#include "sim/fluid_network.hpp"

namespace {
using namespace sim;
using namespace sim::literals;

constexpr Time hop_latency = 1_us;
constexpr BytesPerSecond line_rate = 400_Gbps;

// Python's random.Random(seed): a Mersenne twister seeded by array, so that the lists are the published ones.
class PythonRandom {
 public:
  explicit PythonRandom(std::uint32_t seed) {
    std::uint32_t state[624];
    state[0] = 19650218;
    for (std::uint32_t i = 1; i < 624; ++i) state[i] = 1812433253u * (state[i - 1] ^ (state[i - 1] >> 30)) + i;
    std::uint32_t i = 1;
    const auto step = [&](std::uint32_t factor) { return state[i] ^ ((state[i - 1] ^ (state[i - 1] >> 30)) * factor); };
    const auto advance = [&] {
      if (++i == 624) state[0] = state[623], i = 1;
    };
    for (int k = 0; k < 624; ++k) state[i] = step(1664525u) + seed, advance();
    for (int k = 0; k < 623; ++k) state[i] = step(1566083941u) - i, advance();
    state[0] = 0x80000000u;
    std::stringstream text;
    for (const std::uint32_t word : state) text << word << ' ';
    text << 624;
    text >> engine_;
  }
  double uniform() {
    const auto high = engine_() >> 5, low = engine_() >> 6;
    return (static_cast<double>(high) * 67108864.0 + static_cast<double>(low)) / 9007199254740992.0;
  }
  std::uint32_t below(std::uint32_t n) {
    const int shift = __builtin_clz(n);
    std::uint32_t draw = n;
    while (draw >= n) draw = static_cast<std::uint32_t>(engine_()) >> shift;
    return draw;
  }

 private:
  std::mt19937 engine_;
};

std::uint64_t route_hash(std::uint64_t from, std::uint64_t to) {
  std::uint64_t x = (from << 32 | to) + 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

struct Fabric {
  std::uint32_t hosts, links;
  std::function<std::vector<std::uint32_t>(std::uint32_t, std::uint32_t)> path;
};

Fabric leaf_spine(std::uint32_t leaves, std::uint32_t per_leaf, std::uint32_t spines) {
  const std::uint32_t H = leaves * per_leaf;
  return {H, 2 * H + 2 * leaves * spines, [=](std::uint32_t a, std::uint32_t b) -> std::vector<std::uint32_t> {
            const std::uint32_t from = a / per_leaf, to = b / per_leaf;
            if (from == to) return {a, H + b};
            const auto spine = static_cast<std::uint32_t>(route_hash(a, b) % spines);
            return {a, 2 * H + from * spines + spine, 2 * H + leaves * spines + spine * leaves + to, H + b};
          }};
}

Fabric fat_tree(std::uint32_t k) {
  const std::uint32_t h = k / 2, H = k * h * h;
  return {H, 6 * H, [=](std::uint32_t a, std::uint32_t b) -> std::vector<std::uint32_t> {
            const std::uint32_t edge_a = a / h, edge_b = b / h, pod_a = edge_a / h, pod_b = edge_b / h;
            if (edge_a == edge_b) return {a, H + b};
            const std::uint64_t x = route_hash(a, b);
            const auto up = static_cast<std::uint32_t>(x % h), core = static_cast<std::uint32_t>((x >> 32) % h);
            const std::uint32_t first = 2 * H + edge_a * h + up, last = 3 * H + (pod_b * h + up) * h + edge_b % h;
            if (pod_a == pod_b) return {a, first, last, H + b};
            return {a, first, 4 * H + (pod_a * h + up) * h + core, 5 * H + (up * h + core) * k + pod_b, last, H + b};
          }};
}

struct Transfer {
  std::uint32_t from, to;
  std::int64_t bytes;
  Time start;
};

// Sizes of a web-search trace: cumulative probability, linear between the points.
constexpr std::pair<double, double> web_search[] = {{1, 0},      {10e3, .15}, {20e3, .20}, {30e3, .30}, {50e3, .40}, {80e3, .53},
                                                    {200e3, .6}, {1e6, .70},  {2e6, .80},  {5e6, .90},  {10e6, .97}, {30e6, 1.0}};
constexpr std::size_t points = std::size(web_search);

std::int64_t web_search_size(double u) {
  std::size_t i = 1;
  while (i + 1 < points && web_search[i].second <= u) ++i;
  const auto [x0, c0] = web_search[i - 1];
  const auto [x1, c1] = web_search[i];
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(x0 + (x1 - x0) * (u - c0) / (c1 - c0)));
}

std::vector<Transfer> poisson(const Fabric& fabric, int count, double load, PythonRandom random) {
  double mean = 0;
  for (std::size_t i = 1; i < points; ++i)
    mean += (web_search[i].second - web_search[i - 1].second) * (web_search[i - 1].first + web_search[i].first) / 2;
  const double arrivals = load * fabric.hosts * 400 * 1e9 / 8 / mean;  // a second
  double now = 0;
  std::vector<Transfer> transfers;
  for (int i = 0; i < count; ++i) {
    now += -std::log(1 - random.uniform()) / arrivals;
    const std::uint32_t from = random.below(fabric.hosts);
    std::uint32_t to = random.below(fabric.hosts - 1);
    to += to >= from;
    const std::int64_t bytes = web_search_size(random.uniform());
    transfers.push_back({from, to, bytes, Time::picoseconds(static_cast<std::int64_t>(now * 1e12))});
  }
  return transfers;
}

std::vector<Transfer> permutation(const Fabric& fabric, std::int64_t bytes) {
  PythonRandom random(1);
  std::vector<std::uint32_t> to(fabric.hosts);
  const auto sends_to_itself = [&] {
    for (std::uint32_t i = 0; i < to.size(); ++i)
      if (to[i] == i) return true;
    return false;
  };
  do {
    std::iota(to.begin(), to.end(), 0u);
    for (std::uint32_t i = fabric.hosts - 1; i > 0; --i) std::swap(to[i], to[random.below(i + 1)]);
  } while (sends_to_itself());
  std::vector<Transfer> transfers;
  for (std::uint32_t i = 0; i < fabric.hosts; ++i) transfers.push_back({i, to[i], bytes, {}});
  return transfers;
}

struct Outcome {
  std::vector<Time> finishes;
  std::uint64_t solves = 0;
  Time makespan;
};

FlowId start(Network& network, const Fabric& fabric, const Transfer& t) {
  std::vector<LinkShare> shares;
  for (const std::uint32_t link : fabric.path(t.from, t.to)) shares.push_back({LinkId{link}});
  return network.start({Bytes{t.bytes}, hop_latency * static_cast<std::int64_t>(shares.size()), shares});
}

Outcome simulate(const Fabric& fabric, const std::vector<Transfer>& transfers, int threads) {
  FluidNetwork network(std::vector<LinkSpec>(fabric.links, {line_rate}), nullptr, threads);
  Outcome outcome{std::vector<Time>(transfers.size())};
  std::vector<std::uint32_t> transfer_of_flow;
  for (std::size_t next = 0;;) {
    const Time arrival = next < transfers.size() ? transfers[next].start : never;
    const Time now = std::min(arrival, network.next_event());
    if (now == never) break;
    for (const FlowId id : network.advance_to(now)) outcome.finishes[transfer_of_flow[id.value()]] = outcome.makespan = now;
    for (; next < transfers.size() && transfers[next].start == now; ++next) {
      const FlowId id = start(network, fabric, transfers[next]);
      if (transfer_of_flow.size() <= id.value()) transfer_of_flow.resize(id.value() + 1);
      transfer_of_flow[id.value()] = static_cast<std::uint32_t>(next);
    }
  }
  outcome.solves = network.solves();
  return outcome;
}

// Ring all-reduce of 1 GiB, every message a flow: message k of a rank waits until its message k-1 is
// sent and message k-1 of the rank before it has come.
Outcome simulate_ring(const Fabric& fabric, int threads) {
  FluidNetwork network(std::vector<LinkSpec>(fabric.links, {line_rate}), nullptr, threads);
  const std::uint32_t n = fabric.hosts, messages = 2 * (n - 1);
  const auto transfer = [&](std::uint32_t rank) { return Transfer{rank, (rank + 1) % n, (1 << 30) / n, {}}; };
  std::vector<std::uint32_t> rank_of_flow, sent(n, 0), received(n, 0), started(n, 0);
  Outcome outcome{std::vector<Time>(std::size_t{n} * messages)};
  const auto start_next = [&](std::uint32_t rank) {
    if (started[rank] == messages || sent[rank] < started[rank] || received[rank] < started[rank]) return;
    ++started[rank];
    const FlowId id = start(network, fabric, transfer(rank));
    if (rank_of_flow.size() <= id.value()) rank_of_flow.resize(id.value() + 1);
    rank_of_flow[id.value()] = rank;
  };
  for (std::uint32_t rank = 0; rank < n; ++rank) start_next(rank);
  std::vector<std::uint32_t> finished;
  for (Time now = network.next_event(); now != never; now = network.next_event()) {
    finished.clear();
    for (const FlowId id : network.advance_to(now)) finished.push_back(rank_of_flow[id.value()]);
    for (const std::uint32_t rank : finished) {
      outcome.finishes[std::size_t{rank} * messages + sent[rank]] = outcome.makespan = now;
      ++sent[rank], ++received[(rank + 1) % n];
    }
    for (const std::uint32_t rank : finished) start_next(rank), start_next((rank + 1) % n);
  }
  outcome.solves = network.solves();
  return outcome;
}

void run_case(const std::string& name, const std::function<Outcome()>& simulate_it, bool print_finishes) {
  const std::clock_t before = std::clock();
  const auto wall_before = std::chrono::steady_clock::now();
  const Outcome outcome = simulate_it();
  const double cpu = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - wall_before).count();
  if (print_finishes) {
    for (std::size_t i = 0; i < outcome.finishes.size(); ++i) fmt::print("{},{}\n", i, outcome.finishes[i].ps());
    return;
  }
  const auto flows = static_cast<double>(outcome.finishes.size());
  fmt::print("{:<12} {:>8} {:>9} {:>9.4f} {:>9.4f} {:>12.0f} {:>12.2f} {:>14.3f}\n", name, outcome.finishes.size(), outcome.solves, cpu,
             wall, flows / wall, wall / (2 * flows) * 1e6, outcome.makespan.in_seconds() * 1e6);
  std::fflush(stdout);
}
}  // namespace

int main(int argc, char** argv) {
  std::string filter;
  bool print_finishes = false;
  int threads = 1;
  for (int i = 1; i < argc; ++i) {
    if (!std::strcmp(argv[i], "--finishes"))
      print_finishes = true;
    else if (!std::strcmp(argv[i], "--threads") && i + 1 < argc)
      threads = std::atoi(argv[++i]);
    else
      filter = argv[i];
  }
  const Fabric t1 = leaf_spine(16, 16, 16), t2 = fat_tree(16), t3 = fat_tree(32);
  const auto listed = [&](const Fabric& fabric, std::function<std::vector<Transfer>()> make) {
    return [&fabric, make, threads] { return simulate(fabric, make(), threads); };
  };
  const std::pair<std::string, std::function<Outcome()>> cases[] = {
      {"T1a_perm", listed(t1, [&] { return permutation(t1, 64 << 20); })},
      {"T1a1_perm1M", listed(t1, [&] { return permutation(t1, 1 << 20); })},
      {"T1b_ws", listed(t1, [&] { return poisson(t1, 10'000, .6, PythonRandom(2)); })},
      {"T1c_ring", [&] { return simulate_ring(t1, threads); }},
      {"T2a_perm", listed(t2, [&] { return permutation(t2, 64 << 20); })},
      {"T2a1_perm1M", listed(t2, [&] { return permutation(t2, 1 << 20); })},
      {"T2b_ws", listed(t2, [&] { return poisson(t2, 50'000, .6, PythonRandom(3)); })},
      {"T2c_ring", [&] { return simulate_ring(t2, threads); }},
      {"T3a_perm", listed(t3, [&] { return permutation(t3, 64 << 20); })},
      {"T3a1_perm1M", listed(t3, [&] { return permutation(t3, 1 << 20); })},
  };
  if (!print_finishes)
    fmt::print("{:<12} {:>8} {:>9} {:>9} {:>9} {:>12} {:>12} {:>14}\n", "case", "flows", "solves", "CPU s", "wall s", "flows/s",
               "us/change", "makespan us");
  for (const auto& [name, simulate_it] : cases)
    if (name.find(filter) != std::string::npos) run_case(name, simulate_it, print_finishes);
  return 0;
}
