#include "workloads/transformer.hpp"
#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

namespace workloads {
namespace {

// Activations are stored in the job's precision, but never in less than two bytes.
int activation_width(Precision p) { return std::max(2, kernels::bytes_per_element(p)); }
bool is_fp8(Precision p) { return kernels::bytes_per_element(p) < 2; }

std::string_view recipe_of(const JobSpec& job) {
  if (!is_fp8(job.precision)) return "-";
  constexpr std::string_view names[] = {"delayed", "current", "block"};
  const Fp8Recipe usual = job.precision == Precision::fp8 ? Fp8Recipe::delayed : Fp8Recipe::block;
  return names[static_cast<int>(job.fp8_recipe.value_or(usual))];
}

// D = A B; those of the layers run in the job's precision, the head keeps 16 bits under fp8.
Precision head_precision(Precision p) { return is_fp8(p) ? Precision::bf16 : p; }

}  // namespace

// Appends kernels of one direction; knows the units: `elements(bytes)` are tokens x hidden.
class TransformerOps::Builder {
 public:
  Builder(const TransformerOps& ops, int layer, bool is_head = false)
      : ops_of_(ops),
        s_(is_head ? ops.head_software_ : ops.software_),
        times_(ops.times_),
        job_(ops.job_),
        m_(job_.model),
        flash_(ops.flash_),
        layer_(layer) {
    tp_ = job_.parallel.tp;
    sequence_tp_ = job_.parallel.sequence_parallel ? tp_ : 1;
    heads_ = double(m_.heads) / tp_;
    precision_ = job_.precision;
    set_sequence(layer < 0 ? m_.seq_len : m_.seq_len_of(layer));
  }

