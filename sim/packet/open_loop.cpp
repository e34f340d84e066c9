#include "sim/packet/open_loop.hpp"
#include <algorithm>
#include <stdexcept>
#include <utility>
#include "sim/error.hpp"
#include "sim/parallel.hpp"

namespace sim {
namespace {
constexpr Time worth_sharing = Time::picoseconds(100'000);  // a shorter window holds too little work for several threads

// Consecutive nodes, about as many links in each part.
std::vector<std::uint32_t> share_nodes(const PacketFabric& fabric, std::uint32_t parts) {
  std::vector<std::uint64_t> links_of(fabric.nodes);
  for (const PacketLink& link : fabric.links) ++links_of[link.from];
  std::vector<std::uint32_t> part_of_node;
  std::uint64_t before = 0;
  for (const std::uint64_t links : links_of) {
    part_of_node.push_back(static_cast<std::uint32_t>(before * parts / std::max<std::size_t>(fabric.links.size(), 1)));
    before += links;
  }
  for (std::uint32_t& part : part_of_node) part = std::min(part, parts - 1);
  return part_of_node;
}

}  // namespace

OpenLoop::OpenLoop(PacketFabric fabric, const OpenLoopSpec& spec)
    : fabric_(std::move(fabric)), spec_(spec), ways_(fabric_), window_(never) {
  const auto parts = static_cast<std::uint32_t>(spec.log ? 1 : std::max(spec.threads, 1));
  const std::vector<std::uint32_t> part_of_node = share_nodes(fabric_, parts);
  parts_.resize(parts);
  for (Part& part : parts_) part.parcels.resize(parts);
  links_.resize(fabric_.links.size());
  for (std::size_t i = 0; i < links_.size(); ++i) {
    const PacketLink& link = fabric_.links[i];
    links_[i].packet_time = Bytes{spec.mtu} / link.capacity;
    links_[i].delay = link.delay;
    links_[i].part = part_of_node[link.from];
    window_ = std::min(window_, link.delay);
  }
  if (spec_.choice == PacketChoice::flowlets) flowlets_ = std::make_unique<Flowlets>(links_.size());
  window_ = links_.empty() ? Time{} : window_ + Time::picoseconds(1);  // a transmission takes at least one
}

FlowId OpenLoop::start(const FlowSpec& spec) {
  if (free_flows_.empty()) {
    free_flows_.push_back(static_cast<std::uint32_t>(flows_.size()));
    flows_.emplace_back();
    endings_.emplace_back();
  }
  const std::uint32_t id = free_flows_.back();
  free_flows_.pop_back();
  Flow& flow = flows_[id] = {};
  if (spec.bytes.count() == 0 || spec.shares.empty()) {
    completions_.push({now_ + spec.latency, id});
    return FlowId{id};
  }
  flow.first = ways_.add(spec.shares, id);
  while (!ways_.is_end(flow.first + flow.links)) ++flow.links;
  flow.to_emit = (spec.bytes.count() + spec_.mtu - 1) / spec_.mtu;
  flow.last_bytes = spec.bytes.count() - (flow.to_emit - 1) * spec_.mtu;
  endings_[id] = {flow.to_emit, {}};
  flow.start = now_ + std::max(Time{}, spec.latency - ways_.latency(flow.first));
  if (spec_.log) {
    const auto end_of = [&](std::uint32_t place) { return fabric_.links[ways_.links(ways_.network_link(place)).front()]; };
    flow.stream = spec_.log->stream(spec.label, end_of(flow.first).from, end_of(flow.first + flow.links - 1).to);
  }
  if (flow.start > now_)
    starts_.push({flow.start, id});
  else
    hand_to_sender(id);
  return FlowId{id};
}

void OpenLoop::cancel(FlowId) { throw std::logic_error("OpenLoop: packets that are on their way cannot be cancelled."); }

void OpenLoop::set_capacity(LinkId, BytesPerSecond) {
  throw InputError("network: links that change during the run are not supported yet with packets. Take network fluid.");
}

void OpenLoop::hand_to_sender(std::uint32_t flow) {
  const auto& choices = ways_.links(ways_.network_link(flows_[flow].first));
  Link& link = links_[choices.front()];  // of several first links the first has the sender
  if (link.sender == none) {
    link.sender = static_cast<std::uint32_t>(senders_.size());
    senders_.emplace_back();
  }
  Sender& sender = senders_[link.sender];
  if (sender.tail == none && sender.started.empty()) parts_[link.part].sending.push_back(choices.front());
  sender.started.push_back(flow);
  next_ = std::min(next_, next_emission(link));
}

Time OpenLoop::next_emission(const Link& link) const {
  const Sender& sender = senders_[link.sender];
  if (sender.tail != none) return link.free;
  if (sender.next_started == sender.started.size()) return never;
  return std::max(link.free, flows_[sender.started[sender.next_started]].start);
}

// Whose packet is next at `at`, when next_emission() is that; takes the flow out if it is the last one.
std::uint32_t OpenLoop::choose_flow(Sender& sender, Time at) {
  for (; sender.next_started < sender.started.size(); ++sender.next_started) {
    const std::uint32_t added = sender.started[sender.next_started];
    if (flows_[added].start > at) break;
    if (sender.tail == none) {
      flows_[added].next = added;
    } else {
      flows_[added].next = flows_[sender.tail].next;
      flows_[sender.tail].next = added;
    }
    sender.tail = added;
  }
  if (sender.next_started == sender.started.size()) sender.started.clear(), sender.next_started = 0;

  const std::uint32_t head = flows_[sender.tail].next;
  if (--flows_[head].to_emit > 0)
    sender.tail = head;
  else if (head == sender.tail)
    sender.tail = none;
  else
    flows_[sender.tail].next = flows_[head].next;
  return head;
}

// From next_ to `end`, at most a window later.
void OpenLoop::run_window(Time end) {
  for (; !starts_.empty() && starts_.top().at < end; starts_.pop()) hand_to_sender(starts_.top().flow);
  const auto each_part = [&](auto&& work) {
    if (parts_.size() == 1 || window_ < worth_sharing) {
      for (std::size_t i = 0; i < parts_.size(); ++i) work(i);
      return;
    }
    if (!workers_) workers_ = std::make_unique<Workers>(spec_.threads);
    workers_->for_each(parts_.size(), work);
  };
  each_part([&](std::size_t i) { collect(parts_[i], i, end); });
  each_part([&](std::size_t i) { deliver(parts_[i], i, end); });
  next_ = starts_.empty() ? never : starts_.top().at;
  for (Part& part : parts_) {
    next_ = std::min(next_, part.next);
    for (const Completion& entered : part.entered_trunk) {
      Ending& ending = endings_[entered.flow];
      ending.at = std::max(ending.at, entered.at);
      if (--ending.packets == 0) completions_.push({ending.at, entered.flow});
    }
    for (const Completion& completed : part.completed) completions_.push(completed);
    part.entered_trunk.clear();
    part.completed.clear();
  }
}

// Takes from the part's links what reaches the next queue before `end`.
void OpenLoop::collect(Part& part, std::size_t number, Time end) {
  part.next = never;
  std::size_t kept = 0;
  for (const std::uint32_t from : part.busy) {
    Link& link = links_[from];
    for (; !link.wire.empty() && link.wire.front().at < end; link.wire.pop_front()) {
      const Packet& packet = link.wire.front();
      const Packet arriving{packet.at, from, packet.place};
      if (packet.link & is_trunk) {
        const std::uint32_t node = fabric_.links[from].to;
        const std::uint32_t owner = links_[ways_.members(packet.link & ~is_trunk, node).front()].part;
        part.parcels[owner].push_back({arriving, packet.link});
      } else if (const std::uint32_t owner = links_[packet.link].part; owner == number) {
        put_in_inbox(part, packet.link, arriving);
      } else {
        part.parcels[owner].push_back({arriving, packet.link});
      }
    }
    link.busy = !link.wire.empty();
    if (!link.busy) continue;
    part.next = std::min(part.next, link.wire.front().at);
    part.busy[kept++] = from;
  }
  part.busy.resize(kept);
}

void OpenLoop::deliver(Part& part, std::size_t number, Time end) {
  for (Part& other : parts_) {
    for (const Parcel& parcel : other.parcels[number])
      if (parcel.link & is_trunk)
        part.undecided.push_back(parcel);
      else
        put_in_inbox(part, parcel.link, parcel.packet);
    other.parcels[number].clear();
  }
  std::sort(part.undecided.begin(), part.undecided.end(), [](const Parcel& a, const Parcel& b) { return a.packet < b.packet; });
  for (const Parcel& parcel : part.undecided) put_in_inbox(part, member_to_take(parcel.link & ~is_trunk, parcel.packet), parcel.packet);
  part.undecided.clear();

  for (const std::uint32_t link : part.sending) touch(part, link);
  for (const std::uint32_t link : part.touched) run_link(part, link, end);
  part.touched.clear();
  std::erase_if(part.sending, [&](std::uint32_t link) {
    const Time next = next_emission(links_[link]);
    part.next = std::min(part.next, next);
    return next == never;
  });
}

void OpenLoop::put_in_inbox(Part& part, std::uint32_t link, const Packet& packet) {
  links_[link].inbox.push_back(packet);
  touch(part, link);
}

void OpenLoop::touch(Part& part, std::uint32_t link) {
  if (std::exchange(links_[link].touched, true)) return;
  part.touched.push_back(link);
}

// All packets that the link is given within the window, in the order of time.
void OpenLoop::run_link(Part& part, std::uint32_t number, Time end) {
  Link& link = links_[number];
  auto& inbox = link.inbox;  // sorted runs, one for each link that packets come from
  if (!std::is_sorted(inbox.begin(), inbox.end())) std::sort(inbox.begin(), inbox.end());
  auto next = inbox.begin();
  while (true) {
    const Time emission = link.sender == none ? never : next_emission(link);
    for (; next != inbox.end() && next->at <= emission; ++next) {
      send(part, number, next->place, next->at);
      link.longest_wait = std::max(link.longest_wait, link.free - next->at);
    }
    if (emission >= end) break;
    const Time at = std::max(emission, link.free);
    if (at >= end) continue;  // others came first
    const std::uint32_t flow = choose_flow(senders_[link.sender], at);
    send(part, number, flows_[flow].first | (flows_[flow].to_emit == 0 ? is_last : 0), at);
  }
  inbox.clear();
  link.touched = false;
}

// Gives a packet that is in front of the link at `at` to it.
void OpenLoop::send(Part& part, std::uint32_t number, std::uint32_t marked_place, Time at) {
  Link& link = links_[number];
  const std::uint32_t place = marked_place & place_bits;
  Time time = link.packet_time;
  std::int64_t size = spec_.mtu;
  if (marked_place & is_last) [[unlikely]] {
    size = flows_[ways_.flow_at(place)].last_bytes;
    time = Bytes{size} / fabric_.links[number].capacity;
    link.short_bytes += spec_.mtu - size;
  }
  link.free = std::max(at, link.free) + time;
  ++link.packets;
  if (spec_.log) log(number, place, at, size);
  const Time arrival = link.free + link.delay;
  if (ways_.is_end(place + 1)) return enter_last_link(part, ways_.network_link(place), ways_.flow_at(place + 1), arrival);
  const std::uint32_t next = ways_.network_link(place + 1), only = ways_.only_member(next);
  link.wire.push_back({arrival, only == none ? next | is_trunk : only, marked_place + 1});
  if (link.busy) return;
  link.busy = true;
  part.busy.push_back(number);
  part.next = std::min(part.next, arrival);
}

// Queues grow without bounds, so when a packet leaves one may be far from now.
void OpenLoop::log(std::uint32_t number, std::uint32_t place, Time at, std::int64_t size) {
  const Link& link = links_[number];
  const BytesPerSecond capacity = fabric_.links[number].capacity;
  const Time departure = link.free - Bytes{size} / capacity;
  const bool is_first = place == flows_[ways_.flow_at(place)].first;
  spec_.log->make_room(link.free);
  if (!is_first) spec_.log->wait(number, at, departure, size, static_cast<std::int64_t>((link.free - at).in_seconds() * capacity.value()));
  spec_.log->carry(number, departure, size);
  if (!ways_.is_end(place + 1)) return;
  spec_.log->arrive(0, flows_[ways_.flow_at(place)].stream, link.free + link.delay, size);
}

void OpenLoop::enter_last_link(Part& part, std::uint32_t network_link, std::uint32_t flow, Time end) {
  if (ways_.only_member(network_link) == none) return part.entered_trunk.push_back({end, flow});
  Ending& ending = endings_[flow];
  ending.at = std::max(ending.at, end);
  if (--ending.packets == 0) part.completed.push_back({ending.at, flow});
}

std::uint32_t OpenLoop::member_to_take(std::uint32_t network_link, const Packet& packet) {
  const auto choices = ways_.members(network_link, fabric_.links[packet.link].to);
  if (!flowlets_) return member_for_packet(choices, packet);
  const auto fits = [&](std::uint32_t link) { return std::ranges::find(choices, link) != choices.end(); };
  return flowlets_->take(choices.front(), ways_.flow_at(packet.place & place_bits), packet.at, spec_.flowlet_gap, fits,
                         [&] { return member_for_packet(choices, packet); });
}

std::uint32_t OpenLoop::member_for_packet(std::span<const std::uint32_t> choices, const Packet& packet) {
  std::uint32_t& turn = links_[choices.front()].turn;
  turn = (turn + 1) % static_cast<std::uint32_t>(choices.size());
  std::uint32_t best = choices[turn];
  if (spec_.choice == PacketChoice::in_turn) return best;
  const auto end_of = [&](std::uint32_t link) {  // of its queue, with what was chosen for it within this window
    return std::max(links_[link].free, packet.at) + links_[link].packet_time * static_cast<std::int64_t>(links_[link].inbox.size());
  };
  for (std::size_t i = 1; i < choices.size(); ++i)  // equal ones in turn
    if (const std::uint32_t other = choices[(turn + i) % choices.size()]; end_of(other) < end_of(best)) best = other;
  return best;
}

// What happens at next_ takes a transmission and a delay before it can be an end.
Time OpenLoop::next_event() {
  const Time known = completions_.empty() ? never : completions_.top().at;
  const Time next = starts_.empty() ? next_ : std::min(next_, starts_.top().at);
  return next == never ? known : std::min(known, next + window_);
}

std::span<const FlowId> OpenLoop::advance_to(Time t) {
  finished_.clear();
  while (true) {
    if (!starts_.empty()) next_ = std::min(next_, starts_.top().at);
    if (next_ >= t) break;
    run_window(std::min(t, next_ + window_));
  }
  now_ = t;
  for (; !completions_.empty() && completions_.top().at <= t; completions_.pop()) {
    const std::uint32_t id = completions_.top().flow;
    if (flows_[id].links > 0) ways_.remove(flows_[id].first, flows_[id].links);
    free_flows_.push_back(id);
    finished_.push_back(FlowId{id});
  }
  std::sort(finished_.begin(), finished_.end());
  return finished_;
}

std::vector<LinkUse> OpenLoop::link_use() const {
  std::vector<LinkUse> use(fabric_.members.size());
  for (std::size_t i = 0; i < use.size(); ++i)
    for (const std::uint32_t member : fabric_.members[i])
      use[i].bytes += static_cast<double>(links_[member].packets * spec_.mtu - links_[member].short_bytes);
  return use;
}

const PacketCounts* OpenLoop::packet_counts() {
  counts_ = {};
  for (std::size_t i = 0; i < links_.size(); ++i) {
    counts_.packet_hops += static_cast<std::uint64_t>(links_[i].packets);
    const double bytes = links_[i].longest_wait.in_seconds() * fabric_.links[i].capacity.value();
    counts_.max_queue_bytes = std::max(counts_.max_queue_bytes, static_cast<std::int64_t>(bytes));
  }
  return &counts_;
}

}  // namespace sim
