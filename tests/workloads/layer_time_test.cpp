// One layer of a 22B model on eight A100s, tensor parallel 8, micro-batch 4: Korthikanti et al. 2022, Table 4. The backward time
// contains what is computed again.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include "workloads/plan.hpp"
#include "workloads/scenario_reader.hpp"

namespace {
using namespace workloads;

struct Published {
  const char* mode;
  const char* settings;
  double forward_ms, backward_ms;
};
constexpr Published table_4[] = {
    {"baseline", "recompute: none, parallel: {tp: 8}", 7.7, 11.9},
    {"sequence parallelism", "recompute: none, parallel: {tp: 8, sequence_parallel: true}", 7.2, 11.8},
    {"full recompute", "recompute: full, parallel: {tp: 8}", 7.7, 19.5},
    {"selective recompute", "recompute: selective, parallel: {tp: 8}", 7.7, 13.2},
    {"both", "recompute: selective, parallel: {tp: 8, sequence_parallel: true}", 7.2, 13.1},
};

double milliseconds(const Ops& ops, const kernels::OperationTimes& times) {
  double seconds = 0;
  for (const Op& op : ops)
    seconds += op.op_class == OpClass::collective
                   ? times.scale_up_collective(op.collective, 8, static_cast<double>(op.bytes.count())).seconds - op.hidden.in_seconds()
                   : op.device.in_seconds();
  return 1e3 * seconds;
}

TEST(LayerTime, is_that_of_the_published_table) {
  const kernels::OperationTimes times(kernels::load_device_profile("a100-sxm-80g"));
  double signed_error = 0;
  for (const Published& row : table_4) {
    const Scenario scenario =
        read_scenario_text(fmt::format("schema: weftsim/1\ncluster: {{gpus: 8, accelerator: a100-sxm-80g, host: {{preset: dgx-a100}}}}\n"
                                       "workload: {{model: megatron-22b, micro_batch: 4, global_batch: 4, software: megatron-2022, {}}}\n",
                                       row.settings),
                           "layer");
    const JobSpec& job = scenario.jobs[0];
    const TransformerOps ops(job, kernels::load_software_profile(job.software), times);
    const double forward = milliseconds(ops.layer_forward(0), times) / row.forward_ms;
    const double backward = milliseconds(ops.layer_backward(0), times) / row.backward_ms;
    EXPECT_NEAR(forward, 1, 0.08) << row.mode;
    EXPECT_NEAR(backward, 1, 0.08) << row.mode;
    signed_error += (forward + backward - 2) / 10;
  }
  EXPECT_NEAR(signed_error, 0, 0.05);
}

}  // namespace
