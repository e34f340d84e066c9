#include <gmock/gmock.h>
#include <cmath>
#include "kernels/collectives/nccl_tuning.hpp"

using namespace kernels;
using enum CollectiveOp;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

NcclGroup hopper_group(const NcclGeneration& generation, double bus_GBps) { return {nccl_tuning("2.30"), generation, bus_GBps}; }

struct Golden {
  int hosts;
  CollectiveOp op;
  const char* protocol;
  double latency_us, algorithm_GBps;
};

NcclChoice of(const char* generation, CollectiveOp op, int ranks, double bytes, const char* version = "2.29") {
  const NcclTuning& tuning = nccl_tuning(version);
  const NcclGeneration& g = tuning.generation(generation);
  return nccl_choice(op, one_host(ranks), bytes, {tuning, g, g.bus_GBps});
}

// The size from which on this is no longer the choice, in octaves.
int last_octave(const char* generation, CollectiveOp op, int ranks, NcclProtocol protocol) {
  int octave = 9;
  while (of(generation, op, ranks, std::exp2(octave + 1)).protocol == protocol) ++octave;
  return octave;
}

}  // namespace

// An independent evaluation of the formula: 16 channels of 20 GB/s, hosts of eight, Intel. 1 KiB is below the plateau factor.
TEST(NcclChoice, latency_and_bandwidth_are_those_of_the_published_formula) {
  NcclGeneration generation = nccl_tuning("2.30").generation("hopper");
  generation.channels = 16;
  const NcclGroup group = hopper_group(generation, 320);
  for (const Golden& g : {Golden{1, all_reduce, "LL", 15.0, 80.571}, Golden{1, all_reduce, "LL128", 40.6, 168.229},
                          Golden{1, all_reduce, "Simple", 56.0, 182.857}, Golden{1, all_gather, "LL", 10.8, 161.143},
                          Golden{1, all_gather, "Simple", 32.2, 365.714}, Golden{4, all_reduce, "LL", 78.8, 10.529},
                          Golden{4, all_reduce, "LL128", 144.4, 151.948}, Golden{4, all_reduce, "Simple", 282.8, 165.161},
                          Golden{4, all_gather, "LL128", 79.2, 303.897}, Golden{4, all_gather, "Simple", 145.6, 330.323}}) {
    const GroupShape shape{.ranks = 8 * g.hosts, .hosts = g.hosts, .per_host = 8, .nic_rate_Bps = 40e9};
    const NcclChoice choice = nccl_choice(g.op, shape, 1024, group, {.algorithm = "ring", .protocol = g.protocol});
    EXPECT_NEAR(choice.latency_s * 1e6, g.latency_us, 1e-9) << g.protocol;
    EXPECT_NEAR(1024 / choice.transfer_s * 1e-9, g.algorithm_GBps, 5e-4) << g.protocol;
  }
}

// 1 MiB are 2,048 bytes for each channel and rank: on the plateau, where NCCL takes 1.4 times the latency.
TEST(NcclChoice, large_rings_across_hosts_have_more_latency) {
  NcclGeneration generation = nccl_tuning("2.30").generation("hopper");
  generation.channels = 16;
  const GroupShape shape{.ranks = 32, .hosts = 4, .per_host = 8, .nic_rate_Bps = 40e9};
  const NcclChoice choice =
      nccl_choice(all_reduce, shape, 1 << 20, hopper_group(generation, 320), {.algorithm = "Ring", .protocol = "Simple"});
  EXPECT_NEAR((choice.latency_s + choice.transfer_s) * 1e6, 402.27, 0.01);
}

// Measured times jump where LL ends: all_reduce of 2 A100 from 0.5 to 1 MiB (19 to 41 us), all_gather of 2 and 4 from 1 to
// 2 MiB (20 to 38, 23 to 53 us); all_gather of 4 H100 from 2 to 4 MiB (19 to 37 us), of 4 B200 from 4 to 8 MiB (27 to 52 us).
TEST(NcclChoice, protocols_change_where_measured_times_jump) {
  EXPECT_EQ(last_octave("ampere", all_reduce, 2, NcclProtocol::ll), 19);
  EXPECT_EQ(last_octave("ampere", all_gather, 2, NcclProtocol::ll), 20);
  EXPECT_EQ(last_octave("ampere", all_gather, 4, NcclProtocol::ll), 20);
  EXPECT_EQ(last_octave("hopper", all_gather, 4, NcclProtocol::ll), 21);
  EXPECT_EQ(last_octave("blackwell", all_gather, 4, NcclProtocol::ll), 22);
}

