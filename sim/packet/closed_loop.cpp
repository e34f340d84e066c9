#include <bit>
#include <string>
#include <utility>
#include "sim/error.hpp"
#include "sim/packet/closed_loop_part.hpp"
#include "sim/parallel.hpp"

namespace sim {
namespace {
constexpr std::size_t worth_sharing = 64;  // nodes; fewer are done before another thread has begun
}  // namespace

ClosedLoop::ClosedLoop(PacketFabric fabric, const ClosedLoopSpec& spec)
    : fabric_(std::move(fabric)),
      spec_(spec),
      ways_(fabric_),
      ports_(fabric_.links.size()),
      wires_(fabric_.links.size()),
      returned_(fabric_.links.size()),
      pauses_(fabric_.links.size()),
      nodes_(fabric_.nodes),
      wake_at_(fabric_.nodes, never),
      links_of_(fabric_.nodes + 1),
      window_(never) {
  sort_links();
  for (const PacketLink& link : fabric_.links) window_ = std::min(window_, std::max(link.delay, Time::picoseconds(1)));
  make_parts();
  skipped_bytes_.resize(fabric_.links.size());
  watch_for_steady_state();
  if (spec_.choice == PacketChoice::flowlets) flowlets_ = std::make_unique<Flowlets>(fabric_.links.size());
  if (spec_.congestion_control && spec_.congestion_control->wants_telemetry()) telemetry_.resize(Part::most_blocks);
  const std::int64_t packet = spec_.payload + spec_.header;
  for (Node& node : nodes_) node.shared = spec_.buffer;
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    const PacketLink& link = fabric_.links[i];
    Port& port = ports_[i];
    const auto bytes_in = [&](Time t) { return static_cast<std::int64_t>(t.in_seconds() * link.capacity.value()); };
    whole_.push_back(link.capacity);
    set_times(static_cast<std::uint32_t>(i));
    port.delay = link.delay;
    wires_[i].from = link.from;
    wires_[i].to = link.to;
    // What still comes after the buffer asked for a pause: both ways of the cable, a packet that was begun, and the one that was too much.
    const std::int64_t headroom = bytes_in(2 * link.delay) + 3 * packet;
    port.credit = spec_.buffer / static_cast<std::int64_t>(links_into(link.to).size());
    if (spec_.backpressure == Backpressure::pause_frames) nodes_[link.to].shared -= headroom;
    const bool fits = spec_.backpressure == Backpressure::credits ? port.credit >= 2 * packet : nodes_[link.to].shared > 0;
    if (!fits)
      throw InputError("cluster.fabric.packet: buffer of " + std::to_string(spec_.buffer) + " B is too small for " +
                       std::to_string(links_into(link.to).size()) + " lossless links of this length. Give more, or lossless: false.");
  }
  for (Node& node : nodes_)
    node.calm =
        spec_.backpressure == Backpressure::credits ? spec_.buffer : parts_.front()->pause_threshold(node, node.shared - node.shared / 2);
  if (spec_.congestion_control) return;
  std::vector<LinkSpec> capacities;
  for (const auto& members : fabric_.members) {
    BytesPerSecond sum;
    for (const std::uint32_t member : members) sum = sum + fabric_.links[member].capacity;
    capacities.push_back({sum});
  }
  fair_ = std::make_unique<MaxMin>(capacities);
}

// What follows from the capacity of a link.
void ClosedLoop::set_times(std::uint32_t link) {
  const BytesPerSecond capacity = fabric_.links[link].capacity;
  const auto bytes_in = [&](Time t) { return static_cast<std::int64_t>(t.in_seconds() * capacity.value()); };
  ports_[link].packet_time = Bytes{spec_.payload + spec_.header} / capacity;
  ports_[link].ecn_min = spec_.ecn_min > 0 ? spec_.ecn_min : bytes_in(spec_.ecn_min_time);
  ports_[link].ecn_max = spec_.ecn_max > 0 ? spec_.ecn_max : bytes_in(spec_.ecn_max_time);
}

// Links by node, each time in the order of their numbers.
void ClosedLoop::sort_links() {
  for (const PacketLink& link : fabric_.links) {
    ++links_of_[link.to + 1].in;
    ++links_of_[link.from + 1].out;
  }
  for (std::size_t i = 1; i < links_of_.size(); ++i) {
    links_of_[i].in += links_of_[i - 1].in;
    links_of_[i].out += links_of_[i - 1].out;
  }
  in_links_.resize(fabric_.links.size());
  out_links_.resize(fabric_.links.size());
  std::vector<std::uint32_t> in(fabric_.nodes, 0), out(fabric_.nodes, 0);
  for (std::uint32_t i = 0; i < fabric_.links.size(); ++i) {
    const PacketLink& link = fabric_.links[i];
    in_links_[links_of_[link.to].in + in[link.to]++] = i;
    out_links_[links_of_[link.from].out + out[link.from]++] = i;
  }
}

std::span<const std::uint32_t> ClosedLoop::links_into(std::uint32_t node) const {
  return std::span(in_links_).subspan(links_of_[node].in, links_of_[node + 1].in - links_of_[node].in);
}
std::span<const std::uint32_t> ClosedLoop::links_from(std::uint32_t node) const {
  return std::span(out_links_).subspan(links_of_[node].out, links_of_[node + 1].out - links_of_[node].out);
}

