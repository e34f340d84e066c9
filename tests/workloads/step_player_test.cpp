#include <gmock/gmock.h>
#include "workloads/collective/step_player.hpp"

namespace workloads::collective {
namespace {

using kernels::CollectiveOp;
using kernels::collectives::algorithm_named;
using kernels::collectives::Request;
using kernels::collectives::Schedule;
using sim::Time;

// An ideal fabric: each node sends and receives at B = 1 GB/s at a time, L = 1 us away from every other; switches are never full.
// With sizes that divide well every duration is a whole number of picoseconds, so the closed forms hold exactly.
constexpr double bandwidth = 1e9;
const Time latency = Time::picoseconds(1'000'000);
Time transfer(double bytes) { return sim::transfer_time(bytes, sim::BytesPerSecond{bandwidth}); }

Time play(const Schedule& schedule, const std::string& network = "fluid") {
  const std::vector<sim::LinkSpec> links(static_cast<std::size_t>(2 * schedule.ranks), {sim::BytesPerSecond{bandwidth}});
  const auto net = sim::make_network(network, links);
  const auto way_of = [&](int source, int destination, int) {
    Way way{.shares = {}, .latency = latency};
    if (source < schedule.ranks) way.shares.push_back({sim::LinkId{static_cast<std::uint32_t>(2 * source)}});
    if (destination < schedule.ranks) way.shares.push_back({sim::LinkId{static_cast<std::uint32_t>(2 * destination + 1)}});
    return way;
  };
  return collective::play(schedule, 1, way_of, *net);
}
Time play(std::string_view algorithm, const Request& request) { return play(make_schedule(algorithm_named(algorithm), request)); }

Request of(CollectiveOp op, int ranks, double bytes, int pieces = 1) {
  return {.op = op, .ranks = ranks, .per_host = ranks, .count = static_cast<std::int64_t>(bytes), .pieces = pieces};
}
using enum CollectiveOp;

TEST(StepPlayer, ring) {
  for (const int n : {2, 3, 8, 13, 64}) {
    const double part = 4096;
    EXPECT_EQ(play("ring", of(all_reduce, n, n * part)), 2 * (n - 1) * (transfer(part) + latency)) << n;
    EXPECT_EQ(play("ring", of(all_gather, n, n * part)), (n - 1) * (transfer(part) + latency)) << n;
    EXPECT_EQ(play("ring", of(reduce_scatter, n, n * part)), (n - 1) * (transfer(part) + latency)) << n;
  }
}

// A chain of n - 1 hops that p pieces follow each other through: the last one leaves after p - 1 of them.
TEST(StepPlayer, pipelined_chain) {
  for (const int pieces : {1, 5, 16})
    for (const CollectiveOp op : {broadcast, reduce})
      EXPECT_EQ(play("ring", of(op, 7, pieces * 8192, pieces)), (7 - 2 + pieces) * (transfer(8192) + latency)) << pieces;
}

// Two channels in opposite order share no link but at both ends of a host, here: no hosts, so each has half the rate.
TEST(StepPlayer, channels_share_the_links) {
  Request request = of(all_gather, 4, 4 * 8192);
  request.channels = 2;
  EXPECT_EQ(play("ring", request), 3 * (transfer(8192) + latency));
}

// log2 n rounds; halves, quarters, ... and back.
TEST(StepPlayer, halving_doubling) {
  for (const int n : {2, 8, 32}) {
    Time expected;
    for (double bytes = 32768; bytes > 32768. / n; bytes /= 2) expected += 2 * (transfer(bytes / 2) + latency);
    EXPECT_EQ(play("halving_doubling", of(all_reduce, n, 32768)), expected) << n;
  }
}

// log2 n messages a rank, of 1, 2, 4, ... parts.
TEST(StepPlayer, parallel_aggregated_trees) {
  for (const CollectiveOp op : {all_gather, reduce_scatter})
    EXPECT_EQ(play("pat", of(op, 8, 8 * 4096)), 3 * latency + transfer(4096) + transfer(2 * 4096) + transfer(4 * 4096));
}

// All at once over one link in or out: n - 1 parts and one latency.
TEST(StepPlayer, direct) {
  for (const CollectiveOp op : {all_gather, reduce_scatter, gather, scatter})
    EXPECT_EQ(play("direct", of(op, 8, 8 * 4096)), latency + transfer(7 * 4096)) << name_of(op);
  EXPECT_EQ(play("direct", of(all_to_all, 8, 8 * 4096)), latency + transfer(7 * 4096));
  EXPECT_EQ(play("direct", of(send_receive, 8, 4096)), latency + transfer(4096));
  EXPECT_EQ(play("direct", of(all_reduce, 8, 8 * 4096)), 2 * (latency + transfer(7 * 4096)));
}

// Of two ranks each is the root of one tree: halves up, halves down, both ways at once.
TEST(StepPlayer, double_tree_of_two) {
  Request request = of(all_reduce, 2, 8192);
  request.per_host = 1;
  EXPECT_EQ(play("tree", request), 2 * (latency + transfer(4096)));
}

// Nearly nothing to send: as many latencies as the trees are high, twice.
TEST(StepPlayer, double_tree_is_logarithmic) {
  for (const auto& [n, height] : {std::pair(4, 2), {8, 3}, {16, 4}, {64, 6}}) {
    Request request = of(all_reduce, n, 2);
    request.per_host = 1;
    const double in_latencies = play("tree", request) / latency;
    EXPECT_GE(in_latencies, 2 * height) << n;
    EXPECT_LT(in_latencies, 2 * height + 0.1) << n;
  }
}

// Everything up, each part down to its rank, up again, and those of all others down.
TEST(StepPlayer, in_switch_reduction) {
  EXPECT_EQ(play("nvls", of(all_reduce, 8, 8 * 4096)), 4 * latency + transfer(8 * 4096) + 2 * transfer(4096) + transfer(7 * 4096));
  EXPECT_EQ(play("nvls", of(reduce_scatter, 8, 8 * 4096)), 2 * latency + transfer(8 * 4096) + transfer(4096));
  Request sharp = of(all_reduce, 8, 8192);
  sharp.per_host = 1;
  EXPECT_EQ(play("collnet_direct", sharp), 2 * (latency + transfer(8192)));
}

// Four hosts of four: three parts inside, a ring over four hosts for each quarter, three parts inside.
TEST(StepPlayer, hierarchical) {
  Request request = of(all_reduce, 16, 16 * 4096);
  request.per_host = 4;
  const Time inside = latency + transfer(3 * 4 * 4096), across = 2 * 3 * (latency + transfer(4096));
  EXPECT_NEAR(static_cast<double>(play("hierarchical", request).ps()), static_cast<double>((inside + across + inside).ps()), 10);
}

// Two hosts of two: to the neighbour of the right rail first, then two parts together across.
TEST(StepPlayer, pxn) {
  Request request = of(all_to_all, 4, 4 * 4096);
  request.per_host = 2;
  EXPECT_EQ(play("pxn", request), 2 * latency + transfer(2 * 4096) + transfer(2 * 4096));
}

// In a ring nobody shares a link, so a network without contention says the same.
TEST(StepPlayer, network_is_the_callers) {
  const Schedule schedule = make_schedule(algorithm_named("ring"), of(all_reduce, 8, 8 * 4096));
  EXPECT_EQ(play(schedule, "analytic"), play(schedule, "fluid"));
}

TEST(StepPlayer, nothing_to_do) {
  EXPECT_EQ(play("ring", of(all_reduce, 1, 4096)), Time());
  EXPECT_EQ(play("direct", of(all_to_all, 8, 0)), Time());
}

}  // namespace
}  // namespace workloads::collective
