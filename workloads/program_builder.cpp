#include "workloads/program_builder.hpp"
#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include "workloads/memory.hpp"
#include "workloads/schedules/own_schedule.hpp"

namespace workloads {

JobSettings settings_of(const JobSpec& job, const kernels::SoftwareProfile& software) {
  const bool flash = uses_flash_attention(job, software);
  return {job, software, job.overlap_dp.value_or(software.overlap_dp), job.overlap_pp.value_or(software.overlap_pp), flash};
}

namespace {

constexpr double everything = std::numeric_limits<double>::infinity();

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

// Of the output projection; a tied one on another stage is a copy of the word embedding.
double head_parameters_of(const JobSpec& job, const Chunk& chunk) {
  if (!chunk.has_head) return 0;
  const bool copy = job.model.tied_embeddings && job.parallel.pp > 1;
  return head_parameters(job.model, job.parallel.tp) + (copy ? word_embedding_parameters(job.model, job.parallel.tp) : 0);
}
// A decoder behind an encoder reads words of its own; on another stage than the encoder's it has a copy of the word embedding.
bool begins_decoder(const JobSpec& job, const Chunk& chunk) {
  const int first = job.model.encoder_layers;
  return first > 0 && chunk.first_layer <= first && first < chunk.first_layer + chunk.layers;
}
double embedding_parameters_of(const JobSpec& job, const Chunk& chunk) {
  if (chunk.has_embedding) return embedding_parameters(job.model, job.parallel.tp);
  const bool shared_with_head = chunk.has_head && job.model.tied_embeddings;
  return begins_decoder(job, chunk) && !shared_with_head ? word_embedding_parameters(job.model, job.parallel.tp) : 0;
}
double parameters_of_layer(const JobSpec& job, int layer) { return layer_parameters(job.model, job.parallel.tp, layer); }

// Consecutive kernels of a pass, the parameters that they need and those whose gradients they complete.
struct Part {
  Ops ops;
  double needed = 0, completed = 0;
};

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
    program_.overlap = ops.overlap_slowdown();
    for (int c = 0; c < shape_.chunks; ++c) {
      chunks_.push_back(chunk_of(parallel_, stage, c));
      forward_.push_back(add_parts(forward_parts(chunks_[c], fully_sharded() ? 0 : everything)));
      first_forward_.push_back(gathers() ? add_parts(forward_parts(chunks_[c], bucket())) : forward_.back());
      backward_.push_back(add_parts(backward_parts(chunks_[c], fully_sharded() ? 0 : everything)));
      last_backward_.push_back(settings.overlap_dp && parallel_.replicas() > 1 ? add_parts(backward_parts(chunks_[c], bucket()))
                                                                               : backward_.back());
    }
    const MemoryUse use = static_memory(job_, settings.software, parameters_of_stage(job_, stage));
    program_.static_memory = static_cast<std::int64_t>(use.weights + use.gradients + use.optimizer);
  }

  Program build() && {
    const std::vector<Slot> slots = job_.schedule == ScheduleKind::own
                                        ? slots_of(job_.schedule_rows[static_cast<std::size_t>(stage_)], shape_)
                                        : schedule_of(job_.schedule)(shape_, stage_);
    for (const Slot& slot : slots)
      for (const Pass& pass : slot)
        if (pass.kind == PassKind::backward)
          last_micro_batch_[pass.chunk] = pass.micro_batch;
        else
          first_micro_batch_.try_emplace(pass.chunk, pass.micro_batch);
    if (!program_.eager) add_exchange({}, slots.front());
    for (std::size_t i = 0; i < slots.size(); ++i) {
      for (const Pass& pass : slots[i]) add_pass(pass);
      if (!program_.eager) add_exchange(slots[i], i + 1 < slots.size() ? slots[i + 1] : Slot{});
    }
    add_end_of_step();
    return std::move(program_);
  }

