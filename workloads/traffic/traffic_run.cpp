#include "workloads/traffic/traffic_run.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <queue>
#include <unordered_map>
#include <utility>
#include "kernels/device_profile.hpp"
#include "sim/coupled_network.hpp"
#include "sim/error.hpp"
#include "sim/signature.hpp"
#include "workloads/link_load.hpp"
#include "workloads/packet_network.hpp"
#include "workloads/packet_report.hpp"
#include "workloads/plan_builder.hpp"
#include "workloads/run.hpp"  // Interrupted
#include "workloads/stopwatch.hpp"

namespace workloads::traffic {
namespace {

using sim::Time;

double efficiency_across_nics(const topology::ClusterSpec& cluster) {
  if (cluster.accelerator.empty()) return 1;
  return 1 / wire_factor(cluster, kernels::load_device_profile(cluster.accelerator), false);
}

// For each number below `keys`, the flows that have it, by flow.
template <class Keys>
NumberLists flows_by_key(std::size_t keys, std::size_t flows, Keys&& keys_of) {
  std::vector<std::vector<std::uint32_t>> by_key(keys);
  for (std::size_t flow = 0; flow < flows; ++flow)
    for (const std::uint32_t key : keys_of(flow)) by_key[key].push_back(static_cast<std::uint32_t>(flow));
  NumberLists lists;
  for (const auto& list : by_key) {
    for (const std::uint32_t flow : list) lists.add(flow);
    lists.end_list();
  }
  return lists;
}

// Plays a list of flows on a network. Each message of a flow is one flow of the network; a flow has at most one under way. Rings
// are one collective each.
class Player {
 public:
  Player(const Scenario& scenario, const topology::Fabric& fabric, const FlowList& list, const TrafficOptions& options)
      : cluster_(scenario.cluster),
        fabric_(fabric),
        routes_(&fabric),
        changes_(scenario.cluster.fabric.changes()),
        balance_(fabric),
        list_(list),
        options_(options),
        efficiency_(scenario.network == "packet" ? 1 : efficiency_across_nics(scenario.cluster)),
        log_(options.trace && scenario.network == "packet" ? std::optional<sim::PacketLog>(fabric.links().size()) : std::nullopt),
        load_(options.trace && !log_ ? std::optional<LinkLoadHistogram>(fabric.network_links().size()) : std::nullopt),
        network_(make_network(scenario, fabric,
                              {.threads = options.threads,
                               .exact = options.exact,
                               .flows = load_ ? &*load_ : nullptr,
                               .packets = log_ ? &*log_ : nullptr}),
                 fabric.network_links(), options.exact || scenario.network == "packet" ? sim::Coupling::off : sim::Coupling::automatic),
        started_(list.size()),
        arrived_(list.size()),
        waits_(list.size()) {
    outcome_.start.assign(list.size(), sim::never);
    outcome_.finish.assign(list.size(), sim::never);
    outcome_.alone.resize(list.size());
    for (const Flow& flow : list.flows) messages_in_all_ += static_cast<std::uint64_t>(flow.repeat);
    find_followers();
    find_neighbours();
    find_rings();
    if (!changes_.empty()) id_of_flow_.resize(list.size());
    due_.reserve(list.size());
    for (std::uint32_t flow = 0; flow < list.size(); ++flow)
      if (waits_[flow] == 0) due_.push_back(flow);
    std::stable_sort(due_.begin(), due_.end(), [&](auto a, auto b) { return list.flows[a].start < list.flows[b].start; });
  }

  TrafficOutcome run() {
    check_duration();
    if (network_.packet_counts() && options_.notice) announce();
    for (std::uint64_t round = 0;; ++round) {
      const Time event = std::min(next_start(), network_.next_event());
      if (event == sim::never && messages_arrived_ == messages_in_all_) break;
      const Time next = std::min(event, next_change());
      if (next == sim::never) break;
      for (const sim::FlowId id : network_.advance_to(next))
        if (const std::uint32_t number = flow_of_id_[id.value()]; number < list_.size())
          arrive(number, next);
        else
          end_ring(rings_[number - list_.size()], network_.edge_finishes(id));
      if (next == next_change()) change_fabric(next);
      start_all(next);
      if (round % 1024 == 0) tell_progress();
    }
    refuse_cut_off();
    if (const auto stuck = std::find(outcome_.finish.begin(), outcome_.finish.end(), sim::never); stuck != outcome_.finish.end())
      refuse_circle(static_cast<std::uint32_t>(stuck - outcome_.finish.begin()));
    summarize();
    return std::move(outcome_);
  }

