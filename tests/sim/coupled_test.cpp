// Collectives as one variable against the same collectives message by message.
#include <gmock/gmock.h>
#include <functional>
#include <numeric>
#include "sim/coupled_network.hpp"
#include "sim/random.hpp"

namespace {
using namespace sim;
using namespace sim::literals;

struct Fabric {
  std::vector<LinkSpec> links;
  std::function<CollectiveEdge(std::uint32_t, std::uint32_t)> edge;  // from host to host
  std::uint32_t hosts;
};

// Hosts of 50 GB/s on one switch: an NVSwitch domain.
Fabric star(std::uint32_t hosts) {
  return {std::vector<LinkSpec>(2 * hosts, {50_GBps}),
          [=](std::uint32_t a, std::uint32_t b) {
            return CollectiveEdge{{{LinkId{a}}, {LinkId{hosts + b}}}, 1_us};
          },
          hosts};
}

// Leaves of `per_leaf` hosts, one trunk each way to the spines; `thin` is the oversubscription. Another leaf is farther away.
Fabric leaf_spine(std::uint32_t leaves, std::uint32_t per_leaf, double thin, Time inside = 2_us, Time across = 4_us) {
  const std::uint32_t H = leaves * per_leaf;
  std::vector<LinkSpec> links(2 * H, {50_GBps});
  links.resize(2 * H + 2 * leaves, {BytesPerSecond{50e9 * per_leaf / thin}});
  return {links,
          [=](std::uint32_t a, std::uint32_t b) {
            const std::uint32_t from = a / per_leaf, to = b / per_leaf;
            if (from == to) return CollectiveEdge{{{LinkId{a}}, {LinkId{H + b}}}, inside};
            return CollectiveEdge{{{LinkId{a}}, {LinkId{2 * H + from}}, {LinkId{2 * H + leaves + to}}, {LinkId{H + b}}}, across};
          },
          H};
}

// Four cables from each leaf to the spines and back, chosen by hash: flows collide.
Fabric hashed(std::uint32_t leaves, std::uint32_t per_leaf, Time across = 4_us) {
  const std::uint32_t H = leaves * per_leaf;
  return {std::vector<LinkSpec>(2 * H + 8 * leaves, {50_GBps}),
          [=](std::uint32_t a, std::uint32_t b) {
            const std::uint32_t from = a / per_leaf, to = b / per_leaf, spine = (a * 7 + b * 13) % 4;
            if (from == to) return CollectiveEdge{{{LinkId{a}}, {LinkId{H + b}}}, 2_us};
            return CollectiveEdge{
                {{LinkId{a}}, {LinkId{2 * H + from * 4 + spine}}, {LinkId{2 * H + 4 * (leaves + to) + spine}}, {LinkId{H + b}}}, across};
          },
          H};
}

std::vector<CollectiveEdge> ring(const Fabric& fabric, const std::vector<std::uint32_t>& hosts) {
  std::vector<CollectiveEdge> edges;
  for (std::uint32_t i = 0; i < hosts.size(); ++i) {
    edges.push_back(fabric.edge(hosts[i], hosts[(i + 1) % hosts.size()]));
    edges.back().before = static_cast<std::uint32_t>((i + hosts.size() - 1) % hosts.size());
  }
  return edges;
}
std::vector<std::uint32_t> all_hosts(const Fabric& fabric) {
  std::vector<std::uint32_t> hosts(fabric.hosts);
  std::iota(hosts.begin(), hosts.end(), 0u);
  return hosts;
}

struct Job {
  Time start;
  CollectiveSpec collective;  // of no edges: the flow
  CollectiveEdge route;
  Bytes bytes;
};

struct Played {
  std::vector<Time> finishes;                    // by job
  std::vector<std::vector<Time>> edge_finishes;  // by job
  std::vector<LinkUse> use;
  std::uint64_t expanded, messages;
};

struct Change {
  Time at;
  LinkId link;
  BytesPerSecond capacity;
};

Played play(const Fabric& fabric, const std::vector<Job>& jobs, Coupling coupling, int threads = 1, std::vector<Change> changes = {}) {
  CoupledNetwork net(make_network("fluid", fabric.links, nullptr, threads), fabric.links, coupling);
  Played played{std::vector<Time>(jobs.size(), never), std::vector<std::vector<Time>>(jobs.size()), {}, 0, 0};
  std::vector<std::size_t> order(jobs.size()), job_of(jobs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return jobs[a].start < jobs[b].start; });
  std::size_t begun = 0, changed = 0;
  while (true) {
    const Time due = begun < order.size() ? jobs[order[begun]].start : never;
    const Time change = changed < changes.size() ? changes[changed].at : never;
    const Time now = std::min({due, change, net.next_event()});
    if (now == never) break;
    for (const FlowId id : net.advance_to(now)) {
      const std::size_t job = job_of.at(id.value());
      played.finishes[job] = now;
      if (!jobs[job].collective.edges.empty()) {
        const auto finishes = net.edge_finishes(id);
        played.edge_finishes[job].assign(finishes.begin(), finishes.end());
      }
    }
    for (; changed < changes.size() && changes[changed].at == now; ++changed)
      net.set_capacity(changes[changed].link, changes[changed].capacity);
    for (; begun < order.size() && jobs[order[begun]].start == now; ++begun) {
      const Job& job = jobs[order[begun]];
      const FlowId id =
          job.collective.edges.empty() ? net.start(FlowSpec{job.bytes, job.route.latency, job.route.shares}) : net.start(job.collective);
      if (job_of.size() <= id.value()) job_of.resize(id.value() + 1);
      job_of[id.value()] = order[begun];
    }
  }
  played.use = net.link_use();
  played.expanded = net.expanded();
  played.messages = net.messages();
  return played;
}

