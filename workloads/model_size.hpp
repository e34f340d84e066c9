#pragma once
#include <algorithm>
#include "workloads/scenario.hpp"

// Parameters and FLOPs of a model. With `tp`: of one GPU of its tensor-parallel group, vocabulary padded.
namespace workloads {

double layer_parameters(const ModelSpec& model, int tp = 1, int layer = 0);
double word_embedding_parameters(const ModelSpec& model, int tp = 1);
double embedding_parameters(const ModelSpec& model, int tp = 1);  // words, positions, segments
double head_parameters(const ModelSpec& model, int tp = 1);       // without the words of a tied projection
double total_parameters(const ModelSpec& model);                  // as published: vocabulary not padded
int padded_vocabulary(const ModelSpec& model, int tp);            // to a multiple of 128 tp, as Megatron does

// The sum over `count` layers from `first` on: those of an encoder are alike, and so are the others.
template <class OfLayer>
double over_layers(const ModelSpec& model, int first, int count, OfLayer&& of_layer) {
  const int encoder = std::clamp(model.encoder_layers - first, 0, count);
  return encoder * of_layer(0) + (count - encoder) * of_layer(model.layers - 1);
}

// Widths on one GPU of the tensor-parallel group; fewer key and value heads than GPUs are repeated.
double qkv_width(const ModelSpec& model, int tp);
double fc1_width(const ModelSpec& model);  // gate and up together

// FLOPs of one sequence through the whole model: each matrix product of forward and backward once,
// attention scores in full, vocabulary included (docs/results.md). Recomputation adds the second forward.
double model_flops_per_sequence(const ModelSpec& model);
double recompute_flops_per_sequence(const ModelSpec& model, Recompute recompute, bool flash_attention);

}  // namespace workloads