 private:
  struct Released {
    Time at;
    std::uint32_t flow;
    auto operator<=>(const Released&) const = default;
  };

  static constexpr std::uint32_t no_ring = 0xffffffff;
  std::uint32_t ring_of(std::uint32_t flow) const { return ring_of_flow_.empty() ? no_ring : ring_of_flow_[flow]; }
  bool repeats(std::uint32_t flow) const { return list_.flows[flow].repeat > 1; }
  bool all_arrived(std::uint32_t flow) const { return arrived_[flow] == list_.flows[flow].repeat; }

  void find_followers() {
    if (list_.after.all_empty()) return;
    for (std::size_t flow = 0; flow < list_.size(); ++flow) waits_[flow] = static_cast<std::uint32_t>(list_.dependencies(flow).size());
    followers_ = flows_by_key(list_.size(), list_.size(), [&](std::size_t flow) { return list_.dependencies(flow); });
    refuse_if_circular();
  }

  // Repeating flows by the GPU where they begin and where they end.
  void find_neighbours() {
    if (std::none_of(list_.flows.begin(), list_.flows.end(), [](const Flow& f) { return f.repeat > 1; })) return;
    std::uint32_t key = 0;
    const auto key_of = [&](std::size_t flow, int gpu) {
      key = static_cast<std::uint32_t>(gpu);
      return std::span(&key, list_.flows[flow].repeat > 1 ? 1 : 0);
    };
    const auto gpus = static_cast<std::size_t>(fabric_.gpus());
    repeating_from_ = flows_by_key(gpus, list_.size(), [&](std::size_t flow) { return key_of(flow, list_.flows[flow].source); });
    repeating_to_ = flows_by_key(gpus, list_.size(), [&](std::size_t flow) { return key_of(flow, list_.flows[flow].destination); });
  }

  // A ring as above: its flows in the order of their messages' way, beginning with the first of the list.
  struct Ring {
    std::vector<std::uint32_t> flows;
    std::vector<sim::CollectiveEdge> edges;
    sim::FlowId id;
  };

  void find_rings() {
    if (!repeating_from_.size()) return;
    std::vector<bool> seen(list_.size());
    for (std::uint32_t first = 0; first < list_.size(); ++first) {
      if (seen[first] || !repeats(first)) continue;
      Ring ring;
      std::uint32_t flow = first;
      while (!seen[flow] && fits_in_ring(flow, first)) {
        seen[flow] = true;
        ring.flows.push_back(flow);
        flow = repeating_from_[static_cast<std::size_t>(list_.flows[flow].destination)].front();
      }
      if (flow != first || ring.flows.empty()) continue;
      ring_of_flow_.resize(list_.size(), no_ring);
      for (const std::uint32_t member : ring.flows) ring_of_flow_[member] = static_cast<std::uint32_t>(rings_.size());
      rings_.push_back(std::move(ring));
    }
  }
  bool fits_in_ring(std::uint32_t flow, std::uint32_t first) const {
    const Flow &a = list_.flows[flow], &b = list_.flows[first];
    const auto one_each = [&](int gpu) {
      return repeating_from_[static_cast<std::size_t>(gpu)].size() == 1 && repeating_to_[static_cast<std::size_t>(gpu)].size() == 1;
    };
    const bool free = waits_[flow] == 0 && (followers_.size() == 0 || followers_[flow].empty());
    const bool same_wire = fabric_.same_domain(a.source, a.destination) == fabric_.same_domain(b.source, b.destination);
    return free && same_wire && a.source != a.destination && a.bytes == b.bytes && a.repeat == b.repeat && a.start == b.start &&
           one_each(a.source) && one_each(a.destination);
  }