void expect_equal_bytes(const Played& a, const Played& b) {
  for (std::size_t l = 0; l < a.use.size(); ++l) EXPECT_NEAR(a.use[l].bytes, b.use[l].bytes, 1e-6 * (b.use[l].bytes + 1e6)) << l;
}

// Alone: one variable, the same time to the picosecond, the same bytes.
void expect_same_alone(const Fabric& fabric, const std::vector<CollectiveEdge>& edges, bool stays_coupled = true) {
  const auto n = static_cast<std::uint32_t>(edges.size());
  const std::vector<Job> jobs = {{3_us, {edges, 2 * (n - 1), 1_MB, 500_ns, stays_coupled}, {}, {}}};
  const Played automatic = play(fabric, jobs, Coupling::automatic), messages = play(fabric, jobs, Coupling::off);
  EXPECT_EQ(automatic.finishes, messages.finishes);
  if (stays_coupled) {
    EXPECT_EQ(automatic.edge_finishes, messages.edge_finishes);
  }
  EXPECT_EQ(automatic.expanded, stays_coupled ? 0 : automatic.expanded);
  EXPECT_EQ(messages.messages, std::uint64_t{2} * (n - 1) * n);
  expect_equal_bytes(automatic, messages);
}

// n - 1 steps of 1 us + 1 MB / 50 GB/s.
TEST(CoupledNetwork, a_ring_takes_steps_times_latency_and_bytes_over_rate) {
  const Fabric fabric = star(8);
  const auto edges = ring(fabric, all_hosts(fabric));
  const Played played = play(fabric, {{0_us, {edges, 7, 1_MB, {}, true}, {}, {}}}, Coupling::automatic);
  EXPECT_EQ(played.finishes[0], 7 * 21_us);
  EXPECT_THAT(played.edge_finishes[0], testing::Each(7 * 21_us));
  EXPECT_EQ(played.messages, 0);
}

