// An encoder, and a decoder that attends to its output (T5).
#include <fmt/format.h>
#include <gmock/gmock.h>
#include "sim/error.hpp"
#include "workloads/memory.hpp"
#include "workloads/model_size.hpp"
#include "workloads/program_builder.hpp"
#include "workloads/run.hpp"
#include "workloads/scenario_reader.hpp"

namespace {
using namespace workloads;
using testing::ElementsAre;
using testing::HasSubstr;

// 512 tokens in, 256 out: 6 layers of an encoder, 6 of a decoder, 512 wide, 8 heads of 64.
Scenario t5(const std::string& model, const std::string& rest, int gpus = 8) {
  return read_scenario_text(fmt::format("schema: weftsim/1\ncluster: {{gpus: {}, accelerator: a100-sxm-80g, host: {{preset: dgx-a100}}}}\n"
                                        "workload: {{model: {{preset: t5-small, seq_len: 256{}}}, global_batch: 16, {}}}\n",
                                        gpus, model, rest),
                            "t5");
}

// Every product of forward and backward once, the attention to the encoder's 512 tokens too.
TEST(EncoderDecoder, kernels_do_the_flops_of_the_model) {
  const Scenario scenario = t5("", "micro_batch: 2, attention: unfused");
  const JobSpec& job = scenario.jobs[0];
  const kernels::OperationTimes times(kernels::load_device_profile("a100-sxm-80g"));
  const TransformerOps ops(job, kernels::load_software_profile(job.software), times);
  double flops = 0;
  const auto add = [&](const Ops& more) {
    for (const Op& op : more) flops += op.flops;
  };
  for (int layer = 0; layer < job.model.layers; ++layer) {
    add(ops.layer_forward(layer));
    add(ops.layer_backward(layer));
  }
  add(ops.head_forward());
  add(ops.head_backward());
  EXPECT_NEAR(flops, 2 * model_flops_per_sequence(job.model), 1e-9 * flops);

  const double h = 512, f = 2048, in = 512, out = 256, vocab = 32128;
  const double encoder = 6 * (in * 2 * (4 * h * h + 2 * h * f) + 4 * in * in * h);
  const double decoder = 6 * (out * 2 * (6 * h * h + 2 * h * f) + in * 2 * (2 * h * h) + 4 * out * out * h + 4 * out * in * h);
  EXPECT_NEAR(model_flops_per_sequence(job.model), 3 * (encoder + decoder + 2 * out * h * vocab), 1e-9 * flops);
}

// A decoder layer keeps what a layer keeps, a third block of it, and K and V of the encoder's tokens: s b h (10 + 24/t) has two blocks of
// (5 h) and Q, K, V, the projection's input, and 16 h of the feed-forward part.
TEST(EncoderDecoder, a_layer_behind_the_encoder_keeps_one_block_more) {
  const JobSpec job = t5("", "micro_batch: 2").jobs[0];
  const double h = 512, b = 2, in = 512, out = 256;
  EXPECT_DOUBLE_EQ(activation_bytes_per_layer(job, true, 0), b * in * h * (10 + 24));
  EXPECT_DOUBLE_EQ(activation_bytes_per_layer(job, true, 11), b * out * h * (15 + 24 + 4) + b * in * h * 4);
  const double both = 5.0 * 8 * out * (out + in) * b;  // scores, their softmax and its mask
  EXPECT_DOUBLE_EQ(activation_bytes_per_layer(job, false, 11), b * out * h * (15 + 24 + 4) + b * in * h * 4 + both);
}

// Between stages: the encoder's 512 tokens, and where the decoder is at work its 256 beside them.
TEST(EncoderDecoder, stages_hand_the_output_of_the_encoder_on) {
  const Scenario scenario = t5("", "parallel: {pp: 4, layers_per_stage: [3, 3, 2, 4]}");
  const JobSpec& job = scenario.jobs[0];
  const kernels::OperationTimes times(kernels::load_device_profile("a100-sxm-80g"));
  const TransformerOps ops(job, kernels::load_software_profile(job.software), times);
  std::vector<std::int64_t> tokens;
  for (int stage = 0; stage < 3; ++stage) tokens.push_back(ops.boundary_bytes(stage).count() / (2 * 512));
  EXPECT_THAT(tokens, ElementsAre(512, 512, 768));
  EXPECT_THAT(stages_with_word_embedding(job), ElementsAre(0, 2, 3));
  double parameters = 0;
  for (int stage = 0; stage < 4; ++stage) parameters += parameters_of_stage(job, stage);
  EXPECT_DOUBLE_EQ(parameters, total_parameters(job.model) + 2 * 32128.0 * 512);  // two copies of the words
}

TEST(EncoderDecoder, untied_projections_are_no_copy_of_the_words) {
  EXPECT_THAT(stages_with_word_embedding(t5(", tied_embeddings: false", "parallel: {pp: 2}").jobs[0]), ElementsAre(0, 1));
  EXPECT_THAT(stages_with_word_embedding(t5(", tied_embeddings: false", "parallel: {pp: 4}").jobs[0]), ElementsAre(0, 2));
  EXPECT_THAT(stages_with_word_embedding(t5("", "parallel: {pp: 1}").jobs[0]), ElementsAre(0));
}

TEST(EncoderDecoder, runs_and_folds_to_the_same_step) {
  const Scenario scenario = t5("", "parallel: {pp: 4, tp: 2}");
  RunOptions every_rank;
  every_rank.fold = false;
  const Result folded = run(scenario), whole = run(scenario, every_rank);
  EXPECT_GT(folded.jobs[0].step_time_s, 0);
  EXPECT_EQ(folded.jobs[0].step_time_s, whole.jobs[0].step_time_s);
  EXPECT_EQ(folded.jobs[0].tokens_per_step, 16.0 * (512 + 256));
}

std::string problem_of(const std::string& model, const std::string& rest) {
  try {
    t5(model, rest);
  } catch (const sim::InputError& error) {
    return error.what();
  }
  return "";
}
TEST(EncoderDecoder, says_what_it_can_not_do) {
  EXPECT_THAT(problem_of(", encoder_layers: 12", "micro_batch: 1"), HasSubstr("12 of 12 layers are the encoder"));
  EXPECT_THAT(problem_of("", "parallel: {cp: 2}"), HasSubstr("not supported with encoder-decoder"));
  EXPECT_THAT(problem_of("", "schedule: interleaved, parallel: {pp: 2, virtual_stages: 2}"), HasSubstr("virtual_stages: 1"));
  EXPECT_THAT(problem_of(", architecture: decoder", "micro_batch: 1"), HasSubstr("only an encoder-decoder has an encoder of its own"));
}

}  // namespace
