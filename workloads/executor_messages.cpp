#include <fmt/format.h>
#include <algorithm>
#include "sim/error.hpp"
#include "workloads/executor.hpp"

// Messages between pipeline neighbours: a blocking exchange starts when both sides have posted, an
// eager send at once; what a rank waits for, and how a deadlock is told.
namespace workloads {
namespace {
bool is_send(ChannelRole role) { return role == ChannelRole::activation_out || role == ChannelRole::gradient_out; }
}  // namespace

bool Executor::exchange(std::uint32_t rank, const Step& step) {
  RankState& state = states_[rank];
  const Program& program = plan_.programs[plan_.ranks[rank].program];
  bool received = false;
  if (!state.posted) wait_until(rank, state.host, Category::host);
  for (std::uint32_t i = 0; i < step.transfers; ++i) {
    const Transfer& transfer = program.transfers[step.block + i];
    received |= !is_send(transfer.role);
    if (!state.posted && !post(rank, transfer, state.device, true)) ++state.outstanding;
  }
  state.posted = true;
  if (state.outstanding > 0) return false;
  after_messages(rank, received);
  state.host = std::max(state.host, state.device) + program.exchange_sync;
  return true;
}

bool Executor::receive(std::uint32_t rank, const Step& step) {
  RankState& state = states_[rank];
  const Program& program = plan_.programs[plan_.ranks[rank].program];
  for (std::uint32_t i = 0; i < step.transfers && !state.posted; ++i)
    if (!post(rank, program.transfers[step.block + i], state.device, true)) ++state.outstanding;
  state.posted = true;
  if (state.outstanding > 0) return false;
  after_messages(rank, true);
  return true;
}

// Until the transfer began it was the bubble, then communication; a scattered one is gathered inside the host.
void Executor::after_messages(std::uint32_t rank, bool received) {
  RankState& state = states_[rank];
  const bool waits = state.last_end > state.device;
  wait_until(rank, state.last_start, Category::pp_bubble);
  wait_until(rank, state.last_end, Category::pp_comm);
  if (path_ && waits) path_->follow(rank, state.last_point);
  state.last_start = state.last_end = {};
  if (received) wait_until(rank, state.device + plan_.programs[plan_.ranks[rank].program].gather_after_receive, Category::tp_comm);
}

Executor::Message& Executor::message_of(std::uint32_t rank, const Transfer& transfer, std::uint32_t& channel, std::uint32_t& number) {
  channel = plan_.ranks[rank].channels[static_cast<std::size_t>(transfer.role)];
  number = transfer.message + states_[rank].repetition % 2 * plan_.channels[channel].messages;
  return messages_[channel][number];
}

// True when the message has already ended (its times are then in the state); else the rank is told when it does.
bool Executor::post(std::uint32_t rank, const Transfer& transfer, sim::Time at, bool waits) {
  std::uint32_t channel = 0, number = 0;
  Message& message = message_of(rank, transfer, channel, number);
  if (is_send(transfer.role)) {
    message.sent = at;
    if (is_eager(channel) || message.wanted == sim::never || message.wanted <= at) message.origin = history(rank, at);
    message.sender_waits = waits;
  } else if (message.end != sim::never) {  // was sent ahead, and is here
    note_end(rank, message, message.end);
    message = {};
    return true;
  } else {
    message.wanted = at;
    if (!is_eager(channel) && (message.sent == sim::never || message.sent < at)) message.origin = history(rank, at);
    message.receiver_waits = waits;
  }
  try_start(channel, number);
  return false;
}

bool Executor::is_eager(std::uint32_t channel) const { return plan_.programs[plan_.ranks[plan_.channels[channel].source].program].eager; }

void Executor::try_start(std::uint32_t channel, std::uint32_t number) {
  Message& message = messages_[channel][number];
  const bool eager = is_eager(channel);
  if (message.start != sim::never || message.sent == sim::never || (!eager && message.wanted == sim::never)) return;
  message.start = eager ? message.sent : std::max(message.sent, message.wanted);
  starts_.push({message.start, false, channel, number});
}

void Executor::end_message(std::uint32_t channel, std::uint32_t number, sim::Time at) {
  Message& message = messages_[channel][number];
  const Channel& c = plan_.channels[channel];
  const auto tell = [&](std::uint32_t rank) {
    note_end(rank, message, at);
    if (--states_[rank].outstanding == 0) ready_.push_back(rank);
  };
  if (message.receiver_waits) tell(c.destination);
  if (message.sender_waits) tell(c.source);
  if (trace_)
    trace_->record(sim::FlowRecord{static_cast<std::uint32_t>(plan_.ranks[c.source].number),
                                   static_cast<std::uint32_t>(plan_.ranks[c.destination].number), c.bytes, message.start, at,
                                   states_[c.source].last_row, plan_.ranks[c.source].job});
  if (message.wanted == sim::never)
    message.end = at;  // until it is wanted
  else
    message = {};  // both sides know: free for the step after the next
}

void Executor::note_end(std::uint32_t rank, const Message& message, sim::Time end) {
  RankState& state = states_[rank];
  const sim::Time start = message.start;
  if (end < state.last_end) return;
  if (path_ && end > state.last_end) state.last_point = path_->after(message.origin, rank, Category::pp_comm, end - start);
  state.last_start = end > state.last_end ? start : std::min(state.last_start, start);
  state.last_end = end;
}

std::string Executor::what_it_waits_for(std::uint32_t rank) const {
  const Rank& r = plan_.ranks[rank];
  const Program& program = plan_.programs[r.program];
  const Step& step = program.steps[states_[rank].step];
  if (step.kind == StepKind::exchange || step.kind == StepKind::receive)
    for (std::uint32_t i = 0; i < step.transfers; ++i) {
      const Transfer& t = program.transfers[step.block + i];
      const std::uint32_t channel = r.channels[static_cast<std::size_t>(t.role)];
      const Channel& c = plan_.channels[channel];
      const Message& message = messages_[channel][t.message + states_[rank].repetition % 2 * c.messages];
      const bool sends = is_send(t.role);
      if ((sends ? message.sent : message.wanted) == sim::never) continue;  // has ended
      return fmt::format("to {} message {} {} rank {}", sends ? "send" : "receive", t.message, sends ? "to" : "from",
                         plan_.ranks[sends ? c.destination : c.source].number);
    }
  return "in a collective for the other ranks of its group";
}

void Executor::explain_deadlock() const {
  explain_cut_off();
  std::string text = fmt::format("stopped at {:.6f} s: deadlock, no rank can go on", network_.now().in_seconds());
  int named = 0;
  for (std::uint32_t r = 0; r < states_.size() && named < 4; ++r)
    if (!states_[r].finished) {
      text += fmt::format("; rank {} waits {}", plan_.ranks[r].number, what_it_waits_for(r));
      ++named;
    }
  throw sim::SimulationError(text + ". Check the schedule: each send needs a receive in the same order (overlap: {pp: true} sends ahead).");
}

}  // namespace workloads
