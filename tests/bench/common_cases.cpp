#include "tests/bench/common_cases.hpp"
#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <numeric>
#include <random>
#include <sstream>
#include <stdexcept>
#include "sim/fluid_network.hpp"

namespace bench {
namespace {
using namespace sim;

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
  const double arrivals = load * fabric.hosts * link_bytes_per_second / mean;  // a second
  double now = 0;
  std::vector<Transfer> transfers;
  for (int i = 0; i < count; ++i) {
    now += -std::log(1 - random.uniform()) / arrivals;
    const std::uint32_t from = random.below(fabric.hosts);
    std::uint32_t to = random.below(fabric.hosts - 1);
    to += to >= from;
    const std::int64_t bytes = web_search_size(random.uniform());
    transfers.push_back({from, to, bytes, Time::picoseconds(static_cast<std::int64_t>(now * 1e12)), {}});
  }
  return transfers;
}

std::vector<Transfer> permutation(std::uint32_t hosts, std::int64_t bytes) {
  PythonRandom random(1);
  std::vector<std::uint32_t> to(hosts);
  const auto sends_to_itself = [&] {
    for (std::uint32_t i = 0; i < hosts; ++i)
      if (to[i] == i) return true;
    return false;
  };
  do {
    std::iota(to.begin(), to.end(), 0u);
    for (std::uint32_t i = hosts - 1; i > 0; --i) std::swap(to[i], to[random.below(i + 1)]);
  } while (sends_to_itself());
  std::vector<Transfer> transfers;
  for (std::uint32_t i = 0; i < hosts; ++i) transfers.push_back({i, to[i], bytes, {}, {}});
  return transfers;
}

std::vector<Transfer> ring(std::uint32_t hosts) {
  std::vector<Transfer> transfers;
  for (std::uint32_t i = 0; i < hosts; ++i) transfers.push_back({i, (i + 1) % hosts, (1 << 30) / hosts, {}, {}});
  return transfers;
}

std::vector<Transfer> all_to_all() {
  std::vector<Transfer> transfers;
  for (std::uint32_t i = 0; i < 64; ++i)
    for (std::uint32_t j = 0; j < 64; ++j)
      if (i != j) transfers.push_back({4 * i, 4 * j, 1 << 20, {}, {}});
  return transfers;
}

std::vector<Transfer> incast() {
  std::vector<Transfer> transfers;
  for (std::uint32_t leaf = 0; leaf < 16; ++leaf) transfers.push_back({16 * leaf + 1, 0, 16 << 20, {}, {}});
  return transfers;
}

bool is_ring(std::string_view name) { return name.ends_with("c_ring"); }
std::uint32_t ring_messages(std::uint32_t hosts) { return 2 * (hosts - 1); }

std::ifstream open(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string header;
  if (!std::getline(file, header)) throw std::runtime_error(path.string() + ": cannot be read. Name a folder that holds it.");
  return file;
}

// Starts messages when they may start, and notes when they end.
class Player {
 public:
  Player(const Case& input, Network& network) : input_(input), network_(network), outcome_{std::vector<Time>(input.flows())} {}

  Outcome play() { return input_.messages > 1 ? play_ring() : play_list(); }

 private:
  Outcome play_list() {
    for (std::uint32_t next = 0;;) {
      const Time arrival = next < input_.transfers.size() ? input_.transfers[next].start : never;
      const Time now = std::min(arrival, network_.next_event());
      if (now == never) return std::move(outcome_);
      for (const FlowId id : network_.advance_to(now)) outcome_.finishes[transfer_of_flow_[id.value()]] = outcome_.makespan = now;
      for (; next < input_.transfers.size() && input_.transfers[next].start == now; ++next) start(next);
    }
  }

  Outcome play_ring() {
    const auto n = static_cast<std::uint32_t>(input_.transfers.size());
    std::vector<std::uint32_t> sent(n, 0), received(n, 0), started(n, 0), finished;
    const auto start_next = [&](std::uint32_t rank) {
      if (started[rank] == input_.messages || sent[rank] < started[rank] || received[rank] < started[rank]) return;
      ++started[rank];
      start(rank);
    };
    for (std::uint32_t rank = 0; rank < n; ++rank) start_next(rank);
    for (Time now = network_.next_event(); now != never; now = network_.next_event()) {
      finished.clear();
      for (const FlowId id : network_.advance_to(now)) finished.push_back(transfer_of_flow_[id.value()]);
      for (const std::uint32_t rank : finished) {
        outcome_.finishes[std::size_t{rank} * input_.messages + sent[rank]] = outcome_.makespan = now;
        ++sent[rank], ++received[(rank + 1) % n];
      }
      for (const std::uint32_t rank : finished) start_next(rank), start_next((rank + 1) % n);
    }
    return std::move(outcome_);
  }

