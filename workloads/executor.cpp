#include "workloads/executor.hpp"
#include <algorithm>
#include <cmath>
#include <numbers>
#include "sim/random.hpp"

namespace workloads {

Executor::Executor(const Plan& plan, sim::CoupledNetwork& network, const Devices& devices, const RunOptions& options)
    : plan_(plan),
      network_(network),
      devices_(devices),
      options_(options),
      trace_(options.trace_level >= TraceLevel::ops ? options.trace : nullptr),
      states_(plan.ranks.size()),
      messages_(plan.channels.size()),
      groups_(plan.groups.size()),
      memory_(plan.ranks.size()) {
  outcome_.ranks.resize(plan.ranks.size());
  if (options.critical_path) path_.emplace(plan);
  for (const PlannedJob& job : plan.jobs) outcome_.step_ends.emplace_back(job.steps, job.start);
  for (std::size_t c = 0; c < plan.channels.size(); ++c) messages_[c].resize(2 * plan.channels[c].messages);
  for (std::uint32_t r = 0; r < plan.ranks.size(); ++r) {
    const Rank& rank = plan.ranks[r];
    states_[r].host = states_[r].device = plan.jobs[rank.job].start;
    states_[r].slowness = slowness_of(r, 0);
    memory_[r] = plan.programs[rank.program].static_memory;
    steps_in_all_ += plan.programs[rank.program].steps.size() * plan.jobs[rank.job].steps;
  }
}

Outcome Executor::run() {
  for (std::uint32_t r = static_cast<std::uint32_t>(states_.size()); r-- > 0;) ready_.push_back(r);
  while (true) {
    while (!ready_.empty()) {
      const std::uint32_t rank = ready_.back();
      ready_.pop_back();
      advance(rank);
    }
    if (starts_.next_time() > network_.now() || starts_.empty()) {
      const sim::Time event = std::min(starts_.next_time(), network_.next_event()), next = std::min(event, next_change());
      if (next == sim::never || (event == sim::never && finished())) break;
      for (const sim::FlowId flow : network_.advance_to(next)) complete(flow, next);
      if (next == next_change()) change_ways();
    }
    while (!starts_.empty() && starts_.next_time() <= network_.now()) start_flow(starts_.pop());
    report_progress();
  }
  for (const RankState& state : states_)
    if (!state.finished) explain_deadlock();
  return conclude();
}

void Executor::advance(std::uint32_t rank) {
  RankState& state = states_[rank];
  const Program& program = plan_.programs[plan_.ranks[rank].program];
  while (!state.finished) {
    const Step& step = program.steps[state.step];
    if (!perform(rank, step)) return;
    finish_step(rank, step);
  }
}

bool Executor::perform(std::uint32_t rank, const Step& step) {
  switch (step.kind) {
    case StepKind::run:
      return run_block(rank, step);
    case StepKind::exchange:
      return exchange(rank, step);
    case StepKind::receive:
      return receive(rank, step);
    case StepKind::collective:
      return collective(rank, step);
    case StepKind::await:
      return await(rank);
    case StepKind::post:
      post_collective(rank, step);
      return true;
    case StepKind::send:
      break;
  }
  const Program& program = plan_.programs[plan_.ranks[rank].program];
  const sim::Time at = std::max(states_[rank].host, states_[rank].device);
  for (std::uint32_t i = 0; i < step.transfers; ++i) post(rank, program.transfers[step.block + i], at, false);
  return true;
}

void Executor::finish_step(std::uint32_t rank, const Step& step) {
  RankState& state = states_[rank];
  const Rank& r = plan_.ranks[rank];
  state.posted = false;
  if (step.memory_change != 0) {
    memory_[rank] += step.memory_change;
    if (trace_) trace_->record(sim::MemoryRecord{static_cast<std::uint32_t>(r.number), state.device, sim::Bytes{memory_[rank]}, r.job});
  }
  ++outcome_.events;
  ++steps_done_;
  if (++state.step < plan_.programs[r.program].steps.size()) return;
  sim::Time& end = outcome_.step_ends[r.job][state.repetition];
  end = std::max(end, state.device);
  state.step = 0;
  state.finished = ++state.repetition == static_cast<std::uint32_t>(plan_.jobs[r.job].steps);
  state.slowness = slowness_of(rank, state.repetition);
}

// Jitter is normal (Box-Muller), one draw a rank and step; a GPU does not run backwards.
double Executor::slowness_of(std::uint32_t rank, std::uint32_t repetition) const {
  const Rank& r = plan_.ranks[rank];
  const double sigma = plan_.jobs[r.job].jitter;
  if (sigma == 0) return r.slowness;
  const sim::Random random(plan_.seed, 0x6a6974746572);
  const std::uint64_t entity = std::uint64_t{r.job} << 32 | static_cast<std::uint32_t>(r.number);
  const double radius = std::sqrt(-2 * std::log1p(-random.uniform(entity, 2 * repetition)));
  const double normal = radius * std::cos(2 * std::numbers::pi * random.uniform(entity, 2 * repetition + 1));
  return r.slowness * std::max(0.0, 1 + sigma * normal);
}

void Executor::wait_until(std::uint32_t rank, sim::Time t, Category category) {
  RankState& state = states_[rank];
  if (t <= state.device) return;
  outcome_.ranks[rank].exposed_ps[static_cast<std::size_t>(category)] += (t - state.device).ps();
  if (path_) path_->spent(rank, category, t - state.device);
  state.device = t;
}

// Segments and tensor-parallel collectives in turn; resumes at `segment` after a wait.
bool Executor::run_block(std::uint32_t rank, const Step& step) {
  RankState& state = states_[rank];
  const Block& block = plan_.programs[plan_.ranks[rank].program].blocks[step.block];
  const Category category = step.op_kind == sim::OpKind::optimizer ? Category::optimizer : Category::compute;
  if (state.segment == 0 && !state.posted) state.run_start = state.device;
  while (true) {
    const Segment& segment = block.segments[state.segment];
    if (!state.posted) run_segment(rank, block, segment, category, step.micro_batch);
    if (segment.last == block.ops.size()) break;
    const Op& op = block.ops[segment.last];
    if (op.meeting != Meeting::tensor) {
      if (!exchange_context(rank, op)) return false;
      ++state.segment;
      continue;
    }
    if (!state.posted) {
      state.host += op.host;
      wait_until(rank, state.host, Category::host);
    }
    if (!join_and_wait(rank, GroupRole::tensor, op.collective, op.bytes, state.device, op.name, step.micro_batch, op.hidden)) return false;
    ++state.segment;
  }
  state.segment = 0;
  for (std::size_t c = 0; c < op_class_count; ++c) outcome_.ranks[rank].device_ps[c] += block.device_by_class[c].ps();
  if (trace_ && state.device > state.run_start) trace_run(rank, step, block);
  return true;
}

void Executor::trace_run(std::uint32_t rank, const Step& step, const Block& block) {
  RankState& state = states_[rank];
  const std::string_view name = step.op_kind == sim::OpKind::forward    ? "forward"
                                : step.op_kind == sim::OpKind::backward ? "backward"
                                                                        : "optimizer";
  state.last_row = trace_->record(sim::OpRecord{.job = plan_.ranks[rank].job,
                                                .rank = static_cast<std::uint32_t>(plan_.ranks[rank].number),
                                                .kind = step.op_kind,
                                                .name = name,
                                                .micro_batch = step.micro_batch,
                                                .chunk = step.chunk,
                                                .start = state.run_start,
                                                .end = state.device,
                                                .bytes = block.collective_bytes,
                                                .flops = block.flops});
}

// A kernel starts when it is issued and the stream is free. Once the host is far enough ahead
// (`lead`), the rest of the segment runs back to back.
void Executor::run_segment(std::uint32_t rank, const Block& block, const Segment& segment, Category category, int micro_batch) {
  RankState& state = states_[rank];
  const bool every_kernel = trace_ && options_.trace_level == TraceLevel::full, even = state.slowness == 1;
  const bool one_by_one = every_kernel || !even;
  sim::Time host_left = segment.host, device_left = segment.device;
  std::int64_t& busy = outcome_.ranks[rank].exposed_ps[static_cast<std::size_t>(category)];
  for (std::uint32_t i = segment.first; i < segment.last; ++i) {
    if (!one_by_one && state.host + block.lead[i] <= state.device) {
      state.host += host_left;
      state.device += device_left;
      busy += device_left.ps();
      if (path_) path_->ran(rank, block, i, segment.last);
      return;
    }
    const Op& op = block.ops[i];
    const sim::Time device = even ? op.device : sim::Time::picoseconds(std::llround(static_cast<double>(op.device.ps()) * state.slowness));
    state.host += op.host;
    wait_until(rank, state.host, Category::host);
    if (every_kernel)
      trace_->record(sim::OpRecord{.job = plan_.ranks[rank].job,
                                   .rank = static_cast<std::uint32_t>(plan_.ranks[rank].number),
                                   .name = op.name,
                                   .layer = op.layer,
                                   .micro_batch = micro_batch,
                                   .start = state.device,
                                   .end = state.device + device,
                                   .bytes = op.bytes,
                                   .flops = op.flops});
    state.device += device;
    busy += device.ps();
    if (path_) path_->ran(rank, block, i, device);
    host_left -= op.host;
    device_left -= op.device;
  }
}

void Executor::start_flow(const Target& target) {
  const sim::FlowId id = target.is_collective ? start_collective(target) : start_message(channels()[target.object]);
  if (target_of_flow_.size() <= id.value()) {
    target_of_flow_.resize(id.value() + 1);
    under_way_.resize(id.value() + 1);
  }
  target_of_flow_[id.value()] = target;
  under_way_[id.value()] = true;
}

sim::FlowId Executor::start_message(const Channel& channel) {
  const double bytes = static_cast<double>(channel.bytes.count()) * channel.wire_factor;
  outcome_.flow_bytes += bytes * channel.multiplicity;
  outcome_.flows += channel.multiplicity;
  return network_.start(sim::FlowSpec{.bytes = sim::Bytes{std::llround(bytes)},
                                      .latency = channel.latency,
                                      .shares = channel.shares,
                                      .ceiling = channel.ceiling,
                                      .purpose = purpose_of(Communication::pp_comm)});
}

// What leaves a host is spread over the rings; a message is a whole number of bytes.
sim::FlowId Executor::start_collective(const Target& target) {
  const Group& group = plan_.groups[target.object];
  const kernels::NetworkCollective& call = groups_[target.object].calls[target.number - groups_[target.object].first].network;
  const double bytes = call.flow_bytes * group.wire_factor;
  outcome_.flow_bytes += bytes * group.shape.hosts * group.multiplicity;
  outcome_.flows += group.multiplicity;
  return network_.start(sim::CollectiveSpec{.edges = groups()[target.object].edges,
                                            .steps = static_cast<std::uint32_t>(call.steps),
                                            .bytes = sim::Bytes{std::llround(bytes / call.steps / group.shape.per_host)},
                                            .latency = sim::Time::seconds(call.latency_s / call.steps),
                                            .purpose = purpose_of(communication_of(group.role))});
}

void Executor::complete(sim::FlowId flow, sim::Time at) {
  const Target target = target_of_flow_[flow.value()];
  under_way_[flow.value()] = false;
  ++outcome_.events;
  signature_.add(at.ps());
  if (!target.is_collective) {
    signature_.add(plan_.channels[target.object].bytes.count());
    end_message(target.object, target.number, at);
  } else {
    const Call& call = groups_[target.object].calls[target.number - groups_[target.object].first];
    signature_.add(call.bytes.count());
    end_call(target.object, target.number, at + sim::Time::seconds(call.network.after_s));
  }
}

void Executor::report_progress() {
  constexpr std::uint64_t every = 1024;
  if (!options_.progress || outcome_.events / every == progress_mark_) return;
  progress_mark_ = outcome_.events / every;
  if (!options_.progress(static_cast<double>(steps_done_) / static_cast<double>(steps_in_all_))) throw Interrupted{};
}

CriticalPath::Point Executor::history(std::uint32_t rank, sim::Time at) {
  if (!path_) return CriticalPath::start;
  return path_->after(path_->now(rank), rank, Category::host, at - states_[rank].device);
}

void Executor::find_critical_paths() {
  outcome_.critical_paths.resize(plan_.jobs.size());
  for (std::uint32_t r = static_cast<std::uint32_t>(states_.size()); r-- > 0;) {
    const std::uint32_t job = plan_.ranks[r].job;
    if (states_[r].device == outcome_.step_ends[job].back()) outcome_.critical_paths[job] = path_->of(r, plan_.jobs[job].steps);
  }
}

// What is left of the last step is waiting for the slowest: the pipeline's drain, or nothing that has a name.
Outcome Executor::conclude() {
  if (path_) find_critical_paths();
  for (std::uint32_t r = 0; r < states_.size(); ++r) {
    const Rank& rank = plan_.ranks[r];
    const sim::Time end = outcome_.step_ends[rank.job].back();
    wait_until(r, end, plan_.jobs[rank.job].pipeline ? Category::pp_bubble : Category::other);
    outcome_.ranks[r].end = states_[r].device;
    outcome_.end = std::max(outcome_.end, end);
    for (const std::int64_t ps : outcome_.ranks[r].exposed_ps) signature_.add(ps);
  }
  for (const auto& ends : outcome_.step_ends)
    for (const sim::Time end : ends) signature_.add(end.ps());
  outcome_.links = network_.link_use();
  outcome_.signature = signature_.value();
  return std::move(outcome_);
}

}  // namespace workloads
