#pragma once
#include <algorithm>
#include <string_view>
#include <vector>
#include "kernels/operation_times.hpp"
#include "kernels/software_profile.hpp"
#include "sim/units.hpp"
#include "workloads/model_size.hpp"
#include "workloads/result.hpp"
#include "workloads/scenario.hpp"

namespace workloads {

enum class OpClass : std::uint8_t { gemm, attention, memory_bound, launch, collective };
inline constexpr std::size_t op_class_count = 5;

// With whom, and when it is waited for: by the next kernel, or by `context_end` behind some kernels.
enum class Meeting : std::uint8_t { tensor, context_begin, context_end };

// One kernel on the compute stream, or a collective that it waits for.
struct Op {
  std::string_view name;
  OpClass op_class = OpClass::launch;
  kernels::CollectiveOp collective = kernels::CollectiveOp::all_reduce;  // for OpClass::collective
  Meeting meeting = Meeting::tensor;                                     // of one
  bool outside_measured_range = false;
  int layer = -1;
  sim::Time device;  // on the compute stream; zero for collectives, whose time the group knows
  sim::Time host;    // to issue it
  sim::Bytes bytes;  // of a collective, as in nccl-tests
  sim::Time hidden;  // part of a collective inside a scale-up domain that runs beside the product next to it
  double flops = 0;
  kernels::Gemm product{};  // its shape, if it is one (else no rows)
  double traffic = 0;       // bytes that an element-wise kernel reads and writes
};
using Ops = std::vector<Op>;

// Bytes of an activation: as the job's precision says, but two at least.
inline int activation_width(Precision p) { return std::max(2, kernels::bytes_per_element(p)); }
inline bool uses_flash_attention(const JobSpec& job, const kernels::SoftwareProfile& software) {
  return job.attention ? *job.attention == AttentionKind::flash : software.flash_attention;
}

// How much longer kernels and a collective take while they run beside each other.
struct Slowdown {
  double compute = 1, collective = 1;
};

// What the stages of a pipeline are made of: the kernels of one rank, in order.
class ModelOps {
 public:
  virtual ~ModelOps() = default;
  virtual Ops layer_forward(int layer) const = 0;
  virtual Ops layer_backward(int layer) const = 0;  // with recomputation where the job asks for it
  virtual Ops embedding_forward() const = 0;
  virtual Ops embedding_backward() const = 0;
  virtual Ops head_forward() const = 0;  // final norm, logits, cross-entropy
  virtual Ops head_backward() const = 0;
  virtual Ops optimizer(double parameters) const = 0;     // that this rank updates
  virtual Ops shard_copies(double parameters) const = 0;  // into and out of the buffers of fully sharded parameters
  virtual Slowdown overlap_slowdown() const { return {}; }
};

// A transformer as the job's framework runs it; times from the device profile.
class TransformerOps final : public ModelOps {
 public:
  TransformerOps(const JobSpec& job, const kernels::SoftwareProfile& software, const kernels::OperationTimes& times);

  Ops layer_forward(int layer) const override;
  Ops layer_backward(int layer) const override;
  Ops embedding_forward() const override;
  Ops embedding_backward() const override;
  Ops head_forward() const override;
  Ops head_backward() const override;
  Ops optimizer(double parameters) const override;
  Ops shard_copies(double parameters) const override;
  Slowdown overlap_slowdown() const override { return {software_.overlap_slowdown, software_.overlap_collective_slowdown}; }
  // Activations from a stage to the next one, of one tensor-parallel rank; inside a decoder behind an encoder with the encoder's output.
  sim::Bytes boundary_bytes(int stage) const;

 private:
  double kernels_of(int layer, double usual, double fp8) const;
  const JobSpec& job_;
  const kernels::SoftwareProfile software_;       // as it is on this device, for this model
  const kernels::SoftwareProfile head_software_;  // the same for the head, whose products are not fp8
  const kernels::OperationTimes& times_;
};

}  // namespace workloads