 private:
  // A pass in parts of at least `least` parameters.
  std::vector<Part> forward_parts(const Chunk& chunk, double least) const {
    std::vector<Part> parts(1);
    if (chunk.has_embedding) append(parts.back().ops, ops_.embedding_forward());
    parts.back().needed = embedding_parameters_of(job_, chunk);
    for (int l = 0; l < chunk.layers; ++l) {
      append(parts.back().ops, ops_.layer_forward(chunk.first_layer + l));
      parts.back().needed += parameters_of_layer(job_, chunk.first_layer + l);
      if (l + 1 < chunk.layers && parts.back().needed >= least) parts.emplace_back();
    }
    if (chunk.has_head) append(parts.back().ops, ops_.head_forward());
    parts.back().needed += head_parameters_of(job_, chunk);
    return parts;
  }
  std::vector<Part> backward_parts(const Chunk& chunk, double least) const {
    std::vector<Part> parts(1);
    if (chunk.has_head) append(parts.back().ops, ops_.head_backward());
    parts.back().needed = parts.back().completed = head_parameters_of(job_, chunk);
    for (int l = chunk.layers; l-- > 0;) {
      const double layer = parameters_of_layer(job_, chunk.first_layer + l);
      append(parts.back().ops, ops_.layer_backward(chunk.first_layer + l));
      if (fully_sharded()) append(parts.back().ops, ops_.shard_copies(layer));
      parts.back().needed += layer;
      parts.back().completed += layer;
      if (l > 0 && parts.back().completed >= least) parts.emplace_back();
    }
    if (chunk.has_embedding) append(parts.back().ops, ops_.embedding_backward());
    parts.back().completed += embedding_parameters_of(job_, chunk);
    return parts;
  }
  struct PlannedPart {
    std::uint32_t block = 0;
    double needed = 0, completed = 0;
  };
  std::vector<PlannedPart> add_parts(std::vector<Part> parts) {
    std::vector<PlannedPart> planned;
    for (Part& part : parts) planned.push_back({add_block(std::move(part.ops)), part.needed, part.completed});
    return planned;
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
    if (forward) {
      const bool first = first_micro_batch_[pass.chunk] == pass.micro_batch;
      add_parts_of_pass(pass, first ? first_forward_ : forward_, gathers() && (first || fully_sharded()), false);
    } else {
      const bool last = last_micro_batch_[pass.chunk] == pass.micro_batch;
      const bool reduces = parallel_.replicas() > 1 && (parallel_.zero >= 2 || (settings_.overlap_dp && last));
      add_parts_of_pass(pass, last ? last_backward_ : backward_, fully_sharded(), reduces);
    }
    const auto kept = static_cast<std::int64_t>(over_layers(job_.model, chunk.first_layer, chunk.layers, [&](int layer) {
      return activation_bytes_per_layer(job_, settings_.flash_attention, layer);
    }));
    program_.steps.back().memory_change = forward ? kept : -kept;
    if (program_.eager)
      if (const auto transfer = output_of(pass)) add_transfers(StepKind::send, {*transfer});
  }

  // The weights of a part are gathered beside the part before it, and its gradients are reduced beside the part behind it.
  void add_parts_of_pass(const Pass& pass, const std::vector<std::vector<PlannedPart>>& parts, bool gather, bool reduce) {
    for (const PlannedPart& part : parts[pass.chunk]) {
      if (gather) {
        const Step step{.kind = StepKind::post,
                        .group = GroupRole::data,
                        .collective = kernels::CollectiveOp::all_gather,
                        .bytes = weight_bytes(part.needed)};
        const bool ahead = settings_.overlap_dp && last_run_ >= 0;
        program_.steps.insert(ahead ? program_.steps.begin() + last_run_ : program_.steps.end(), step);
        program_.steps.push_back({.kind = StepKind::await});
      }
      post_reduction();
      last_run_ = static_cast<std::ptrdiff_t>(program_.steps.size());
      add_run(part.block, pass.kind == PassKind::forward ? sim::OpKind::forward : sim::OpKind::backward, pass.micro_batch, pass.chunk);
      if (!reduce) continue;
      unreduced_ = part.completed;
      if (!gather || !settings_.overlap_dp) post_reduction();  // else behind the gather that is posted ahead
      if (!settings_.overlap_dp) program_.steps.push_back({.kind = StepKind::await});
    }
  }
  void post_reduction() {
    if (unreduced_ > 0)
      program_.steps.push_back(
          {.kind = StepKind::post, .group = GroupRole::data, .collective = reduction(), .bytes = gradient_bytes(unreduced_)});
    unreduced_ = 0;
  }