  // Takes away, again and again, what waits for nothing; what is left is circular or waits for a circle.
  void refuse_if_circular() {
    std::vector<std::uint32_t> left = waits_, free;
    for (std::uint32_t flow = 0; flow < list_.size(); ++flow)
      if (left[flow] == 0) free.push_back(flow);
    for (std::size_t i = 0; i < free.size(); ++i)
      for (const std::uint32_t follower : followers_[free[i]])
        if (--left[follower] == 0) free.push_back(follower);
    if (free.size() == list_.size()) return;
    const auto stuck = std::find_if(left.begin(), left.end(), [](std::uint32_t n) { return n > 0; });
    refuse_circle(static_cast<std::uint32_t>(stuck - left.begin()), &left);
  }

  // One thing that `flow` waits for and that has not ended.
  std::uint32_t blocker_of(std::uint32_t flow, const std::vector<std::uint32_t>* left) const {
    for (const std::uint32_t other : list_.dependencies(flow))
      if (left ? (*left)[other] > 0 : !all_arrived(other)) return other;
    for (const std::uint32_t other : repeating_to_[static_cast<std::size_t>(list_.flows[flow].source)])
      if (other != flow && arrived_[other] < std::min(started_[flow], list_.flows[other].repeat)) return other;
    return flow;
  }
  // Follows who waits for whom until someone comes twice.
  [[noreturn]] void refuse_circle(std::uint32_t flow, const std::vector<std::uint32_t>* left = nullptr) const {
    std::vector<std::uint32_t> chain;
    while (std::find(chain.begin(), chain.end(), flow) == chain.end()) {
      chain.push_back(flow);
      flow = blocker_of(flow, left);
    }
    chain.erase(chain.begin(), std::find(chain.begin(), chain.end(), flow));
    std::string text;
    constexpr std::size_t most_named = 12;
    for (std::size_t i = 0; i < std::min(chain.size(), most_named); ++i) text += fmt::format("'{}' waits for ", list_.id(chain[i]));
    if (chain.size() > most_named) text += fmt::format("… ({} flows) … waits for ", chain.size());
    throw sim::InputError(fmt::format("{}: after: flows wait for each other in a circle: {}'{}'. Take one of these dependencies out.",
                                      list_.place(flow), text, list_.id(flow)));
  }

  // sim::Time ends after 106 days. One message after the other over the slowest link takes longer than any real run.
  void check_duration() const {
    constexpr double longest = 8e6, links_of_a_route = 32;
    double slowest = std::numeric_limits<double>::infinity(), latency = 0, seconds = 0;
    for (const topology::Link& link : fabric_.links()) {
      slowest = std::min(slowest, link.capacity.value());
      latency = std::max(latency, links_of_a_route * link.latency.in_seconds());
    }
    for (const Flow& flow : list_.flows)
      seconds += (latency + static_cast<double>(flow.bytes.count()) / (efficiency_ * slowest)) * flow.repeat;
    if (seconds > longest)
      throw sim::InputError(fmt::format(
          "{}: bytes: all messages, one after the other, take {:.3g} s over the slowest link; simulated time ends after 9.2e6 s. "
          "Give fewer bytes or repeats.",
          list_.source, seconds));
  }

  Time next_start() const {
    const Time due = next_due_ < due_.size() ? list_.flows[due_[next_due_]].start : sim::never;
    return std::min(due, released_.empty() ? sim::never : released_.top().at);
  }

  void start_all(Time now) {
    for (; next_due_ < due_.size() && list_.flows[due_[next_due_]].start <= now; ++next_due_) make_ready(due_[next_due_]);
    for (; !released_.empty() && released_.top().at <= now; released_.pop()) make_ready(released_.top().flow);
    std::sort(ready_.begin(), ready_.end());  // by number, whatever made them ready
    for (const std::uint32_t flow : ready_)
      if (const std::uint32_t ring = ring_of(flow); ring == no_ring)
        send(flow, now);
      else if (rings_[ring].flows.front() == flow)
        start_ring(ring, now);
    ready_.clear();
  }
  void make_ready(std::uint32_t flow) {
    ++started_[flow];
    ready_.push_back(flow);
  }

  void send(std::uint32_t flow, Time now) {
    topology::Route made;
    const topology::Route& route = route_of(flow, made);
    const sim::Bytes bytes = bytes_on_the_wire(flow, route);
    if (started_[flow] == 1) note_start(flow, route, bytes, now);
    ++outcome_.events;
    note_id(network_.start(sim::FlowSpec{.bytes = bytes, .latency = route.latency, .shares = route.shares, .label = flow}), flow);
  }

