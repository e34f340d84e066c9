#include "sim/coupled_network.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace sim {

CoupledNetwork::CoupledNetwork(std::unique_ptr<Network> network, std::span<const LinkSpec> links, Coupling coupling)
    : network_(std::move(network)), coupling_(coupling), share_on_link_(links.size()) {
  for (const LinkSpec& link : links) capacity_.push_back(link.capacity);
}

FlowId CoupledNetwork::start(const FlowSpec& flow) {
  const FlowId id = new_id();
  object_of_id_[id.value()] = start_owned(flow, {id.value(), plain}).value();
  return id;
}

FlowId CoupledNetwork::start(const CollectiveSpec& spec) {
  const std::uint32_t number = new_collective(spec);
  if (coupling_ == Coupling::off) {
    begin_messages(number);
    for (std::uint32_t edge = 0; edge < spec.edges.size(); ++edge) go_on(number, edge);
  } else {
    start_train(number);
    fresh_.push_back(number);
  }
  return collectives_[number].id;
}

void CoupledNetwork::set_capacity(LinkId link, BytesPerSecond capacity) {
  if (coupling_ == Coupling::automatic) {
    find_trains(link);
    for (const std::uint32_t number : trains_) expand(number);
  }
  capacity_[link.value()] = capacity;
  network_->set_capacity(link, capacity);
}

void CoupledNetwork::reroute(FlowId flow, std::span<const LinkShare> shares, BytesPerSecond ceiling) {
  network_->reroute(FlowId{object_of_id_[flow.value()]}, shares, ceiling);
}

// What it has carried by now went by the old edges.
void CoupledNetwork::reroute(FlowId collective, std::span<const CollectiveEdge> edges) {
  const std::uint32_t number = object_of_id_[collective.value()];
  expand(number);
  Collective& c = collectives_[number];
  c.spec.edges = edges;
  for (std::uint32_t edge = 0; edge < edges.size(); ++edge)
    if (const EdgeState& state = c.edges[edge]; state.started > state.arrived)
      network_->reroute(state.under_way, edges[edge].shares, edges[edge].ceiling);
}

// Judges all that changed by one and the same solve, expands, and has it solved anew, until nothing more has to be expanded.
Time CoupledNetwork::next_event() {
  while (true) {
    const Time next = network_->next_event();
    network_->take_crowded(crowded_);
    if (crowded_.empty() && fresh_.empty()) return next;
    for (const LinkId link : crowded_) review(link);
    for (const std::uint32_t number : fresh_) examine(number);
    fresh_.clear();
    if (to_expand_.empty()) return next;
    for (const std::uint32_t number : to_expand_) expand(number);
    to_expand_.clear();
  }
}

std::span<const FlowId> CoupledNetwork::advance_to(Time t) {
  finished_.clear();
  for (const std::uint32_t number : ended_) {
    free_ids_.push_back(collectives_[number].id);
    free_collectives_.push_back(number);
  }
  ended_.clear();
  for (Time next = next_event(); next <= t && next != never; next = next_event()) {
    arrived_.clear();
    for (const FlowId flow : network_->advance_to(next)) arrived_.push_back(owner_[flow.value()]);
    for (const Owner& owner : arrived_) arrive(owner);
    for (const Owner& owner : arrived_)
      if (owner.edge < whole) pass_on(owner);
  }
  network_->advance_to(t);
  std::sort(finished_.begin(), finished_.end());
  return finished_;
}

std::span<const Time> CoupledNetwork::edge_finishes(FlowId id) { return collectives_[object_of_id_[id.value()]].finishes; }

FlowId CoupledNetwork::new_id() {
  if (free_ids_.empty()) {
    free_ids_.push_back(FlowId{static_cast<std::uint32_t>(object_of_id_.size())});
    object_of_id_.push_back(0);
  }
  const FlowId id = free_ids_.back();
  free_ids_.pop_back();
  return id;
}

