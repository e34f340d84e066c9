#include "workloads/model_size.hpp"
#include <gmock/gmock.h>
#include "workloads/scenario_reader.hpp"

namespace {
using namespace workloads;

struct Published {
  const char* model;
  double parameters;  // as printed, or of the released checkpoint
  double tolerance;   // of what is printed
};

// Checkpoints: the sum of all tensors. OPT's position table has two rows more than positions; norms without bias are 1e-5 of MPT.
constexpr Published published[] = {{"gpt2", 124'439'808, 0},
                                   {"llama2-7b", 6'738'415'616, 0},
                                   {"llama-13b", 13'015'864'320, 0},
                                   {"llama-65b", 65'285'660'672, 0},
                                   {"llama2-70b", 68'976'648'192, 0},
                                   {"llama3-8b", 8'030'261'248, 0},
                                   {"llama3.1-70b", 70'553'706'496, 0},
                                   {"llama3.1-405b", 405'853'388'800, 0},
                                   {"mistral-7b", 7'241'732'096, 0},
                                   {"bloom-560m", 559'214'592, 0},
                                   {"bloom-7b1", 7'069'016'064, 0},
                                   {"bloom-176b", 176'247'271'424, 0},
                                   {"bert-base", 110'106'428, 0},
                                   {"bert-large", 336'226'108, 0},
                                   {"t5-small", 60'506'624, 0},
                                   {"t5-base", 222'903'552, 0},
                                   {"t5-large", 737'668'096, 0},
                                   {"t5-3b", 2'851'598'336, 0},
                                   {"t5-11b", 11'307'321'344, 0},
                                   {"t5-v1.1-xl", 2'849'757'184, 0},
                                   {"t5-v1.1-xxl", 11'135'332'352, 0},
                                   {"opt-125m", 125'239'296, 2e-5},
                                   {"opt-1.3b", 1'315'758'080, 2e-5},
                                   {"opt-175b", 175e9, 0.01},
                                   {"palm-8b", 8.63e9, 0.001},
                                   {"palm-62b", 62.50e9, 0.001},
                                   {"palm-540b", 540.35e9, 0.0001},
                                   {"gopher-1.4b", 1.4e9, 0.05},
                                   {"gopher-7.1b", 7.1e9, 0.01},
                                   {"gopher-280b", 280e9, 0.005},
                                   {"mt-nlg-530b", 530e9, 0.005},
                                   {"gpt3-175b", 175e9, 0.005},
                                   {"nemotron-4-340b", 341e9, 0.002},
                                   {"nemotron-8b", 8.5e9, 0.01},
                                   {"mpt-125m", 0.1253e9, 0.002},
                                   {"mpt-7b", 6.6589e9, 0.0005},
                                   {"mpt-70b", 64.8624e9, 0.002},
                                   {"gpt-1008b", 1008e9, 0.001},
                                   {"megatron-core-462b", 462e9, 0.01},
                                   {"megatron-gpt2-8b", 8.67e9, 0.01}};

TEST(ModelSize, shipped_models_have_the_published_parameters) {
  for (const Published& p : published) {
    const auto model = shipped_model(p.model);
    ASSERT_TRUE(model) << p.model;
    EXPECT_NEAR(total_parameters(*model), p.parameters, p.tolerance * p.parameters) << p.model;
  }
}

// 12 h^2 + 13 h for a GPT layer; on one of t GPUs the matrices and the biases of their split sides are divided.
TEST(ModelSize, a_layer_of_a_gpt) {
  const ModelSpec m = *shipped_model("gpt2");
  const double h = 768;
  EXPECT_DOUBLE_EQ(layer_parameters(m), 12 * h * h + 13 * h);
  EXPECT_DOUBLE_EQ(layer_parameters(m, 4), 12 * h * h / 4 + 7 * h / 4 + 6 * h);
}

// Fewer key and value heads than GPUs of the group: each GPU keeps one.
TEST(ModelSize, key_and_value_heads_are_repeated_where_the_group_is_wider) {
  const ModelSpec m = *shipped_model("llama3-70b");  // 64 heads, 8 of keys, 128 wide
  EXPECT_DOUBLE_EQ(qkv_width(m, 1), 128 * (64 + 16));
  EXPECT_DOUBLE_EQ(qkv_width(m, 8), 128 * (8 + 2));
  EXPECT_DOUBLE_EQ(qkv_width(m, 16), 128 * (4 + 2));
}

// 72 B s l h^2 (1 + s/(6h) + V/(12 l h)) for a GPT, 96 … V/(16 l h) with full recomputation (SC'21, eq. 3).
// Selective adds the scores and P V again: 4 s^2 h a layer; flash attention has nothing to add.
TEST(ModelSize, flops_are_the_published_formula) {
  const ModelSpec m = *shipped_model("megatron-22b");
  const double h = m.hidden, s = m.seq_len, l = m.layers, v = m.vocab;
  EXPECT_NEAR(model_flops_per_sequence(m) / (72 * s * l * h * h * (1 + s / (6 * h) + v / (12 * l * h))), 1, 1e-12);
  EXPECT_NEAR((model_flops_per_sequence(m) + recompute_flops_per_sequence(m, Recompute::full, false)) /
                  (96 * s * l * h * h * (1 + s / (6 * h) + v / (16 * l * h))),
              1, 1e-12);
  EXPECT_DOUBLE_EQ(recompute_flops_per_sequence(m, Recompute::selective, false), l * 4 * s * s * h);
  EXPECT_EQ(recompute_flops_per_sequence(m, Recompute::selective, true), 0);
  EXPECT_EQ(recompute_flops_per_sequence(m, Recompute::none, false), 0);
}

// Chowdhery et al., appendix B: 6 N + 12 L H Q T FLOPs a token, with N without the embedding for the products.
TEST(ModelSize, palm_flops_are_the_published_formula) {
  const ModelSpec m = *shipped_model("palm-540b");
  const double per_token = 6 * total_parameters(m) + 12.0 * m.layers * m.attention_width() * m.seq_len;
  EXPECT_NEAR(model_flops_per_sequence(m) / (m.seq_len * per_token), 1, 1e-4);
}

TEST(ModelSize, the_vocabulary_is_padded_to_128_for_each_gpu) {
  const ModelSpec m = *shipped_model("gpt2");
  EXPECT_EQ(padded_vocabulary(m, 1), 50304);
  EXPECT_EQ(padded_vocabulary(m, 8), 51200);
}
}  // namespace
