#include "workloads/summary.hpp"
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

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
  job.model_flops_per_step = 8e14;     // / 2 s / 8 GPUs = 50 TFLOP/s
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

// INTERFACES, section 4: what scripts rely on. Keys may be added; none goes.
TEST(Summary, has_every_promised_key) {
  EXPECT_THAT(keys(summary()),
              testing::IsSupersetOf({"name", "version", "seed", "network", "gpus", "jobs", "step_time_s", "steps_s", "step_time_interval_s",
                                     "outside_calibrated_range", "tokens_per_s", "tokens_per_s_per_gpu", "model_flops_per_step",
                                     "model_tflops_per_gpu", "hardware_tflops_per_gpu", "mfu", "hfu", "breakdown_s", "memory_per_gpu_bytes",
                                     "network_stats", "bill_of_materials", "energy_j_per_step", "critical_path", "events", "wall_s", "cpu_s",
                                     "peak_rss_bytes", "signature"}));
  EXPECT_THAT(keys(summary()["breakdown_s"]),
              testing::ElementsAre("compute", "tp_comm", "cp_comm", "ep_comm", "pp_comm", "dp_comm", "pp_bubble", "optimizer", "host", "other"));
  EXPECT_THAT(keys(summary()["memory_per_gpu_bytes"]),
              testing::IsSupersetOf({"weights", "gradients", "optimizer", "activations", "buffers", "total", "capacity", "fits"}));
  EXPECT_THAT(keys(summary()["network_stats"]),
              testing::IsSupersetOf({"flows", "bytes", "max_link_utilization", "mean_link_utilization", "ecmp_max_flows_per_link",
                                     "packet_hops", "drops", "pauses", "marks"}));
  EXPECT_THAT(keys(summary()["bill_of_materials"]),
              testing::IsSupersetOf({"hosts", "switches", "cables", "optical_modules", "modules_per_gpu", "power_w", "price_usd"}));
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
}

// A name may hold anything that a file can.
TEST(Summary, escapes_names) {
  auto odd = result();
  odd.name = "a \"b\" \\ ü\n";
  EXPECT_EQ(summary(odd)["name"], odd.name);
}

}  // namespace
