// What a list of flows may not contain, and what the patterns make.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <algorithm>
#include <numeric>
#include <set>
#include "kernels/csv_table.hpp"
#include "sim/error.hpp"
#include "workloads/scenario_reader.hpp"
#include "workloads/traffic/flow_file.hpp"
#include "workloads/traffic/patterns.hpp"

namespace workloads::traffic {
namespace {

using namespace sim::literals;

topology::ClusterSpec four_gpus(const std::string& routing) {
  return read_scenario_text(
             "schema: weftsim/1\ncluster: {gpus: 4, host: {preset: single-gpu}, fabric: {type: leaf-spine, radix: 4, link: "
             "{bandwidth: 400 Gb/s}, routing: " +
                 routing + "}}\n",
             "test.yaml", {.workload_required = false})
      .cluster;
}

std::string refusal(const std::string& csv, const std::string& routing = "ecmp") {
  const topology::Fabric fabric(four_gpus(routing));
  try {
    read_flows(kernels::CsvTable(csv, "f.csv"), fabric);
  } catch (const sim::InputError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(FlowFile, columns_are_checked) {
  EXPECT_EQ(refusal("id,src,dst,byte,start_s\n1,0,1,1,0\n"),
            "f.csv:1: unknown column 'byte' (known: id, flow, src, dst, bytes, start_s, start_ps, path, after, tag, repeat). Did you mean "
            "'bytes'?\nf.csv:1: column 'bytes' is missing (there are: id, src, dst, byte, start_s). Add it.");
  EXPECT_EQ(refusal("id,src,dst,bytes,start_s,start_ps\n1,0,1,1,0,0\n"),
            "f.csv:1: both columns 'start_s' and 'start_ps' are given. Keep one of them.");
  EXPECT_EQ(refusal("id,flow,src,dst,bytes,start_s\n1,1,0,1,1,0\n"), "f.csv:1: both columns 'id' and 'flow' are given. Keep one of them.");
  EXPECT_EQ(refusal("id,src,dst,bytes\n1,0,1,1\n"),
            "f.csv:1: column 'start_s' (or 'start_ps') is missing (there are: id, src, dst, bytes). Add it.");
  EXPECT_EQ(refusal("id,src,dst,bytes,start_s\n"), "f.csv:1: there are no flows. Write a row for each flow.");
}

TEST(FlowFile, values_are_checked_and_all_told) {
  EXPECT_EQ(refusal("id,src,dst,bytes,start_s,repeat\n1,4,-1,1.5,-2,0\n"),
            "f.csv:2: column 'src': '4' is no whole number from 0 to 3. Correct it.\n"
            "f.csv:2: column 'dst': '-1' is no whole number from 0 to 3. Correct it.\n"
            "f.csv:2: column 'bytes': '1.5' is no whole number from 0 to 1125899906842624. Correct it.\n"
            "f.csv:2: column 'start_s': '-2' is no number of seconds from 0 to 1e+06. Correct it.\n"
            "f.csv:2: column 'repeat': '0' is no whole number from 1 to 1000000000. Correct it.");
  EXPECT_EQ(refusal("id,src,dst,bytes,start_ps\n1,0,1,1,0.5\n"),
            "f.csv:2: column 'start_ps': '0.5' is no whole number from 0 to 1000000000000000000. Correct it.");
}

TEST(FlowFile, ids_are_words_of_their_own) {
  EXPECT_EQ(refusal("id,src,dst,bytes,start_s\na,0,1,1,0\na,0,1,1,0\n"),
            "f.csv:3: column 'id': 'a' is taken by line 2. Give each flow an id of its own.");
  EXPECT_EQ(refusal("flow,src,dst,bytes,start_s\n,0,1,1,0\n"),
            "f.csv:2: column 'flow': '' is no id. Give each flow a word or number of its own.");
  EXPECT_EQ(refusal("id,src,dst,bytes,start_s,after\na,0,1,1,0,b\n"),
            "f.csv:2: column 'after': there is no flow 'b'. Name the id of a row.");
}

// Links of the leaf-spine of four: PCIe 0 to 7, then NIC to leaf 8 to 15; up is even. GPUs 0 and 1 share a leaf.
TEST(FlowFile, a_path_is_contiguous_from_source_to_destination) {
  const std::string head = "id,src,dst,bytes,start_s,path\n1,0,1,1,0,";
  EXPECT_EQ(refusal(head + "0 8 11 3\n"), "accepted");
  EXPECT_EQ(refusal(head + "0 11 3\n"),
            "f.csv:2: column 'path': link 11 goes from leaf-0 to nic-1.0, but the way has come to nic-0.0. Correct it.");
  EXPECT_EQ(refusal(head + "8 11 3\n"),
            "f.csv:2: column 'path': link 8 goes from nic-0.0 to leaf-0, but the way has come to gpu-0. Correct it.");
  EXPECT_EQ(refusal(head + "0 8 11\n"), "f.csv:2: column 'path': it ends at nic-1.0, not at the flow's dst 1. Correct it.");
  EXPECT_EQ(refusal(head + "0 1 0 8 11 3\n"), "f.csv:2: column 'path': link 0 is crossed twice. Leave the loop out.");
  EXPECT_EQ(refusal(head + "0 99\n"), "f.csv:2: column 'path': '99' is no link (there are 0 to 23). Correct it.");
  EXPECT_EQ(refusal(head + "0 8 11 3\n", "adaptive"),
            "f.csv:2: column 'path': links are bundled by this routing. Set cluster.fabric.routing to ecmp or static, or leave the path "
            "empty.");
}

TEST(FlowFile, too_many_problems_end_the_reading) {
  std::string csv = "id,src,dst,bytes,start_s\n";
  for (int i = 0; i < 100; ++i) csv += fmt::format("{},9,0,1,0\n", i);
  const std::string text = refusal(csv);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 20);
  EXPECT_THAT(text, testing::EndsWith("f.csv:21: too many problems; the rest of the file was not read."));
}

std::vector<std::tuple<int, int, std::int64_t, std::int64_t>> rows(const FlowList& list) {
  std::vector<std::tuple<int, int, std::int64_t, std::int64_t>> all;
  for (const Flow& f : list.flows) all.emplace_back(f.source, f.destination, f.bytes.count(), f.start.ps());
  return all;
}

topology::ClusterSpec gpus(int n) {
  topology::ClusterSpec cluster = four_gpus("ecmp");
  cluster.gpus = n;
  return cluster;
}

TEST(Pattern, the_same_seed_makes_the_same_flows) {
  for (const std::string& name : pattern_names()) {
    const PatternSpec one{.pattern = name, .senders = 5, .flows = 500};
    PatternSpec other = one;
    EXPECT_EQ(rows(make_pattern(one, gpus(20))), rows(make_pattern(one, gpus(20)))) << name;
    other.seed = 2;
    const bool moved = rows(make_pattern(one, gpus(20))) != rows(make_pattern(other, gpus(20)));
    EXPECT_EQ(moved, name != "all-to-all") << name;
  }
}

TEST(Pattern, a_permutation_sends_and_receives_once_and_never_to_itself) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    std::set<int> receivers;
    for (const Flow& flow : make_pattern({.pattern = "permutation", .seed = seed}, gpus(9)).flows) {
      EXPECT_NE(flow.source, flow.destination);
      receivers.insert(flow.destination);
    }
    EXPECT_EQ(receivers.size(), 9U);
  }
}

TEST(Pattern, incast_has_16_senders_or_all_others_of_a_smaller_cluster) {
  EXPECT_THAT(make_pattern({.pattern = "incast"}, gpus(64)).flows, testing::SizeIs(16));
  EXPECT_THAT(make_pattern({.pattern = "incast"}, gpus(8)).flows, testing::SizeIs(7));
}

TEST(Pattern, incast_has_different_senders) {
  std::set<int> senders;
  for (const Flow& flow : make_pattern({.pattern = "incast", .senders = 7, .receiver = 3}, gpus(8)).flows) senders.insert(flow.source);
  EXPECT_THAT(senders, testing::ElementsAre(0, 1, 2, 4, 5, 6, 7));
}

TEST(Pattern, all_to_all_has_every_pair_once) {
  const FlowList list = make_pattern({.pattern = "all-to-all", .end_points = 4}, gpus(16));
  EXPECT_EQ(list.size(), 12U);
  std::set<std::pair<int, int>> pairs;
  for (const Flow& flow : list.flows) pairs.insert({flow.source, flow.destination});
  EXPECT_EQ(pairs.size(), 12U);
  EXPECT_TRUE(pairs.contains({0, 12}));
}

// The mean of the table: sum of (probability) x (middle of the two sizes) = 1,711,250 bytes.
TEST(Pattern, web_search_has_the_published_sizes) {
  EXPECT_DOUBLE_EQ(web_search_mean(), 1'711'250);
  EXPECT_EQ(web_search_size(0), 1_B);
  EXPECT_EQ(web_search_size(0.15), 10000_B);
  EXPECT_EQ(web_search_size(0.35), 40000_B);
  EXPECT_EQ(web_search_size(0.97), 10_MB);
}

// 20,000 flows at 60 % of 64 x 50 GB/s: the last arrives after flows x mean / (load x bandwidth); the sizes add up to the
// mean. Both within 4 standard deviations (of sizes: 2.3 times the mean, so 6 %).
TEST(Pattern, web_search_offers_the_load_asked_for) {
  const FlowList list = make_pattern({.pattern = "web-search", .load = 0.6, .flows = 20'000}, gpus(64));
  const double expected = 20'000 * web_search_mean() / (0.6 * 64 * 50e9);
  EXPECT_NEAR(list.flows.back().start.in_seconds() / expected, 1, 4 / std::sqrt(20'000.0));
  const double bytes = std::accumulate(list.flows.begin(), list.flows.end(), 0.0,
                                       [](double sum, const Flow& f) { return sum + static_cast<double>(f.bytes.count()); });
  EXPECT_NEAR(bytes / 20'000 / web_search_mean(), 1, 0.065);
  for (const Flow& flow : list.flows) ASSERT_NE(flow.source, flow.destination);
}

TEST(Pattern, what_cannot_be_is_refused) {
  const auto refused = [](const PatternSpec& spec, int n) -> std::string {
    try {
      make_pattern(spec, gpus(n));
    } catch (const sim::InputError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(refused({.pattern = "incast", .senders = 8}, 8), "weftsim traffic: --senders: 8 of 8 GPUs cannot send to another. Use 1 to 7.");
  EXPECT_EQ(refused({.pattern = "incast", .senders = 1, .receiver = 8}, 8),
            "weftsim traffic: --receiver: there is no GPU 8. Name one from 0 to 7.");
  EXPECT_EQ(refused({.pattern = "all-to-all", .end_points = 9}, 8), "weftsim traffic: --end-points: 9 of 8 GPUs. Use 2 to 8.");
  EXPECT_EQ(refused({.pattern = "web-search", .load = 0}, 8),
            "weftsim traffic: --load: 0 is not above 0 and at most 10. Use 0.6 for 60 %.");
  EXPECT_EQ(refused({.pattern = "permutation"}, 1),
            "weftsim traffic: --pattern: one GPU has nobody to send to. Use a cluster of at least 2.");
}

}  // namespace
}  // namespace workloads::traffic