std::uint32_t CoupledNetwork::new_collective(const CollectiveSpec& spec) {
  if (free_collectives_.empty()) {
    free_collectives_.push_back(static_cast<std::uint32_t>(collectives_.size()));
    collectives_.emplace_back();
  }
  const std::uint32_t number = free_collectives_.back();
  free_collectives_.pop_back();
  Collective& c = collectives_[number] = {};
  c.id = new_id();
  c.spec = spec;
  c.begin = now();
  object_of_id_[c.id.value()] = number;
  return number;
}

FlowId CoupledNetwork::start_owned(const FlowSpec& flow, Owner owner) {
  const FlowId id = network_->start(flow);
  if (owner_.size() <= id.value()) owner_.resize(id.value() + 1);
  owner_[id.value()] = owner;
  return id;
}

// Its ceiling is that of the fastest edge: slower ones are held by their own links, which are under pressure then.
void CoupledNetwork::start_train(std::uint32_t number) {
  Collective& c = collectives_[number];
  sum_.clear();
  BytesPerSecond ceiling;
  for (const CollectiveEdge& edge : c.spec.edges) {
    c.latency = std::max(c.latency, c.spec.latency + edge.latency);
    ceiling = std::max(ceiling, alone(edge));
    for (const LinkShare& s : edge.shares) {
      double& share = share_on_link_[s.link.value()];
      if (share == 0) sum_.push_back({s.link});
      share += s.share;
    }
  }
  for (LinkShare& s : sum_) s.share = std::exchange(share_on_link_[s.link.value()], 0);
  c.train = start_owned({.bytes = c.spec.bytes,
                         .latency = c.latency,
                         .shares = sum_,
                         .ceiling = ceiling,
                         .messages = c.spec.steps,
                         .purpose = c.spec.purpose},
                        {number, whole});
}

void CoupledNetwork::find_trains(LinkId link) {
  network_->flows_on(link, on_link_);
  trains_.clear();
  for (const FlowId flow : on_link_)
    if (const Owner& owner = owner_[flow.value()]; owner.edge == whole) trains_.push_back(owner.object);
}

void CoupledNetwork::review(LinkId link) {
  find_trains(link);
  if (trains_.empty() || on_link_.size() < 2 || network_->pressure(link) == Pressure::none) return;
  const bool alone = trains_.size() == on_link_.size() && std::all_of(trains_.begin(), trains_.end(), [&](std::uint32_t number) {
                       return in_lockstep(collectives_[trains_.front()], collectives_[number]);
                     });
  for (const std::uint32_t number : trains_) {
    Collective& c = collectives_[number];
    if (alone) {
      if (c.begin == now()) fresh_.push_back(number);
    } else if (coupling_ == Coupling::automatic) {
      to_expand_.push_back(number);
    } else if (!std::exchange(c.contended, true)) {
      ++contended_;
    }
  }
}

bool CoupledNetwork::in_lockstep(const Collective& a, const Collective& b) const {
  return a.begin == b.begin && a.spec.steps == b.spec.steps && a.spec.bytes == b.spec.bytes && a.latency == b.latency &&
         network_->rate(a.train) == network_->rate(b.train);
}

// The first time that its rate is known.
void CoupledNetwork::examine(std::uint32_t number) {
  Collective& c = collectives_[number];
  if (!c.coupled) return;  // a change of capacity came first
  const bool unlimited = network_->rate(c.train) == BytesPerSecond{} && c.spec.bytes.count() > 0 &&
                         std::all_of(c.spec.edges.begin(), c.spec.edges.end(), [](const CollectiveEdge& e) { return e.shares.empty(); });
  c.rate = unlimited ? BytesPerSecond{std::numeric_limits<double>::infinity()} : network_->rate(c.train);
  if (!is_exact(c) && coupling_ == Coupling::automatic) to_expand_.push_back(number);
}