  Time next_change() const { return changed_ < changes_.size() ? changes_[changed_] : sim::never; }
  bool under_way(std::uint32_t flow) const { return started_[flow] > arrived_[flow]; }

  // All learn of it at once. What is under way goes on by the new ways, unless its path is given; what is cut off waits.
  void change_fabric(Time now) {
    const topology::Fabric* before = routes_;
    states_[changed_ % 2].emplace(cluster_, now);
    routes_ = &*states_[changed_++ % 2];
    kept_routes_.clear();
    for (std::uint32_t number = 0; number < flow_of_id_.size(); ++number)
      if (const std::uint32_t flow = flow_of_id_[number]; flow < list_.size() && id_of_flow_[flow].value() == number && under_way(flow))
        network_.reroute(sim::FlowId{number}, make_route(flow).shares);
    for (Ring& ring : rings_)
      if (!ring.edges.empty()) reroute(ring);
    for (std::uint32_t link = 0; link < fabric_.network_links().size(); ++link)
      if (const sim::BytesPerSecond capacity = routes_->capacity(sim::LinkId{link}); capacity != before->capacity(sim::LinkId{link}))
        network_.set_capacity(sim::LinkId{link}, capacity);
  }
  void reroute(Ring& ring) {
    std::vector<sim::CollectiveEdge> edges = ring.edges;
    bool same = true;
    for (std::size_t i = 0; i < edges.size(); ++i) {
      edges[i].shares = make_route(ring.flows[i]).shares;
      same &= edges[i].shares == ring.edges[i].shares;
    }
    if (same) return;
    const std::vector<sim::CollectiveEdge> old = std::exchange(ring.edges, std::move(edges));  // which the network still looks at
    network_.reroute(ring.id, ring.edges);
  }
  void refuse_cut_off() const {
    for (std::uint32_t flow = 0; flow < list_.size() && changed_ > 0; ++flow) {
      if (!under_way(flow)) continue;
      for (const sim::LinkShare& s : make_route(flow).shares)
        if (!routes_->works(s.link)) {
          const auto& [source, destination] = std::pair(list_.flows[flow].source, list_.flows[flow].destination);
          throw sim::SimulationError(fmt::format(
              "stopped at {:.6f} s: '{}' waits for ever: no way from gpu-{} to gpu-{} with {} out of order (cluster.fabric.failures).",
              network_.now().in_seconds(), list_.id(flow), source, destination,
              fmt::join(cluster_.fabric.failures_at(changes_.back()), ", ")));
        }
    }
  }

  void start_ring(std::uint32_t number, Time now) {
    Ring& ring = rings_[number];
    const Flow& first = list_.flows[ring.flows.front()];
    sim::Bytes bytes;
    for (std::uint32_t i = 0; i < ring.flows.size(); ++i) {
      topology::Route route = make_route(ring.flows[i]);
      bytes = bytes_on_the_wire(ring.flows[i], route);
      note_start(ring.flows[i], route, bytes, now);
      ring.edges.push_back({std::move(route.shares), route.latency, {}, (i == 0 ? static_cast<std::uint32_t>(ring.flows.size()) : i) - 1});
    }
    ++outcome_.events;
    const auto steps = static_cast<std::uint32_t>(first.repeat);
    ring.id = network_.start(sim::CollectiveSpec{.edges = ring.edges, .steps = steps, .bytes = bytes, .edge_finishes = true});
    note_id(ring.id, static_cast<std::uint32_t>(list_.size()) + number);
  }
  void end_ring(Ring& ring, std::span<const Time> finishes) {
    ++outcome_.events;
    for (std::size_t i = 0; i < ring.flows.size(); ++i) {
      const std::uint32_t flow = ring.flows[i];
      arrived_[flow] = list_.flows[flow].repeat;
      messages_arrived_ += static_cast<std::uint64_t>(arrived_[flow]);
      outcome_.finish[flow] = finishes[i];
    }
    ring = {};
  }