// All windows that end by then: flows that start later cannot touch them.
void ClosedLoop::run_until(Time t) {
  for (;;) {
    const Time begin = next_time();
    if (begin > t - window_) break;
    if (const Time room = steady_room(t - window_ - begin); room > Time{}) {
      jump(room);
      continue;
    }
    const Time end = begin + window_;
    while (timers_.next_time() < end) prepare(timers_.pop());
    if (fair_ && fair_->changed()) fair_->solve();
    if (spec_.log) spec_.log->make_room(end);
    each_part([&](Part& part) { part.run_window(end); });
    each_part([&](Part& part) { part.take_in(); });
    end_window(end);
    if (steady_) look_for_steady_state(end);
    if (parts_in_use_ > 1 && std::has_single_bit(++windows_)) share_out(parts_in_use_);
  }
}

template <class Work>
void ClosedLoop::each_part(Work&& work) {
  if (parts_in_use_ > 1 && awake_ >= worth_sharing) return workers_->for_each(parts_.size(), [&](std::size_t i) { work(*parts_[i]); });
  for (const auto& part : parts_) work(*part);
}

// What concerns more than the nodes of a part, in an order that does not depend on parts.
void ClosedLoop::end_window(Time end) {
  awake_ = 0;
  ended_.clear();
  over_.clear();
  sent_.clear();
  for (const auto& part : parts_) {
    awake_ += part->awake_.size();
    for (const Event& timer : part->timers_) timers_.push(timer);
    ended_.insert(ended_.end(), part->ended_.begin(), part->ended_.end());
    over_.insert(over_.end(), part->over_.begin(), part->over_.end());
    sent_.insert(sent_.end(), part->sent_.begin(), part->sent_.end());
    for (const Lost& lost : part->lost_) lose(lost, end);
    part->timers_.clear();
    part->ended_.clear();
    part->over_.clear();
    part->sent_.clear();
    part->lost_.clear();
  }
  std::sort(sent_.begin(), sent_.end());
  for (const std::uint32_t flow : sent_)
    if (!missing_.contains(flow)) leave_fair_share(flow);  // what is on its way needs no rate
  std::sort(ended_.begin(), ended_.end());
  for (const Due& ended : ended_) finish(ended.flow, ended.at);
  std::sort(over_.begin(), over_.end());
  for (const std::uint32_t flow : over_) release_if_over(flow);
}

Time ClosedLoop::next_time() const {
  Time next = timers_.next_time();
  for (const auto& part : parts_) next = std::min(next, part->next_);
  return next;
}

Time ClosedLoop::next_event() {
  const Time known = completions_.empty() ? never : completions_.top().at;
  if (next_time() == never) {
    if (known == never && unfinished_ > stalled_) explain_deadlock();
    return known;
  }
  return std::min(known, next_time() + window_ + steady_room(never));
}

std::span<const FlowId> ClosedLoop::advance_to(Time t) {
  finished_.clear();
  run_until(t);
  clock_ = t;
  for (; !completions_.empty() && completions_.top().at <= t; completions_.pop()) {
    const std::uint32_t flow = completions_.top().flow;
    if (flows_[flow].cancelled) continue;
    flows_[flow].reported = true;
    --unfinished_;
    finished_.push_back(FlowId{flow});
  }
  for (const FlowId flow : finished_) release_if_over(flow.value());
  std::sort(finished_.begin(), finished_.end());
  return finished_;
}

std::vector<LinkUse> ClosedLoop::link_use() const {
  std::vector<LinkUse> use(fabric_.members.size());
  for (std::size_t i = 0; i < use.size(); ++i)
    for (const std::uint32_t member : fabric_.members[i])
      use[i].bytes += static_cast<double>(ports_[member].bytes + skipped_bytes_[member]);
  return use;
}

const PacketCounts* ClosedLoop::packet_counts() {
  counts_ = {};
  counts_.packet_hops = counts_.skipped_hops = skipped_hops_;
  for (const auto& part : parts_) {
    counts_.packet_hops += part->counts_.packet_hops;
    counts_.drops += part->counts_.drops;
    counts_.pauses += part->counts_.pauses;
    counts_.marks += part->counts_.marks;
    counts_.max_queue_bytes = std::max(counts_.max_queue_bytes, part->counts_.max_queue_bytes);
  }
  for (const Pause& pause : pauses_) {
    counts_.paused += pause.total + (pause.since == never ? Time{} : std::max(Time{}, clock_ - pause.since));
    counts_.paused_links += pause.since != never || pause.total > Time{};
  }
  return &counts_;
}

void ClosedLoop::forget_longest_queue() {
  for (const auto& part : parts_) part->counts_.max_queue_bytes = 0;
}

// Follows from a link that must not send to the one that its packets wait for, until one comes twice.
void ClosedLoop::explain_deadlock() const {
  const auto held = [&](std::uint32_t link) { return ports_[link].paused || ports_[link].waiting; };
  std::vector<std::uint32_t> chain;
  for (std::uint32_t link = 0; link < ports_.size() && chain.empty(); ++link)
    if (held(link) && ports_[link].queue_bytes > 0) chain.push_back(link);
  std::string text = "stopped at " + std::to_string(clock_.in_seconds()) + " s: deadlock, packets wait for each other's buffers: ";
  while (!chain.empty()) {
    const std::uint32_t last = chain.back();
    std::uint32_t next = none;
    for (std::uint32_t link = 0; link < ports_.size() && next == none; ++link)
      if (fabric_.links[link].from == fabric_.links[last].to && held(link) && ports_[link].queue_bytes > 0) next = link;
    const auto seen = std::find(chain.begin(), chain.end(), next);
    if (next == none || seen != chain.end()) {
      for (auto at = next == none ? chain.begin() : seen; at != chain.end(); ++at) text += "link " + std::to_string(*at) + " waits for ";
      if (next != none) text += "link " + std::to_string(next);
      break;
    }
    chain.push_back(next);
  }
  throw SimulationError(text + ". Take routes without circles, or lossless: false.");
}

}  // namespace sim