  void set_sequence(int seq_len) {
    seq_len_ = seq_len;
    sequence_ = double(seq_len) / job_.parallel.cp;
    tokens_ = job_.micro_batch * sequence_;
  }
  void forward();
  void backward();
  void attention(kernels::Direction direction);  // to the own sequence, and again to an encoder's
  void attention(kernels::Direction direction, double keys, bool causal);
  void norm(bool is_forward);
  void embedding(bool is_forward);
  void head(bool is_forward);
  void elementwise(std::string_view name, double bytes) {
    if (bytes > 0) kernel(name, OpClass::memory_bound, times_.memory_bound(bytes));
  }
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
  void gemm(std::string_view name, double m, double n, double k) {
    const kernels::Gemm shape{std::llround(m), std::llround(n), std::llround(k), 1, precision_};
    auto time = times_.gemm(shape);
    time.seconds *= s_.gemm_factor;
    kernel(name, OpClass::gemm, time, shape.flops());
    product_s_ = time.seconds;
    if (gathered_) hide(ops_[*std::exchange(gathered_, {})], Dependence::pipelined);
  }
  // What is left of a collective beside a product: the longer of both, and a chunk of it where one needs the other's result
  // and software cuts and pipelines them. While both run, the product is slower.
  enum class Dependence : std::uint8_t { independent, pipelined };
  void hide(Op& op, Dependence dependence) {
    if (!ops_of_.overlap_tp_ || layer_ < 0 || tp_ == 1) return;
    const double alone = times_.scale_up_collective(op.collective, tp_, static_cast<double>(op.bytes.count())).seconds;
    const double chunk = dependence == Dependence::independent ? 0 : alone / s_.tp_overlap_chunks;
    const double exposed = std::max(alone - product_s_, chunk);
    op.hidden = sim::Time::seconds(std::max(0.0, (alone - exposed) * (2 - s_.overlap_slowdown)));
  }
  // Data and weight gradients of y = x W (x: rows x in, W: in x out), the latter added to the accumulated gradient.
  void gemm_backward(std::string_view data, std::string_view weight, double rows, double in, double out) {
    gemm(data, rows, in, out);
    gemm(weight, out, in, rows);
    elementwise("gradient_accumulation", s_.gradient_accumulation_bytes * in * out);
  }
  // What enters an fp8 product is cast, and transposed for the weight gradient.
  void cast(std::string_view name, double elements) {
    if (is_fp8(precision_)) elementwise(name, s_.fp8_cast * elements);
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
  // Keys and values go round the ranks of a sequence, in the backward pass their gradients too, while attention is at work
  // on those that are there.
  void exchange(Meeting meeting, kernels::Direction direction) {
    if (job_.parallel.cp == 1) return;
    const double kv = 2 * std::max(1.0, double(m_.kv_heads) / tp_) * m_.head_size() * width() * tokens_ * job_.parallel.cp;
    const bool begins = meeting == Meeting::context_begin;
    ops_.push_back({.name = "context_exchange",
                    .op_class = OpClass::collective,
                    .collective = kernels::CollectiveOp::all_gather,
                    .meeting = meeting,
                    .layer = layer_,
                    .host = sim::Time::seconds(begins ? s_.host_collective_s : 0),
                    .bytes = sim::Bytes{begins ? std::llround(direction == kernels::Direction::forward ? kv : 2 * kv) : 0}});
  }
  // Around a tensor-parallel block: one all-reduce, or with sequence parallelism its two halves.
  // A gather is pipelined with the product that follows, a forward reduce-scatter with the one before. A reduction in the
  // backward pass runs beside the weight gradient, which does not need it.
  void enter_parallel() {
    if (sequence_tp_ == 1) return;
    collective("all_gather", kernels::CollectiveOp::all_gather, activation_bytes());
    gathered_ = ops_.size() - 1;
  }
  void leave_parallel(kernels::Direction direction) {
    using enum kernels::CollectiveOp;
    if (tp_ == 1) return;
    sequence_tp_ > 1 ? collective("reduce_scatter", reduce_scatter, activation_bytes())
                     : collective("all_reduce", all_reduce, activation_bytes());
    if (direction == kernels::Direction::backward)
      hide(ops_.back(), Dependence::independent);
    else if (sequence_tp_ > 1)
      hide(ops_.back(), Dependence::pipelined);
  }
  // A block: attention, or the feed-forward part, between its norm and its residual sum.
  void enter_block() {
    elementwise("layer_norm", replicated(s_.layer_norm_forward));
    cast("cast", tokens_ * m_.hidden / sequence_tp_);
    enter_parallel();
  }
  void project() {
    const double attention_width = m_.attention_width() / tp_;
    elementwise("context_copy", split(s_.context_copy));
    cast("cast", tokens_ * attention_width);
    gemm("projection", tokens_, m_.hidden, attention_width);
  }
  void leave_block() {
    leave_parallel(kernels::Direction::forward);
    elementwise("residual", replicated(s_.residual_forward));
  }
  void enter_block_backward() {
    elementwise("residual_backward", replicated(s_.residual_backward));
    cast("cast", tokens_ * m_.hidden / sequence_tp_);
    enter_parallel();
  }
  void leave_block_backward() {
    leave_parallel(kernels::Direction::backward);
    elementwise("layer_norm_backward", replicated(s_.layer_norm_backward));
  }
  double encoder_tokens() const { return double(job_.micro_batch) * m_.encoder_seq_len; }
  double key_value_width() const { return qkv_width(m_, tp_) - m_.attention_width() / tp_; }
  double width() const { return activation_width(job_.precision); }
  double activation_bytes() const { return tokens_ * m_.hidden * width(); }
  // Profile coefficients are bytes of 2-byte activations.
  double replicated(double bytes) const { return bytes * width() / 2 * tokens_ * m_.hidden / sequence_tp_; }
  double split(double bytes) const { return bytes * width() / 2 * tokens_ * m_.attention_width() / tp_; }
  double rotary(double bytes) const {  // turns Q and K, not V
    const double q_and_k = m_.head_size() * (heads_ + std::max(1.0, double(m_.kv_heads) / tp_));
    return m_.positions == Positions::rotary ? bytes * width() / 2 * tokens_ * q_and_k : 0;
  }
  // Of 2 bytes a plain unit moves 2 operands forward and 3 backward, a gated one 3 and 5.
  double feed_forward(double bytes, bool is_forward) const {
    const double gated = is_forward ? 3.0 / 2 : 5.0 / 3;
    return bytes * (m_.gated_mlp ? gated : 1) * width() / 2 * tokens_ * m_.ffn_hidden / tp_;
  }
  void batched(std::string_view name, double m, double n, double k, double factor) {
    const kernels::Gemm shape{std::llround(m), std::llround(n), std::llround(k), std::llround(job_.micro_batch * heads_),
                              head_precision(job_.precision)};
    auto time = times_.gemm(shape);
    time.seconds *= factor;
    kernel(name, OpClass::attention, time, shape.flops());
  }

  const TransformerOps& ops_of_;
  const kernels::SoftwareProfile& s_;
  const kernels::OperationTimes& times_;
  const JobSpec& job_;
  const ModelSpec& m_;
  bool flash_;
  int layer_;
  int seq_len_ = 0;
  double sequence_;  // tokens of a sequence on this rank
  double tokens_, heads_;
  int tp_, sequence_tp_;
  Precision precision_;                  // of the products
  double product_s_ = 0;                 // the last product
  std::optional<std::size_t> gathered_;  // op: an all-gather that no product has followed yet
  Ops ops_;
};

void TransformerOps::Builder::attention(kernels::Direction direction) {
  attention(direction, seq_len_, m_.is_causal(layer_));
  if (m_.attends_to_encoder(layer_)) attention(direction, m_.encoder_seq_len, false);
}

// Flash attention to as many keys as there are queries is what was measured; other shapes take the time of the one with equal work.
void TransformerOps::Builder::attention(kernels::Direction direction, double keys, bool causal) {
  const bool forward = direction == kernels::Direction::forward;
  const double factor = forward ? s_.attention_forward_factor : s_.attention_backward_factor;
  const double s = keys, own = sequence_, d = m_.head_size(), score_count = tokens_ * heads_ * keys;
  exchange(Meeting::context_begin, direction);
  if (flash_) {
    // A rank holds two parts of a causal sequence, one of each end, so it has the same work with the keys of each rank: that of
    // its own.
    const int parts = job_.parallel.cp;
    const double length = keys == seq_len_ ? own : std::sqrt(own * keys);
    const kernels::AttentionShape shape{
        job_.micro_batch, std::llround(length), std::max(1, m_.heads / tp_), std::max(1, m_.kv_heads / tp_), std::llround(d), causal};
    auto time = times_.flash_attention(shape, direction);
    time.seconds *= factor;
    for (int part = 1; part <= parts; ++part) {
      if (part == parts) exchange(Meeting::context_end, direction);
      kernel(forward ? "flash_attention" : "flash_attention_backward", OpClass::attention, time,
             (forward ? 4 : 10) * score_count * d / (causal ? 2 : 1) / parts);
    }
    return;
  }
  exchange(Meeting::context_end, direction);
  const auto scores = [&](std::string_view name, double bytes) {
    auto time = times_.memory_bound(bytes * width() / 2 * score_count);
    time.seconds *= factor;
    kernel(name, OpClass::attention, time);
  };
  if (forward) {
    batched("scores", own, s, d, factor);
    scores("softmax_dropout", s_.score_forward);
    batched("context", own, d, s, factor);
  } else {
    batched("probabilities_gradient", own, s, d, factor);
    batched("value_gradient", s, d, own, factor);
    scores("softmax_dropout_backward", s_.score_backward);
    batched("query_gradient", own, d, s, factor);
    batched("key_gradient", s, d, own, factor);
  }
}

void TransformerOps::Builder::forward() {
  const double h = m_.hidden, attention_width = m_.attention_width() / tp_, f = m_.ffn_hidden / double(tp_);
  enter_block();
  gemm("qkv", tokens_, qkv_width(m_, tp_), h);
  if (m_.positions == Positions::transformer_xl) gemm("positions", seq_len_, attention_width, h);
  elementwise("transpose", split(s_.transpose_forward));
  elementwise("rotary", rotary(s_.rotary_forward));
  attention(kernels::Direction::forward, seq_len_, m_.is_causal(layer_));
  project();
  if (m_.attends_to_encoder(layer_)) {
    leave_block();
    enter_block();
    if (sequence_tp_ > 1) collective("all_gather", kernels::CollectiveOp::all_gather, encoder_tokens() * h * width());
    gemm("query", tokens_, attention_width, h);
    gemm("encoder_key_value", encoder_tokens(), key_value_width(), h);
    elementwise("transpose", split(s_.transpose_forward));
    attention(kernels::Direction::forward, m_.encoder_seq_len, false);
    project();
  }
  if (!m_.parallel_blocks) {
    leave_block();
    enter_block();
  }
  gemm("fc1", tokens_, fc1_width(m_) / tp_, h);
  elementwise("activation", feed_forward(s_.activation_forward, true));
  cast("cast", tokens_ * f);
  gemm("fc2", tokens_, h, f);
  leave_block();
}

void TransformerOps::Builder::backward() {
  const double h = m_.hidden, attention_width = m_.attention_width() / tp_, f = m_.ffn_hidden / double(tp_);
  enter_block_backward();
  gemm_backward("fc2_data", "fc2_weight", tokens_, f, h);
  elementwise("activation_backward", feed_forward(s_.activation_backward, false));
  cast("cast", tokens_ * fc1_width(m_) / tp_);
  gemm_backward("fc1_data", "fc1_weight", tokens_, h, fc1_width(m_) / tp_);
  if (!m_.parallel_blocks) {
    leave_block_backward();
    enter_block_backward();
  }
  if (m_.attends_to_encoder(layer_)) {
    gemm_backward("projection_data", "projection_weight", tokens_, attention_width, h);
    attention(kernels::Direction::backward, m_.encoder_seq_len, false);
    elementwise("transpose_backward", split(s_.transpose_backward));
    gemm_backward("query_data", "query_weight", tokens_, h, attention_width);
    gemm_backward("encoder_key_value_data", "encoder_key_value_weight", encoder_tokens(), h, key_value_width());
    if (sequence_tp_ > 1) collective("reduce_scatter", kernels::CollectiveOp::reduce_scatter, encoder_tokens() * h * width());
    leave_block_backward();
    enter_block_backward();
  }
  gemm_backward("projection_data", "projection_weight", tokens_, attention_width, h);
  attention(kernels::Direction::backward, seq_len_, m_.is_causal(layer_));
  elementwise("rotary_backward", rotary(s_.rotary_backward));
  elementwise("transpose_backward", split(s_.transpose_backward));
  cast("cast", tokens_ * qkv_width(m_, tp_));
  if (m_.positions == Positions::transformer_xl) gemm("positions_weight", attention_width, h, seq_len_);
  gemm_backward("qkv_data", "qkv_weight", tokens_, h, qkv_width(m_, tp_));
  leave_block_backward();
}

void TransformerOps::Builder::norm(bool is_forward) {
  is_forward ? elementwise("final_norm", replicated(s_.layer_norm_forward))
             : elementwise("final_norm_backward", replicated(s_.layer_norm_backward));
}

void TransformerOps::Builder::embedding(bool is_forward) {
  elementwise("embedding", replicated(is_forward ? s_.embedding_forward : s_.embedding_backward));
  if (m_.embedding_norm) elementwise("embedding_norm", replicated(is_forward ? s_.layer_norm_forward : s_.layer_norm_backward));
  if (is_forward) leave_parallel(kernels::Direction::forward);
}

// An encoder transforms and projects only the positions that are predicted.
void TransformerOps::Builder::head(bool is_forward) {
  using enum kernels::CollectiveOp;
  precision_ = head_precision(job_.precision);
  const bool encoder = m_.architecture == Architecture::encoder;
  const double h = m_.hidden, rows = std::ceil(tokens_ * m_.predicted_positions);
  const double vocabulary = static_cast<double>(padded_vocabulary(m_, tp_)) / tp_;
  const double logits = rows * vocabulary;
  if (is_forward) {
    norm(true);
    enter_parallel();
    if (encoder) gemm("head_transform", rows, h, h);
    gemm("logits", rows, vocabulary, h);
    elementwise("cross_entropy", s_.cross_entropy_forward * logits);
    collective("all_reduce", all_reduce, 12 * rows);  // maximum, predicted logit, sum: FP32 per row
  } else {
    elementwise("cross_entropy_backward", s_.cross_entropy_backward * logits);
    gemm_backward("logits_data", "logits_weight", rows, h, vocabulary);
    if (encoder) gemm_backward("head_transform_data", "head_transform_weight", rows, h, h);
    leave_parallel(kernels::Direction::backward);
    norm(false);
  }
}

TransformerOps::TransformerOps(const JobSpec& job, const kernels::SoftwareProfile& software, const kernels::OperationTimes& times)
    : job_(job),
      software_(software.in({times.profile().name, std::string(recipe_of(job)), job.model.head_size()})),
      head_software_(software.in({times.profile().name, "-", job.model.head_size()})),
      times_(times),
      flash_(job.attention ? *job.attention == AttentionKind::flash : software.flash_attention),
      overlap_tp_(job.overlap_tp.value_or(software.overlap_tp)) {}

// Attention to an encoder is a third block beside the two of a profile's count.
double TransformerOps::kernels_of(int layer, double usual, double fp8) const {
  const double count = usual + (is_fp8(job_.precision) ? fp8 : 0);
  return job_.model.attends_to_encoder(layer) ? 1.5 * count : count;
}

Ops TransformerOps::layer_forward(int layer) const {
  const ModelSpec& m = job_.model;
  Builder b(*this, layer);
  const bool begins_decoder = layer == m.encoder_layers && m.encoder_layers > 0;
  if (begins_decoder) b.embedding(true);
  b.forward();
  if (layer == m.encoder_layers - 1) b.norm(true);
  const double embedding = begins_decoder ? software_.embedding_kernels / 2 : 0;
  return std::move(b).with_kernels(kernels_of(layer, software_.forward_kernels, software_.fp8_forward_kernels) + embedding);
}

// Full recomputation runs the whole forward again. Selective runs scores, softmax, dropout and P V again (Korthikanti et
// al., section 5); flash attention keeps none of these, so there is nothing to do again.
Ops TransformerOps::layer_backward(int layer) const {
  Ops ops = job_.recompute == Recompute::full ? layer_forward(layer) : Ops{};
  if (job_.recompute == Recompute::selective && !flash_) {
    Builder again(*this, layer);
    again.attention(kernels::Direction::forward);
    ops = std::move(again).with_kernels(0);
  }
  const ModelSpec& m = job_.model;
  Builder b(*this, layer);
  const bool begins_decoder = layer == m.encoder_layers && m.encoder_layers > 0;
  if (layer == m.encoder_layers - 1) b.norm(false);
  b.backward();
  if (begins_decoder) b.embedding(false);
  const double embedding = begins_decoder ? software_.embedding_kernels / 2 : 0;
  const Ops own = std::move(b).with_kernels(kernels_of(layer, software_.backward_kernels, software_.fp8_backward_kernels) + embedding);
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
  Builder b(*this, -1, true);
  b.head(true);
  return std::move(b).with_kernels(software_.head_kernels / 2);
}

Ops TransformerOps::head_backward() const {
  Builder b(*this, -1, true);
  b.head(false);
  return std::move(b).with_kernels(software_.head_kernels / 2);
}

Ops TransformerOps::optimizer(double parameters) const {
  Builder b(*this, -1);
  b.elementwise("optimizer", software_.optimizer_step_bytes * parameters);
  return std::move(b).with_kernels(software_.optimizer_kernels);
}

Ops TransformerOps::shard_copies(double parameters) const {
  Builder b(*this, -1);
  b.elementwise("shard_copy", software_.shard_copy_bytes * parameters);
  return std::move(b).with_kernels(0);
}

sim::Bytes TransformerOps::boundary_bytes(int stage) const {
  const ModelSpec& m = job_.model;
  const auto begin = job_.parallel.layers_of_chunk.begin();
  const int done = m.encoder_layers > 0 ? std::accumulate(begin, begin + stage + 1, 0) : 0;
  const double length = m.encoder_layers == 0 ? m.seq_len : m.encoder_seq_len + (done > m.encoder_layers ? m.seq_len : 0);
  const double tokens = job_.micro_batch * length / job_.parallel.cp;
  const double all = tokens * job_.model.hidden * activation_width(job_.precision);
  const bool split = job_.parallel.sequence_parallel || software_.scatter_gather_p2p;
  return sim::Bytes{std::llround(all / (split ? job_.parallel.tp : 1))};
}

}  // namespace workloads