// All that are held have the longest latency, so that they stay in step, and nobody else is slower.
// The end of an edge is known only if some link on its way gives it no more than the slowest get.
bool CoupledNetwork::is_exact(Collective& c) const {
  c.held.clear();
  const Time step = c.latency + carrying_time(c, c.rate);
  for (std::uint32_t edge = 0; edge < c.spec.edges.size(); ++edge) {
    Pressure most = Pressure::none;
    for (const LinkShare& s : c.spec.edges[edge].shares) most = std::max(most, network_->pressure(s.link));
    if (most != Pressure::none) {
      c.held.resize(c.spec.edges.size());
      c.held[edge] = true;
    }
    if (most != Pressure::none && latency(c, edge) != c.latency) return false;
    if (most == Pressure::tight && c.spec.edge_finishes) return false;
    if (period(c, edge) > step) return false;
  }
  return step != never;
}

void CoupledNetwork::arrive(Owner owner) {
  if (owner.edge == plain) {
    finished_.push_back(FlowId{owner.object});
    free_ids_.push_back(FlowId{owner.object});
    return;
  }
  Collective& c = collectives_[owner.object];
  if (owner.edge == whole) {
    if (c.spec.edge_finishes) find_finishes(c);
  } else {
    if (++c.edges[owner.edge].arrived < c.spec.steps) return;
    c.finishes[owner.edge] = now();
    if (--c.edges_left > 0) return;
  }
  finished_.push_back(c.id);
  ended_.push_back(owner.object);
}

void CoupledNetwork::pass_on(Owner owner) {
  const Collective& c = collectives_[owner.object];
  go_on(owner.object, owner.edge);
  for (std::uint32_t i = c.first_follower[owner.edge]; i < c.first_follower[owner.edge + 1]; ++i) go_on(owner.object, c.followers[i]);
}

// The next message of an edge, if nothing holds it any more.
void CoupledNetwork::go_on(std::uint32_t number, std::uint32_t edge) {
  Collective& c = collectives_[number];
  EdgeState& state = c.edges[edge];
  const std::uint32_t next = state.started;
  if (next == c.spec.steps || state.arrived < next || c.edges[c.spec.edges[edge].before].arrived < next) return;
  ++state.started;
  send(number, edge, c.spec.bytes, latency(c, edge));
}

void CoupledNetwork::send(std::uint32_t number, std::uint32_t edge, Bytes bytes, Time latency) {
  const CollectiveEdge& e = collectives_[number].spec.edges[edge];
  ++messages_;
  const FlowId flow = start_owned(
      {.bytes = bytes, .latency = latency, .shares = e.shares, .ceiling = e.ceiling, .purpose = collectives_[number].spec.purpose},
      {number, edge});
  collectives_[number].edges[edge].under_way = flow;
}

BytesPerSecond CoupledNetwork::alone(const CollectiveEdge& edge) const {
  if (edge.ceiling.value() > 0) return edge.ceiling;
  double speed = std::numeric_limits<double>::infinity();
  for (const LinkShare& s : edge.shares) speed = std::min(speed, capacity_[s.link.value()].value() / s.share);
  return BytesPerSecond{speed};
}

Time CoupledNetwork::carrying_time(const Collective& c, BytesPerSecond rate) const {
  if (c.spec.bytes.count() == 0) return {};
  return rate.value() > 0 ? c.spec.bytes / rate : never - c.latency;
}

// From the start of a message of an edge to its arrival.
Time CoupledNetwork::period(const Collective& c, std::uint32_t edge) const {
  BytesPerSecond rate = c.rate;
  if (c.held.empty() || !c.held[edge]) {
    const BytesPerSecond own = alone(c.spec.edges[edge]);
    if (std::abs(own.value() - rate.value()) > 1) rate = own;  // the network rounds its rates
  }
  return latency(c, edge) + carrying_time(c, rate);
}

}  // namespace sim
