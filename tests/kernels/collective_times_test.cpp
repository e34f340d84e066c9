#include <gtest/gtest.h>
#include <cmath>
#include "kernels/collectives/network_collective.hpp"
#include "kernels/collectives/scale_up_times.hpp"
#include "tests/kernels/sample_profile.hpp"

using namespace kernels;
using enum CollectiveOp;

namespace {

constexpr CollectiveOp all_ops[] = {all_reduce, all_gather, reduce_scatter, broadcast, all_to_all, send_receive, reduce, gather, scatter};
ScaleUpTimes sample() { return ScaleUpTimes(sample_profile().scale_up); }
ScaleUpProfile without_tables() {
  ScaleUpProfile profile = sample_profile().scale_up;
  profile.tables.clear();
  return profile;
}

}  // namespace

TEST(ScaleUpTimes, measured_points_come_back) {
  for (const auto& table : sample_profile().scale_up.tables)
    for (const auto& p : table.points) EXPECT_NEAR(sample().time(table.op, table.ranks, p.bytes).seconds, p.seconds, 1e-12);
  EXPECT_TRUE(sample().time(all_reduce, 8, 1048576).inside);
  EXPECT_TRUE(sample().time(all_reduce, 5, 1048576).inside);
  EXPECT_FALSE(sample().time(all_reduce, 16, 1048576).inside);
  EXPECT_FALSE(sample().time(all_reduce, 8, 8.0 * (1 << 30)).inside);
  EXPECT_FALSE(sample().time(all_gather, 8, 1048576).inside);
}

// base 5 us + 14 steps of 1 us + 1.75 GB sent at 4 ps a byte + 0.125 GB of a chunk at 1 ps.
TEST(ScaleUpTimes, without_tables_the_form_holds) {
  ScaleUpProfile profile = without_tables();
  profile.models = {{.op = all_reduce,
                     .algorithm = NcclAlgorithm::ring,
                     .protocol = NcclProtocol::simple,
                     .base_s = 5e-6,
                     .step_s = 1e-6,
                     .per_byte_s = 4e-12,
                     .copy_s = 1e-12}};
  EXPECT_NEAR(ScaleUpTimes(profile).time(all_reduce, 8, 1e9).seconds, 19e-6 + 1.75e9 * 4e-12 + 0.125e9 * 1e-12, 1e-12);
  EXPECT_FALSE(ScaleUpTimes(profile).time(all_reduce, 8, 1e9).inside);
}

// Without a form NCCL's own estimate: 56 us and 1.75 GB through 240 GB/s.
TEST(ScaleUpTimes, without_a_form_nccls_estimate_holds) {
  EXPECT_NEAR(ScaleUpTimes(without_tables()).time(all_reduce, 8, 1e9).seconds, 56e-6 + 1.75e9 / 240e9, 1e-12);
}

// The sample says that LL took 1.1 times as long in NCCL 2.27; of 2.28 it says nothing.
TEST(ScaleUpTimes, an_older_version_has_its_own_time) {
  const auto seconds = [](const char* version, double bytes) {
    return ScaleUpTimes(sample_profile().scale_up, {.version = version}).time(all_reduce, 8, bytes).seconds;
  };
  EXPECT_NEAR(seconds("2.27", 1024) / seconds("2.29", 1024), 1.1, 1e-9);
  EXPECT_NEAR(seconds("2.28", 1024) / seconds("2.29", 1024), 1, 1e-9);
  EXPECT_NEAR(seconds("2.27", 1 << 30) / seconds("2.29", 1 << 30), 1, 1e-9);  // Simple
}

// Latency gives way to bandwidth where a curve has twice its latency: measured at 1.3 MiB by all_reduce of 8 A100 (21.8 us at 1 KiB;
// 38.9 at 1 MiB, 53.7 at 2), at 1.7 MiB by all_gather of 8 H100 (10.4; 17.1 at 1, 22.2 at 2), at 4.9 MiB of 8 B200 (16.2; 29.2 at 4, 44.2
// at 8).
TEST(ScaleUpTimes, latency_gives_way_to_bandwidth_where_measured) {
  struct Bend {
    const char* device;
    CollectiveOp op;
    double mebibytes;
  };
  for (const Bend& b : {Bend{"a100-sxm-80g", all_reduce, 1.3}, Bend{"h100-sxm", all_gather, 1.7}, Bend{"b200-sxm", all_gather, 4.9}}) {
    const ScaleUpTimes times(load_device_profile(b.device).scale_up);
    double bytes = 1024;
    while (times.time(b.op, 8, bytes).seconds < 2 * times.time(b.op, 8, 1024).seconds) bytes *= 1.05;
    EXPECT_LT(std::abs(std::log2(bytes / 0x1p20 / b.mebibytes)), 1) << b.device;
  }
}

