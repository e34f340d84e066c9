#include "workloads/import/hugging_face.hpp"
#include <gmock/gmock.h>
#include "sim/error.hpp"
#include "workloads/model_size.hpp"
#include "workloads/scenario_reader.hpp"

namespace {
using namespace workloads;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Scenario with_model(const std::string& config) {
  return read_scenario_text(
      "schema: weftsim/1\ncluster: {gpus: 8, accelerator: a100-sxm-80g, host: {preset: dgx-a100}}\nworkload:\n  global_batch: 8\n  "
      "model: " +
          config + "\n",
      "t.yaml");
}
ModelSpec model_of(const std::string& config) { return with_model(config).jobs[0].model; }
std::string problem_of(const std::string& config) {
  try {
    with_model(config);
  } catch (const sim::InputError& error) {
    return error.what();
  }
  return "";
}

// Counts of the released checkpoints.
TEST(HuggingFace, configs_have_the_parameters_of_their_checkpoints) {
  EXPECT_EQ(total_parameters(model_of("{model_type: llama, hidden_size: 4096, intermediate_size: 11008, num_hidden_layers: 32, "
                                      "num_attention_heads: 32, vocab_size: 32000, max_position_embeddings: 4096}")),
            6'738'415'616);
  EXPECT_EQ(
      total_parameters(model_of("{model_type: qwen2, hidden_size: 3584, intermediate_size: 18944, num_hidden_layers: 28, "
                                "num_attention_heads: 28, num_key_value_heads: 4, vocab_size: 152064, max_position_embeddings: 32768}")),
      7'615'616'512);
  EXPECT_EQ(
      total_parameters(model_of("{model_type: gemma, hidden_size: 3072, intermediate_size: 24576, num_hidden_layers: 28, head_dim: 256, "
                                "num_attention_heads: 16, num_key_value_heads: 16, vocab_size: 256000, max_position_embeddings: 8192}")),
      8'537'680'896);
  EXPECT_EQ(total_parameters(model_of("{model_type: bloom, hidden_size: 14336, n_layer: 70, num_attention_heads: 112, vocab_size: 250880, "
                                      "seq_length: 2048}")),
            176'247'271'424);
  EXPECT_EQ(total_parameters(model_of("{model_type: mpt, d_model: 4096, n_layers: 32, n_heads: 32, expansion_ratio: 4, vocab_size: 50432, "
                                      "max_seq_len: 2048, no_bias: true}")),
            6'649'286'656);
  EXPECT_EQ(total_parameters(model_of("{model_type: bert, hidden_size: 1024, intermediate_size: 4096, num_hidden_layers: 24, "
                                      "num_attention_heads: 16, vocab_size: 30522, max_position_embeddings: 512}")),
            336'226'108);
  EXPECT_EQ(total_parameters(model_of("{model_type: t5, d_model: 768, d_kv: 64, d_ff: 2048, num_layers: 12, num_decoder_layers: 12, "
                                      "num_heads: 12, vocab_size: 32128, n_positions: 512, feed_forward_proj: gated-gelu, "
                                      "tie_word_embeddings: false}")),
            247'577'856);
}

TEST(HuggingFace, what_is_not_understood_is_named) {
  const std::string gpt2 = "{model_type: gpt2, n_embd: 768, n_head: 12, n_layer: 12, n_positions: 1024, vocab_size: 50257";
  EXPECT_THAT(with_model(gpt2 + ", torch_dtype: float32}").warnings, IsEmpty());
  EXPECT_THAT(with_model(gpt2 + ", scale_attn_by_inverse_layer_idx: true, reorder_and_upcast_attn: false}").warnings,
              ElementsAre(HasSubstr("not understood and change nothing: scale_attn_by_inverse_layer_idx, reorder_and_upcast_attn")));
}

TEST(HuggingFace, a_type_like_llama_is_read_as_llama_and_says_so) {
  const std::string keys =
      ", hidden_size: 4096, intermediate_size: 14336, num_hidden_layers: 32, num_attention_heads: 32, num_key_value_heads: 8, vocab_size: "
      "32000, max_position_embeddings: 4096";
  EXPECT_THAT(with_model("{model_type: phi9" + keys + "}").warnings, Contains(HasSubstr("'phi9' is read as llama")));
  EXPECT_THAT(with_model("{model_type: mistral" + keys + ", sliding_window: 4096}").warnings,
              Contains(HasSubstr("sliding_window 4096 is not modelled")));
}

TEST(HuggingFace, other_models_of_a_known_type_are_refused) {
  EXPECT_THAT(problem_of("{model_type: opt, hidden_size: 1024, ffn_dim: 4096, num_hidden_layers: 24, num_attention_heads: 16, vocab_size: "
                         "50272, max_position_embeddings: 2048, word_embed_proj_dim: 512}"),
              HasSubstr("word_embed_proj_dim 512 is not supported yet, only 1024"));
  EXPECT_THAT(problem_of("{model_type: deepseek_v3, kv_lora_rank: 512}"), HasSubstr("latent attention"));
  EXPECT_THAT(problem_of("{model_type: llama, hidden_size: 4096}"), HasSubstr("the config has no 'num_hidden_layers'"));
  EXPECT_THAT(problem_of("{model_type: mamba}"), HasSubstr("unknown model_type 'mamba'"));
}
}  // namespace
