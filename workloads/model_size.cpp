#include "workloads/model_size.hpp"
#include <algorithm>

namespace workloads {
namespace {

double norm(const ModelSpec& m) { return m.hidden * (m.rms_norm ? 1.0 : 2.0); }
double feed_forward(const ModelSpec& m) { return m.hidden * (fc1_width(m) + m.ffn_hidden); }
double attention(const ModelSpec& m, int tp) { return m.hidden * (qkv_width(m, tp) + m.attention_width() / tp); }
// T5: 32 distances and a head each, once a stack.
double relative_positions(const ModelSpec& m) { return 32.0 * m.heads * (m.architecture == Architecture::encoder_decoder ? 2 : 1); }

double embedding_without_words(const ModelSpec& m) {
  const double h = m.hidden;
  return (m.positions == Positions::learned ? m.seq_len * h : 0) + (m.architecture == Architecture::encoder ? 2 * h : 0) +
         (m.embedding_norm ? norm(m) : 0) + (m.positions == Positions::relative ? relative_positions(m) : 0);
}

// Encoder: transform and bias of the masked-word head, pooler and the two classes of next-sentence prediction (Devlin et al. 2018).
// Decoder: the final norm; of both stacks where there are two.
double head_without_words(const ModelSpec& m, double vocabulary) {
  const double h = m.hidden;
  if (m.architecture != Architecture::encoder) return norm(m) * (m.architecture == Architecture::encoder_decoder ? 2 : 1);
  return (h * h + h + norm(m) + vocabulary) + (h * h + h) + (2 * h + 2);
}

double score_flops(const ModelSpec& m, int layer) {
  const double s = m.seq_len_of(layer), keys = s + (m.attends_to_encoder(layer) ? m.encoder_seq_len : 0);
  return 4 * s * keys * m.attention_width();
}

double layer_forward_flops(const ModelSpec& m, int layer) {
  const double s = m.seq_len_of(layer), products = 2 * s * (attention(m, 1) + feed_forward(m));
  if (!m.attends_to_encoder(layer)) return products + score_flops(m, layer);
  const double queries = 2 * m.attention_width(), keys_and_values = qkv_width(m, 1) - m.attention_width();
  return products + 2 * m.hidden * (s * queries + m.encoder_seq_len * keys_and_values) + score_flops(m, layer);
}

template <class OfLayer>
double over_all_layers(const ModelSpec& m, OfLayer&& of_layer) {
  return over_layers(m, 0, m.layers, of_layer);
}

double head_forward_flops(const ModelSpec& m) {
  const double h = m.hidden, rows = m.seq_len * m.predicted_positions;
  const double logits = 2 * rows * h * m.vocab;
  return m.architecture == Architecture::encoder ? logits + 2 * (rows + 1) * h * h : logits;
}

}  // namespace

double qkv_width(const ModelSpec& m, int tp) { return m.head_size() * (double(m.heads) / tp + 2 * std::max(1.0, double(m.kv_heads) / tp)); }
double fc1_width(const ModelSpec& m) { return (m.gated_mlp ? 2.0 : 1.0) * m.ffn_hidden; }

double layer_parameters(const ModelSpec& m, int tp, int layer) {
  const double attentions = m.attends_to_encoder(layer) ? 2 : 1;
  const double norms = (m.parallel_blocks ? 1 : 1 + attentions) * norm(m);
  const double qkv_biases = m.linear_bias || m.qkv_bias ? attentions * qkv_width(m, tp) : 0;
  const double split_biases = qkv_biases + (m.linear_bias ? fc1_width(m) / tp : 0);
  const double whole_biases = m.linear_bias ? (1 + attentions) * m.hidden : 0;
  const double positions = m.positions == Positions::transformer_xl ? (m.hidden + 2) * m.attention_width() / tp : 0;
  return attentions * attention(m, tp) + feed_forward(m) / tp + positions + norms + split_biases + whole_biases;
}

int padded_vocabulary(const ModelSpec& m, int tp) {
  const int unit = 128 * tp;
  return (m.vocab + unit - 1) / unit * unit;
}

double word_embedding_parameters(const ModelSpec& m, int tp) { return static_cast<double>(padded_vocabulary(m, tp)) / tp * m.hidden; }

double embedding_parameters(const ModelSpec& m, int tp) { return word_embedding_parameters(m, tp) + embedding_without_words(m); }

double head_parameters(const ModelSpec& m, int tp) {
  return head_without_words(m, double(padded_vocabulary(m, tp)) / tp) + (m.tied_embeddings ? 0 : word_embedding_parameters(m, tp));
}

double total_parameters(const ModelSpec& m) {
  const double words = double(m.vocab) * m.hidden * (m.tied_embeddings ? 1 : 2);
  return over_all_layers(m, [&](int layer) { return layer_parameters(m, 1, layer); }) + words + embedding_without_words(m) +
         head_without_words(m, m.vocab);
}

double model_flops_per_sequence(const ModelSpec& m) {
  return 3 * (over_all_layers(m, [&](int layer) { return layer_forward_flops(m, layer); }) + head_forward_flops(m));
}

double recompute_flops_per_sequence(const ModelSpec& m, Recompute recompute, bool flash_attention) {
  if (recompute == Recompute::full) return over_all_layers(m, [&](int layer) { return layer_forward_flops(m, layer); });
  const bool scores_again = recompute == Recompute::selective && !flash_attention;
  return scores_again ? over_all_layers(m, [&](int layer) { return score_flops(m, layer); }) : 0;
}

}  // namespace workloads
