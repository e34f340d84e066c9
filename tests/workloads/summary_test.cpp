#include "workloads/summary.hpp"
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include "workloads/run.hpp"
#include "workloads/scenario_reader.hpp"

namespace {

using Json = nlohmann::ordered_json;

// Two jobs; the figures are exact in binary, so that they can be compared.
workloads::Result result() {
  workloads::JobResult job{.name = "gpt", .gpus = 8};
  job.steps_s = {1.5, 2.5};
  job.step_time_s = 2;
  job.interval_low_s = 1.75;
  job.interval_high_s = 2.25;
  job.tokens_per_step = 4096;
  job.model_flops_per_step = 8e14;  // / 2 s / 8 GPUs = 50 TFLOP/s
  job.hardware_flops_per_step = 16e14;
  job.peak_flops_per_gpu = 200e12;
  job.breakdown_s = {1, 0.25, 0, 0, 0, 0.25, 0.25, 0.125, 0.0625, 0.0625};
  job.memory = {.weights = 1, .gradients = 2, .optimizer = 4, .activations = 8, .buffers = 16, .capacity = 30, .rank = 5};
  workloads::Result all{.name = "toy", .network = "fluid", .seed = 7, .gpus = 16, .jobs = {job, job}};
  all.jobs[1].name = "llama";
  all.jobs[1].step_time_s = 4;
  all.network_stats.full_links = {{"leaf-0 -> spines (5 links)", "leaf_spine", 0.5, 0.25}};
  all.signature = 0xabc;
  return all;
}

Json summary(const workloads::Result& all = result()) { return Json::parse(summary_json(all)); }

std::vector<std::string> keys(const Json& object) {
  std::vector<std::string> names;
  for (const auto& [name, value] : object.items()) names.push_back(name);
  return names;
}

// 4,096 tokens in 2 s on 8 GPUs; 50 of 200 TFLOP/s, 100 with recomputation; 31 bytes do not fit into 30.
TEST(Summary, derives_rates_from_the_step_time) {
  const Json all = summary();
  EXPECT_EQ(all["tokens_per_s"], 2048);
  EXPECT_EQ(all["tokens_per_s_per_gpu"], 256);
  EXPECT_EQ(all["model_tflops_per_gpu"], 50);
  EXPECT_EQ(all["mfu"], 0.25);
  EXPECT_EQ(all["hfu"], 0.5);
  EXPECT_EQ(all["steps_s"], Json({1.5, 2.5}));
  EXPECT_EQ(all["step_time_interval_s"], Json({1.75, 2.25}));
  EXPECT_EQ(all["memory_per_gpu_bytes"]["total"], 31);
  EXPECT_EQ(all["memory_per_gpu_bytes"]["fits"], false);
  EXPECT_EQ(all["signature"], "0000000000000abc");
}

TEST(Summary, the_top_level_is_the_first_job) {
  const Json all = summary();
  ASSERT_EQ(all["jobs"].size(), 2u);
  EXPECT_EQ(all["jobs"][1]["name"], "llama");
  EXPECT_EQ(all["jobs"][1]["step_time_s"], 4);
  for (const auto& [key, value] : all["jobs"][0].items()) {
    if (key != "name" && key != "gpus") {
      EXPECT_EQ(all[key], value) << key;
    }
  }
}

// Not simulated, not known, or a division by zero: null, never a number that looks like a result.
TEST(Summary, what_has_no_value_is_null) {
  auto odd = result();
  odd.jobs[0].peak_flops_per_gpu = 0;
  odd.jobs[0].interval_high_s = 0;
  const Json all = summary(odd);
  EXPECT_TRUE(all["mfu"].is_null());
  EXPECT_TRUE(all["step_time_interval_s"].is_null());
  EXPECT_TRUE(all["energy_j_per_step"].is_null());
  EXPECT_TRUE(all["network_stats"]["drops"].is_null());
  EXPECT_TRUE(all["bill_of_materials"]["power_w"]["total"].is_null());
  EXPECT_EQ(all["critical_path"], Json::array());
  EXPECT_FALSE(all.contains("sensitivity"));
}

TEST(Summary, lists_path_and_sensitivity) {
  auto all = result();
  all.jobs[0].critical_path = {{"fc1", 3, 1.5}, {"host", 0, 0.5}};
  all.sensitivity = {{"gemm_efficiency", 0.75, 0.015}};
  const Json json = summary(all);
  EXPECT_EQ(json["critical_path"], Json::parse(R"([{"op": "fc1", "rank": 3, "seconds": 1.5}, {"op": "host", "rank": 0, "seconds": 0.5}])"));
  EXPECT_EQ(json["jobs"][0]["critical_path"], json["critical_path"]);
  EXPECT_EQ(json["sensitivity"], Json::parse(R"([{"parameter": "gemm_efficiency", "elasticity": 0.75, "seconds_per_percent": 0.015}])"));
}

// A name may hold anything that a file can.
TEST(Summary, escapes_names) {
  auto odd = result();
  odd.name = "a \"b\" \\ ü\n";
  EXPECT_EQ(summary(odd)["name"], odd.name);
}

workloads::Scenario two_hosts(std::vector<std::string> overrides = {}) {
  return workloads::read_shipped_scenario("quick", {.overrides = std::move(overrides)});
}

Json summary_of(const workloads::Scenario& scenario, const workloads::RunOptions& options = {}) {
  return Json::parse(workloads::summary_json(workloads::run(scenario, options)));
}

using Names = std::vector<std::string>;
const Names of_a_job = {"step_time_s",
                        "steps_s",
                        "step_time_interval_s",
                        "outside_calibrated_range",
                        "error_causes",
                        "tokens_per_s",
                        "tokens_per_s_per_gpu",
                        "model_flops_per_step",
                        "model_tflops_per_gpu",
                        "hardware_tflops_per_gpu",
                        "mfu",
                        "hfu",
                        "breakdown_s",
                        "memory_per_gpu_bytes",
                        "critical_path"};
const Names categories = {"compute", "tp_comm", "cp_comm", "ep_comm", "pp_comm", "dp_comm", "pp_bubble", "optimizer", "host", "other"};

Names operator+(Names a, const Names& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// INTERFACES, section 4, word by word; `accelerators`, `error_causes`, `ranks_simulated`, `warnings`, memory's `rank` the full links
// and what packets did over time are ours beside it.
TEST(SummaryOfARun, has_no_other_keys_than_these) {
  const Json all = summary_of(two_hosts());
  EXPECT_THAT(keys(all), testing::UnorderedElementsAreArray(of_a_job +
                                                            Names{"name", "version", "seed", "network", "gpus", "accelerators", "jobs",
                                                                  "network_stats", "bill_of_materials", "energy_j_per_step", "events",
                                                                  "wall_s", "cpu_s", "peak_rss_bytes", "signature"} +
                                                            Names{"ranks_simulated", "warnings"}));
  EXPECT_THAT(keys(all["jobs"][0]), testing::UnorderedElementsAreArray(of_a_job + Names{"name", "gpus"}));
  EXPECT_THAT(keys(all["breakdown_s"]), testing::UnorderedElementsAreArray(categories));
  EXPECT_THAT(keys(all["memory_per_gpu_bytes"]),
              testing::UnorderedElementsAreArray(
                  Names{"weights", "gradients", "optimizer", "activations", "buffers", "total", "capacity", "fits"} + Names{"rank"}));
  EXPECT_THAT(keys(all["network_stats"]),
              testing::UnorderedElementsAreArray(Names{"flows", "bytes", "max_link_utilization", "mean_link_utilization",
                                                       "ecmp_max_flows_per_link", "packet_hops", "drops", "pauses", "marks"} +
                                                 Names{"full_link_count", "full_links", "skipped_hops", "paused_links", "paused_s",
                                                       "max_queue_bytes", "queues", "fluid_step_time_s"}));
  const Json& bill = all["bill_of_materials"];
  EXPECT_THAT(keys(bill),
              testing::UnorderedElementsAreArray(
                  Names{"hosts", "switches", "cables", "optical_modules", "modules_per_gpu", "power_w", "price_usd"} + Names{"gpus"}));
  EXPECT_THAT(keys(bill["switches"]), testing::UnorderedElementsAreArray(Names{"leaf", "spine", "core", "scale_up", "total"}));
  EXPECT_THAT(keys(bill["power_w"]), testing::UnorderedElementsAreArray(Names{"gpus", "hosts", "switches", "optics", "cooling", "total"}));
  EXPECT_THAT(keys(bill["price_usd"]),
              testing::UnorderedElementsAreArray(Names{"hosts", "switches", "optics", "cables", "total"} + Names{"building"}));
}

class Breakdown : public testing::TestWithParam<std::vector<std::string>> {};

TEST_P(Breakdown, sums_to_the_step_time) {
  for (const bool fold : {true, false}) {
    const Json all = summary_of(two_hosts(GetParam()), {.fold = fold});
    double sum = 0;
    for (const auto& [category, seconds] : all["breakdown_s"].items()) {
      EXPECT_GE(seconds.get<double>(), 0) << category;
      sum += seconds.get<double>();
    }
    const double step = all["step_time_s"];
    EXPECT_NEAR(sum, step, 1e-9 * step);
    double steps = 0;
    for (const double one : all["steps_s"]) steps += one;
    EXPECT_NEAR(steps / static_cast<double>(all["steps_s"].size()), step, 1e-9 * step);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Summary, Breakdown,
    testing::Values(Names{}, Names{"workload.schedule=gpipe"}, Names{"workload.schedule=interleaved", "workload.parallel.virtual_stages=2"},
                    Names{"workload.parallel.pp=1", "workload.parallel.dp=8"}, Names{"workload.parallel.tp=8", "workload.parallel.dp=1"},
                    Names{"workload.steps=3"}, Names{"workload.overlap.dp=true", "workload.overlap.pp=true", "workload.steps=2"},
                    Names{"network=analytic"},
                    Names{"cluster.gpus=8", "workload.parallel.tp=1", "workload.parallel.pp=1", "workload.parallel.dp=8"},
                    Names{"workload.software=megatron-core", "workload.precision=bf16", "workload.recompute=none"}));

// 128 sequences of 2048 tokens; MFU is of 312 TFLOP/s; the top level is the first job.
TEST(SummaryOfARun, figures_follow_from_each_other) {
  const Json all = summary_of(two_hosts());
  const double step = all["step_time_s"];
  EXPECT_NEAR(all["tokens_per_s"].get<double>() * step, 128 * 2048, 1e-3);
  EXPECT_NEAR(all["tokens_per_s_per_gpu"].get<double>() * 16, all["tokens_per_s"].get<double>(), 1e-6);
  EXPECT_NEAR(all["mfu"].get<double>() * 312, all["model_tflops_per_gpu"].get<double>(), 1e-9);
  EXPECT_NEAR(all["model_tflops_per_gpu"].get<double>() * 1e12 * 16 * step, all["model_flops_per_step"].get<double>(), 1e6);
  EXPECT_EQ(all["jobs"][0]["step_time_s"], all["step_time_s"]);
  const Json& memory = all["memory_per_gpu_bytes"];
  EXPECT_DOUBLE_EQ(memory["weights"].get<double>() + memory["gradients"].get<double>() + memory["optimizer"].get<double>() +
                       memory["activations"].get<double>() + memory["buffers"].get<double>(),
                   memory["total"].get<double>());
}

// B = 128, s = 2048, l = 24, h = 2304, V = 51200: 72 B s l h² (1 + s/(6h) + V/(12 l h)).
TEST(SummaryOfARun, counts_model_flops_as_promised) {
  const double h = 2304, s = 2048, l = 24, vocab = 51200;
  EXPECT_NEAR(summary_of(two_hosts())["model_flops_per_step"].get<double>(),
              72 * 128 * s * l * h * h * (1 + s / (6 * h) + vocab / (12 * l * h)), 1e6);
}

TEST(SummaryOfARun, signature_has_16_digits_and_tells_results_apart) {
  const std::string one = summary_of(two_hosts())["signature"], again = summary_of(two_hosts())["signature"];
  EXPECT_THAT(one, testing::MatchesRegex("[0-9a-f]{16}"));
  EXPECT_EQ(one, again);
  EXPECT_NE(one, summary_of(two_hosts({"workload.micro_batch=8"}))["signature"]);
}

TEST(SummaryOfARun, interval_contains_the_step_time) {
  const Json all = summary_of(two_hosts());
  EXPECT_LT(all["step_time_interval_s"][0], all["step_time_s"]);
  EXPECT_GT(all["step_time_interval_s"][1], all["step_time_s"]);
}

// JSON has no infinity: a result without jobs still is JSON.
TEST(SummaryOfARun, of_nothing_is_json) { EXPECT_TRUE(Json::parse(workloads::summary_json({}))["mfu"].is_null()); }

}  // namespace
