#include "workloads/memory.hpp"
#include <algorithm>

namespace workloads {
namespace {

// s b h (10 + 24/t + 5 a s / (h t)) for a GPT in 2-byte precision (Korthikanti et al., eq. 2 and 4), term by term
// so that gated, grouped-query and flash variants follow: inputs of every product, of norms and of the
// nonlinearity; dropout masks of one byte; scores, softmax and its mask without flash attention.
double kept_without_recompute(const JobSpec& job, bool flash) {
  const ModelSpec& m = job.model;
  const double width = kernels::bytes_per_element(job.precision);
  const double tokens = double(job.micro_batch) * m.seq_len;
  const double tp = job.parallel.tp;
  const double kv = 2.0 * m.kv_heads / m.heads;  // K and V relative to hidden
  const double mask = m.linear_bias ? 1 : 0;     // GPT drops out, Llama does not
  const double whole = 4 * width + 2 * mask;     // two norms, two block inputs
  const double ffn = double(m.ffn_hidden) / m.hidden * ((m.gated_mlp ? 2 : 1) + 1) * width;
  const double split = (1 + kv) * width + width + ffn;
  const double scores = flash ? 0 : (2 * width + mask) * m.heads * m.seq_len / double(m.hidden);
  const double whole_tp = job.parallel.sequence_parallel ? tp : 1;
  return tokens * m.hidden * (whole / whole_tp + (split + scores) / tp);
}

double layer_input(const JobSpec& job) {
  const double tp = job.parallel.sequence_parallel ? job.parallel.tp : 1;
  return double(job.micro_batch) * job.model.seq_len * job.model.hidden * kernels::bytes_per_element(job.precision) / tp;
}

}  // namespace

double activation_bytes_per_layer(const JobSpec& job, bool flash) {
  return job.recompute == Recompute::full ? layer_input(job) : kept_without_recompute(job, flash);
}

MemoryUse static_memory(const JobSpec& job, const kernels::SoftwareProfile& software, double parameters) {
  const double width = kernels::bytes_per_element(job.precision);
  const double master = width == 4 ? 0 : 4;  // FP32 copy of the weights
  const double moments = job.optimizer == OptimizerKind::adam ? 8 : 4;
  MemoryUse use;
  use.weights = width * parameters;
  use.gradients = software.gradient_bytes * parameters;
  use.optimizer = (master + moments) * parameters;
  return use;
}

double buffer_bytes(const JobSpec& job, bool flash, bool last_stage) {
  const double recomputed = job.recompute == Recompute::full ? kept_without_recompute(job, flash) : 0;
  const double logits = 4.0 * job.micro_batch * job.model.seq_len * padded_vocabulary(job.model, job.parallel.tp) / job.parallel.tp;
  return std::max(recomputed, last_stage ? logits : 0);
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
