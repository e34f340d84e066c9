#include "workloads/transformer.hpp"
#include <algorithm>
#include <cmath>

namespace workloads {
namespace {
double head_dim(const ModelSpec& m) { return static_cast<double>(m.hidden) / m.heads; }
double qkv_width(const ModelSpec& m) { return m.hidden + 2 * head_dim(m) * m.kv_heads; }
double fc1_width(const ModelSpec& m) { return (m.gated_mlp ? 2.0 : 1.0) * m.ffn_hidden; }
double matrix_parameters(const ModelSpec& m) { return m.hidden * (qkv_width(m) + m.hidden + fc1_width(m) + m.ffn_hidden); }
}  // namespace

double layer_parameters(const ModelSpec& m, int tp) {
  const double norms = 2.0 * m.hidden * (m.rms_norm ? 1 : 2);
  const double split_biases = m.linear_bias ? (qkv_width(m) + fc1_width(m)) / tp : 0;
  const double whole_biases = m.linear_bias ? 2.0 * m.hidden : 0;
  return matrix_parameters(m) / tp + norms + split_biases + whole_biases;
}

int padded_vocabulary(const ModelSpec& m, int tp) {
  const int unit = 128 * tp;
  return (m.vocab + unit - 1) / unit * unit;
}

double word_embedding_parameters(const ModelSpec& m, int tp) { return static_cast<double>(padded_vocabulary(m, tp)) / tp * m.hidden; }

double embedding_parameters(const ModelSpec& m, int tp) {
  return word_embedding_parameters(m, tp) + (m.learned_positions ? double(m.seq_len) * m.hidden : 0);
}

double head_parameters(const ModelSpec& m, int tp) { return m.tied_embeddings ? 0 : word_embedding_parameters(m, tp); }

double total_parameters(const ModelSpec& m) {
  const double vocabulary = double(m.vocab) * m.hidden * (m.tied_embeddings ? 1 : 2);
  return m.layers * layer_parameters(m) + vocabulary + (m.learned_positions ? double(m.seq_len) * m.hidden : 0) +
         m.hidden * (m.rms_norm ? 1.0 : 2.0);
}

namespace {
double layer_forward_flops(const ModelSpec& m) { return m.seq_len * (2 * matrix_parameters(m) + 4.0 * m.seq_len * m.hidden); }
}  // namespace

double model_flops_per_sequence(const ModelSpec& m) {
  return 3 * (m.layers * layer_forward_flops(m) + 2.0 * m.seq_len * m.hidden * m.vocab);
}

double recompute_flops_per_sequence(const ModelSpec& m, Recompute recompute) {
  return recompute == Recompute::full ? m.layers * layer_forward_flops(m) : 0;
}

// Appends kernels of one direction; knows the units: `elements(bytes)` are tokens x hidden.
class TransformerOps::Builder {
 public:
  Builder(const TransformerOps& ops, int layer)
      : s_(ops.software_), times_(ops.times_), job_(ops.job_), m_(job_.model), flash_(ops.flash_), layer_(layer) {
    tokens_ = double(job_.micro_batch) * m_.seq_len;
    tp_ = job_.parallel.tp;
    sequence_tp_ = job_.parallel.sequence_parallel ? tp_ : 1;
    scores_ = double(job_.micro_batch) * m_.heads / tp_ * m_.seq_len * m_.seq_len;
  }

  void forward();
  void backward();
  void embedding(bool is_forward);
  void head(bool is_forward);
  void optimizer(double parameters);
  // Kernels too small to be listed: host time and gap only, so that `count` of them have run in all.
  Ops with_kernels(double count) && {
    const auto listed = std::count_if(ops_.begin(), ops_.end(), [](const Op& op) { return op.op_class != OpClass::collective; });
    for (auto i = listed; i < static_cast<long>(count); ++i) kernel("small", OpClass::launch, {});
    return std::move(ops_);
  }