TEST(CoupledNetwork, alone_is_the_same_on_a_switch) {
  for (const std::uint32_t n : {2, 3, 8, 72}) expect_same_alone(star(n), ring(star(n), all_hosts(star(n))));
}
TEST(CoupledNetwork, alone_is_the_same_with_unequal_latencies) {
  for (const std::uint32_t per_leaf : {1, 4, 16}) {
    const Fabric fabric = leaf_spine(4, per_leaf, 1);
    expect_same_alone(fabric, ring(fabric, all_hosts(fabric)));
  }
}
// A trunk of a quarter of its hosts' rate, crossed by one edge (not full), or by all of a ring that goes to and fro between the leaves.
TEST(CoupledNetwork, alone_is_the_same_over_a_full_trunk) {
  for (const Time across : {2_us, 4_us}) {
    const Fabric fabric = leaf_spine(2, 8, 4, 2_us, across);
    expect_same_alone(fabric, ring(fabric, all_hosts(fabric)));
    expect_same_alone(fabric, ring(fabric, {0, 8, 1, 9, 2, 10, 3, 11, 4, 12}));
    expect_same_alone(fabric, ring(fabric, {0, 1, 8, 2, 9, 3, 10, 4, 5, 11, 12}));
  }
}
// Collisions of two and of three edges: the ends of single edges cannot be told, that of the whole can.
TEST(CoupledNetwork, alone_is_the_same_where_hashes_collide) {
  const Fabric fabric = hashed(4, 8);
  std::vector<std::uint32_t> hosts;
  for (std::uint32_t i = 0; i < 32; ++i) hosts.push_back(i * 11 % 32);
  const auto edges = ring(fabric, hosts);
  for (const bool edge_finishes : {false, true}) {
    const std::vector<Job> jobs = {{0_us, {edges, 62, 1_MB, {}, edge_finishes}, {}, {}}};
    const Played automatic = play(fabric, jobs, Coupling::automatic), messages = play(fabric, jobs, Coupling::off);
    EXPECT_EQ(automatic.finishes, messages.finishes);
    expect_equal_bytes(automatic, messages);
    if (edge_finishes) {
      EXPECT_EQ(automatic.edge_finishes, messages.edge_finishes);
    }
  }
}

// Rings of one kind that begin together and share full trunks stay one variable each; begun apart they do not.
TEST(CoupledNetwork, rings_in_lockstep_stay_coupled) {
  const Fabric fabric = leaf_spine(2, 8, 4, 4_us, 4_us);
  const auto first = ring(fabric, {0, 8, 1, 9}), second = ring(fabric, {2, 10, 3, 11});
  for (const Time later : {0_us, 50_us}) {
    const std::vector<Job> jobs = {{0_us, {first, 6, 1_MB}, {}, {}}, {later, {second, 6, 1_MB}, {}, {}}};
    const Played automatic = play(fabric, jobs, Coupling::automatic), messages = play(fabric, jobs, Coupling::off);
    EXPECT_EQ(automatic.expanded, later == 0_us ? 0 : 2);
    for (const int job : {0, 1}) EXPECT_NEAR(automatic.finishes[job] / messages.finishes[job], 1, 1e-6);
    expect_equal_bytes(automatic, messages);
  }
}

// A ring on a star, and one flow over one of its links for a while: the ring goes at half speed there.
TEST(CoupledNetwork, a_foreign_flow_expands_the_ring_where_it_is) {
  const Fabric fabric = star(8);
  const auto edges = ring(fabric, all_hosts(fabric));
  const std::vector<Job> jobs = {{0_us, {edges, 14, 1_MB, {}, true}, {}, {}}, {50_us, {}, fabric.edge(0, 3), 2_MB}};
  const Played automatic = play(fabric, jobs, Coupling::automatic), messages = play(fabric, jobs, Coupling::off);
  EXPECT_EQ(automatic.expanded, 1);
  EXPECT_GT(messages.finishes[0], 14 * 21_us + 20_us);
  EXPECT_NEAR(automatic.finishes[0] / messages.finishes[0], 1, 1e-6);
  EXPECT_NEAR(automatic.finishes[1] / messages.finishes[1], 1, 1e-6);
  expect_equal_bytes(automatic, messages);
}

