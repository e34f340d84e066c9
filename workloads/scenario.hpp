#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>
#include "kernels/collectives/nccl_tuning.hpp"  // NcclSettings
#include "kernels/precision.hpp"
#include "sim/units.hpp"
#include "topology/cluster_spec.hpp"

// A scenario as it was read: every key resolved, every value checked, nothing built yet.
namespace workloads {

enum class Architecture : std::uint8_t { decoder, encoder, encoder_decoder };
enum class Positions : std::uint8_t { learned, rotary, alibi, transformer_xl, relative };

// Shape of a transformer. Sizes are counts, not bytes.
struct ModelSpec {
  std::string name;
  // encoder: bidirectional, segments, pooler and masked-word head (BERT). encoder_decoder: the first `encoder_layers` are an encoder,
  // to whose output each of the others attends too (T5).
  Architecture architecture = Architecture::decoder;
  int layers = 0;
  int encoder_layers = 0, encoder_seq_len = 0;  // of encoder_decoder
  int hidden = 0;
  int heads = 0;
  int kv_heads = 0;  // == heads without grouped-query attention
  int head_dim = 0;  // 0: hidden / heads
  int ffn_hidden = 0;
  bool gated_mlp = false;        // SwiGLU: three matrices instead of two
  bool parallel_blocks = false;  // attention and MLP side by side behind one norm (PaLM, GPT-J)
  int vocab = 0;
  int seq_len = 0;
  double predicted_positions = 1;  // share of the positions that get logits (BERT: the masked ones)
  bool tied_embeddings = true;
  bool rms_norm = false;        // one vector a norm; else layer norm with bias
  bool linear_bias = true;      // biases on the linear layers (GPT)
  bool qkv_bias = false;        // on Q, K and V alone (Qwen 2)
  bool embedding_norm = false;  // a norm behind the embedding (BLOOM, BERT)
  bool dropout = true;
  Positions positions = Positions::learned;

  // What may be left out of a model, from the rest of it.
  void complete() {
    if (kv_heads == 0) kv_heads = heads;
    if (ffn_hidden == 0) ffn_hidden = static_cast<int>(std::min<std::int64_t>(4LL * hidden, 2'000'000'000));
    if (architecture != Architecture::encoder_decoder) return;
    if (encoder_layers == 0) encoder_layers = layers / 2;
    if (encoder_seq_len == 0) encoder_seq_len = seq_len;
  }
  int head_size() const { return head_dim > 0 ? head_dim : hidden / heads; }
  double attention_width() const { return double(heads) * head_size(); }
  bool in_encoder(int layer) const { return layer < encoder_layers; }
  bool begins_decoder(int layer) const { return encoder_layers > 0 && layer == encoder_layers; }  // behind an encoder
  bool is_causal(int layer) const { return architecture != Architecture::encoder && !in_encoder(layer); }
  bool attends_to_encoder(int layer) const { return architecture == Architecture::encoder_decoder && !in_encoder(layer); }
  int seq_len_of(int layer) const { return in_encoder(layer) ? encoder_seq_len : seq_len; }
};

struct ParallelSpec {
  int tp = 1, pp = 1, dp = 0;  // dp 0: left out, derived from the GPUs
  int cp = 1;                  // ranks that share the tokens of a sequence
  int virtual_stages = 1;
  bool sequence_parallel = false;
  int zero = 0;
  std::string rank_order = "tp-cp-ep-dp-pp";  // fastest first
  // Layers of each of the pp * virtual_stages chunks, in model order; filled by the reader from `layers_per_stage`.
  std::vector<int> layers_of_chunk;

  int replicas() const { return dp * cp; }  // ranks that hold the same parameters
};

enum class ScheduleKind : std::uint8_t { gpipe, one_f_one_b, interleaved, own };
using kernels::Precision;
enum class Recompute : std::uint8_t { none, selective, full };
enum class Fp8Recipe : std::uint8_t { delayed, current, block };
enum class OptimizerKind : std::uint8_t { adam, sgd, lion };
enum class AttentionKind : std::uint8_t { flash, unfused };
enum class Placement : std::uint8_t { packed, spread, random, list };

struct SlowRank {
  int rank = 0;
  double factor = 1;  // of the time of its kernels
};
// Uneven GPUs. `gpu`: standard deviation of the time that the kernels of a GPU take in one step, relative to the mean.
struct Jitter {
  double gpu = 0;
  std::vector<SlowRank> slow;
};

struct JobSpec {
  std::string name;
  int gpus = 0;
  Placement placement = Placement::packed;
  std::vector<int> hosts;  // for Placement::list
  sim::Time start;
  ModelSpec model;
  ParallelSpec parallel;
  ScheduleKind schedule = ScheduleKind::one_f_one_b;
  std::vector<std::string> schedule_rows;  // for ScheduleKind::own, by stage: schedules/own_schedule.hpp
  int micro_batch = 1;                     // sequences
  int global_batch = 1;                    // sequences
  Precision precision = Precision::bf16;
  std::optional<Fp8Recipe> fp8_recipe;
  Recompute recompute = Recompute::none;
  OptimizerKind optimizer = OptimizerKind::adam;
  std::string software;                    // a shipped software profile, or the path of one
  std::optional<AttentionKind> attention;  // these override the software profile
  std::optional<bool> overlap_dp, overlap_tp, overlap_pp;
  kernels::NcclSettings nccl;
  Jitter jitter;
  int steps = 1;

  int micro_batches() const { return global_batch / (parallel.dp * micro_batch); }
};

enum class OnOutOfMemory : std::uint8_t { warn, error };

// What messages are for, as in the parts of a step.
enum class Communication : std::uint8_t { pp_comm, tp_comm, dp_comm, cp_comm };
inline std::uint8_t purpose_of(Communication communication) { return static_cast<std::uint8_t>(static_cast<int>(communication) + 1); }

// Of a packet network: only these go as packets, the others as a fluid. What is given must all hold.
struct PacketFor {
  std::optional<Communication> operation;
  std::string link;                      // as in failures: "leaf-0", "spine-3:leaf-1"
  std::optional<sim::Time> from, until;  // what starts then
  bool is_all() const { return !operation && link.empty() && !from && !until; }
};

struct Scenario {
  std::string name;
  topology::ClusterSpec cluster;
  std::vector<JobSpec> jobs;  // `workload` is the list of one
  std::string network = "fluid";
  PacketFor packet_for;
  OnOutOfMemory on_oom = OnOutOfMemory::warn;
  std::uint64_t seed = 1;
  std::vector<std::string> warnings;  // plausibility: "scale_up.bandwidth 900 GB/s: NVLink 4 is 450 GB/s a direction"
  std::string source_yaml;            // as read, for the trace
};

}  // namespace workloads