// A domain of 72: 16 GiB by all_reduce took 37 ms (35.7 and 38.7 in two logs of GB200), twice the time of a byte over the link at least.
TEST(ScaleUpTimes, seventy_two_ranks_of_one_domain) {
  const ScaleUpTimes times(load_device_profile("gb200").scale_up);
  const double bytes = 0x1p34, seconds = times.time(all_reduce, 72, bytes).seconds;
  EXPECT_NEAR(seconds, 37e-3, 37e-3 * 0.2);
  EXPECT_GT(times.time(all_reduce, 72, 1024).seconds, times.time(all_reduce, 8, 1024).seconds);
}

// Twice the measured time at every point of 2 and 8 ranks makes it twice at 5 ranks.
TEST(ScaleUpTimes, measurements_correct_ranks_between_them) {
  ScaleUpProfile slow = sample_profile().scale_up;
  for (auto& table : slow.tables)
    for (auto& p : table.points) p.seconds *= 2;
  for (const double bytes : {1e4, 1e6, 1e8})
    EXPECT_NEAR(ScaleUpTimes(slow).time(all_reduce, 5, bytes).seconds / sample().time(all_reduce, 5, bytes).seconds, 2, 0.02);
}

TEST(ScaleUpTimes, a_message_is_half_of_an_exchange_of_two) {
  for (const double bytes : {1e3, 1e6, 1e9})
    EXPECT_DOUBLE_EQ(sample().time(send_receive, 8, bytes).seconds, sample().time(all_to_all, 2, 2 * bytes).seconds);
}

TEST(ScaleUpTimes, one_rank_and_no_bytes_take_no_time) {
  for (const auto op : all_ops) {
    EXPECT_EQ(sample().time(op, 1, 1e9).seconds, 0);
    EXPECT_EQ(sample().time(op, 8, 0).seconds, 0);
  }
}

// Whatever the operation, from two ranks to a domain of 72: no time below a launch, and none that falls for a hundred times
// the bytes by more than the scatter of small messages, unless NCCL takes something else there: it may have waited too long.
TEST(ScaleUpTimes, shipped_devices_give_sensible_times_everywhere) {
  for (const auto* device : {"a100-sxm-80g", "h100-sxm", "b200-sxm", "gb200"}) {
    const ScaleUpTimes times(load_device_profile(device).scale_up);
    const auto ran = [&](CollectiveOp op, int ranks, double bytes) {
      const NcclChoice choice = times.choice(op, ranks, bytes);
      return std::pair(choice.algorithm, choice.protocol);
    };
    for (const auto op : all_ops)
      for (int ranks = 2; ranks <= 72; ++ranks)
        for (double bytes = 8; bytes < 1e11; bytes *= 100) {
          const double seconds = times.time(op, ranks, bytes).seconds;
          EXPECT_GT(seconds, 1e-6) << device << ' ' << name_of(op) << ' ' << ranks << ' ' << bytes;
          if (ran(op, ranks, bytes) != ran(op, ranks, 100 * bytes)) continue;
          EXPECT_GT(times.time(op, ranks, 100 * bytes).seconds, 0.95 * seconds)
              << device << ' ' << name_of(op) << ' ' << ranks << ' ' << bytes;
        }
  }
}

// A forced ring of 8 H100 takes longer than the switch that reduces (366 beside 480 GB/s of bus bandwidth).
TEST(ScaleUpTimes, a_forced_algorithm_has_its_own_time) {
  const DeviceProfile profile = load_device_profile("h100-sxm");
  const double nvls = OperationTimes(profile).scale_up_collective(all_reduce, 8, 8589934592).seconds;
  const double ring = OperationTimes(profile, {.algorithm = "Ring"}).scale_up_collective(all_reduce, 8, 8589934592).seconds;
  EXPECT_NEAR(ring / nvls, 480.0 / 366, 0.1);
}

