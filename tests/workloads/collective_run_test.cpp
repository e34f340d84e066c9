// Theory of `weftsim collective`: what a training step would take, what nccl-tests counts, and what cannot be.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include "kernels/operation_times.hpp"
#include "sim/error.hpp"
#include "tests/temporary_folder.hpp"
#include "workloads/collective/collective_report.hpp"
#include "workloads/scenario_reader.hpp"

namespace workloads::collective {
namespace {

using testing::HasSubstr;
using enum kernels::CollectiveOp;

Scenario hosts_of_eight(int gpus, const std::string& fabric = "type: rail-optimized, tiers: 2") {
  return read_scenario_text(
      fmt::format("schema: weftsim/1\nname: pod\ncluster:\n  gpus: {}\n  accelerator: a100-sxm-80g\n  host: {{preset: dgx-a100}}\n"
                  "  fabric: {{{}, radix: 40, link: {{bandwidth: \"200 Gb/s\", latency: \"300 ns\"}}, routing: adaptive}}\n",
                  gpus, fabric),
      "pod.yaml", {.overrides = {}, .workload_required = false});
}
CollectiveSpec one_size(kernels::CollectiveOp op, std::int64_t bytes, int ranks, const std::string& steps = "") {
  CollectiveSpec spec;
  spec.op = op;
  spec.min_bytes = spec.max_bytes = bytes;
  spec.ranks = ranks;
  spec.steps = steps;
  return spec;
}
CollectiveRow row_of(const Scenario& scenario, const CollectiveSpec& spec) { return run_collective(scenario, spec).rows.at(0); }
std::string error_of(const Scenario& scenario, const CollectiveSpec& spec) {
  try {
    run_collective(scenario, spec);
  } catch (const sim::InputError& error) {
    return error.what();
  }
  return "";
}

TEST(CollectiveRun, inside_a_domain_it_is_the_closed_form) {
  const kernels::OperationTimes times(kernels::load_device_profile("a100-sxm-80g"));
  for (const auto op : kernels::collectives::every_op) {
    const CollectiveRow row = row_of(hosts_of_eight(16), one_size(op, 1 << 20, 8));
    EXPECT_NEAR(row.time_s, times.scale_up_collective(op, 8, 1 << 20).seconds, 1e-12) << name_of(op);
    EXPECT_FALSE(row.algorithm.empty());
  }
}

TEST(CollectiveRun, bus_bandwidth_is_that_of_nccl_tests) {
  const Scenario scenario = hosts_of_eight(16);
  const auto factor = [&](kernels::CollectiveOp op) {
    const CollectiveRow row = row_of(scenario, one_size(op, 1 << 24, 8));
    EXPECT_NEAR(row.algbw_GBps, static_cast<double>(row.bytes) / row.time_s * 1e-9, 1e-9);
    return row.busbw_GBps / row.algbw_GBps;
  };
  EXPECT_NEAR(factor(all_reduce), 2 * 7 / 8., 1e-12);
  for (const auto op : {all_gather, reduce_scatter, all_to_all, gather, scatter}) EXPECT_NEAR(factor(op), 7 / 8., 1e-12);
  for (const auto op : {broadcast, reduce, send_receive}) EXPECT_NEAR(factor(op), 1, 1e-12);
}

// 1000 B of two bytes on 8 ranks: 62 elements each, in parts of 16 B 56.
TEST(CollectiveRun, sizes_are_those_of_nccl_tests) {
  const Scenario scenario = hosts_of_eight(8);
  const auto sizes = [&](kernels::CollectiveOp op) {
    const CollectiveRow row = row_of(scenario, one_size(op, 1000, 8));
    return std::pair(row.bytes, row.count);
  };
  EXPECT_EQ(sizes(all_reduce), std::pair(std::int64_t{1000}, std::int64_t{500}));
  EXPECT_EQ(sizes(all_gather), std::pair(std::int64_t{896}, std::int64_t{56}));
  EXPECT_EQ(sizes(gather), std::pair(std::int64_t{992}, std::int64_t{62}));
  CollectiveSpec many;
  many.ranks = 8, many.max_bytes = 1000, many.factor = 10;
  EXPECT_EQ(run_collective(scenario, many).rows.size(), 3u);  // 8, 80, 800
}

TEST(CollectiveRun, reads_sizes_as_nccl_tests) {
  EXPECT_EQ(nccl_size("8", "--min"), 8);
  EXPECT_EQ(nccl_size("8G", "--max"), std::int64_t{8} << 30);
  EXPECT_EQ(nccl_size("1.5k", "--max"), 1536);
  for (const char* text : {"", "K", "8 GiB", "-1", "8P", "nan", "1e60", "1025T"})
    EXPECT_THROW(nccl_size(text, "--max"), sim::InputError) << text;
}

TEST(CollectiveRun, one_rank_is_free) {
  for (const auto op : kernels::collectives::every_op) {
    const CollectiveRow row = row_of(hosts_of_eight(16), one_size(op, 1 << 20, 1));
    EXPECT_EQ(row.time_s, 0);
    EXPECT_EQ(row.busbw_GBps, 0);
  }
}

// Eight rings, each over its own rail: 8 x 25 GB/s is more than any bus bandwidth, half of it less than that of large messages.
// One rank of each host, as data parallelism beside tensor parallelism of 8: one NIC of eight carries each host's bytes.
TEST(CollectiveRun, a_strided_group_leaves_each_host_by_one_nic) {
  const Scenario scenario = hosts_of_eight(64);
  CollectiveSpec spec = one_size(all_reduce, 1 << 28, 8);
  spec.stride = 8;
  const CollectiveTable strided = run_collective(scenario, spec);
  EXPECT_EQ(strided.hosts, 8);
  const CollectiveRow all = row_of(scenario, one_size(all_reduce, 1 << 28, 64));
  EXPECT_NEAR(strided.rows.at(0).time_s / all.time_s, 8 * (2 * 7 / 8.0) / (2 * 63 / 64.0), 0.5);
  spec.op = all_to_all;  // step by step
  spec.max_bytes = spec.min_bytes = 1 << 26;
  const double step_by_step = row_of(scenario, spec).time_s;
  EXPECT_GT(step_by_step, 7 / 8.0 * (1 << 26) / 25e9) << "no faster than the NIC of 200 Gb/s";
  EXPECT_LT(step_by_step, 2 * 7 / 8.0 * (1 << 26) / 25e9);
  spec.stride = 1;
  EXPECT_LT(row_of(scenario, spec).time_s, step_by_step / 2) << "inside one host it stays on NVLink";
  spec.stride = 16;
  EXPECT_THAT(error_of(scenario, spec), HasSubstr("--ranks: 8 ranks, 16 apart, but the cluster has 64 GPUs. Use from 1 to 4."));
}

// What the busiest NIC has to carry is the least that unequal parts can take.
TEST(CollectiveRun, unequal_parts_take_as_long_as_the_busiest_nic) {
  const weftsim::test::TemporaryFolder folder;
  const std::string file = folder / "weights.csv";
  std::ofstream(file) << "source,destination,weight\n0,1,1\n0,2,1\n0,3,5\n1,2,1\n3,0,0\n";
  const Scenario scenario = hosts_of_eight(64);
  CollectiveSpec spec = one_size(all_to_all, 1 << 26, 0);
  spec.stride = 8;
  spec.weights = read_pair_weights(file);
  const CollectiveRow row = row_of(scenario, spec);
  const double from_rank_0 = 7.0 / 8 * 4 * (1 << 26);  // 7 of the 8 weights; a size is the mean of four ranks
  EXPECT_GT(row.time_s, from_rank_0 / 25e9);
  EXPECT_LT(row.time_s, 1.5 * from_rank_0 / 25e9);
  spec.op = all_reduce;
  EXPECT_THAT(error_of(scenario, spec), HasSubstr("Write --op all_to_all."));
  spec.op = all_to_all;
  spec.ranks = 3;
  EXPECT_THAT(error_of(scenario, spec), HasSubstr("is for 4 ranks, not 3"));
}

TEST(CollectiveRun, unequal_parts_are_read_without_trust) {
  const weftsim::test::TemporaryFolder folder;
  const auto problem = [&](const std::string& rows) -> std::string {
    std::ofstream(folder / "w.csv") << "source,destination,weight\n" << rows;
    try {
      read_pair_weights(folder / "w.csv");
    } catch (const sim::InputError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(problem("0,1.5,1\n"), HasSubstr("w.csv:2: '1.5' is no rank"));
  EXPECT_THAT(problem("0,1,1\n0,99999999999,1\n"), HasSubstr("w.csv:3: '99999999999' is no rank"));
  EXPECT_THAT(problem("0,1,-1\n"), HasSubstr("w.csv:2: weight -1 is negative"));
  EXPECT_THAT(problem("0,1,1\n0,1,2\n"), HasSubstr("w.csv:3: 0 to 1 is there already"));
  EXPECT_THAT(problem("0,1,0\n"), HasSubstr("no rank sends anything"));
}

TEST(CollectiveRun, across_hosts_all_nics_carry) {
  const CollectiveRow row = row_of(hosts_of_eight(32), one_size(all_reduce, std::int64_t{1} << 32, 32));
  EXPECT_LT(row.busbw_GBps, 200);
  EXPECT_GT(row.busbw_GBps, 100);
}

// The flows cross the fabric: with a quarter of the up-links, between leaves of 4 hosts (all NICs of a host on one leaf), it is slower.
TEST(CollectiveRun, oversubscription_shows) {
  const auto at = [](double oversubscription) {
    const Scenario scenario =
        hosts_of_eight(64, fmt::format("type: leaf-spine, hosts_per_unit: 4, oversubscription: {}", oversubscription));
    return row_of(scenario, one_size(all_to_all, 1 << 26, 64)).time_s;
  };
  EXPECT_GT(at(4), 1.5 * at(1));
}

// 1,600 hosts: as on 40, but for the latency, which large messages hide.
TEST(CollectiveRun, twelve_thousand_ranks) {
  const std::string fabric = "type: rail-optimized, tiers: 3, hosts_per_unit: 20";
  const double few = row_of(hosts_of_eight(320, fabric), one_size(all_reduce, std::int64_t{1} << 38, 0)).busbw_GBps;
  EXPECT_NEAR(row_of(hosts_of_eight(12800, fabric), one_size(all_reduce, std::int64_t{1} << 38, 0)).busbw_GBps, few, 0.1 * few);
}

// The ring of the fabric, step by step: 2 (n-1) messages at the NIC's rate and a step's latency each.
TEST(CollectiveRun, step_by_step_follows_the_links) {
  const kernels::DeviceProfile profile = kernels::load_device_profile("a100-sxm-80g");
  CollectiveSpec spec = one_size(all_reduce, 1 << 28, 16, "ring");
  spec.channels = 1;
  const CollectiveRow row = row_of(hosts_of_eight(16), spec);
  const double part = (1 << 28) / 16., nic = 25e9 * profile.network.nic_efficiency;
  EXPECT_EQ(row.algorithm, "ring");
  EXPECT_GT(row.time_s, 30 * part / nic);  // of 16 edges 2 cross hosts, and everything crosses these
  EXPECT_LT(row.time_s, 1.05 * (30 * part / nic + 30 * profile.network.inter_step_seconds));
}

TEST(CollectiveRun, every_algorithm_runs_on_a_fabric) {
  const Scenario scenario = hosts_of_eight(32);
  for (const auto& algorithm : kernels::collectives::algorithms())
    for (const auto op : algorithm.ops)
      for (const int ranks : {8, 32}) {
        if (ranks > 8 && algorithm.hosts == kernels::collectives::Hosts::one) continue;
        EXPECT_GT(row_of(scenario, one_size(op, 1 << 20, ranks, std::string(algorithm.name))).time_s, 0) << algorithm.name;
      }
}

// In-switch reduction moves half of a ring's bytes over the NICs: in the limit twice as fast.
TEST(CollectiveRun, sharp_halves_the_traffic) {
  const Scenario scenario = hosts_of_eight(64);
  const double ring = row_of(scenario, one_size(all_reduce, 1 << 30, 64, "ring")).time_s;
  const double sharp = row_of(scenario, one_size(all_reduce, 1 << 30, 64, "collnet_direct")).time_s;
  EXPECT_LT(sharp, 0.75 * ring);
}

// The coupled flow of the planner and every message of the algorithm on its links: the same but for how pipelines fill.
TEST(CollectiveRun, planned_sharp_and_planned_levels_are_as_their_steps) {
  const Scenario scenario = hosts_of_eight(64);
  const std::int64_t bytes = std::int64_t{1} << 30;
  for (const auto& [planned, steps] : {std::pair("CollNetDirect", "collnet_direct"), std::pair("Hierarchical", "hierarchical")}) {
    CollectiveSpec spec = one_size(all_reduce, bytes, 64);
    spec.nccl = {.algorithm = planned, .protocol = "Simple"};
    const CollectiveRow row = row_of(scenario, spec);
    EXPECT_EQ(row.algorithm, planned);
    EXPECT_NEAR(row.time_s / row_of(scenario, one_size(all_reduce, bytes, 64, steps)).time_s, 1, 0.15) << planned;
  }
}

TEST(CollectiveRun, own_collective_is_timed_as_its_built_in_twin) {
  std::string text = "op all_gather\nranks 4\nchunks 4\n";
  for (int k = 0; k < 3; ++k)
    for (int i = 0; i < 4; ++i) text += fmt::format("{} {} -> {} {}\n", k, i, (i + 1) % 4, (i - k + 4) % 4);
  CollectiveSpec spec = one_size(all_gather, 1 << 22, 0);
  spec.custom.emplace(text, "ring.txt");
  EXPECT_DOUBLE_EQ(row_of(hosts_of_eight(8), spec).time_s, row_of(hosts_of_eight(8), one_size(all_gather, 1 << 22, 4, "ring")).time_s);
}

TEST(CollectiveRun, says_what_does_not_fit) {
  const Scenario pod = hosts_of_eight(16);
  EXPECT_EQ(error_of(pod, one_size(all_reduce, 8, 17)), "--ranks: 17 ranks, but the cluster has 16 GPUs. Use from 1 to 16.");
  EXPECT_THAT(error_of(pod, one_size(all_reduce, 8, 16, "nvls")), HasSubstr("stays inside one scale-up domain"));
  CollectiveSpec spec;
  spec.factor = 1;
  EXPECT_THAT(error_of(pod, spec), HasSubstr("--factor: 1 makes no larger sizes"));
  spec = {};
  spec.max_bytes = 4;
  EXPECT_THAT(error_of(pod, spec), HasSubstr("there is no size from 8 to 4 bytes"));
  spec = {};
  spec.root = 16;
  EXPECT_THAT(error_of(pod, spec), HasSubstr("--root: 16 is no rank"));
  spec = {};
  spec.nccl.algorithm = "rings";
  EXPECT_THAT(error_of(pod, spec), HasSubstr("--algo: 'rings' is not known"));
  spec = one_size(all_to_all, 1024, 0, "direct");
  spec.channels = 2;
  EXPECT_THAT(error_of(pod, spec), HasSubstr("--channels: 'direct' has channels of its own making"));
  spec = {};
  spec.custom.emplace("op all_gather\nranks 2\nchunks 2\n0 0 -> 1 0\n0 1 -> 0 1\n", "my.txt");
  EXPECT_EQ(error_of(pod, spec), "my.txt: is all_gather, not all_reduce. Ask for the same operation.");
  spec.op = all_gather;
  spec.ranks = 3;
  EXPECT_EQ(error_of(pod, spec), "my.txt: is for 2 ranks, not 3. Leave --ranks out.");
  Scenario bare = pod;
  bare.cluster.accelerator.clear();
  EXPECT_THAT(error_of(bare, one_size(all_reduce, 8, 2)), HasSubstr("cluster.accelerator: is missing"));
}

// Every line that is no comment has the 13 columns; those that readers recompute agree.
TEST(CollectiveRun, prints_the_table_of_nccl_tests) {
  CollectiveSpec spec;
  spec.ranks = 16;
  std::istringstream text(nccl_text(run_collective(hosts_of_eight(16), spec)));
  int rows = 0;
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    const std::vector<std::string> row{std::istream_iterator<std::string>(words), {}};
    ASSERT_EQ(row.size(), 13u) << line;
    EXPECT_EQ(row[2] + row[3] + row[4] + row[8] + row[12], "bfloat16sum-1N/AN/A");
    EXPECT_EQ(std::stoll(row[0]), 2 * std::stoll(row[1]));
    EXPECT_NEAR(std::stod(row[6]), std::stod(row[0]) / std::stod(row[5]) * 1e-3, 0.01 + 0.01 * std::stod(row[6]));
    ++rows;
  }
  EXPECT_EQ(rows, 31);  // 8 B to 8 GiB
}

TEST(CollectiveRun, json_and_measured_points) {
  const CollectiveTable table = run_collective(hosts_of_eight(16), one_size(all_reduce, 1 << 20, 8));
  const auto json = collective_json(table);
  EXPECT_EQ(json["op"], "all_reduce");
  EXPECT_EQ(json["ranks"], 8);
  for (const char* key : {"bytes", "time_s", "algbw_GBps", "busbw_GBps", "algorithm", "protocol", "channels"})
    EXPECT_TRUE(json["rows"][0].contains(key)) << key;
  const weftsim::test::TemporaryFolder folder;
  const std::string file = folder / "measured.csv";
  std::ofstream(file) << "set,gpu_type,n_gpus,n_nodes,op,message_bytes,time_us\n"
                         "a,A100_SXM4_80GB,8,1,all_reduce,1000000,50\n"  // the only one that fits
                         "a,A100_SXM4_80GB,8,1,all_gather,1000000,50\n"
                         "a,A100_SXM4_80GB,8,2,all_reduce,1000000,50\n"
                         "a,H100_SXM5_80GB,8,1,all_reduce,1000000,50\n"
                         "a,A100_SXM4_80GB,4,1,all_reduce,1000000,50\n";
  const auto points = read_measured(file, table, "a100-sxm-80g");
  ASSERT_EQ(points.size(), 1u);
  EXPECT_NEAR(points[0].busbw_GBps, 20 * 1.75, 1e-9);
}

}  // namespace
}  // namespace workloads::collective