 private:
  void kernel(std::string_view name, OpClass op_class, kernels::OperationTime time, double flops = 0) {
    ops_.push_back({.name = name,
                    .op_class = op_class,
                    .outside_measured_range = !time.inside_measured_range,
                    .layer = layer_,
                    .device = sim::Time::seconds(time.seconds + s_.kernel_gap_s),
                    .host = sim::Time::seconds(s_.host_op_s),
                    .flops = flops});
  }
  void elementwise(std::string_view name, double bytes) {
    if (bytes > 0) kernel(name, OpClass::memory_bound, times_.memory_bound(bytes));
  }
  void gemm(std::string_view name, double m, double n, double k) {
    const kernels::Gemm shape{std::llround(m), std::llround(n), std::llround(k), 1, job_.precision};
    auto time = times_.gemm(shape);
    time.seconds *= s_.gemm_factor;
    kernel(name, OpClass::gemm, time, shape.flops());
  }
  // Data and weight gradients of y = x W (x: tokens x in, W: in x out), the latter added to the accumulated gradient.
  void gemm_backward(std::string_view data, std::string_view weight, double in, double out) {
    gemm(data, tokens_, in, out);
    gemm(weight, out, in, tokens_);
    elementwise("gradient_accumulation", s_.gradient_accumulation_bytes * in * out);
  }
  void collective(std::string_view name, kernels::CollectiveOp op, double bytes) {
    if (tp_ == 1) return;
    ops_.push_back({.name = name,
                    .op_class = OpClass::collective,
                    .collective = op,
                    .layer = layer_,
                    .host = sim::Time::seconds(s_.host_collective_s),
                    .bytes = sim::Bytes{std::llround(bytes)}});
  }
  // Around a tensor-parallel block: one all-reduce, or with sequence parallelism its two halves.
  void enter_parallel() {
    if (sequence_tp_ > 1) collective("all_gather", kernels::CollectiveOp::all_gather, activation_bytes());
  }
  void leave_parallel() {
    using enum kernels::CollectiveOp;
    sequence_tp_ > 1 ? collective("reduce_scatter", reduce_scatter, activation_bytes())
                     : collective("all_reduce", all_reduce, activation_bytes());
  }
  double width() const { return kernels::bytes_per_element(job_.precision); }
  double activation_bytes() const { return tokens_ * m_.hidden * width(); }
  // Profile coefficients are bytes of 2-byte activations.
  double replicated(double bytes) const { return bytes * width() / 2 * tokens_ * m_.hidden / sequence_tp_; }
  double split(double bytes) const { return bytes * width() / 2 * tokens_ * m_.hidden / tp_; }
  double feed_forward(double bytes) const {  // a gated unit reads two inputs and writes one: 6 bytes where 4 are
    return bytes * (m_.gated_mlp ? 1.5 : 1) * width() / 2 * tokens_ * m_.ffn_hidden / tp_;
  }
  double score_bytes(double bytes) const { return bytes * width() / 2 * scores_; }
  void batched(std::string_view name, double m, double n, double k, double factor) {
    const kernels::Gemm shape{std::llround(m), std::llround(n), std::llround(k), std::llround(double(job_.micro_batch) * m_.heads / tp_),
                              job_.precision};
    auto time = times_.gemm(shape);
    time.seconds *= factor;
    kernel(name, OpClass::attention, time, shape.flops());
  }
  void attention(kernels::Direction direction);

