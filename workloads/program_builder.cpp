#include "workloads/program_builder.hpp"
#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include "workloads/memory.hpp"

namespace workloads {

JobSettings settings_of(const JobSpec& job, const kernels::SoftwareProfile& software) {
  const bool flash = job.attention ? *job.attention == AttentionKind::flash : software.flash_attention;
  return {job, software, job.overlap_dp.value_or(software.overlap_dp), job.overlap_pp.value_or(software.overlap_pp), flash};
}

namespace {

// The chunks of the model that a stage holds: chunk c of stage s is number c * p + s of the model.
struct Chunk {
  int first_layer = 0, layers = 0;
  bool has_embedding = false, has_head = false;
};

Chunk chunk_of(const ParallelSpec& parallel, int stage, int chunk) {
  const int number = chunk * parallel.pp + stage;
  const auto begin = parallel.layers_of_chunk.begin();
  return {std::accumulate(begin, begin + number, 0), parallel.layers_of_chunk[number], number == 0,
          number == parallel.pp * parallel.virtual_stages - 1};
}

// Of embedding and output projection; a tied projection on another stage is a copy of the word embedding.
double end_parameters(const JobSpec& job, const Chunk& chunk) {
  const int tp = job.parallel.tp;
  double parameters = chunk.has_embedding ? embedding_parameters(job.model, tp) : 0;
  if (!chunk.has_head) return parameters;
  const bool copy = job.model.tied_embeddings && job.parallel.pp > 1;
  return parameters + (copy ? word_embedding_parameters(job.model, tp) : head_parameters(job.model, tp));
}

void append(Ops& ops, const Ops& more) { ops.insert(ops.end(), more.begin(), more.end()); }

class ProgramBuilder {
 public:
  ProgramBuilder(const JobSettings& settings, const ModelOps& ops, int stage, sim::Time gather)
      : settings_(settings),
        job_(settings.job),
        parallel_(job_.parallel),
        ops_(ops),
        stage_(stage),
        shape_{parallel_.pp, parallel_.virtual_stages, job_.micro_batches()} {
    program_.eager = settings.overlap_pp;
    program_.gather_after_receive = gather;
    program_.exchange_sync = sim::Time::seconds(settings.software.p2p_sync_s);
    for (int c = 0; c < shape_.chunks; ++c) {
      chunks_.push_back(chunk_of(parallel_, stage, c));
      forward_.push_back(add_block(forward_ops(chunks_[c])));
      backward_.push_back(add_block(backward_ops(chunks_[c])));
    }
    const MemoryUse use = static_memory(job_, settings.software, parameters_of_stage(job_, stage));
    program_.static_memory = static_cast<std::int64_t>(use.weights + use.gradients + use.optimizer);
  }

  Program build() && {
    const std::vector<Slot> slots = schedule_of(job_.schedule)(shape_, stage_);
    for (const Slot& slot : slots)
      for (const Pass& pass : slot)
        if (pass.kind == PassKind::backward) last_backward_[pass.chunk] = pass.micro_batch;
    if (!program_.eager) add_exchange({}, slots.front());
    for (std::size_t i = 0; i < slots.size(); ++i) {
      for (const Pass& pass : slots[i]) add_pass(pass);
      if (!program_.eager) add_exchange(slots[i], i + 1 < slots.size() ? slots[i + 1] : Slot{});
    }
    add_end_of_step();
    return std::move(program_);
  }

 private:
  Ops forward_ops(const Chunk& chunk) const {
    Ops ops;
    if (chunk.has_embedding) append(ops, ops_.embedding_forward());
    for (int l = 0; l < chunk.layers; ++l) append(ops, ops_.layer_forward(chunk.first_layer + l));
    if (chunk.has_head) append(ops, ops_.head_forward());
    return ops;
  }
  Ops backward_ops(const Chunk& chunk) const {
    Ops ops;
    if (chunk.has_head) append(ops, ops_.head_backward());
    for (int l = chunk.layers; l-- > 0;) append(ops, ops_.layer_backward(chunk.first_layer + l));
    if (chunk.has_embedding) append(ops, ops_.embedding_backward());
    return ops;
  }
  std::uint32_t add_block(Ops ops) {
    program_.blocks.push_back(make_block(std::move(ops)));
    return static_cast<std::uint32_t>(program_.blocks.size() - 1);
  }
  void add_run(std::uint32_t block, sim::OpKind kind, int micro_batch = -1, int chunk = -1) {
    program_.steps.push_back({.kind = StepKind::run, .op_kind = kind, .block = block, .micro_batch = micro_batch, .chunk = chunk});
  }

  void add_pass(const Pass& pass) {
    const Chunk& chunk = chunks_[pass.chunk];
    const bool forward = pass.kind == PassKind::forward;
    if (program_.eager)
      if (const auto transfer = input_of(pass)) add_transfers(StepKind::receive, {*transfer});
    if (!forward && settings_.overlap_dp && parallel_.dp > 1 && last_backward_[pass.chunk] == pass.micro_batch)
      add_bucketed_backward(chunk, pass);
    else
      add_run(forward ? forward_[pass.chunk] : backward_[pass.chunk], forward ? sim::OpKind::forward : sim::OpKind::backward,
              pass.micro_batch, pass.chunk);
    const auto kept = static_cast<std::int64_t>(chunk.layers * activation_bytes_per_layer(job_, settings_.flash_attention));
    program_.steps.back().memory_change = forward ? kept : -kept;
    if (program_.eager)
      if (const auto transfer = output_of(pass)) add_transfers(StepKind::send, {*transfer});
  }

