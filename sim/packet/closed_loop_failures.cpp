#include <algorithm>
#include <utility>
#include "sim/packet/closed_loop_part.hpp"

// Links that change, fail and come back while packets are on them, and flows that go on by another way.
//
// What waits for a link that fails, what is on it, and what comes to it later is lost: it frees its buffer, gives its credit back, and
// where nothing is lost otherwise its sender hears of it after the timeout and sends just that again. What has entered its last link counts
// as arrived. A flow on whose way a link is down sends nothing until it gets another way or the link comes back. All of this holds from the
// next window on.
namespace sim {

void ClosedLoop::set_capacity(LinkId network_link, BytesPerSecond capacity) {
  forget_steady_state();
  const auto& members = fabric_.members[network_link.value()];
  double all = 0;
  for (const std::uint32_t link : members) all += whole_[link].value();
  for (const std::uint32_t link : members) {
    const bool works = capacity > BytesPerSecond{};
    if (!works && !ports_[link].down) take_down(link);
    fabric_.links[link].capacity = capacity * (whole_[link].value() / all);
    if (works) set_times(link);
    if (works && ports_[link].down) bring_up(link);
  }
  for (const auto& part : parts_) part->take_in();
  if (fair_) {
    fair_->set_capacity(network_link, capacity);
    std::vector<FlowId> flows;
    fair_->flows_on(network_link, flows);
    for (const FlowId flow : flows) take_fair_share(flow.value());
  }
  for (std::uint32_t flow = 0; flow < flows_.size(); ++flow)
    if (is_under_way(flow)) judge_way(flow);
  std::sort(over_.begin(), over_.end());
  for (const std::uint32_t flow : over_) release_if_over(flow);
  over_.clear();
}

void ClosedLoop::take_down(std::uint32_t link) {
  Port& port = ports_[link];
  Wire& wire = wires_[link];
  Part& part = part_of(wire.from);
  part.now_ = clock_;
  port.down = true;
  for (; !port.queue.empty(); port.queue.pop_front()) {
    const Waiting& waiting = port.queue.front();
    part.release_buffer(waiting.from, waiting.packet.size);
    part.drop(link, waiting.packet);
  }
  port.queue_bytes = 0;
  if (spec_.log) spec_.log->queue(link, clock_, 0);
  for (; !wire.on_way.empty(); wire.on_way.pop_front()) part.drop(link, wire.on_way.front());
  if (wire.pausing) --nodes_[wire.to].pausing;
  wire.pausing = false;
  port.paused = port.waiting = false;
  part.note_pause(link, false);
  for (const Lost& lost : part.lost_) lose(lost, clock_);
  part.lost_.clear();
}

// Empty, and with credit for all that is not in the buffer at its far end.
void ClosedLoop::bring_up(std::uint32_t link) {
  Port& port = ports_[link];
  port.down = false;
  port.free = std::max(port.free, clock_);
  port.credit = spec_.buffer / static_cast<std::int64_t>(links_into(wires_[link].to).size()) - wires_[link].buffered;
  for (auto& returned = returned_[link]; !returned.empty();) returned.pop_front();
  part_of(wires_[link].from).arm(link, port.free);
  part_of(wires_[link].from).wake(wires_[link].from, port.free);
}

// Nobody answers it. Its order does not matter: sequences are sorted before they are sent again.
void ClosedLoop::lose(const Lost& lost, Time at) {
  if (lost.record != none) part_of(receivers_[lost.flow].node).free_telemetry_.push_back(lost.record);
  Flow& flow = flows_[lost.flow];
  --flow.unanswered;
  over_.push_back(lost.flow);
  if (!is_lossless() || flow.reported) return;
  Missing& missing = missing_[lost.flow];
  if (missing.lost.empty()) timers_.push(event(at + spec_.timeout, Kind::timeout, lost.flow, flow.round));
  missing.lost.push_back(lost.sequence);
  if (flow.started && !flow.shares) take_fair_share(lost.flow);
}

// The timeout of what was lost though nothing is lost usually.
void ClosedLoop::Part::send_again(std::uint32_t id) {
  const auto missing = loop_.missing_.find(id);
  if (missing == loop_.missing_.end()) return;
  auto& [lost, again] = missing->second;
  std::sort(lost.begin(), lost.end(), std::greater<>());
  Flow& flow = flows_[id];
  flow.may_send = std::max(flow.may_send, now_);
  for (const std::uint32_t sequence : lost) flow.in_flight -= wire_size(flow, sequence);
  again.insert(again.begin(), lost.begin(), lost.end());
  lost.clear();
  flow.sends_again = !again.empty();
  offer(id);
}

void ClosedLoop::Part::take_sequence(std::uint32_t id) {
  Flow& flow = flows_[id];
  if (!flow.sends_again) [[likely]] {
    ++flow.next;
    return;
  }
  auto& again = loop_.missing_.find(id)->second.again;
  again.pop_back();
  flow.sends_again = !again.empty();
}

void ClosedLoop::Part::drop(std::uint32_t link, const Packet& packet) {
  ++counts_.drops;
  if (log_) log_->drop(link, now_);
  lost_.push_back({ways_.flow_at(packet.place), packet.record, packet.sequence});
}

// A packet that has come by one link and finds that the next is down.
void ClosedLoop::Part::drop_arrived(std::uint32_t in_link, std::uint32_t link, const Packet& packet) {
  drop(link, packet);
  if (spec_.backpressure != Backpressure::credits) return;
  const Time at = now_ + std::max(fabric_.links[in_link].delay, window_);
  outboxes_[loop_.part_by_node_[wires_[in_link].from]].credits.push_back({in_link, {at, std::int64_t{packet.size}}});
}

void ClosedLoop::reroute(FlowId flow, std::span<const LinkShare> shares, BytesPerSecond ceiling) {
  const std::uint32_t id = flow.value();
  if (!is_under_way(id)) return;
  forget_steady_state();
  Flow& moved = flows_[id];
  moved.ceiling = ceiling.value();
  if (!ways_.is_way(moved.first, shares)) {
    old_ways_[id].emplace_back(moved.first, moved.links);
    const std::uint32_t before = part_before_end(id);
    set_way(id, shares);
    if (part_before_end(id) != before) share_out(parts_in_use_ = 1);  // both ways may still bring something
  }
  if (moved.shares) take_fair_share(id);
  judge_way(id);
}

// At max-min rates: what its way gives it now.
void ClosedLoop::take_fair_share(std::uint32_t id) {
  if (!fair_) return;
  Flow& flow = flows_[id];
  leave_fair_share(id);
  flow.shares = true;
  const std::vector<LinkShare> shares = ways_.shares(flow.first);
  const double line = path_of(id).line_rate.value();
  fair_->attach(FlowId{id}, shares, BytesPerSecond{flow.ceiling > 0 ? std::min(flow.ceiling, line) : line}, flow.weight);
}

void ClosedLoop::leave_fair_share(std::uint32_t id) {
  if (std::exchange(flows_[id].shares, false)) fair_->detach(FlowId{id});
}

// Whether the flow may send; one that may again is put back where it belongs.
void ClosedLoop::judge_way(std::uint32_t id) {
  Flow& flow = flows_[id];
  bool works = true;
  for (std::uint32_t place = flow.first; !ways_.is_end(place); ++place)
    works = works && std::ranges::any_of(ways_.links(ways_.network_link(place)), [&](std::uint32_t link) { return !ports_[link].down; });
  stalled_ += (works ? 0 : 1) - (flow.stalled ? 1 : 0);
  if (flow.stalled && works) flow.may_send = std::max(flow.may_send, clock_);
  flow.stalled = !works;
  if (!works || !flow.started) return;
  part_of(receivers_[id].node).post(receivers_[id].node, {event(clock_, Kind::start, id)});
  for (const auto& part : parts_) part->take_in();
}

// Its packets that are under way arrive; nobody hears of it.
void ClosedLoop::cancel(FlowId flow) {
  const std::uint32_t id = flow.value();
  Flow& cancelled = flows_[id];
  forget_steady_state();
  leave_fair_share(id);
  if (cancelled.stalled) --stalled_;
  cancelled.stalled = cancelled.sends_again = false;
  cancelled.acknowledged = cancelled.next = cancelled.packets;  // nothing is sent any more
  cancelled.reported = cancelled.cancelled = true;
  --unfinished_;
  release_if_over(id);
}

}  // namespace sim