  void note_start(std::uint32_t flow, const topology::Route& route, sim::Bytes bytes, Time now) {
    const int repeat = list_.flows[flow].repeat;
    outcome_.start[flow] = now;
    outcome_.alone[flow] = (route.latency + time_alone(route, bytes)) * repeat;
    outcome_.messages += static_cast<std::uint64_t>(repeat);
    balance_.add(route.shares, static_cast<double>(bytes.count()) * repeat);
    if (!route.shares.empty()) outcome_.bytes += static_cast<double>(bytes.count()) * repeat;
  }
  void note_id(sim::FlowId id, std::uint32_t number) {
    if (flow_of_id_.size() <= id.value()) flow_of_id_.resize(id.value() + 1);
    flow_of_id_[id.value()] = number;
    if (number < id_of_flow_.size()) id_of_flow_[number] = id;
  }
  sim::Bytes bytes_on_the_wire(std::uint32_t flow, const topology::Route& route) const {
    const sim::Bytes bytes = list_.flows[flow].bytes;
    const bool across_nics = std::any_of(route.shares.begin(), route.shares.end(), [&](const sim::LinkShare& s) {
      return fabric_.network_link_kind(s.link) != topology::LinkKind::scale_up;
    });
    return across_nics && efficiency_ < 1 ? sim::Bytes{std::llround(static_cast<double>(bytes.count()) / efficiency_)} : bytes;
  }

  // Those of repeating flows are kept; others live in `made` while they are started.
  const topology::Route& route_of(std::uint32_t flow, topology::Route& made) {
    if (!repeats(flow)) return made = make_route(flow);
    const auto [at, added] = kept_routes_.try_emplace(flow);
    if (added) at->second = make_route(flow);
    return at->second;
  }
  topology::Route make_route(std::uint32_t flow) const {
    const Flow& spec = list_.flows[flow];
    const auto path = list_.path(flow);
    if (path.empty()) return routes_->route(spec.source, spec.destination, flow);
    topology::Route route;
    for (const std::uint32_t number : path) {
      const topology::Link& link = fabric_.links()[number];
      route.latency += link.latency;
      if (number != path.back()) route.latency += latency_inside(link.to);
      if (spec.source != spec.destination) route.shares.push_back({sim::LinkId{number}});
    }
    route.hops = static_cast<int>(path.size());
    return route;
  }
  Time latency_inside(std::uint32_t node) const {
    if (cluster_.fabric.type == topology::FabricType::file) return {};
    switch (fabric_.nodes()[node].kind) {
      case topology::NodeKind::nic:
        return cluster_.host_spec(fabric_.nodes()[node].host).nics.latency;
      case topology::NodeKind::leaf:
      case topology::NodeKind::spine:
      case topology::NodeKind::core:
        return cluster_.fabric.switch_latency;
      default:
        return {};
    }
  }
  Time time_alone(const topology::Route& route, sim::Bytes bytes) const {
    double rate = std::numeric_limits<double>::infinity();
    for (const auto& [link, share] : route.shares) rate = std::min(rate, fabric_.network_links()[link.value()].capacity.value() / share);
    return std::isinf(rate) ? Time{} : bytes / sim::BytesPerSecond{rate};
  }

  void arrive(std::uint32_t flow, Time now) {
    ++outcome_.events;
    ++arrived_[flow];
    ++messages_arrived_;
    if (all_arrived(flow)) {
      outcome_.finish[flow] = now;
      if (followers_.size())
        for (const std::uint32_t follower : followers_[flow])
          if (--waits_[follower] == 0) released_.push({std::max(now, list_.flows[follower].start), follower});
    }
    if (!repeats(flow)) return;
    go_on(flow);
    for (const std::uint32_t next : repeating_from_[static_cast<std::size_t>(list_.flows[flow].destination)]) go_on(next);
  }
  // The next message of a flow that has begun, if nothing holds it any more.
  void go_on(std::uint32_t flow) {
    const int sent = started_[flow];
    if (sent == 0 || arrived_[flow] != sent || sent == list_.flows[flow].repeat) return;
    for (const std::uint32_t other : repeating_to_[static_cast<std::size_t>(list_.flows[flow].source)])
      if (arrived_[other] < std::min(sent, list_.flows[other].repeat)) return;
    make_ready(flow);
  }

  void announce() const {
    sim::LinkUse all;
    for (std::uint32_t flow = 0; flow < list_.size(); ++flow)
      all.bytes += static_cast<double>(list_.flows[flow].bytes.count()) * list_.flows[flow].repeat *
                   static_cast<double>(make_route(flow).shares.size());
    tell_of_packets({&all, 1}, cluster_, options_.notice);
  }