// A flow on links that could carry both does not concern the ring.
TEST(CoupledNetwork, a_flow_that_fits_beside_the_ring_does_not_expand_it) {
  const Fabric fabric = leaf_spine(2, 8, 1);
  const auto edges = ring(fabric, {0, 1, 8, 9});
  const std::vector<Job> jobs = {{0_us, {edges, 6, 1_MB, {}, true}, {}, {}}, {10_us, {}, fabric.edge(3, 12), 2_MB}};
  EXPECT_EQ(play(fabric, jobs, Coupling::automatic).expanded, 0);
}

// A cable goes down to a tenth, and comes back.
TEST(CoupledNetwork, a_change_of_capacity_keeps_what_has_been_done) {
  const Fabric fabric = star(6);
  const auto edges = ring(fabric, all_hosts(fabric));
  const std::vector<Job> jobs = {{0_us, {edges, 10, 1_MB, {}, true}, {}, {}}};
  const std::vector<Change> changes = {{33_us, LinkId{2}, 5_GBps}, {111_us, LinkId{2}, 50_GBps}};
  const Played automatic = play(fabric, jobs, Coupling::automatic, 1, changes), messages = play(fabric, jobs, Coupling::off, 1, changes);
  EXPECT_GT(messages.finishes[0], 10 * 21_us + 50_us);
  EXPECT_NEAR(automatic.finishes[0] / messages.finishes[0], 1, 1e-6);
  expect_equal_bytes(automatic, messages);
}

// Rings and flows that come at random on every kind of fabric. Same result on any number of threads.
TEST(CoupledNetwork, under_cross_traffic_the_automatic_run_is_the_run_message_by_message) {
  unsigned whole = 0, part = 0;  // runs with rings that stayed one variable, and that were expanded on the way
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    const Random random(seed, 3);
    std::uint64_t draw = 0;
    const auto below = [&](double n) { return static_cast<std::uint32_t>(random.uniform(0, draw++) * n); };
    const std::uint32_t kind = below(5);
    const Fabric fabric = kind == 0   ? star(16)
                          : kind == 1 ? leaf_spine(4, 4, 1)
                          : kind == 2 ? leaf_spine(4, 4, 4)
                          : kind == 3 ? leaf_spine(4, 4, 4, 3_us, 3_us)
                                      : hashed(4, 4);
    std::vector<std::vector<CollectiveEdge>> rings;
    for (std::uint32_t r = 0; r < 1 + below(3); ++r) {
      std::vector<std::uint32_t> hosts = all_hosts(fabric);
      const std::uint32_t step = below(2) ? 1 : 5;
      for (std::uint32_t& h : hosts) h = h * step % fabric.hosts;
      hosts.resize(2 + below(15));
      rings.push_back(ring(fabric, hosts));
    }
    std::vector<Job> jobs;
    for (const auto& edges : rings)
      jobs.push_back({Time::picoseconds(below(3) * 40'000'000),
                      {edges, static_cast<std::uint32_t>(2 * edges.size() - 2), Bytes{100'000 * (1 + below(10))}, {}, true},
                      {},
                      {}});
    for (std::uint32_t f = 0; f < below(12); ++f) {
      const std::uint32_t from = below(16), to = (from + 1 + below(15)) % 16;
      jobs.push_back({Time::picoseconds(below(400'000'000)), {}, fabric.edge(from, to), Bytes{1'000 * (1 + below(4000))}});
    }
    const Played automatic = play(fabric, jobs, Coupling::automatic), messages = play(fabric, jobs, Coupling::off);
    for (std::size_t job = 0; job < jobs.size(); ++job) {
      EXPECT_NEAR((automatic.finishes[job] - jobs[job].start) / (messages.finishes[job] - jobs[job].start), 1, 0.001)
          << "seed " << seed << " kind " << kind << " job " << job;
    }
    whole += automatic.expanded < rings.size();
    part += automatic.expanded > 0 && automatic.messages < messages.messages;
    expect_equal_bytes(automatic, messages);
    EXPECT_EQ(automatic.finishes, play(fabric, jobs, Coupling::automatic, 4).finishes);
  }
  EXPECT_GT(whole, 20U);
  EXPECT_GT(part, 200U);
}

}  // namespace