  // Backward of the last micro-batch: as soon as a bucket's gradients are there, its all-reduce starts beside the rest.
  void add_bucketed_backward(const Chunk& chunk, const Pass& pass) {
    Ops ops;
    double parameters = 0;
    const auto flush = [&] {
      add_run(add_block(std::move(ops)), sim::OpKind::backward, pass.micro_batch, pass.chunk);
      program_.steps.push_back({.kind = StepKind::post, .group = GroupRole::data, .bytes = gradient_bytes(parameters)});
      ops = {};
      parameters = 0;
    };
    if (chunk.has_head) append(ops, ops_.head_backward());
    parameters += end_parameters(job_, chunk);
    for (int l = chunk.layers; l-- > 0;) {
      append(ops, ops_.layer_backward(chunk.first_layer + l));
      parameters += layer_parameters(job_.model, parallel_.tp);
      if (l > 0 && parameters * settings_.software.gradient_bytes >= settings_.software.gradient_bucket_bytes) flush();
    }
    if (chunk.has_embedding) append(ops, ops_.embedding_backward());
    flush();
  }
  sim::Bytes gradient_bytes(double parameters) const { return sim::Bytes{std::llround(parameters * settings_.software.gradient_bytes)}; }

  // Where a pass gets its input and where its output goes; nothing at the ends of the model.
  std::optional<Transfer> input_of(const Pass& pass) const {
    const Chunk& chunk = chunks_[pass.chunk];
    const bool forward = pass.kind == PassKind::forward;
    if (shape_.stages == 1 || (forward ? chunk.has_embedding : chunk.has_head)) return std::nullopt;
    return Transfer{forward ? ChannelRole::activation_in : ChannelRole::gradient_in, message(pass.chunk, pass.micro_batch)};
  }
  std::optional<Transfer> output_of(const Pass& pass) const {
    const Chunk& chunk = chunks_[pass.chunk];
    const bool forward = pass.kind == PassKind::forward;
    if (shape_.stages == 1 || (forward ? chunk.has_head : chunk.has_embedding)) return std::nullopt;
    const int wrap = forward ? (stage_ == shape_.stages - 1 ? 1 : 0) : (stage_ == 0 ? -1 : 0);
    return Transfer{forward ? ChannelRole::activation_out : ChannelRole::gradient_out, message(pass.chunk + wrap, pass.micro_batch)};
  }
  std::uint32_t message(int chunk, int micro_batch) const { return static_cast<std::uint32_t>(chunk * shape_.micro_batches + micro_batch); }

  void add_exchange(const Slot& done, const Slot& next) {
    std::vector<Transfer> transfers;
    for (const Pass& pass : done)
      if (const auto transfer = output_of(pass)) transfers.push_back(*transfer);
    for (const Pass& pass : next)
      if (const auto transfer = input_of(pass)) transfers.push_back(*transfer);
    add_transfers(StepKind::exchange, transfers);
  }
  void add_transfers(StepKind kind, const std::vector<Transfer>& transfers) {
    if (transfers.empty()) return;
    program_.steps.push_back({.kind = kind,
                              .block = static_cast<std::uint32_t>(program_.transfers.size()),
                              .transfers = static_cast<std::uint32_t>(transfers.size())});
    program_.transfers.insert(program_.transfers.end(), transfers.begin(), transfers.end());
  }

  void add_end_of_step() {
    const double parameters = parameters_of_stage(job_, stage_);
    const auto reduce = [&](GroupRole group, sim::Bytes bytes) {
      program_.steps.push_back({.kind = StepKind::collective, .group = group, .bytes = bytes});
    };
    if (settings_.overlap_dp)
      program_.steps.push_back({.kind = StepKind::await});
    else if (parallel_.dp > 1)
      reduce(GroupRole::data, gradient_bytes(parameters));
    const bool has_end = stage_ == 0 || stage_ == shape_.stages - 1;
    if (job_.model.tied_embeddings && shape_.stages > 1 && has_end)
      reduce(GroupRole::embedding, gradient_bytes(word_embedding_parameters(job_.model, parallel_.tp)));
    if (parallel_.tp * shape_.stages > 1) reduce(GroupRole::model, sim::Bytes{4});  // squared gradient norm, FP32
    add_run(add_block(ops_.optimizer(parameters)), sim::OpKind::optimizer);
  }

  const JobSettings& settings_;
  const JobSpec& job_;
  const ParallelSpec& parallel_;
  const ModelOps& ops_;
  int stage_;
  ScheduleShape shape_;
  Program program_;
  std::vector<Chunk> chunks_;
  std::vector<std::uint32_t> forward_, backward_;  // block of each chunk
  std::map<int, int> last_backward_;               // by chunk: the micro-batch that ends its gradients
};

}  // namespace

double parameters_of_stage(const JobSpec& job, int stage) {
  const ParallelSpec& parallel = job.parallel;
  double parameters = 0;
  for (int c = 0; c < parallel.virtual_stages; ++c) {
    const Chunk chunk = chunk_of(parallel, stage, c);
    parameters += chunk.layers * layer_parameters(job.model, parallel.tp);
    parameters += end_parameters(job, chunk);
  }
  return parameters;
}

Program build_program(const JobSettings& settings, const ModelOps& ops, int stage, sim::Time gather_after_receive) {
  return ProgramBuilder(settings, ops, stage, gather_after_receive).build();
}

}  // namespace workloads
