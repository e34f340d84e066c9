#include "workloads/model_size.hpp"
#include <algorithm>

namespace workloads {
namespace {

double norm(const ModelSpec& m) { return m.hidden * (m.rms_norm ? 1.0 : 2.0); }
double square(double x) { return x * x; }
double feed_forward(const ModelSpec& m) { return m.hidden * (fc1_width(m) + m.ffn_hidden); }
double attention(const ModelSpec& m, int tp) { return m.hidden * (qkv_width(m, tp) + m.attention_width() / tp); }

double embedding_without_words(const ModelSpec& m) {
  const double h = m.hidden;
  return (m.positions == Positions::learned ? m.seq_len * h : 0) + (m.architecture == Architecture::encoder ? 2 * h : 0) +
         (m.embedding_norm ? norm(m) : 0);
}

// Encoder: transform and bias of the masked-word head, pooler and the two classes of next-sentence prediction (Devlin et al. 2018).
// Decoder: the final norm.
double head_without_words(const ModelSpec& m, double vocabulary) {
  const double h = m.hidden;
  if (m.architecture == Architecture::decoder) return norm(m);
  return (h * h + h + norm(m) + vocabulary) + (h * h + h) + (2 * h + 2);
}

double layer_forward_flops(const ModelSpec& m) {
  return m.seq_len * (2 * (attention(m, 1) + feed_forward(m)) + 4.0 * m.seq_len * m.attention_width());
}

double head_forward_flops(const ModelSpec& m) {
  const double h = m.hidden, rows = m.seq_len * m.predicted_positions;
  const double logits = 2 * rows * h * m.vocab;
  return m.architecture == Architecture::decoder ? logits : logits + 2 * (rows + 1) * h * h;
}

}  // namespace

double qkv_width(const ModelSpec& m, int tp) { return m.head_size() * (double(m.heads) / tp + 2 * std::max(1.0, double(m.kv_heads) / tp)); }
double fc1_width(const ModelSpec& m) { return (m.gated_mlp ? 2.0 : 1.0) * m.ffn_hidden; }

double layer_parameters(const ModelSpec& m, int tp) {
  const double norms = (m.parallel_blocks ? 1 : 2) * norm(m);
  const double split_biases = m.linear_bias ? qkv_width(m, tp) + fc1_width(m) / tp : m.qkv_bias ? qkv_width(m, tp) : 0;
  const double whole_biases = m.linear_bias ? 2.0 * m.hidden : 0;
  const double positions = m.positions == Positions::transformer_xl ? (m.hidden + 2) * m.attention_width() / tp : 0;
  return attention(m, tp) + feed_forward(m) / tp + positions + norms + split_biases + whole_biases;
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
  return m.layers * layer_parameters(m) + words + embedding_without_words(m) + head_without_words(m, m.vocab);
}

double model_flops_per_sequence(const ModelSpec& m) { return 3 * (m.layers * layer_forward_flops(m) + head_forward_flops(m)); }

double recompute_flops_per_sequence(const ModelSpec& m, Recompute recompute, bool flash_attention) {
  if (recompute == Recompute::full) return m.layers * layer_forward_flops(m);
  const bool scores_again = recompute == Recompute::selective && !flash_attention;
  return scores_again ? m.layers * 4.0 * square(m.seq_len) * m.attention_width() : 0;
}

}  // namespace workloads