  void tell_progress() const {
    if (options_.progress && !options_.progress(static_cast<double>(messages_arrived_) / static_cast<double>(messages_in_all_)))
      throw Interrupted{};
  }

  void summarize() {
    sim::Signature signature;
    for (std::size_t flow = 0; flow < list_.size(); ++flow) {
      signature.add(list_.flows[flow].bytes.count());
      signature.add(outcome_.finish[flow].ps());
    }
    outcome_.signature = signature.value();
    outcome_.events += 2 * network_.messages();
    if (const sim::PacketCounts* packets = network_.packet_counts()) outcome_.packets = *packets;
    if (options_.trace) outcome_.trace = make_trace();
    outcome_.balance = balance_.tiers();
    outcome_.ecmp_max_flows_per_link = balance_.most_flows_between_switches();
    const double seconds = outcome_.makespan().in_seconds();
    const std::vector<sim::LinkUse> use = network_.link_use();
    for (std::uint32_t link = 0; link < use.size() && seconds > 0; ++link) {
      const double utilization = use[link].bytes / (fabric_.network_links()[link].capacity.value() * seconds);
      if (utilization <= outcome_.max_link_utilization) continue;
      outcome_.max_link_utilization = utilization;
      outcome_.busiest_link = fabric_.network_link_name(sim::LinkId{link});
    }
  }

  NetworkTrace make_trace() {
    if (!log_)
      return {
          .load = {load_->bin_width(),
                   {load_->by_bin().begin(), load_->by_bin().begin() + static_cast<std::ptrdiff_t>(load_->bins_used() * load_->links())}}};
    NetworkTrace trace = make_network_trace(*log_, fabric_, outcome_.makespan());
    for (RateRow& row : trace.rates.rows) {
      if (row.flow >= 0) continue;  // of a ring, whose end points send one flow each
      row.flow = static_cast<std::int32_t>(repeating_from_[static_cast<std::size_t>(row.source)].front());
    }
    return trace;
  }

  const topology::ClusterSpec& cluster_;
  const topology::Fabric& fabric_;  // before all changes
  const topology::Fabric* routes_;  // as it is now
  std::array<std::optional<topology::Fabric>, 2> states_;
  std::vector<Time> changes_;
  std::size_t changed_ = 0;  // so many
  topology::Balance balance_;
  const FlowList& list_;
  const TrafficOptions& options_;
  double efficiency_;
  std::optional<sim::PacketLog> log_;
  std::optional<LinkLoadHistogram> load_;
  sim::CoupledNetwork network_;
  std::vector<std::int32_t> started_, arrived_;  // messages, by flow
  std::vector<std::uint32_t> waits_;             // unfinished flows in `after`, by flow
  NumberLists followers_;                        // by flow
  NumberLists repeating_from_, repeating_to_;    // by GPU
  std::vector<Ring> rings_;
  std::vector<std::uint32_t> ring_of_flow_;  // none: there are no rings
  std::vector<std::uint32_t> due_;           // flows that wait for nothing but their start, in its order
  std::size_t next_due_ = 0;
  std::priority_queue<Released, std::vector<Released>, std::greater<>> released_;
  std::vector<std::uint32_t> ready_;       // to be started now
  std::vector<std::uint32_t> flow_of_id_;  // rings after the flows
  std::vector<sim::FlowId> id_of_flow_;    // only where the fabric changes
  std::unordered_map<std::uint32_t, topology::Route> kept_routes_;
  std::uint64_t messages_in_all_ = 0, messages_arrived_ = 0;
  TrafficOutcome outcome_;
};

}  // namespace

Time TrafficOutcome::makespan() const { return finish.empty() ? Time{} : *std::max_element(finish.begin(), finish.end()); }

TrafficOutcome run_traffic(const Scenario& scenario, const topology::Fabric& fabric, const FlowList& list, const TrafficOptions& options) {
  const Stopwatch stopwatch;
  TrafficOutcome outcome = Player(scenario, fabric, list, options).run();
  outcome.wall_s = stopwatch.wall_s();
  outcome.cpu_s = stopwatch.cpu_s();
  outcome.peak_rss_bytes = peak_rss_bytes();
  return outcome;
}

}  // namespace workloads::traffic
