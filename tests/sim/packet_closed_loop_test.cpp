#include "sim/packet/closed_loop.hpp"
#include <gmock/gmock.h>
#include <numeric>
#include "sim/error.hpp"
#include "tests/bench/common_cases.hpp"

namespace {
using namespace sim;
using namespace sim::literals;
using ::testing::ElementsAre;

// Hosts 0 to n-1 and n (the receiver) around one switch, node n + 1: link i from host i, link n to the receiver; 50 GB/s and 1 us each.
// A packet of 4096 bytes takes 81,920 ps.
PacketFabric star(std::uint32_t senders) {
  PacketFabric fabric{.nodes = senders + 2};
  for (std::uint32_t i = 0; i <= senders; ++i) {
    const bool up = i < senders;
    fabric.links.push_back({up ? i : senders + 1, up ? senders + 1 : senders, 50_GBps, 1_us});
    fabric.members.push_back({i});
  }
  return fabric;
}

constexpr Time packets(std::int64_t n) { return Time::picoseconds(81'920 * n); }

std::shared_ptr<CongestionControl> dcqcn() {
  return make_dcqcn({.gain = 1 / 256.,
                     .increase_share = 2e-4,
                     .fast_increase_share = 2e-3,
                     .least_rate = 1_Gbps,
                     .alpha_period = 1_us,
                     .cut_period = 4_us,
                     .increase_period = 300_us,
                     .fast_recovery = 1,
                     .window = true,
                     .clamp_target = false});
}
std::shared_ptr<CongestionControl> swift() {
  return make_swift({.base_target = 25_us,
                     .per_hop = 1_us,
                     .scaling_range = 50_us,
                     .increase = 1,
                     .beta = .8,
                     .most_decrease = .5,
                     .least_scaled_window = .1,
                     .most_scaled_window = 100});
}
std::shared_ptr<CongestionControl> paced() { return nullptr; }
std::shared_ptr<CongestionControl> hpcc() { return make_hpcc({.utilization = .95, .stages = 5, .expected_flows = 100}); }

ClosedLoopSpec with(std::shared_ptr<CongestionControl> control, Backpressure backpressure = Backpressure::pause_frames) {
  ClosedLoopSpec spec;
  spec.congestion_control = std::move(control);
  spec.backpressure = backpressure;
  spec.ecn_min_time = 32_us;
  spec.ecn_max_time = 128_us;
  spec.timeout = 500_us;
  return spec;
}

// Every sender sends `bytes` to the receiver, all at time 0. When each ends.
std::vector<Time> incast(ClosedLoop& network, std::uint32_t senders, std::int64_t bytes) {
  std::vector<Time> ends(senders);
  for (std::uint32_t i = 0; i < senders; ++i) {
    const std::vector<LinkShare> way = {{LinkId{i}}, {LinkId{senders}}};
    EXPECT_EQ(network.start({Bytes{bytes}, 2_us, way}), FlowId{i});
  }
  for (Time t = network.next_event(); t != never; t = network.next_event())
    for (const FlowId flow : network.advance_to(t)) ends[flow.value()] = t;
  return ends;
}

Time next_end(ClosedLoop& network) {
  while (network.advance_to(network.next_event()).empty()) continue;
  return network.now();
}

// Alone nothing holds a flow back: 100 packets, each stored and forwarded once.
TEST(ClosedLoop, a_flow_alone_takes_the_line_rate) {
  for (const auto& control : {std::shared_ptr<CongestionControl>(), dcqcn(), swift()})
    for (const Backpressure backpressure : {Backpressure::pause_frames, Backpressure::credits, Backpressure::none}) {
      ClosedLoop network(star(1), with(control, backpressure));
      EXPECT_THAT(incast(network, 1, 409'600), ElementsAre(packets(101) + 2_us));
      EXPECT_EQ(network.packet_counts()->packet_hops, 200u);
    }
}

// HPCC aims at 95 % of the link.
TEST(ClosedLoop, hpcc_leaves_a_part_of_the_link) {
  ClosedLoop network(star(1), with(hpcc()));
  const double seconds = incast(network, 1, 40'960'000)[0].in_seconds();
  EXPECT_NEAR(40'960'000 / 50e9 / seconds, .95, .02);
}

// 100 packets of 4096 bytes with a header of 82 each.
TEST(ClosedLoop, headers_are_carried_along) {
  ClosedLoopSpec spec = with(nullptr);
  spec.header = 82;
  ClosedLoop network(star(1), spec);
  EXPECT_THAT(incast(network, 1, 409'600), ElementsAre(101 * Time::picoseconds(4178 * 20) + 2_us));
  EXPECT_EQ(network.link_use()[0].bytes, 100 * 4178);
}

// At max-min rates four senders end together, when all bytes have passed the last link.
TEST(ClosedLoop, paced_senders_share_a_link_evenly) {
  ClosedLoop network(star(4), with(nullptr));
  for (const Time end : incast(network, 4, 4'096'000)) {
    EXPECT_LE(end, packets(4003) + 2_us);
    EXPECT_GE(end, packets(3990) + 2_us);
  }
}

// A flow that begins when the last packet of another has left takes the whole link: what is on its way needs no rate.
TEST(ClosedLoop, a_paced_flow_gives_its_rate_back_with_its_last_packet) {
  ClosedLoop network(star(1), with(nullptr));
  const std::vector<LinkShare> way = {{LinkId{0}}, {LinkId{1}}};
  network.start({409'600_B, 2_us, way});
  network.advance_to(packets(100) + 1_us);  // the end of a window
  network.start({409'600_B, 2_us, way});
  EXPECT_EQ(next_end(network), packets(101) + 2_us);
  EXPECT_EQ(next_end(network), packets(100) + 1_us + packets(101) + 2_us);
}

// Host 0 sends to two, two thirds and one third of its line: packets of the faster flow that wait for the slower one are made up for.
TEST(ClosedLoop, paced_flows_of_one_sender_keep_their_rates) {
  PacketFabric fabric = star(3);
  fabric.nodes = 6;
  fabric.links.push_back({4, 5, 50_GBps, 1_us});
  fabric.members.push_back({4});
  ClosedLoop network(fabric, with(nullptr));
  for (std::uint32_t i = 0; i < 4; ++i) {
    const std::vector<LinkShare> way = {{LinkId{i % 3}}, {LinkId{i < 3 ? 3u : 4u}}};
    network.start({Bytes{4096 * 4000}, 2_us, way});
  }
  EXPECT_NEAR((next_end(network) - 2_us) / packets(6000), 1, .001);
}

// What senders have in flight in the first round trip fills the buffer, yet nothing is lost.
TEST(ClosedLoop, lossless_networks_lose_nothing_in_an_incast) {
  for (const Backpressure backpressure : {Backpressure::pause_frames, Backpressure::credits}) {
    ClosedLoopSpec spec = with(dcqcn(), backpressure);
    spec.buffer = 5 << 20;
    ClosedLoop network(star(32), spec);
    incast(network, 32, 4 << 20);
    const PacketCounts& counts = *network.packet_counts();
    EXPECT_EQ(counts.drops, 0u);
    EXPECT_GT(counts.pauses, 0u);
    EXPECT_GT(counts.marks, 0u);
    EXPECT_LE(counts.max_queue_bytes, spec.buffer);
    EXPECT_EQ(counts.packet_hops, 32u * 1024 * 2);  // every packet once over each link
  }
}

// Without backpressure packets are dropped, sent again, and all arrive.
TEST(ClosedLoop, what_is_lost_is_sent_again) {
  ClosedLoopSpec spec = with(dcqcn(), Backpressure::none);
  spec.buffer = 2 << 20;
  ClosedLoop network(star(16), spec);
  const std::vector<Time> ends = incast(network, 16, 4 << 20);
  EXPECT_GT(network.packet_counts()->drops, 0u);
  EXPECT_GE(*std::max_element(ends.begin(), ends.end()), packets(16 * 1024));
}

// The mean rates of four flows of one round trip over the last part of a long run.
TEST(ClosedLoop, dcqcn_is_fair_within_a_tenth) {
  constexpr std::uint32_t flows = 4;
  ClosedLoop network(star(flows), with(dcqcn()));
  for (std::uint32_t i = 0; i < flows; ++i) {
    const std::vector<LinkShare> way = {{LinkId{i}}, {LinkId{flows}}};
    network.start({Bytes{std::int64_t{1} << 40}, 2_us, way});
  }
  std::vector<double> sum(flows);
  for (Time t = 20_us; t <= 100_ms; t += 20_us) {
    network.advance_to(t);
    for (std::uint32_t i = 0; i < flows && t > 50_ms; ++i) sum[i] += network.rate(FlowId{i}).value();
  }
  const double mean = std::accumulate(sum.begin(), sum.end(), 0.0) / flows;
  for (const double rate : sum) EXPECT_NEAR(rate / mean, 1, .1);
  EXPECT_EQ(network.packet_counts()->drops, 0u);
}

// After the first round trips of 16 senders HPCC keeps its queue near nothing (its paper: below a bandwidth-delay product, here of
// 4.2 us: 210 kB), and Swift below its target delay (25 us and 2 hops of 1 us, and 50 us for small windows; less the round trip).
TEST(ClosedLoop, hpcc_and_swift_keep_the_queue_below_their_bounds) {
  const auto longest_queue = [](std::shared_ptr<CongestionControl> control) {
    ClosedLoop network(star(16), with(std::move(control)));
    for (std::uint32_t i = 0; i < 16; ++i) {
      const std::vector<LinkShare> way = {{LinkId{i}}, {LinkId{16}}};
      network.start({Bytes{std::int64_t{1} << 40}, 2_us, way});
    }
    network.advance_to(2_ms);
    network.forget_longest_queue();
    const double before = network.link_use()[16].bytes;
    network.advance_to(6_ms);
    EXPECT_GT((network.link_use()[16].bytes - before) / (50e9 * 4e-3), .9);  // and the link busy
    return static_cast<double>(network.packet_counts()->max_queue_bytes);
  };
  EXPECT_LE(longest_queue(hpcc()), 50e9 * 4.2e-6);
  EXPECT_LE(longest_queue(swift()), 50e9 * (27e-6 + 50e-6));
}

// 32 senders fill the buffer up to its headroom, so that any packet pauses its link; one for an idle link leaves at once, and in the
// same instant the pause ends.
TEST(ClosedLoop, a_pause_that_ends_as_it_begins_does_not_last) {
  PacketFabric fabric = star(32);
  fabric.nodes = 36;  // host 34 sends to host 35 by links 33 and 34
  fabric.links.push_back({34, 33, 50_GBps, 1_us});
  fabric.links.push_back({33, 35, 50_GBps, 1_us});
  for (std::uint32_t i = 33; i < 35; ++i) fabric.members.push_back({i});
  ClosedLoopSpec spec = with(make_dcqcn({.least_rate = 50_GBps, .alpha_period = 1_s, .cut_period = 1_s, .increase_period = 1_s}));
  spec.buffer = 3'800'000;  // 33 links need a headroom of 112,288 bytes each
  ClosedLoop network(fabric, spec);
  const std::vector<LinkShare> beside = {{LinkId{33}}, {LinkId{34}}};
  network.start({1_MB, 2_us, beside});
  for (std::uint32_t i = 0; i < 32; ++i) {
    const std::vector<LinkShare> way = {{LinkId{i}}, {LinkId{32}}};
    network.start({1_MB, 2_us, way});
  }
  std::size_t ended = 0;
  for (Time t = network.next_event(); t != never; t = network.next_event()) ended += network.advance_to(t).size();
  EXPECT_EQ(ended, 33u);
  EXPECT_EQ(network.packet_counts()->drops, 0u);
}

// Packets of three flows around a triangle of switches, each over two of its sides: with a buffer of a few packets each side waits
// for the next one.
TEST(ClosedLoop, a_circle_of_full_buffers_is_a_deadlock) {
  // Hosts 0..2 send by links 0..2 to switches 3..5; sides 3..5 join 3 -> 4 -> 5 -> 3; links 6..8 lead from switches to hosts 6..8.
  PacketFabric fabric{.nodes = 9};
  for (std::uint32_t i = 0; i < 3; ++i) fabric.links.push_back({i, 3 + i, 50_GBps, 1_us});
  for (std::uint32_t i = 0; i < 3; ++i) fabric.links.push_back({3 + i, 3 + (i + 1) % 3, 50_GBps, 1_us});
  for (std::uint32_t i = 0; i < 3; ++i) fabric.links.push_back({3 + i, 6 + i, 50_GBps, 1_us});
  for (std::uint32_t i = 0; i < 9; ++i) fabric.members.push_back({i});
  ClosedLoopSpec spec = with(nullptr, Backpressure::credits);
  spec.congestion_control = make_dcqcn({.least_rate = 50_GBps, .alpha_period = 1_s, .cut_period = 1_s, .increase_period = 1_s});
  spec.buffer = 2 * 4 * 4096;
  ClosedLoop network(fabric, spec);
  for (std::uint32_t i = 0; i < 3; ++i) {
    const std::vector<LinkShare> way = {{LinkId{i}}, {LinkId{3 + i}}, {LinkId{3 + (i + 1) % 3}}, {LinkId{6 + (i + 2) % 3}}};
    network.start({4_MB, 4_us, way});
  }
  try {
    for (Time t = network.next_event(); t != never; t = network.next_event()) network.advance_to(t);
    FAIL() << "it ended";
  } catch (const SimulationError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("deadlock, packets wait for each other's buffers: link"));
  }
}

TEST(ClosedLoop, a_buffer_too_small_to_be_lossless_is_refused) {
  ClosedLoopSpec spec = with(dcqcn());
  spec.buffer = 64 << 10;
  EXPECT_THROW(ClosedLoop(star(4), spec), InputError);
}

TEST(ClosedLoop, twice_the_same_is_the_same) {
  const bench::Case input = bench::make_case("T1a1_perm1M");
  const auto run = [&] {
    ClosedLoop network(bench::packet_fabric(input), with(dcqcn()));
    return bench::simulate(input, network).finishes;
  };
  EXPECT_EQ(run(), run());
}

// Four runs on 256 hosts and an incast, each with another backpressure and another sender: ends and counts for 1 to 4 threads. The
// incast fills buffers, so pauses, credits, losses and timeouts cross from part to part.
TEST(ClosedLoop, the_number_of_threads_changes_nothing) {
  for (const char* name : {"T1a1_perm1M", "T1e_incast"}) {
    const bench::Case input = bench::make_case(name);
    for (const auto& [control, backpressure] :
         {std::pair(&paced, Backpressure::pause_frames), std::pair(&dcqcn, Backpressure::pause_frames),
          std::pair(&hpcc, Backpressure::credits), std::pair(&swift, Backpressure::none)}) {
      const auto run = [&](int threads) {
        ClosedLoopSpec spec = with(control(), backpressure);
        spec.threads = threads;
        spec.buffer = backpressure == Backpressure::pause_frames ? 4 << 20 : 1 << 20;
        ClosedLoop network(bench::packet_fabric(input), spec);
        const auto finishes = bench::simulate(input, network).finishes;
        const PacketCounts& c = *network.packet_counts();
        return std::tuple(finishes, c.packet_hops, c.drops, c.pauses, c.marks, c.max_queue_bytes);
      };
      const auto one = run(1);
      const std::uint64_t held = backpressure == Backpressure::none ? std::get<2>(one) : std::get<3>(one);
      EXPECT_TRUE(held > 0 || !control()) << name;
      for (int threads = 2; threads <= 4; ++threads) EXPECT_EQ(run(threads), one) << name << ", " << threads << " threads";
    }
  }
}

// At max-min rates completion times are near those of the fluid network.
TEST(ClosedLoop, paced_packets_are_near_the_fluid_network) {
  for (const char* name : {"T1a1_perm1M", "T1e_incast"}) {
    const bench::Case input = bench::make_case(name);
    ClosedLoop network(bench::packet_fabric(input), with(nullptr));
    const std::vector<Time> packet = bench::simulate(input, network).finishes, fluid = bench::simulate(input).finishes;
    for (std::size_t i = 0; i < packet.size(); ++i) EXPECT_NEAR(packet[i] / fluid[i], 1, .02) << name << " " << i;
  }
}
}  // namespace
