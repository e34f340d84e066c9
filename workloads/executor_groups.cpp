#include <algorithm>
#include "workloads/executor.hpp"

// Collectives of groups: calls are joined in order, begin when all are there and the one before has
// ended, and take a closed form inside a scale-up domain or a coupled flow across hosts.
namespace workloads {

namespace {
// Members go on after they have joined.
bool is_posted(GroupRole role) { return role == GroupRole::data || role == GroupRole::context; }
}  // namespace

Category Executor::category_of(GroupRole role) const {
  return role == GroupRole::tensor ? Category::tp_comm : role == GroupRole::context ? Category::cp_comm : Category::dp_comm;
}

bool Executor::collective(std::uint32_t rank, const Step& step) {
  return join_and_wait(rank, step.group, step.collective, step.bytes, std::max(states_[rank].host, states_[rank].device), "collective",
                       step.micro_batch);
}

// The rank's compute stream waits for the collective. A group that joins pipeline stages waits for
// late stages in the bubble; all other lateness of peers belongs to the collective.
bool Executor::join_and_wait(std::uint32_t rank, GroupRole role, kernels::CollectiveOp op, sim::Bytes bytes, sim::Time at,
                             std::string_view name, int micro_batch, sim::Time hidden) {
  RankState& state = states_[rank];
  const std::uint32_t group = plan_.ranks[rank].groups[static_cast<std::size_t>(role)];
  if (group == nobody) return true;
  if (!state.posted) {
    wait_until(rank, at, Category::host);
    join(group, rank, op, bytes, at, hidden);
  }
  GroupState& g = groups_[group];
  const std::uint32_t number = state.calls[static_cast<std::size_t>(role)] - 1;
  Call& call = g.calls[number - g.first];
  if (call.end == sim::never) {
    call.waiters.push_back(rank);
    state.posted = true;
    return false;
  }
  state.posted = false;
  const sim::Time from = state.device;
  const bool across_stages = role == GroupRole::model || role == GroupRole::embedding;
  if (across_stages && plan_.jobs[plan_.ranks[rank].job].pipeline) wait_until(rank, call.ready, Category::pp_bubble);
  wait_until(rank, call.end, category_of(role));
  if (path_ && from < call.start) path_->follow(rank, path_->after(call.origin, rank, category_of(role), call.end - call.start));
  trace_collective(rank, role, call, std::max(from, call.start), name, micro_batch);
  see(group, number);
  return true;
}

// A segment of kernels lies between begin and end.
bool Executor::exchange_context(std::uint32_t rank, const Op& op) {
  RankState& state = states_[rank];
  const std::uint32_t group = plan_.ranks[rank].groups[static_cast<std::size_t>(GroupRole::context)];
  if (op.meeting == Meeting::context_begin) {
    state.host += op.host;
    join(group, rank, op.collective, op.bytes, std::max(state.host, state.device));
    return true;
  }
  GroupState& g = groups_[group];
  const std::uint32_t number = state.calls[static_cast<std::size_t>(GroupRole::context)] - 1;
  Call& call = g.calls[number - g.first];
  state.posted = call.end == sim::never;
  if (state.posted) {
    call.waiters.push_back(rank);
    return false;
  }
  const bool waits = call.end > state.device;
  wait_until(rank, call.end, Category::cp_comm);
  if (path_ && waits) path_->follow(rank, call.finish);
  see(group, number);
  return true;
}

void Executor::join(std::uint32_t group, std::uint32_t rank, kernels::CollectiveOp op, sim::Bytes bytes, sim::Time at, sim::Time hidden) {
  GroupState& g = groups_[group];
  const std::uint32_t number = states_[rank].calls[static_cast<std::size_t>(plan_.groups[group].role)]++;
  if (number - g.first >= g.calls.size()) g.calls.emplace_back();
  Call& call = g.calls[number - g.first];
  call.op = op;
  call.bytes = bytes;
  call.hidden = hidden;
  if (path_ && call.arrived > 0 && at != call.ready) call.uneven = true;
  if (path_ && (call.arrived == 0 || at > call.ready)) {
    call.latest = rank;
    if (is_posted(plan_.groups[group].role)) call.origin = history(rank, at);  // it may go on before the others are there
  }
  call.ready = std::max(call.ready, at);
  ++call.arrived;
  begin_calls(group);
}

// Forgets the calls that all members have waited for.
void Executor::see(std::uint32_t group, std::uint32_t number) {
  GroupState& g = groups_[group];
  ++g.calls[number - g.first].seen;
  for (; !g.calls.empty() && g.calls.front().seen == plan_.groups[group].ranks.size(); ++g.first) g.calls.pop_front();
}

// Begins, in order, the calls that all have joined.
void Executor::begin_calls(std::uint32_t group) {
  GroupState& g = groups_[group];
  const auto members = static_cast<std::uint32_t>(plan_.groups[group].ranks.size());
  for (std::uint32_t i = 0; i < g.calls.size(); ++i) {
    Call& call = g.calls[i];
    if (call.end != sim::never) continue;
    if (!call.begun && call.arrived == members) begin(group, g.first + i, call);
    if (call.end == sim::never) return;  // the next one waits for this one
  }
}

void Executor::begin(std::uint32_t group, std::uint32_t number, Call& call) {
  const Group& g = plan_.groups[group];
  call.begun = true;
  const sim::Time start = call.start = std::max(call.ready, groups_[group].free);
  if (groups_[group].free > call.ready) call.origin = groups_[group].finish;
  if (g.inside_domain) {
    auto& known = groups_[group].inside_domain;
    if (known.op != call.op || known.bytes != call.bytes) {
      known = {call.op, call.bytes, devices_.inside_domain(call.op, g.shape.ranks, call.bytes, g.devices)};
    }
    end_call(group, number, start + std::max(sim::Time{}, known.time - call.hidden));
    return;
  }
  call.network = devices_.across_hosts(call.op, g.shape, call.bytes, g.devices);
  const sim::Time flow_start = start + sim::Time::seconds(call.network.before_s);
  starts_.push({flow_start, true, group, number});
}

void Executor::end_call(std::uint32_t group, std::uint32_t number, sim::Time at) {
  GroupState& g = groups_[group];
  Call& call = g.calls[number - g.first];
  call.end = at;
  g.free = at;
  if (path_) note_path(plan_.groups[group].role, g, call);
  ++outcome_.events;
  const Group& members = plan_.groups[group];
  if (trace_ && !members.inside_domain)  // a coupled flow is one row: the first and the last rank of its group
    trace_->record(sim::FlowRecord{static_cast<std::uint32_t>(plan_.ranks[members.ranks.front()].number),
                                   static_cast<std::uint32_t>(plan_.ranks[members.ranks.back()].number), call.bytes, call.start, at,
                                   states_[members.ranks.front()].last_row, members.job});
  for (const std::uint32_t rank : call.waiters) ready_.push_back(rank);
  call.waiters.clear();
  if (!members.inside_domain) begin_calls(group);
}

// Where all members wait now, the latest is still where it joined.
void Executor::note_path(GroupRole role, GroupState& group, Call& call) {
  if (!is_posted(role)) {
    if (call.uneven) call.origin = path_->now(call.latest);
    return;
  }
  call.finish = group.finish = path_->after(call.origin, call.latest, category_of(role), call.end - call.start);
}

void Executor::trace_collective(std::uint32_t rank, GroupRole role, const Call& call, sim::Time from, std::string_view name,
                                int micro_batch) {
  if (!trace_) return;
  const bool tensor = role == GroupRole::tensor;
  if (tensor && options_.trace_level != TraceLevel::full) return;
  trace_->record(sim::OpRecord{.job = plan_.ranks[rank].job,
                               .rank = static_cast<std::uint32_t>(plan_.ranks[rank].number),
                               .stream = tensor ? sim::Stream::tensor : sim::Stream::data,
                               .kind = tensor ? sim::OpKind::tp_collective : sim::OpKind::dp_collective,
                               .name = name,
                               .micro_batch = micro_batch,
                               .start = from,
                               .end = call.end,
                               .bytes = call.bytes});
}

}  // namespace workloads