// Where a measured curve jumps or bends, the last size before it. The choice changes within a factor of two of it.
TEST(NcclChoice, bends_lie_within_a_factor_of_two_of_the_measured) {
  struct Bend {
    const char *generation, *version;
    CollectiveOp op;
    int ranks;
    const char* from;  // what runs up to there
    int octave;
  };
  for (const Bend& b : {Bend{"ampere", "2.27", all_reduce, 2, "LL", 19}, Bend{"ampere", "2.27", all_to_all, 2, "LL", 20},
                        Bend{"ampere", "2.27", all_to_all, 8, "LL", 22}, Bend{"hopper", "2.29", all_reduce, 2, "LL", 20},
                        Bend{"hopper", "2.29", all_reduce, 8, "LL", 20}, Bend{"hopper", "2.29", reduce_scatter, 4, "LL", 21},
                        Bend{"hopper", "2.29", all_to_all, 8, "LL", 17}, Bend{"blackwell", "2.27", all_to_all, 4, "LL", 21},
                        Bend{"blackwell", "2.29", all_to_all, 4, "LL", 16}, Bend{"blackwell", "2.29", all_gather, 8, "LL", 23},
                        Bend{"blackwell", "2.29", all_reduce, 4, "LL", 22}, Bend{"blackwell", "2.27", all_reduce, 8, "LL", 21}}) {
    int last = 9;
    while (name_of(of(b.generation, b.op, b.ranks, std::exp2(last + 1), b.version).protocol) == b.from) ++last;
    EXPECT_NEAR(last, b.octave, 1) << b.generation << ' ' << b.version << ' ' << name_of(b.op) << ' ' << b.ranks;
  }
}

// NCCL 2.29 runs no LL128 on Blackwell: all_gather of 8 B200 jumps from 44 us (LL, 8 MiB) to 104 (Simple); 2.27 took 51 (LL128).
TEST(NcclChoice, ll128_of_blackwell_ended_with_a_version) {
  EXPECT_EQ(of("blackwell", all_gather, 8, 1 << 24, "2.27").protocol, NcclProtocol::ll128);
  EXPECT_EQ(of("blackwell", all_gather, 8, 1 << 24, "2.29").protocol, NcclProtocol::simple);
}

// Across hosts, H100 over InfiniBand: 49 us at 256 KiB, 78 at 512 (tree, then NVLS tree); A100, 16 ranks: 201 us at 8 MiB, 367 at
// 16 (tree, then ring).
TEST(NcclChoice, trees_end_where_measured_times_jump_across_hosts) {
  const auto last_tree = [](const char* generation, double nic_GBps) {
    const NcclTuning& tuning = nccl_tuning("2.27");
    const NcclGeneration& g = tuning.generation(generation);
    const GroupShape shape{.ranks = 16, .hosts = 2, .per_host = 8, .nic_rate_Bps = nic_GBps * 1e9};
    int last = 9;
    while (nccl_choice(all_reduce, shape, std::exp2(last + 1), {tuning, g, g.bus_GBps}).algorithm == NcclAlgorithm::tree) ++last;
    return last;
  };
  EXPECT_NEAR(last_tree("hopper", 50), 18, 1);
  EXPECT_NEAR(last_tree("ampere", 25), 23, 1);
}

// Logs of 8 GiB: H200 take a ring at 4 ranks and NVLS from 5 on, B200 (NCCL 2.27) a ring to 5 and NVLS from 6 on.
TEST(NcclChoice, the_switch_reduces_from_as_many_ranks_on_as_measured) {
  const double bytes = 8.0 * (1 << 30);
  for (const int ranks : {3, 4}) EXPECT_EQ(of("hopper", all_reduce, ranks, bytes).algorithm, NcclAlgorithm::ring);
  for (const int ranks : {5, 6, 8}) EXPECT_EQ(of("hopper", all_reduce, ranks, bytes).algorithm, NcclAlgorithm::nvls);
  EXPECT_EQ(of("blackwell", all_reduce, 5, bytes, "2.27").algorithm, NcclAlgorithm::ring);
  EXPECT_EQ(of("blackwell", all_reduce, 6, bytes, "2.27").algorithm, NcclAlgorithm::nvls);
  EXPECT_EQ(of("ampere", all_reduce, 8, bytes).algorithm, NcclAlgorithm::ring);
}

// Two H100 hosts: trees for small messages, the NVLS tree for large ones.
TEST(NcclChoice, across_hosts_a_tree_gives_way_to_the_nvls_tree) {
  const NcclTuning& tuning = nccl_tuning("2.29");
  const NcclGroup group{tuning, tuning.generation("hopper"), 360};
  const GroupShape shape{.ranks = 16, .hosts = 2, .per_host = 8, .nic_rate_Bps = 50e9};
  EXPECT_EQ(nccl_choice(all_reduce, shape, 1024, group).algorithm, NcclAlgorithm::tree);
  EXPECT_EQ(nccl_choice(all_reduce, shape, 1 << 30, group).algorithm, NcclAlgorithm::nvls_tree);
  EXPECT_EQ(nccl_choice(all_gather, shape, 1 << 30, group).algorithm, NcclAlgorithm::ring);
}

