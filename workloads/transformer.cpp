#include "workloads/transformer.hpp"
#include <cmath>
#include <numeric>
#include "workloads/layer_kernels.hpp"

namespace workloads {
namespace {

std::string_view recipe_of(const JobSpec& job) {
  if (!is_fp8(job.precision)) return "-";
  constexpr std::string_view names[] = {"delayed", "current", "block"};
  const Fp8Recipe usual = job.precision == Precision::fp8 ? Fp8Recipe::delayed : Fp8Recipe::block;
  return names[static_cast<int>(job.fp8_recipe.value_or(usual))];
}

}  // namespace

TransformerOps::TransformerOps(const JobSpec& job, const kernels::SoftwareProfile& software, const kernels::OperationTimes& times)
    : job_(job),
      software_(software.in({times.profile().name, std::string(recipe_of(job)), job.model.head_size()})),
      head_software_(software.in({times.profile().name, "-", job.model.head_size()})),
      times_(times) {}

// Attention to an encoder is a third block beside the two of a profile's count.
double TransformerOps::kernels_of(int layer, double usual, double fp8) const {
  const double count = usual + (is_fp8(job_.precision) ? fp8 : 0);
  return job_.model.attends_to_encoder(layer) ? 1.5 * count : count;
}

Ops TransformerOps::layer_forward(int layer) const {
  const ModelSpec& m = job_.model;
  LayerKernels b(job_, software_, times_, layer);
  const bool begins_decoder = m.begins_decoder(layer);
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
  if (job_.recompute == Recompute::selective && !uses_flash_attention(job_, software_)) {
    LayerKernels again(job_, software_, times_, layer);
    again.attention(kernels::Direction::forward);
    ops = std::move(again).with_kernels(0);
  }
  const ModelSpec& m = job_.model;
  LayerKernels b(job_, software_, times_, layer);
  const bool begins_decoder = m.begins_decoder(layer);
  if (layer == m.encoder_layers - 1) b.norm(false);
  b.backward();
  if (begins_decoder) b.embedding(false);
  const double embedding = begins_decoder ? software_.embedding_kernels / 2 : 0;
  const Ops own = std::move(b).with_kernels(kernels_of(layer, software_.backward_kernels, software_.fp8_backward_kernels) + embedding);
  ops.insert(ops.end(), own.begin(), own.end());
  return ops;
}

Ops TransformerOps::embedding_forward() const {
  LayerKernels b(job_, software_, times_, -1);
  b.set_sequence(job_.model.seq_len_of(0));
  b.embedding(true);
  return std::move(b).with_kernels(software_.embedding_kernels / 2);
}

Ops TransformerOps::embedding_backward() const {
  LayerKernels b(job_, software_, times_, -1);
  b.set_sequence(job_.model.seq_len_of(0));
  b.embedding(false);
  return std::move(b).with_kernels(software_.embedding_kernels / 2);
}

Ops TransformerOps::head_forward() const {
  LayerKernels b(job_, head_software_, times_, -1);
  b.head(true);
  return std::move(b).with_kernels(software_.head_kernels / 2);
}

Ops TransformerOps::head_backward() const {
  LayerKernels b(job_, head_software_, times_, -1);
  b.head(false);
  return std::move(b).with_kernels(software_.head_kernels / 2);
}

Ops TransformerOps::optimizer(double parameters) const {
  LayerKernels b(job_, software_, times_, -1);
  b.elementwise("optimizer", software_.optimizer_step_bytes * parameters);
  return std::move(b).with_kernels(software_.optimizer_kernels);
}

Ops TransformerOps::shard_copies(double parameters) const {
  LayerKernels b(job_, software_, times_, -1);
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