  void start(std::uint32_t transfer) {
    const Transfer& t = input_.transfers[transfer];
    shares_.clear();
    for (const LinkId link : t.path) shares_.push_back({link});
    const FlowId id = network_.start({Bytes{t.bytes}, link_latency * static_cast<std::int64_t>(t.path.size()), shares_});
    if (transfer_of_flow_.size() <= id.value()) transfer_of_flow_.resize(id.value() + 1);
    transfer_of_flow_[id.value()] = transfer;
  }

  const Case& input_;
  Network& network_;
  Outcome outcome_;
  std::vector<LinkShare> shares_;
  std::vector<std::uint32_t> transfer_of_flow_;
};
}  // namespace

Case make_case(std::string_view name) {
  const std::string_view pattern = name.substr(2);
  const bool first = name.starts_with("T1");
  const Fabric fabric = first ? leaf_spine(16, 16, 16) : fat_tree(name.starts_with("T2") ? 16 : name.starts_with("T3") ? 32 : 64);
  Case made{std::string(name), fabric.hosts, fabric.links, {}};
  if (pattern == "a_perm") made.transfers = permutation(fabric.hosts, 64 << 20);
  if (pattern == "a1_perm1M") made.transfers = permutation(fabric.hosts, 1 << 20);
  if (pattern == "b_ws")
    made.transfers = first ? poisson(fabric, 10'000, .6, PythonRandom(2)) : poisson(fabric, 50'000, .6, PythonRandom(3));
  if (pattern == "d_a2a") made.transfers = all_to_all();
  if (pattern == "e_incast") made.transfers = incast();
  if (is_ring(name)) made.transfers = ring(fabric.hosts), made.messages = ring_messages(fabric.hosts);
  if (made.transfers.empty()) throw std::runtime_error(made.name + ": there is no such case. The cases are in common_cases.hpp.");
  for (Transfer& t : made.transfers)
    for (const std::uint32_t link : fabric.path(t.from, t.to)) t.path.emplace_back(link);
  return made;
}

Case read_case(std::string_view name, const std::filesystem::path& folder) {
  Case made{std::string(name), 0, 0, {}};
  std::string line;
  for (auto links = open(folder / (made.name.substr(0, 2) + ".links.csv")); std::getline(links, line);) ++made.links;
  for (auto flows = open(folder / (made.name + ".flows.csv")); std::getline(flows, line);) {
    std::replace(line.begin(), line.end(), ',', ' ');
    std::istringstream row(line);
    Transfer t;
    std::int64_t number = 0, start = 0;
    if (!(row >> number >> t.from >> t.to >> t.bytes >> start)) throw std::runtime_error(made.name + ": '" + line + "' is no flow.");
    t.start = Time::picoseconds(start);
    for (std::uint32_t link = 0; row >> link;) t.path.emplace_back(link);
    made.hosts = std::max({made.hosts, t.from + 1, t.to + 1});
    made.transfers.push_back(std::move(t));
  }
  if (is_ring(name)) made.messages = ring_messages(made.hosts);
  return made;
}

Outcome simulate(const Case& input, int threads) {
  FluidNetwork network(std::vector<LinkSpec>(input.links, {BytesPerSecond{link_bytes_per_second}}), nullptr, threads);
  Outcome outcome = Player(input, network).play();
  outcome.solves = network.solves();
  return outcome;
}

Outcome simulate(const Case& input, Network& network) { return Player(input, network).play(); }

PacketFabric packet_fabric(const Case& input) {
  // Ends of links, those that begin first; two that follow each other on a path meet in one node.
  std::vector<std::uint32_t> node(2 * std::size_t{input.links});
  std::iota(node.begin(), node.end(), 0u);
  const auto node_of = [&](std::uint32_t end) {
    while (node[end] != end) end = node[end] = node[node[end]];
    return end;
  };
  for (const Transfer& t : input.transfers)
    for (std::size_t i = 1; i < t.path.size(); ++i) node[node_of(input.links + t.path[i - 1].value())] = node_of(t.path[i].value());
  PacketFabric fabric{.nodes = 2 * input.links};
  for (std::uint32_t link = 0; link < input.links; ++link) {
    fabric.links.push_back({node_of(link), node_of(input.links + link), BytesPerSecond{link_bytes_per_second}, link_latency});
    fabric.members.push_back({link});
  }
  return fabric;
}

}  // namespace bench