// CollNetDirect by hand: 2 (3.7 + 7 x 0.4) + 31 us, 0.85 of half the bus from Hopper on; a chain 2 x 7 x 2.8 + 30 us, half the bus.
TEST(NcclChoice, switches_reduce_where_they_may) {
  const NcclTuning& tuning = nccl_tuning("2.30");
  const NcclGroup group{tuning, tuning.generation("hopper"), 360};
  GroupShape shape{.ranks = 128, .hosts = 16, .per_host = 8, .nic_rate_Bps = 50e9};
  const double bytes = 1 << 26;
  const auto choice = [&](const NcclSettings& settings) { return nccl_choice(all_reduce, shape, bytes, group, settings); };
  const NcclChoice direct = choice({.algorithm = "CollNetDirect"}), chain = choice({.algorithm = "collnetchain"});
  EXPECT_NEAR(direct.latency_s * 1e6, 44.0, 1e-9);
  EXPECT_NEAR(bytes / direct.inside_s * 1e-9, 0.85 * 360 / 2, 1e-9);
  EXPECT_NEAR(chain.latency_s * 1e6, 69.2, 1e-9);
  EXPECT_NEAR(bytes / chain.inside_s * 1e-9, 180, 1e-9);
  EXPECT_EQ(choice({.algorithm = "NVLS"}).algorithm, NcclAlgorithm::nvls_tree);  // not without SHARP
  const NcclChoice nvls = choice({.algorithm = "NVLS", .collnet = true});
  EXPECT_EQ(nvls.algorithm, NcclAlgorithm::nvls);
  EXPECT_NEAR(nvls.latency_s * 1e6, 43, 1e-9);
  EXPECT_LT(nvls.inside_s, nvls.transfer_s);
  EXPECT_EQ(choice({}).algorithm, NcclAlgorithm::nvls_tree);
  EXPECT_EQ(choice({.collnet = true}).algorithm, NcclAlgorithm::nvls);
  shape.transport = Transport::roce;
  EXPECT_EQ(choice({.algorithm = "CollNetDirect", .collnet = true}).algorithm, choice({}).algorithm);
}

TEST(NcclChoice, few_bytes_take_few_channels_and_limits_hold) {
  const NcclTuning& tuning = nccl_tuning("2.29");
  const NcclGroup group{tuning, tuning.generation("hopper"), 360};
  const auto channels = [&](double bytes, const NcclSettings& settings) {
    return nccl_choice(all_reduce, one_host(8), bytes, group, settings).channels;
  };
  EXPECT_EQ(channels(8, {}), 1);
  EXPECT_EQ(channels(1 << 30, {}), 24);
  EXPECT_EQ(channels(1 << 30, {.max_channels = 4}), 4);
  EXPECT_EQ(channels(8, {.min_channels = 8}), 8);
}

// NVLS has no LL, and all_gather no tree: NCCL takes what there is.
TEST(NcclChoice, what_cannot_be_forced_is_not) {
  const NcclTuning& tuning = nccl_tuning("2.29");
  const NcclGroup group{tuning, tuning.generation("hopper"), 360};
  EXPECT_EQ(nccl_choice(all_reduce, one_host(8), 1 << 30, group, {.algorithm = "Ring"}).algorithm, NcclAlgorithm::ring);
  EXPECT_EQ(nccl_choice(all_gather, one_host(8), 1 << 30, group, {.algorithm = "Tree"}).algorithm, NcclAlgorithm::ring);
}

TEST(NcclTuningData, versions_are_found_and_older_ones_stand_in) {
  EXPECT_THAT(nccl_versions(), ElementsAre("2.27", "2.28", "2.29", "2.30"));
  EXPECT_EQ(nccl_tuning("").version, "2.30");
  EXPECT_EQ(nccl_tuning("2.29").version, "2.29");
  EXPECT_EQ(nccl_tuning("2.99").version, "2.30");
  EXPECT_EQ(nccl_tuning("2.4").version, "2.27");
}

TEST(NcclSettings, unknown_names_get_the_known_ones) {
  const auto problems = problems_of({.version = "3.0", .algorithm = "Rings", .protocol = "ll128", .min_channels = 8, .max_channels = 4});
  ASSERT_EQ(problems.size(), 3u);
  EXPECT_THAT(problems[0].second,
              HasSubstr("'Rings' is not known (known: Tree, Ring, NVLS, NVLSTree, PAT, CollNetDirect, CollNetChain, Hierarchical)."));
  EXPECT_THAT(problems[1].second, HasSubstr("'3.0' is not known (known: 2.27, 2.28, 2.29, 2.30)."));
  EXPECT_THAT(problems[2].second, HasSubstr("4 channels at most and 8 at least."));
}