  const kernels::SoftwareProfile& s_;
  const kernels::OperationTimes& times_;
  const JobSpec& job_;
  const ModelSpec& m_;
  bool flash_;
  int layer_;
  double tokens_, scores_;
  int tp_, sequence_tp_;
  Ops ops_;
};

void TransformerOps::Builder::attention(kernels::Direction direction) {
  const bool forward = direction == kernels::Direction::forward;
  const double factor = forward ? s_.attention_forward_factor : s_.attention_backward_factor;
  const double s = m_.seq_len, d = head_dim(m_);
  if (flash_) {
    const kernels::AttentionShape shape{job_.micro_batch, m_.seq_len, std::max(1, m_.heads / tp_), std::max(1, m_.kv_heads / tp_),
                                        std::llround(d),  true};
    auto time = times_.flash_attention(shape, direction);
    time.seconds *= factor;
    kernel(forward ? "flash_attention" : "flash_attention_backward", OpClass::attention, time, (forward ? 4 : 10) * scores_ * d / 2);
    return;
  }
  const auto scores = [&](std::string_view name, double bytes) {
    auto time = times_.memory_bound(score_bytes(bytes));
    time.seconds *= factor;
    kernel(name, OpClass::attention, time);
  };
  if (forward) {
    batched("scores", s, s, d, factor);
    scores("softmax_dropout", s_.score_forward);
    batched("context", s, d, s, factor);
  } else {
    batched("probabilities_gradient", s, s, d, factor);
    batched("value_gradient", s, d, s, factor);
    scores("softmax_dropout_backward", s_.score_backward);
    batched("query_gradient", s, d, s, factor);
    batched("key_gradient", s, d, s, factor);
  }
}

void TransformerOps::Builder::forward() {
  const double h = m_.hidden;
  elementwise("layer_norm", replicated(s_.layer_norm_forward));
  enter_parallel();
  gemm("qkv", tokens_, qkv_width(m_) / tp_, h);
  elementwise("transpose", split(s_.transpose_forward));
  attention(kernels::Direction::forward);
  elementwise("context_copy", split(s_.context_copy));
  gemm("projection", tokens_, h, h / tp_);
  leave_parallel();
  elementwise("residual", replicated(s_.residual_forward));
  elementwise("layer_norm", replicated(s_.layer_norm_forward));
  enter_parallel();
  gemm("fc1", tokens_, fc1_width(m_) / tp_, h);
  elementwise("activation", feed_forward(s_.activation_forward));
  gemm("fc2", tokens_, h, m_.ffn_hidden / tp_);
  leave_parallel();
  elementwise("residual", replicated(s_.residual_forward));
}

void TransformerOps::Builder::backward() {
  const double h = m_.hidden;
  elementwise("residual_backward", replicated(s_.residual_backward));
  enter_parallel();
  gemm_backward("fc2_data", "fc2_weight", m_.ffn_hidden / tp_, h);
  elementwise("activation_backward", feed_forward(s_.activation_backward));
  gemm_backward("fc1_data", "fc1_weight", h, fc1_width(m_) / tp_);
  leave_parallel();
  elementwise("layer_norm_backward", replicated(s_.layer_norm_backward));
  elementwise("residual_backward", replicated(s_.residual_backward));
  enter_parallel();
  gemm_backward("projection_data", "projection_weight", h / tp_, h);
  attention(kernels::Direction::backward);
  elementwise("transpose_backward", split(s_.transpose_backward));
  gemm_backward("qkv_data", "qkv_weight", h, qkv_width(m_) / tp_);
  leave_parallel();
  elementwise("layer_norm_backward", replicated(s_.layer_norm_backward));
}

void TransformerOps::Builder::embedding(bool is_forward) {
  elementwise("embedding", replicated(is_forward ? s_.embedding_forward : s_.embedding_backward));
  if (is_forward) leave_parallel();
}

void TransformerOps::Builder::head(bool is_forward) {
  using enum kernels::CollectiveOp;
  const double vocabulary = static_cast<double>(padded_vocabulary(m_, tp_)) / tp_;
  const double logits = tokens_ * vocabulary;
  if (is_forward) {
    elementwise("final_norm", replicated(s_.layer_norm_forward));
    enter_parallel();
    gemm("logits", tokens_, vocabulary, m_.hidden);
    elementwise("cross_entropy", s_.cross_entropy_forward * logits);
    collective("all_reduce", all_reduce, 12 * tokens_);  // maximum, predicted logit, sum: FP32 per token
  } else {
    elementwise("cross_entropy_backward", s_.cross_entropy_backward * logits);
    gemm_backward("logits_data", "logits_weight", m_.hidden, vocabulary);
    leave_parallel();
    elementwise("final_norm_backward", replicated(s_.layer_norm_backward));
  }
}

void TransformerOps::Builder::optimizer(double parameters) { elementwise("optimizer", s_.optimizer_step_bytes * parameters); }

TransformerOps::TransformerOps(const JobSpec& job, const kernels::SoftwareProfile& software, const kernels::OperationTimes& times)
    : job_(job),
      software_(software),
      times_(times),
      flash_(job.attention ? *job.attention == AttentionKind::flash : software.flash_attention) {}

Ops TransformerOps::layer_forward(int layer) const {
  Builder b(*this, layer);
  b.forward();
  return std::move(b).with_kernels(software_.forward_kernels);
}

Ops TransformerOps::layer_backward(int layer) const {
  Ops ops = job_.recompute == Recompute::full ? layer_forward(layer) : Ops{};
  Builder b(*this, layer);
  b.backward();
  const Ops own = std::move(b).with_kernels(software_.backward_kernels);
  ops.insert(ops.end(), own.begin(), own.end());
  return ops;
}

Ops TransformerOps::embedding_forward() const {
  Builder b(*this, -1);
  b.embedding(true);
  return std::move(b).with_kernels(software_.embedding_kernels / 2);
}

Ops TransformerOps::embedding_backward() const {
  Builder b(*this, -1);
  b.embedding(false);
  return std::move(b).with_kernels(software_.embedding_kernels / 2);
}

Ops TransformerOps::head_forward() const {
  Builder b(*this, -1);
  b.head(true);
  return std::move(b).with_kernels(software_.head_kernels / 2);
}

Ops TransformerOps::head_backward() const {
  Builder b(*this, -1);
  b.head(false);
  return std::move(b).with_kernels(software_.head_kernels / 2);
}

Ops TransformerOps::optimizer(double parameters) const {
  Builder b(*this, -1);
  b.optimizer(parameters);
  return std::move(b).with_kernels(software_.optimizer_kernels);
}

sim::Bytes TransformerOps::boundary_bytes() const {
  const double all = double(job_.micro_batch) * job_.model.seq_len * job_.model.hidden * kernels::bytes_per_element(job_.precision);
  const bool split = job_.parallel.sequence_parallel || software_.scatter_gather_p2p;
  return sim::Bytes{std::llround(all / (split ? job_.parallel.tp : 1))};
}

}  // namespace workloads
