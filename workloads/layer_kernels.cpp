#include "workloads/layer_kernels.hpp"

namespace workloads {

void LayerKernels::attention(kernels::Direction direction) {
  attention(direction, seq_len_, m_.is_causal(layer_));
  if (m_.attends_to_encoder(layer_)) attention(direction, m_.encoder_seq_len, false);
}

// Flash attention to as many keys as there are queries is what was measured; other shapes take the time of the one with equal work.
void LayerKernels::attention(kernels::Direction direction, double keys, bool causal) {
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
    const double traffic = bytes * width() / 2 * score_count;
    auto time = times_.memory_bound(traffic);
    time.seconds *= factor;
    kernel(name, OpClass::attention, time);
    ops_.back().traffic = traffic;
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

void LayerKernels::forward() {
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

void LayerKernels::backward() {
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

void LayerKernels::norm(bool is_forward) {
  is_forward ? elementwise("final_norm", replicated(s_.layer_norm_forward))
             : elementwise("final_norm_backward", replicated(s_.layer_norm_backward));
}

void LayerKernels::embedding(bool is_forward) {
  elementwise("embedding", replicated(is_forward ? s_.embedding_forward : s_.embedding_backward));
  if (m_.embedding_norm) elementwise("embedding_norm", replicated(is_forward ? s_.layer_norm_forward : s_.layer_norm_backward));
  if (is_forward) leave_parallel(kernels::Direction::forward);
}

// An encoder transforms and projects only the positions that are predicted.
void LayerKernels::head(bool is_forward) {
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

}  // namespace workloads
