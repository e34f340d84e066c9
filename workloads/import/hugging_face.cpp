#include "workloads/import/hugging_face.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <span>
#include "workloads/quantity.hpp"

namespace workloads {
namespace {

// Our key, and theirs: the first that is there.
struct Key {
  std::string_view ours;
  std::array<std::string_view, 2> theirs;
  bool required = true;
};
// What a type of model always is, in our keys; and the defaults of its configuration class.
struct Type {
  std::string_view name;
  std::span<const Key> keys;
  std::string_view traits;
  bool tied = true;  // where tie_word_embeddings is absent
};

// huggingface/transformers, src/transformers/models/*/configuration_*.py
constexpr Key llama_keys[] = {{"layers", {"num_hidden_layers"}},
                              {"hidden", {"hidden_size"}},
                              {"heads", {"num_attention_heads"}},
                              {"kv_heads", {"num_key_value_heads"}, false},
                              {"head_dim", {"head_dim"}, false},
                              {"ffn_hidden", {"intermediate_size"}},
                              {"vocab", {"vocab_size"}},
                              {"seq_len", {"max_position_embeddings"}},
                              {"qkv_bias", {"attention_bias"}, false}};
constexpr Key gpt2_keys[] = {{"layers", {"n_layer"}},   {"hidden", {"n_embd"}},
                             {"heads", {"n_head"}},     {"ffn_hidden", {"n_inner"}, false},
                             {"vocab", {"vocab_size"}}, {"seq_len", {"n_positions", "n_ctx"}}};
constexpr Key opt_keys[] = {{"layers", {"num_hidden_layers"}}, {"hidden", {"hidden_size"}}, {"heads", {"num_attention_heads"}},
                            {"ffn_hidden", {"ffn_dim"}},       {"vocab", {"vocab_size"}},   {"seq_len", {"max_position_embeddings"}}};
constexpr Key bloom_keys[] = {{"layers", {"n_layer", "num_hidden_layers"}},
                              {"hidden", {"hidden_size", "n_embed"}},
                              {"heads", {"n_head", "num_attention_heads"}},
                              {"vocab", {"vocab_size"}},
                              {"seq_len", {"seq_length"}, false}};
constexpr Key mpt_keys[] = {
    {"layers", {"n_layers"}}, {"hidden", {"d_model"}}, {"heads", {"n_heads"}}, {"vocab", {"vocab_size"}}, {"seq_len", {"max_seq_len"}}};
constexpr Key bert_keys[] = {{"layers", {"num_hidden_layers"}},     {"hidden", {"hidden_size"}}, {"heads", {"num_attention_heads"}},
                             {"ffn_hidden", {"intermediate_size"}}, {"vocab", {"vocab_size"}},   {"seq_len", {"max_position_embeddings"}}};

constexpr Key t5_keys[] = {
    {"encoder_layers", {"num_layers"}}, {"hidden", {"d_model"}},   {"heads", {"num_heads"}},           {"head_dim", {"d_kv"}},
    {"ffn_hidden", {"d_ff"}},           {"vocab", {"vocab_size"}}, {"seq_len", {"n_positions"}, false}};

constexpr std::string_view llama_traits = "{gated_mlp: true, rms_norm: true, linear_bias: false, dropout: false, positions: rotary}";
constexpr Type types[] = {
    {"llama", llama_keys, llama_traits, false},
    {"mistral", llama_keys, llama_traits, false},
    {"qwen2", llama_keys, "{gated_mlp: true, rms_norm: true, linear_bias: false, qkv_bias: true, dropout: false, positions: rotary}",
     false},
    {"gemma", llama_keys, llama_traits},
    {"gpt2", gpt2_keys, "{}"},
    {"opt", opt_keys, "{}"},
    {"bloom", bloom_keys, "{positions: alibi, embedding_norm: true}"},
    {"mpt", mpt_keys, "{rms_norm: true, linear_bias: false, dropout: false, positions: alibi}"},
    {"bert", bert_keys, "{architecture: encoder, embedding_norm: true}"},
    {"t5", t5_keys, "{architecture: encoder-decoder, rms_norm: true, linear_bias: false, positions: relative}"}};

// Keys that change nothing in a training step's shape.
constexpr std::string_view neutral[] = {"model_type",
                                        "architectures",
                                        "torch_dtype",
                                        "dtype",
                                        "transformers_version",
                                        "use_cache",
                                        "_name_or_path",
                                        "name_or_path",
                                        "name",
                                        "bos_token_id",
                                        "eos_token_id",
                                        "pad_token_id",
                                        "initializer_range",
                                        "hidden_act",
                                        "hidden_activation",
                                        "activation_function",
                                        "rms_norm_eps",
                                        "layer_norm_eps",
                                        "layer_norm_epsilon",
                                        "rope_theta",
                                        "rope_scaling",
                                        "pretraining_tp",
                                        "tie_word_embeddings",
                                        "attention_dropout",
                                        "hidden_dropout",
                                        "attn_pdrop",
                                        "embd_pdrop",
                                        "resid_pdrop",
                                        "dropout",
                                        "activation_dropout",
                                        "layerdrop",
                                        "hidden_dropout_prob",
                                        "attention_probs_dropout_prob",
                                        "task_specific_params",
                                        "prefix",
                                        "init_std",
                                        "attention_softmax_in_fp32",
                                        "apply_residual_connection_post_layernorm",
                                        "position_embedding_type",
                                        "classifier_dropout",
                                        "gradient_checkpointing",
                                        "do_layer_norm_before",
                                        "enable_bias",
                                        "layer_norm_elementwise_affine",
                                        "word_embed_proj_dim",
                                        "_remove_final_layer_norm",
                                        "type_vocab_size",
                                        "sliding_window",
                                        "use_sliding_window",
                                        "max_window_layers",
                                        "unk_token_id",
                                        "skip_bias_add",
                                        "skip_bias_add_qkv",
                                        "slow_but_exact",
                                        "masked_softmax_fusion",
                                        "offset_alibi",
                                        "bias_dropout_fusion",
                                        "attn_config",
                                        "init_config",
                                        "emb_pdrop",
                                        "no_bias",
                                        "expansion_ratio",
                                        "learned_pos_emb",
                                        "logit_scale",
                                        "verbose",
                                        "norm_type",
                                        "init_device",
                                        "embedding_fraction",
                                        "tokenizer_name",
                                        "use_pad_tok_in_ffn",
                                        "n_ctx",
                                        "num_decoder_layers",
                                        "feed_forward_proj",
                                        "dense_act_fn",
                                        "is_gated_act",
                                        "is_encoder_decoder",
                                        "decoder_start_token_id",
                                        "dropout_rate",
                                        "relative_attention_num_buckets",
                                        "relative_attention_max_distance",
                                        "initializer_factor",
                                        "output_past"};

TextNode scalar(std::string_view key, std::string_view text, const Place& place) {
  return TextNode{.kind = TextNode::Kind::scalar, .text = std::string(text), .key = std::string(key), .place = place, .key_place = place};
}

class Translation {
 public:
  Translation(const TextNode& config, const std::string& where, Problems& problems, std::vector<std::string>& warnings)
      : config_(config), where_(where), problems_(problems), warnings_(warnings) {}

