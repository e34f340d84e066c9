#include "workloads/studies/sensitivity.hpp"
#include <gmock/gmock.h>
#include <map>
#include "workloads/scenario_reader.hpp"

// What limits a job is worth most, and all together are worth the step.
namespace {
using namespace workloads;

struct Elasticities {
  std::map<std::string, double> of;
  double sum = 0;
};
Elasticities elasticities(const std::string& yaml) {
  Elasticities found;
  for (const Sensitivity& row : sensitivity(read_scenario_text(yaml, "job"))) {
    found.of[row.parameter] = row.elasticity;
    found.sum += row.elasticity;
  }
  return found;
}

// One GPU with wide layers and short sequences: products rule.
TEST(Sensitivity, of_a_job_of_products) {
  const auto e = elasticities(
      "schema: weftsim/1\ncluster: {gpus: 1, accelerator: a100-sxm-80g, host: {preset: dgx-a100}, fabric: {type: none}}\n"
      "workload: {model: {layers: 4, hidden: 12288, heads: 96, vocab: 1024, seq_len: 1024}, micro_batch: 4, global_batch: 64,"
      " software: megatron-core}\n");
  EXPECT_GT(e.of.at("gemm_efficiency"), 0.85);
  EXPECT_NEAR(e.sum, 1, 0.02);
  EXPECT_EQ(e.of.at("link_bandwidth"), 0);
  EXPECT_GT(e.of.at("memory_bandwidth"), 0);
}

// Sixteen hosts on 1 Gb/s reduce the gradients of wide layers after one short micro-batch: the links rule.
TEST(Sensitivity, of_a_job_of_gradients) {
  const auto e = elasticities(
      "schema: weftsim/1\ncluster:\n  gpus: 16\n  accelerator: a100-sxm-80g\n"
      "  host: {preset: single-gpu, nics: {bandwidth: 1 Gb/s}}\n"
      "  fabric: {type: leaf-spine, radix: 32, link: {bandwidth: 1 Gb/s, latency: 300 ns}}\n"
      "workload: {model: {layers: 4, hidden: 4096, heads: 32, vocab: 1024, seq_len: 256}, global_batch: 16, software: megatron-2021}\n");
  EXPECT_GT(e.of.at("link_bandwidth"), 0.95);
  EXPECT_NEAR(e.sum, 1, 0.02);
}

// Tiny layers: the host is the limit.
TEST(Sensitivity, of_a_job_of_small_kernels) {
  const auto e = elasticities(
      "schema: weftsim/1\ncluster: {gpus: 1, accelerator: h100-sxm, host: {preset: dgx-h100}, fabric: {type: none}}\n"
      "workload: {model: {layers: 24, hidden: 256, heads: 4, vocab: 1024, seq_len: 128}, global_batch: 16, software: megatron-2021}\n");
  EXPECT_GT(e.of.at("host_dispatch"), 0.95);
}

// Tensor parallelism over NVLink, not overlapped: the domain matters, the network does not; the first row is worth most.
TEST(Sensitivity, of_tensor_parallelism_has_the_domain_in_it) {
  const auto rows = sensitivity(read_shipped_scenario("sc21-18b"));
  std::map<std::string, double> of;
  double sum = 0;
  for (const Sensitivity& row : rows) {
    of[row.parameter] = row.elasticity;
    sum += row.elasticity;
  }
  EXPECT_EQ(rows.front().parameter, "gemm_efficiency");
  EXPECT_GT(of.at("scale_up_bandwidth"), 0.03);
  EXPECT_NEAR(sum, 1, 0.15);  // softmax of unfused attention belongs to attention and to memory
  const double step = run(read_shipped_scenario("sc21-18b")).jobs[0].step_time_s;
  for (const Sensitivity& row : rows) EXPECT_NEAR(row.seconds_per_percent, row.elasticity * step / 100, 0.01 * step / 100);
}
}  // namespace
