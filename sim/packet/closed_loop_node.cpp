#include <algorithm>
#include <utility>
#include "sim/packet/closed_loop_part.hpp"
#include "sim/random.hpp"

// What a node does with packets: its queues, its buffer, marks and pauses.
namespace sim {

void ClosedLoop::Part::on_arrival(std::uint32_t link) {
  Wire& in = wires_[link];
  Packet packet = in.on_way.front();
  in.on_way.pop_front();
  ++packet.place;
  const Time now = now_;
  const std::uint32_t out = link_to_take(packet.place, in.to);
  send_until(out, now);
  now_ = now;
  Port& port = ports_[out];
  if (port.down) [[unlikely]]
    return drop_arrived(link, out, packet);
  const bool waits = port.queue_bytes > 0 || port.free > now_ || port.paused || sends_in_order(nodes_[in.to]);
  if (!waits && is_calm(in, out, packet.size)) {
    counts_.max_queue_bytes = std::max<std::int64_t>(counts_.max_queue_bytes, packet.size);
    transmit(out, packet);
    if (port.sender != none) arm(out, port.free);
    return;
  }
  if (!admit(link, out, packet.size)) {
    return drop(out, packet);
  }
  port.queue.push_back({packet, link});
  port.queue_bytes += packet.size;
  counts_.max_queue_bytes = std::max(counts_.max_queue_bytes, port.queue_bytes);
  if (log_) log_->queue(out, now_, port.queue_bytes);
  serve(out);
}

// Sends what the link may send now; comes again when it is free.
void ClosedLoop::Part::serve(std::uint32_t link) {
  Port& port = ports_[link];
  if (port.paused || port.down) return;
  if (port.free > now_) return arm(link, port.free);
  if (port.queue_bytes > 0) {
    Waiting& head = port.queue.front();
    if (may_transmit(link, head.packet.size)) {
      port.queue_bytes -= head.packet.size;
      if (log_) log_->queue(link, now_, port.queue_bytes);
      release_buffer(head.from, head.packet.size);
      transmit(link, head.packet);
      port.queue.pop_front();
    }
  } else if (port.sender != none) {
    if (!emit(link)) return;
  }
  if (port.free > now_ && (port.queue_bytes > 0 || port.sender != none)) arm(link, port.free);
}

// With credits: whether the far end has room. If not, the port is woken when more comes back.
bool ClosedLoop::Part::may_transmit(std::uint32_t link, std::int64_t size) {
  if (spec_.backpressure != Backpressure::credits) return true;
  Port& port = ports_[link];
  auto& returned = returned_[link];
  for (; !returned.empty() && returned.front().first <= now_; returned.pop_front()) port.credit += returned.front().second;
  const bool waited = std::exchange(port.waiting, port.credit < size);
  note_pause(link, port.waiting);
  if (!port.waiting) return true;
  if (!waited) ++counts_.pauses;
  if (!returned.empty()) arm(link, returned.front().first);
  return false;
}

void ClosedLoop::Part::transmit(std::uint32_t link, Packet& packet) {
  Port& port = ports_[link];
  port.free = now_ + (packet.size == spec_.payload + spec_.header ? port.packet_time : Bytes{packet.size} / fabric_.links[link].capacity);
  ++port.packets;
  port.bytes += packet.size;
  ++counts_.packet_hops;
  if (log_) log_->carry(link, now_, packet.size);
  if (spec_.backpressure == Backpressure::credits) port.credit -= packet.size;
  if (spec_.congestion_control) mark(link, packet);
  packet.at = port.free + port.delay;
  if (ways_.is_end(packet.place + 1)) return deliver(link, packet);
  if (port.crosses)
    outboxes_[loop_.part_by_node_[fabric_.links[link].to]].packets.push_back({link, packet});
  else
    put_on(link, packet);
}

// What the receiver does when the packet comes to it: nothing stands between it and the last link. In order it counts; out of order
// only where nothing is lost, as there every packet comes once.
void ClosedLoop::Part::deliver(std::uint32_t link, Packet& packet) {
  const std::uint32_t flow = ways_.flow_at(packet.place + 1);
  Receiver& receiver = receivers_[flow];
  if (spec_.backpressure == Backpressure::credits) returned_[link].push_back({packet.at + ports_[link].delay, std::int64_t{packet.size}});
  std::uint32_t answer = packet.sequence;
  if (is_lossless()) {
    receiver.end = std::max(receiver.end, packet.at);
    if (log_) log_->arrive(number_, loop_.streams_[flow], packet.at, packet.size - spec_.header);
    if (--receiver.to_end == 0) ended_.push_back({receiver.end, flow});
  } else if (packet.sequence == receiver.expected) {
    receiver.refused = false;
    ++receiver.expected;
    if (log_) log_->arrive(number_, loop_.streams_[flow], packet.at, packet.size - spec_.header);
    if (--receiver.to_end == 0) ended_.push_back({packet.at, flow});
  } else if (packet.sequence > receiver.expected) {
    if (std::exchange(receiver.refused, true)) {
      lost_.push_back({flow, packet.record, packet.sequence});
      return;
    }
    packet.refused = true;
    answer = receiver.expected;
  }
  Mail mail{event(packet.at + receiver.return_time, Kind::acknowledgement, flow, answer), packet.sent};
  mail.size = packet.size;
  mail.marked = packet.marked;
  mail.refused = packet.refused;
  mail.record = packet.record;
  post(receiver.node, mail);
}

void ClosedLoop::Part::mark(std::uint32_t link, Packet& packet) {
  const Port& port = ports_[link];
  if (packet.record != none) {
    Telemetry& record = telemetry(packet.record);
    if (record.size < record.hops.size())
      record.hops[record.size++] = {now_, port.bytes, port.queue_bytes, fabric_.links[link].capacity, link};
  }
  if (port.queue_bytes == 0 || port.queue_bytes <= port.ecn_min || packet.marked) return;
  const double share =
      spec_.ecn_share * static_cast<double>(port.queue_bytes - port.ecn_min) / static_cast<double>(port.ecn_max - port.ecn_min);
  const bool marked =
      port.queue_bytes >= port.ecn_max || Random(spec_.seed, 0x6d61726b).uniform(link, static_cast<std::uint64_t>(port.packets)) < share;
  packet.marked = marked;
  counts_.marks += marked;
  if (marked && log_) log_->mark(link, now_);
}

// The link stands still with packets before it, or goes on.
void ClosedLoop::Part::note_pause(std::uint32_t link, bool held) {
  Pause& pause = loop_.pauses_[link];
  if (held == (pause.since != never)) return;
  if (!held) pause.total += now_ - pause.since;
  pause.since = held ? now_ : never;
  if (log_) log_->pause(link, now_, held);
}

// Room for a packet in the node between two links; pauses the first one if it fills it too much.
bool ClosedLoop::Part::admit(std::uint32_t in_link, std::uint32_t out_link, std::int64_t size) {
  Wire& in = wires_[in_link];
  Node& node = nodes_[in.to];
  if (is_calm(in, out_link, size)) {
    node.used += size;
    in.buffered += size;
    return true;
  }
  const auto is_usual = [&] { return has_room(in, out_link, size) && !fills_too_much(in, size); };
  if (!sends_in_order(node) && !is_usual()) {  // as far as we know: some queues have not sent yet
    const Time now = now_;
    send_in_order(in.to, now);
    now_ = now;
  }
  if (!has_room(in, out_link, size)) return false;
  const bool too_much = fills_too_much(in, size);
  node.used += size;
  in.buffered += size;
  if (!too_much) return true;
  ++counts_.pauses;
  tell_sender(in_link, true);
  return true;
}

// Without the arithmetic: nothing is near a threshold.
bool ClosedLoop::Part::is_calm(const Wire& in, std::uint32_t out_link, std::int64_t size) const {
  const Node& node = nodes_[in.to];
  const std::int64_t held = is_lossless() ? in.buffered : ports_[out_link].queue_bytes;
  return node.used + size <= node.shared / 2 && held + size <= node.calm;
}

bool ClosedLoop::Part::has_room(const Wire& in, std::uint32_t out_link, std::int64_t size) const {
  const std::int64_t free = spec_.buffer - nodes_[in.to].used;
  if (size > free) return false;
  return is_lossless() || static_cast<double>(ports_[out_link].queue_bytes + size) <= spec_.buffer_share * static_cast<double>(free);
}

bool ClosedLoop::Part::fills_too_much(const Wire& in, std::int64_t size) const {
  if (spec_.backpressure != Backpressure::pause_frames || in.pausing) return false;
  return in.buffered + size > pause_threshold(nodes_[in.to], size);
}

std::int64_t ClosedLoop::Part::pause_threshold(const Node& node, std::int64_t more) const {
  const auto free = static_cast<double>(std::max<std::int64_t>(0, node.shared - node.used - more));
  const auto share = static_cast<std::int64_t>(free * spec_.buffer_share);
  return spec_.xoff > 0 ? std::min(spec_.xoff, std::max<std::int64_t>(0, node.shared - node.used - more)) : share;
}

// Where both come at one instant, the later one holds.
void ClosedLoop::Part::tell_sender(std::uint32_t in_link, bool pause) {
  Wire& in = wires_[in_link];
  in.pausing = pause;
  nodes_[in.to].pausing += pause ? 1 : -1;
  const std::uint32_t frame = in.frames++ << 1 | static_cast<std::uint32_t>(pause);
  post(in.from, {event(now_ + std::max(fabric_.links[in_link].delay, window_), Kind::pause, in_link, frame)});
}

void ClosedLoop::Part::release_buffer(std::uint32_t in_link, std::int64_t size) {
  Wire& in = wires_[in_link];
  Node& node = nodes_[in.to];
  node.used -= size;
  in.buffered -= size;
  if (spec_.backpressure == Backpressure::credits) {
    const Time at = now_ + std::max(fabric_.links[in_link].delay, window_);
    outboxes_[loop_.part_by_node_[in.from]].credits.push_back({in_link, {at, size}});
  }
  if (!in.pausing) return;
  const std::int64_t threshold = pause_threshold(node);
  const std::int64_t xon = spec_.xon > 0 ? std::min(spec_.xon, threshold) : threshold - 2 * (spec_.payload + spec_.header);
  if (in.buffered > std::max<std::int64_t>(xon, 0)) return;
  tell_sender(in_link, false);
}

std::uint32_t ClosedLoop::Part::link_to_take(std::uint32_t place, std::uint32_t node) {
  const std::uint32_t network_link = ways_.network_link(place);
  if (const std::uint32_t only = ways_.only_member(network_link); only != none) [[likely]]
    return only;
  const auto choices = ways_.members(network_link, node);
  if (!loop_.flowlets_) return link_for_packet(choices);
  const auto fits = [&](std::uint32_t link) { return !ports_[link].down && std::ranges::find(choices, link) != choices.end(); };
  return loop_.flowlets_->take(choices.front(), ways_.flow_at(place), now_, spec_.flowlet_gap, fits,
                               [&] { return link_for_packet(choices); });
}

// The next in turn, or that with the shortest queue; no dead one where another lives.
std::uint32_t ClosedLoop::Part::link_for_packet(std::span<const std::uint32_t> choices) {
  std::uint32_t& turn = ports_[choices.front()].turn;
  const auto go_on = [&] { turn = (turn + 1) % static_cast<std::uint32_t>(choices.size()); };
  go_on();
  for (std::size_t dead = 0; ports_[choices[turn]].down && dead < choices.size(); ++dead) go_on();
  std::uint32_t best = choices[turn];
  if (spec_.choice == PacketChoice::in_turn) return best;
  for (const Time now = now_; const std::uint32_t link : choices) {
    send_until(link, now);
    now_ = now;
  }
  const auto load = [&](std::uint32_t link) {
    const Port& port = ports_[link];
    const double waiting = static_cast<double>(port.queue_bytes) / fabric_.links[link].capacity.value();
    return waiting + (port.free > now_ ? (port.free - now_).in_seconds() : 0) + (port.paused ? 1 : 0);
  };
  for (std::size_t i = 1; i < choices.size(); ++i)  // equal ones in turn
    if (const std::uint32_t other = choices[(turn + i) % choices.size()]; !ports_[other].down && load(other) < load(best)) best = other;
  return best;
}

}  // namespace sim