  TextNode translated() {
    TextNode out{.kind = TextNode::Kind::map, .place = config_.place};
    const std::string name = text_of("model_type");
    if (const char* experts = first_of({"num_local_experts", "num_experts", "n_routed_experts"})) {
      refuse(fmt::format("'{}': mixtures of experts are not supported yet. Choose a dense model.", experts));
      return out;
    }
    if (config_.find("kv_lora_rank")) {
      refuse(fmt::format("model_type '{}': latent attention (kv_lora_rank) is not supported yet. Choose another model.", name));
      return out;
    }
    const Type* type = std::find_if(std::begin(types), std::end(types), [&](const Type& t) { return t.name == name; });
    if (type == std::end(types)) {
      const bool like_llama = config_.find("num_hidden_layers") && config_.find("num_key_value_heads") && config_.find("intermediate_size");
      if (!like_llama) {
        refuse(fmt::format("unknown model_type '{}' (known: {}). Give layers, hidden, heads, … instead.", name, joined(names_of_types())));
        return out;
      }
      warnings_.push_back(fmt::format("{}: model_type '{}' is read as llama, which has the same keys", config_.place.text(), name));
      type = types;
    }
    refuse_what_is_unusual();
    copy(out, *type);
    if (type->name == "gpt2" || type->name == "mpt" || type->name == "bloom") add_ffn_width(out);
    if (type->name == "t5") add_decoder(out);
    const std::string tied = text_of("tie_word_embeddings");
    out.children.push_back(scalar("tied_embeddings", tied.empty() ? (type->tied ? "true" : "false") : tied, config_.place));
    name_what_is_left(*type);
    return out;
  }

 private:
  static std::vector<std::string> names_of_types() {
    std::vector<std::string> names;
    for (const Type& type : types) names.emplace_back(type.name);
    return names;
  }
  std::string text_of(std::string_view key) const {
    const TextNode* node = config_.find(key);
    return node && node->kind == TextNode::Kind::scalar ? node->text : "";
  }
  const char* first_of(std::initializer_list<const char*> keys) const {
    for (const char* key : keys) {
      const TextNode* node = config_.find(key);
      // Dense members of a family of mixtures carry 0 or null.
      if (node && node->kind == TextNode::Kind::scalar && node->text != "0" && node->text != "1") return key;
    }
    return nullptr;
  }
  void refuse(std::string_view what) { problems_.add_value(config_.place, where_, "model", what); }

