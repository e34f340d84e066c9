#pragma once
#include <string>
#include <string_view>
#include <vector>

// How a training framework runs a transformer: which kernels, what they read and write, what the
// host costs, what overlaps. Data, not code: kernels/software/NAME.json, each number with its source.
namespace kernels {

struct SoftwareProfile;

// Where a value holds. Empty: everywhere.
struct SoftwareCase {
  std::string device;      // beginning of the accelerator's name: "h100" is h100-sxm and h100-pcie
  std::string fp8_recipe;  // delayed, current, block; "-" where products are not fp8
  int head_dim = 0;        // of attention; 0: any
};
struct SoftwareException {
  double SoftwareProfile::*member;
  SoftwareCase where;
  double value = 0;
};

struct SoftwareProfile {
  std::string name, description;
  std::vector<SoftwareException> exceptions;  // in the order of the file: the last that fits holds
  // The profile as it is in one case, without exceptions.
  SoftwareProfile in(const SoftwareCase& here) const;

  bool flash_attention = false;
  bool overlap_tp = false, overlap_dp = false, overlap_pp = false;
  bool scatter_gather_p2p = false;  // each tensor-parallel rank sends its part between stages; the receiver gathers

  double tp_overlap_chunks = 1;            // into which an overlapped tensor-parallel collective is cut
  double overlap_slowdown = 1;             // of kernels while a collective runs beside them
  double overlap_collective_slowdown = 1;  // of a posted collective while kernels run beside it

  double gemm_factor = 1;  // time in training / time in the table
  double attention_forward_factor = 1, attention_backward_factor = 1;
  double kernel_gap_s = 0;       // between two kernels of a stream
  double host_op_s = 0;          // host time to issue one kernel
  double host_collective_s = 0;  // host time to issue one collective
  double p2p_sync_s = 0;         // host time of a blocking exchange between stages

  // Kernels of a layer, counting those too small to be listed; they cost gap and host time.
  double forward_kernels = 0, backward_kernels = 0, embedding_kernels = 0, head_kernels = 0, optimizer_kernels = 0;
  double fp8_forward_kernels = 0, fp8_backward_kernels = 0;  // more of them with fp8: casts, amax, scales

  // Bytes read and written per element. Elements: tokens x hidden, unless said otherwise.
  double layer_norm_forward = 0, layer_norm_backward = 0;
  double residual_forward = 0, residual_backward = 0;  // bias, dropout, add
  double activation_forward = 0,
         activation_backward = 0;                        // per token and ffn element of this rank; gated units have three operands for two
  double transpose_forward = 0, transpose_backward = 0;  // copies that split Q, K, V
  double rotary_forward = 0, rotary_backward = 0;        // per element of Q and K
  double context_copy = 0;
  double score_forward = 0, score_backward = 0;  // per element of the score matrix (unfused)
  double embedding_forward = 0, embedding_backward = 0;
  double cross_entropy_forward = 0, cross_entropy_backward = 0;  // per token and vocabulary element of this rank
  double fp8_cast = 0;                                           // per element that enters an fp8 product: cast and transpose

  double gradient_accumulation_bytes = 0;     // per parameter and micro-batch
  double shard_copy_bytes = 0;                // per parameter and micro-batch of fully sharded data parallelism: flat parameters
  double optimizer_step_bytes = 0;            // per parameter
  double gradient_bytes = 0;                  // stored and reduced, per parameter
  double gradient_bucket_bytes = 0;           // of one overlapped reduction, at least
  double gradient_bucket_bytes_per_rank = 0;  // and this for each data-parallel rank: rings get longer
  double step_time_sigma = 0;                 // relative error of a step that no operation explains (1 sigma)
};

// A shipped name or the path of a JSON file. Throws sim::InputError that names file, key and advice.
SoftwareProfile load_software_profile(std::string_view name_or_path);
std::vector<std::string> shipped_software_profiles();

}  // namespace kernels