  bool fully_sharded() const { return parallel_.zero == 3 && parallel_.replicas() > 1; }
  // Sharded weights come back before they are used: of a whole step at its first forward passes (ZeRO 1, 2), or at each pass.
  bool gathers() const { return parallel_.replicas() > 1 && (parallel_.zero == 3 || (parallel_.zero > 0 && settings_.overlap_dp)); }
  kernels::CollectiveOp reduction() const {
    return parallel_.zero > 0 ? kernels::CollectiveOp::reduce_scatter : kernels::CollectiveOp::all_reduce;
  }
  double bucket() const {  // parameters
    const kernels::SoftwareProfile& software = settings_.software;
    const double bytes = std::max(software.gradient_bucket_bytes, software.gradient_bucket_bytes_per_rank * parallel_.dp);
    return fully_sharded() ? 0 : bytes / std::max(1.0, software.gradient_bytes);
  }
  sim::Bytes weight_bytes(double parameters) const {
    return sim::Bytes{std::llround(parameters * std::max(2, kernels::bytes_per_element(job_.precision)))};
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
    const auto join = [&](GroupRole group, kernels::CollectiveOp op, sim::Bytes bytes) {
      program_.steps.push_back({.kind = StepKind::collective, .group = group, .collective = op, .bytes = bytes});
    };
    post_reduction();
    if (settings_.overlap_dp || parallel_.zero >= 2)
      program_.steps.push_back({.kind = StepKind::await});
    else if (parallel_.replicas() > 1)
      join(GroupRole::data, reduction(), gradient_bytes(parameters));
    using enum kernels::CollectiveOp;
    const std::vector<int> holders = stages_with_word_embedding(job_);
    if (holders.size() > 1 && std::find(holders.begin(), holders.end(), stage_) != holders.end())
      join(GroupRole::embedding, all_reduce, gradient_bytes(word_embedding_parameters(job_.model, parallel_.tp)));
    if (parallel_.tp * shape_.stages > 1) join(GroupRole::model, all_reduce, sim::Bytes{4});  // squared gradient norm, FP32
    add_run(add_block(ops_.optimizer(parameters / (parallel_.zero > 0 ? parallel_.replicas() : 1))), sim::OpKind::optimizer);
    if (parallel_.zero > 0 && parallel_.replicas() > 1 && !gathers()) join(GroupRole::data, all_gather, weight_bytes(parameters));
  }

  const JobSettings& settings_;
  const JobSpec& job_;
  const ParallelSpec& parallel_;
  const ModelOps& ops_;
  int stage_;
  ScheduleShape shape_;
  Program program_;
  std::vector<Chunk> chunks_;
  std::vector<std::vector<PlannedPart>> forward_, first_forward_, backward_, last_backward_;  // by chunk
  std::map<int, int> first_micro_batch_, last_micro_batch_;  // by chunk: the one that needs its weights, that ends its gradients
  std::ptrdiff_t last_run_ = -1;                             // step
  double unreduced_ = 0;                                     // gradients of the last part, in parameters
};

}  // namespace

std::vector<int> stages_with_word_embedding(const JobSpec& job) {
  std::vector<int> stages = {0};
  for (int stage = 1; stage < job.parallel.pp; ++stage) {
    const Chunk last = chunk_of(job.parallel, stage, job.parallel.virtual_stages - 1);
    if ((last.has_head && job.model.tied_embeddings) || begins_decoder(job, last)) stages.push_back(stage);
  }
  return stages;
}

double parameters_of_stage(const JobSpec& job, int stage) {
  const ParallelSpec& parallel = job.parallel;
  double parameters = 0;
  for (int c = 0; c < parallel.virtual_stages; ++c) {
    const Chunk chunk = chunk_of(parallel, stage, c);
    parameters += over_layers(job.model, chunk.first_layer, chunk.layers, [&](int layer) { return parameters_of_layer(job, layer); });
    parameters += embedding_parameters_of(job, chunk) + head_parameters_of(job, chunk);
  }
  return parameters;
}

Program build_program(const JobSettings& settings, const ModelOps& ops, int stage, sim::Time gather_after_receive) {
  return ProgramBuilder(settings, ops, stage, gather_after_receive).build();
}

}  // namespace workloads
