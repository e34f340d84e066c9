#include "workloads/memory.hpp"
#include <algorithm>

namespace workloads {
namespace {

double tokens_of(const JobSpec& job, int seq_len) { return double(job.micro_batch) * seq_len / job.parallel.cp; }
double sequence_split(const JobSpec& job) { return job.parallel.sequence_parallel ? job.parallel.tp : 1; }

// s b h (10 + 24/t + 5 a s / (h t)) for a GPT in 2-byte precision (Korthikanti et al., eq. 2 and 4), term by term
// so that gated, grouped-query and flash variants follow: inputs of every product, of norms and of the
// nonlinearity; dropout masks of one byte; scores, softmax and its mask unless they are computed again. A block that attends
// to an encoder keeps K and V of the encoder's tokens.
double kept_without_full_recompute(const JobSpec& job, bool scores_kept, int layer) {
  const ModelSpec& m = job.model;
  const double width = activation_width(job.precision), tp = job.parallel.tp;
  const double heads = m.attention_width(), kv = heads * m.kv_heads / m.heads;
  const double mask = m.dropout ? 1 : 0;
  const bool crosses = m.attends_to_encoder(layer);
  const double blocks = m.parallel_blocks ? 1 : crosses ? 3 : 2;  // each: a norm's input, the products' input, a dropout mask
  const double whole = blocks * (2 * width + mask) * m.hidden;
  const double split = (2 * heads + 2 * kv + fc1_width(m) + m.ffn_hidden) * width;  // Q and the projection's input, K, V, the MLP
  const auto scores = [&](double keys) { return scores_kept ? (2 * width + mask) * m.heads * keys : 0; };
  const double seq_len = m.seq_len_of(layer), tokens = tokens_of(job, m.seq_len_of(layer));
  const double kept = tokens * (whole / sequence_split(job) + (split + scores(seq_len)) / tp);
  if (!crosses) return kept;
  return kept + (tokens * (2 * heads * width + scores(m.encoder_seq_len)) + tokens_of(job, m.encoder_seq_len) * 2 * kv * width) / tp;
}

double layer_input(const JobSpec& job, int layer) {
  return tokens_of(job, job.model.seq_len_of(layer)) * job.model.hidden * activation_width(job.precision) / sequence_split(job);
}

}  // namespace

double activation_bytes_per_layer(const JobSpec& job, bool flash, int layer) {
  if (job.recompute == Recompute::full) return layer_input(job, layer);
  return kept_without_full_recompute(job, !flash && job.recompute == Recompute::none, layer);
}

MemoryUse static_memory(const JobSpec& job, const kernels::SoftwareProfile& software, double parameters) {
  const double width = activation_width(job.precision);
  const double master = width == 4 ? 0 : 4;  // FP32 copy of the weights
  const double moments = job.optimizer == OptimizerKind::adam ? 8 : 4;
  const auto part = [&](int first_stage) { return job.parallel.zero >= first_stage ? 1.0 / std::max(1, job.parallel.replicas()) : 1.0; };
  MemoryUse use;
  use.weights = width * parameters * part(3);
  use.gradients = software.gradient_bytes * parameters * part(2);
  use.optimizer = (master + moments) * parameters * part(1);
  return use;
}

double buffer_bytes(const JobSpec& job, const kernels::SoftwareProfile& software, bool flash, bool last_stage) {
  const auto again = [&](int layer) { return job.recompute == Recompute::full ? kept_without_full_recompute(job, !flash, layer) : 0; };
  const int last = job.model.layers - 1;
  const double recomputed = std::max(again(0), again(last));
  const double rows = tokens_of(job, job.model.seq_len) * job.model.predicted_positions;
  const double logits = 4 * rows * padded_vocabulary(job.model, job.parallel.tp) / job.parallel.tp;
  // Fully sharded: the whole weights and gradients of the layer at work and of the one fetched ahead.
  const double layer = layer_parameters(job.model, job.parallel.tp, last);
  const double gathered = job.parallel.zero == 3 ? 2 * layer * activation_width(job.precision) + layer * software.gradient_bytes : 0;
  return gathered + std::max(recomputed, last_stage ? logits : 0);
}

double peak_activations(const Program& program) {
  double alive = 0, peak = 0;
  for (const Step& step : program.steps) {
    alive += static_cast<double>(step.memory_change);
    peak = std::max(peak, alive);
  }
  return peak;
}

}  // namespace workloads