// Four hosts of one rank, a ring: 1.5 S through each NIC. What is left of the time is latency, and none is lost.
TEST(NetworkCollective, flows_carry_the_bytes_and_the_rest_is_latency) {
  DeviceProfile profile = sample_profile();
  const GroupShape shape{.ranks = 4, .hosts = 4, .per_host = 1, .nic_rate_Bps = 25e9};
  const OperationTimes times(profile);
  const auto plan = plan_network_collective(all_reduce, shape, 1e9, times);
  EXPECT_EQ(plan.algorithm, NcclAlgorithm::ring);
  EXPECT_DOUBLE_EQ(plan.flow_bytes, 1.5e9);
  EXPECT_GT(plan.latency_s, 0);
  profile.network.transports = {{Transport::infiniband, 0, "invented", {{1e8, 1.5}, {1e10, 1.5}}}};
  const double slow =
      empty_fabric_seconds(plan_network_collective(all_reduce, shape, 1e9, OperationTimes(profile)), shape, profile.network);
  EXPECT_NEAR(slow / empty_fabric_seconds(plan, shape, profile.network), 1.5, 1e-9);
}

// Switches that reduce get S from each host and return it: once each way, where a ring sends it nearly twice.
TEST(NetworkCollective, bytes_that_switches_reduce_leave_a_host_once) {
  const GroupShape shape{.ranks = 32, .hosts = 4, .per_host = 8, .nic_rate_Bps = 25e9};
  for (const char* algorithm : {"CollNetDirect", "CollNetChain"}) {
    const auto plan = plan_network_collective(all_reduce, shape, 1e9, OperationTimes(sample_profile(), {.algorithm = algorithm}));
    EXPECT_EQ(name_of(plan.algorithm), algorithm);
    EXPECT_DOUBLE_EQ(plan.flow_bytes, 1e9);
  }
}

// Inside the hosts S is scattered and gathered; on each of 8 rails four hosts reduce S / 8: 2 x 3/4 S through the NICs of a host.
TEST(NetworkCollective, levels_come_one_after_the_other) {
  const GroupShape shape{.ranks = 32, .hosts = 4, .per_host = 8, .nic_rate_Bps = 25e9};
  const OperationTimes times(load_device_profile("a100-sxm-80g"), {.algorithm = "Hierarchical", .protocol = "Simple"});
  const double S = 1e9;
  const auto seconds = [&](CollectiveOp op) { return times.scale_up_collective(op, 8, S).seconds; };
  const auto reduced = plan_network_collective(all_reduce, shape, S, times);
  EXPECT_EQ(reduced.algorithm, NcclAlgorithm::hierarchical);
  EXPECT_DOUBLE_EQ(reduced.flow_bytes, 1.5 * S);
  EXPECT_DOUBLE_EQ(reduced.before_s, seconds(reduce_scatter));
  EXPECT_GE(reduced.after_s, seconds(all_gather));
  const auto gathered = plan_network_collective(all_gather, shape, S, times),
             scattered = plan_network_collective(reduce_scatter, shape, S, times);
  EXPECT_EQ(gathered.before_s, 0);
  EXPECT_DOUBLE_EQ(gathered.flow_bytes, 0.75 * S);
  EXPECT_DOUBLE_EQ(scattered.before_s, seconds(reduce_scatter));
  EXPECT_LT(scattered.after_s, seconds(all_gather));
  const GroupShape uneven{.ranks = 31, .hosts = 4, .per_host = 8, .nic_rate_Bps = 25e9};
  EXPECT_NE(plan_network_collective(all_reduce, uneven, S, times).algorithm, NcclAlgorithm::hierarchical);
}

// 8 of 16 ranks are on the other host: each of 8 NICs sends half of its rank's bytes.
TEST(NetworkCollective, all_to_all_sends_what_other_hosts_get) {
  const GroupShape shape{.ranks = 16, .hosts = 2, .per_host = 8, .nic_rate_Bps = 25e9};
  EXPECT_DOUBLE_EQ(plan_network_collective(all_to_all, shape, 1e9, OperationTimes(sample_profile())).flow_bytes, 8 * 0.5e9);
}

// A slower NIC of one transport slows that transport alone.
TEST(NetworkCollective, each_transport_has_its_own_efficiency) {
  DeviceProfile profile = sample_profile();
  profile.network.nic_efficiency = 0.9;
  profile.network.transports = {{Transport::efa, 0.6, "invented", {}}};
  EXPECT_DOUBLE_EQ(profile.network.efficiency(Transport::efa), 0.6);
  EXPECT_DOUBLE_EQ(profile.network.efficiency(Transport::roce), 0.9);
}