  // Settings that make another model of the same type.
  void refuse_what_is_unusual() {
    const auto differs = [&](std::string_view key, std::string_view usual) {
      const std::string text = text_of(key);
      if (!text.empty() && text != usual)
        refuse(fmt::format("{} {} is not supported yet, only {}. Choose another model.", key, text, usual));
    };
    differs("do_layer_norm_before", "true");
    differs("enable_bias", "true");
    differs("no_bias", "true");
    differs("learned_pos_emb", "false");
    differs("relative_attention_num_buckets", "32");
    if (config_.find("word_embed_proj_dim")) differs("word_embed_proj_dim", text_of("hidden_size"));
  }

  void copy(TextNode& out, const Type& type) {
    for (const Key& key : type.keys) {
      const TextNode* found = nullptr;
      for (const std::string_view theirs : key.theirs) {
        const TextNode* node = theirs.empty() ? nullptr : config_.find(theirs);
        if (!found && node && node->kind != TextNode::Kind::null) found = node;
      }
      if (found) {
        TextNode copied = *found;
        copied.key = key.ours;
        out.children.push_back(std::move(copied));
      } else if (key.required) {
        refuse(fmt::format("the config has no '{}'. Is it a complete config.json?", key.theirs[0]));
      }
    }
    for (TextNode trait : parse_text(type.traits, "traits of a model_type").children) {
      if (out.find(trait.key)) continue;
      trait.place = trait.key_place = config_.place;
      out.children.push_back(std::move(trait));
    }
  }
  // GPT-2's null n_inner means 4; so does BLOOM, which has no key; MPT says how often.
  void add_ffn_width(TextNode& out) {
    if (out.find("ffn_hidden")) return;
    const std::string times = text_of("expansion_ratio");
    const TextNode* hidden_node = out.find("hidden");
    const std::int64_t hidden = hidden_node ? parse_integer(hidden_node->text).value_or(0) : 0;
    const std::int64_t factor = times.empty() ? 4 : parse_integer(times).value_or(0);
    if (hidden < 1 || hidden > 1'000'000'000 || factor < 1 || factor > 1000) return;
    out.children.push_back(scalar("ffn_hidden", fmt::format("{}", factor * hidden), config_.place));
  }

  // T5 counts the layers of its stacks apart; version 1.1 gates the feed-forward part.
  void add_decoder(TextNode& out) {
    const std::string decoder = text_of("num_decoder_layers");
    const std::int64_t encoder_layers = parse_integer(text_of("num_layers")).value_or(0);
    const std::int64_t decoder_layers = decoder.empty() ? encoder_layers : parse_integer(decoder).value_or(0);
    if (encoder_layers < 1 || decoder_layers < 1 || std::max(encoder_layers, decoder_layers) > 1'000'000)
      return refuse("num_layers and num_decoder_layers must be whole numbers from 1.");
    out.children.push_back(scalar("layers", fmt::format("{}", encoder_layers + decoder_layers), config_.place));
    const bool gated = text_of("feed_forward_proj").starts_with("gated");
    out.children.push_back(scalar("gated_mlp", gated ? "true" : "false", config_.place));
  }

  void name_what_is_left(const Type& type) {
    std::vector<std::string> left;
    const auto is_key = [&](std::string_view key) {
      return std::any_of(type.keys.begin(), type.keys.end(),
                         [&](const Key& k) { return std::find(k.theirs.begin(), k.theirs.end(), key) != k.theirs.end(); });
    };
    for (const TextNode& child : config_.children)
      if (!is_key(child.key) && std::find(std::begin(neutral), std::end(neutral), child.key) == std::end(neutral) &&
          child.kind != TextNode::Kind::null)
        left.push_back(child.key);
    if (!left.empty())
      warnings_.push_back(
          fmt::format("{}: keys of the config that are not understood and change nothing: {}", config_.place.text(), joined(left)));
    if (const std::string window = text_of("sliding_window"); !window.empty() && text_of("use_sliding_window") != "false")
      warnings_.push_back(
          fmt::format("{}: sliding_window {} is not modelled: attention is over the whole sequence", config_.place.text(), window));
  }

  const TextNode& config_;
  const std::string& where_;
  Problems& problems_;
  std::vector<std::string>& warnings_;
};

}  // namespace

bool is_hugging_face(const TextNode& config) { return config.find("model_type") || config.find("architectures"); }

TextNode from_hugging_face(const TextNode& config, const std::string& where, Problems& problems, std::vector<std::string>& warnings) {
  return Translation(config, where, problems, warnings).translated();
}

}  // namespace workloads
