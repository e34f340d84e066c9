#pragma once
#include <vector>
#include "kernels/calibrate/operation.hpp"

namespace kernels::calibrate::cpu {

// Softmax attention as a framework without fused kernels runs it: all scores are written to memory, head by head.
// Forward: queries, keys, values, result, scores. Backward, from the probabilities of the forward pass: and a gradient of each.
std::vector<double> attention_buffers(const AttentionShape& shape, Direction direction);  // elements of each
void run_attention(const AttentionShape& shape, Direction direction, const std::vector<float*>& buffers);

}  // namespace kernels::calibrate::cpu
