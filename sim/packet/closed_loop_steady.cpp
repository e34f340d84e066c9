#include <algorithm>
#include <cmath>
#include "sim/packet/closed_loop_part.hpp"

// Jumps over times in which nothing changes: every flow goes on at its rate and every queue keeps its length, as in a fluid.
//
// Three looks at the network, a period apart: it is settled if between the first two and the last two each flow delivered as much, no queue
// grew or shrank by more than a few packets, and no flow began or ended. Then it may be put forward by any time: all that is under way
// comes as much later, and each flow is as many packets further as it delivers in that time. What the senders know moves with it.
//
// A slow change hides in what seems to stand still. So the first jump is short; after each, two periods are simulated, and only if rates
// are still those from before the first jump is the next one twice as long.
namespace sim {
namespace {

constexpr double tolerance = 0.005;             // of what a flow delivers, or a link carries, in a period
constexpr std::uint32_t few = 2;                // packets, beside it
constexpr std::uint32_t least_delivered = 200;  // packets of the slowest flow in a period, or its rate is not known well enough
constexpr int round_trips = 8, windows = 64;    // of a period, at least
constexpr std::int64_t longest_period = 64;     // times that

bool differ(double a, double b, double of, double packet) { return std::abs(a - b) > tolerance * of + few * packet; }

}  // namespace

void ClosedLoop::watch_for_steady_state() {
  if (spec_.skip_steady && is_lossless() && !spec_.log) steady_ = std::make_unique<Steady>();
}

Time ClosedLoop::skipped() const { return steady_ ? steady_->jumped : Time{}; }

void ClosedLoop::forget_steady_state() {
  if (!steady_) return;
  steady_->looks.clear();
  steady_->before.clear();
  steady_->settled = false;
  steady_->stretch = Steady::first_jump;
  steady_->period = Time{};
}

bool ClosedLoop::is_under_way(std::uint32_t flow) const {
  return flows_[flow].alive && flows_[flow].links > 0 && receivers_[flow].to_end > 0 && !flows_[flow].cancelled;
}

// At the end of a window.
void ClosedLoop::look_for_steady_state(Time now) {
  Steady& steady = *steady_;
  if (!steady.looks.empty() && now < steady.next) return;
  if (steady.period == Time{}) {
    Time longest;
    for (std::uint32_t flow = 0; flow < flows_.size(); ++flow)
      if (is_under_way(flow)) longest = std::max(longest, path_of(flow).round_trip);
    steady.period = std::max(windows * window_, round_trips * longest);
  }
  Steady::Look look{now, {}, {}};
  for (std::uint32_t flow = 0; flow < flows_.size(); ++flow)
    look.delivered.push_back(is_under_way(flow) ? flows_[flow].packets - receivers_[flow].to_end : 0);
  for (const Port& port : ports_) look.queues.push_back(port.queue_bytes);
  if (steady.looks.size() == 3) steady.looks.erase(steady.looks.begin());
  steady.looks.push_back(std::move(look));
  steady.next = now + steady.period;
  steady.settled = steady.looks.size() == 3 && is_settled();
  if (steady.looks.size() < 3 || steady.settled) return;
  // What swings looks even over longer periods.
  steady.before.clear();
  steady.stretch = Steady::first_jump;
  const std::int64_t shortest = std::max((windows * window_).ps(), std::int64_t{1});
  if (steady.period.ps() / shortest < longest_period) {
    steady.period = 2 * steady.period;
    steady.looks.clear();
  }
}

bool ClosedLoop::is_settled() const {
  const auto& looks = steady_->looks;
  const double packet = static_cast<double>(spec_.payload + spec_.header);
  bool any = false;
  for (std::uint32_t flow = 0; flow < flows_.size(); ++flow) {
    if (!is_under_way(flow)) continue;
    any = true;
    const std::uint32_t first = looks[1].delivered[flow] - looks[0].delivered[flow],
                        second = looks[2].delivered[flow] - looks[1].delivered[flow];
    if (std::min(first, second) < least_delivered || differ(first, second, first, 1)) return false;
    if (!steady_->before.empty() && differ(first + second, steady_->before[flow], first + second, 2)) return false;
  }
  for (std::size_t link = 0; link < ports_.size(); ++link) {
    const double carried = fabric_.links[link].capacity.value() * (looks[2].at - looks[1].at).in_seconds();
    if (differ(static_cast<double>(looks[1].queues[link]), static_cast<double>(looks[2].queues[link]), carried, packet)) return false;
  }
  return any;
}

// How far the network may jump now: no flow comes near its end, and none starts.
Time ClosedLoop::steady_room(Time most) const {
  if (!steady_ || !steady_->settled || !completions_.empty()) return {};
  const auto& looks = steady_->looks;
  const Time seen = looks[2].at - looks[0].at, begin = next_time();
  Time room = std::min(most, steady_->stretch * seen);
  if (timers_.next_time() != never) room = std::min(room, timers_.next_time() - begin);
  for (std::uint32_t flow = 0; flow < flows_.size(); ++flow) {
    if (!is_under_way(flow)) continue;
    const std::uint32_t delivered = looks[2].delivered[flow] - looks[0].delivered[flow], left = flows_[flow].packets - flows_[flow].next;
    if (left <= few * least_delivered) return {};
    const double time = static_cast<double>(seen.ps()) * (left - few * least_delivered) / delivered;
    if (time < static_cast<double>(room.ps())) room = Time::picoseconds(static_cast<std::int64_t>(time));
  }
  return room > 2 * steady_->period ? room : Time{};
}

// Puts all that is under way that much later, and each flow as many packets further as it delivers meanwhile.
void ClosedLoop::jump(Time by) {
  const auto& looks = steady_->looks;
  const Time seen = looks[2].at - looks[0].at;
  std::vector<std::uint32_t> further(flows_.size());
  if (steady_->before.empty()) steady_->before.resize(flows_.size());
  for (std::uint32_t flow = 0; flow < flows_.size(); ++flow) {
    if (!is_under_way(flow)) continue;
    const std::uint32_t delivered = looks[2].delivered[flow] - looks[0].delivered[flow];
    further[flow] = static_cast<std::uint32_t>(by / seen * delivered);
    steady_->before[flow] = delivered;
    move_flow(flow, by, further[flow]);
  }
  const auto later = [by](Time& t) {
    if (t != never) t += by;
  };
  const auto move = [&](Packet& packet) {
    packet.at += by;
    packet.sent += by;
    packet.sequence += further[ways_.flow_at(packet.place)];
    if (packet.record == none) return;
    Telemetry& record = telemetry_[packet.record / Part::block][packet.record % Part::block];
    for (std::uint32_t hop = 0; hop < record.size; ++hop) record.hops[hop].at += by;
  };
  for (std::size_t link = 0; link < ports_.size(); ++link) {
    Port& port = ports_[link];
    port.free += by;
    later(port.armed);
    later(pauses_[link].since);
    port.queue.for_each([&](Waiting& waiting) { move(waiting.packet); });
    wires_[link].on_way.for_each(move);
    returned_[link].for_each([&](Credit& credit) { credit.first += by; });
  }
  for (Node& node : nodes_)
    node.mail.for_each([&](Mail& mail) {
      mail.event.at += by;
      mail.sent += by;
      if (mail.event.kind() != Kind::acknowledgement) return;
      mail.event.detail += further[mail.event.entity()];
      if (mail.record == none) return;
      Telemetry& record = telemetry_[mail.record / Part::block][mail.record % Part::block];
      for (std::uint32_t hop = 0; hop < record.size; ++hop) record.hops[hop].at += by;
    });
  for (Sender& sender : senders_) {
    Heap<Due> due;
    for (; !sender.due.empty(); sender.due.pop()) due.push({sender.due.top().at + by, sender.due.top().flow});
    sender.due = std::move(due);
  }
  for (Time& wake : wake_at_) later(wake);
  if (flowlets_) flowlets_->move(by);
  share_out(parts_in_use_);
  steady_->looks.clear();
  steady_->settled = false;
  steady_->stretch *= 2;
  steady_->jumped += by;
}

void ClosedLoop::move_flow(std::uint32_t id, Time by, std::uint32_t packets) {
  Flow& flow = flows_[id];
  flow.next += packets;
  flow.may_send += by;
  flow.progress += by;
  receivers_[id].to_end -= packets;
  receivers_[id].end += by;
  if (spec_.congestion_control) spec_.congestion_control->skip(id, by, packets);
  const std::int64_t bytes = packets * (spec_.payload + spec_.header);
  for (std::uint32_t place = flow.first; !ways_.is_end(place); ++place) {
    const auto& links = ways_.links(ways_.network_link(place));
    const auto each = bytes / static_cast<std::int64_t>(links.size());
    for (const std::uint32_t link : links) skipped_bytes_[link] += each;
    skipped_bytes_[links.front()] += bytes - each * static_cast<std::int64_t>(links.size());
    skipped_hops_ += packets;
  }
}

}  // namespace sim
