#pragma once
#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>
#include "workloads/transformer.hpp"

namespace workloads {

inline bool is_fp8(Precision p) { return kernels::bytes_per_element(p) < 2; }
// D = A B; those of the layers run in the job's precision, the head keeps 16 bits under fp8.
inline Precision head_precision(Precision p) { return is_fp8(p) ? Precision::bf16 : p; }

// Appends kernels of one direction; knows the units: `elements(bytes)` are tokens x hidden.
class LayerKernels {
 public:
  // `layer` -1: none. The software profile is as it is on this device, for this model.
  LayerKernels(const JobSpec& job, const kernels::SoftwareProfile& software, const kernels::OperationTimes& times, int layer)
      : job_(job), m_(job_.model), s_(software), times_(times), layer_(layer) {
    flash_ = uses_flash_attention(job, software);
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
    if (bytes <= 0) return;
    kernel(name, OpClass::memory_bound, times_.memory_bound(bytes));
    ops_.back().traffic = bytes;
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
    ops_.back().product = shape;
    product_s_ = time.seconds;
    if (gathered_) hide(ops_[*std::exchange(gathered_, {})], Dependence::pipelined);
  }
  // What is left of a collective beside a product: the longer of both, and a chunk of it where one needs the other's result
  // and software cuts and pipelines them. While both run, the product is slower.
  enum class Dependence : std::uint8_t { independent, pipelined };
  void hide(Op& op, Dependence dependence) {
    if (!job_.overlap_tp.value_or(s_.overlap_tp) || layer_ < 0 || tp_ == 1) return;
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
    ops_.back().product = shape;
  }

  const JobSpec& job_;
  const ModelSpec& m_;
  const kernels::SoftwareProfile& s_;
  const kernels::OperationTimes& times_;
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

}  // namespace workloads
