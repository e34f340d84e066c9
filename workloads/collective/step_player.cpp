#include "workloads/collective/step_player.hpp"
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <tuple>
#include <unordered_map>

namespace workloads::collective {
namespace {

using kernels::collectives::Schedule;
using kernels::collectives::Step;

constexpr std::uint32_t none = 0xffffffff;

struct Task {  // a message, or (no connection) a point that several wait for
  std::uint32_t connection = none;
  double bytes = 0;
  std::uint32_t waits = 0;
};

// Which messages there are and what each waits for.
class TaskGraph {
 public:
  TaskGraph(const Schedule& schedule, double bytes_per_element, const WayOf& way_of) : steps_(schedule.steps) {
    order_.resize(steps_.size());
    std::iota(order_.begin(), order_.end(), std::uint32_t{0});
    std::stable_sort(order_.begin(), order_.end(), [&](std::uint32_t a, std::uint32_t b) { return key(a) < key(b); });
    find_boundaries();
    for (std::size_t at = 0; at < order_.size();) {
      std::size_t next = at;
      while (next < order_.size() && steps_[order_[next]].number == steps_[order_[at]].number) ++next;
      add_number(at, next, bytes_per_element, way_of);
      at = next;
    }
    std::sort(waiting_.begin(), waiting_.end());
    waiting_.erase(std::unique(waiting_.begin(), waiting_.end()), waiting_.end());
    for (const auto& [before, after] : waiting_) ++tasks[after].waits;
  }

  // Whom the end of `task` brings nearer.
  template <class Visit>
  void each_follower(std::uint32_t task, Visit&& visit) const {
    for (auto at = std::lower_bound(waiting_.begin(), waiting_.end(), std::pair(task, std::uint32_t{0}));
         at != waiting_.end() && at->first == task; ++at)
      visit(at->second);
  }

  std::vector<Task> tasks;
  std::vector<Way> ways;  // by connection

 private:
  struct Arrivals {                 // of one element range at one node
    std::uint32_t complete = none;  // a task after which all before were there
    std::vector<std::uint32_t> since;
  };

  std::tuple<std::uint32_t, int, int, int> key(std::uint32_t s) const {
    const Step& step = steps_[s];
    return {step.number, step.source, step.destination, step.channel};
  }

  // Ranges of all steps begin and end at these.
  void find_boundaries() {
    for (const Step& step : steps_) {
      boundaries_.push_back(step.range.offset);
      boundaries_.push_back(step.range.end());
    }
    std::sort(boundaries_.begin(), boundaries_.end());
    boundaries_.erase(std::unique(boundaries_.begin(), boundaries_.end()), boundaries_.end());
  }
  template <class Visit>
  void each_arrivals(int node, const Step& step, Visit&& visit) {
    const auto first = std::lower_bound(boundaries_.begin(), boundaries_.end(), step.range.offset);
    for (auto at = first; *at < step.range.end(); ++at)
      visit(arrivals_[static_cast<std::uint64_t>(node) * boundaries_.size() + static_cast<std::uint64_t>(at - boundaries_.begin())]);
  }

  // Messages of one number: they wait for those of lower numbers alone.
  void add_number(std::size_t begin, std::size_t end, double bytes_per_element, const WayOf& way_of) {
    std::vector<std::uint32_t> task_of(end - begin);
    for (std::size_t i = begin; i < end; ++i) {
      const Step& step = steps_[order_[i]];
      if (i == begin || key(order_[i]) != key(order_[i - 1])) add_message(step, way_of);
      task_of[i - begin] = message_;
      tasks[message_].bytes += static_cast<double>(step.range.count) * bytes_per_element;
      each_arrivals(step.source, step, [&](Arrivals& arrivals) {
        if (const std::uint32_t before = complete(arrivals); before != none) waiting_.emplace_back(before, message_);
      });
    }
    for (std::size_t i = begin; i < end; ++i) {
      const Step& step = steps_[order_[i]];
      each_arrivals(step.destination, step, [&](Arrivals& arrivals) { arrivals.since.push_back(task_of[i - begin]); });
    }
  }

  void add_message(const Step& step, const WayOf& way_of) {
    const auto [connection, added] =
        connections_.try_emplace({step.source, step.destination, step.channel}, static_cast<std::uint32_t>(ways.size()));
    if (added) {
      ways.push_back(way_of(step.source, step.destination, step.channel));
      last_on_.push_back(none);
    }
    message_ = static_cast<std::uint32_t>(tasks.size());
    tasks.push_back({.connection = connection->second});
    std::uint32_t& last = last_on_[connection->second];
    if (last != none) waiting_.emplace_back(last, message_);
    last = message_;
  }

  std::uint32_t complete(Arrivals& arrivals) {
    if (arrivals.since.empty()) return arrivals.complete;
    if (arrivals.complete == none && arrivals.since.size() == 1) {
      arrivals.complete = arrivals.since.front();
    } else {
      const auto point = static_cast<std::uint32_t>(tasks.size());
      tasks.emplace_back();
      if (arrivals.complete != none) waiting_.emplace_back(arrivals.complete, point);
      for (const std::uint32_t task : arrivals.since) waiting_.emplace_back(task, point);
      arrivals.complete = point;
    }
    arrivals.since.clear();
    return arrivals.complete;
  }

  const std::vector<Step>& steps_;
  std::vector<std::uint32_t> order_;  // of steps
  std::vector<std::int64_t> boundaries_;
  std::unordered_map<std::uint64_t, Arrivals> arrivals_;
  std::map<std::tuple<int, int, int>, std::uint32_t> connections_;
  std::vector<std::uint32_t> last_on_;                            // message, by connection
  std::uint32_t message_ = none;                                  // the present one
  std::vector<std::pair<std::uint32_t, std::uint32_t>> waiting_;  // (before, after)
};

class Player {
 public:
  Player(TaskGraph& graph, sim::Network& network) : graph_(graph), network_(network), end_(network.now()) {
    for (std::uint32_t task = 0; task < graph.tasks.size(); ++task)
      if (graph.tasks[task].waits == 0) free_.push_back(task);
  }

  sim::Time run() {
    while (true) {
      start_all();
      const sim::Time next = network_.next_event();
      if (next == sim::never) return end_;
      for (const sim::FlowId flow : network_.advance_to(next)) {
        end_ = next;
        finish(task_of_flow_[flow.value()]);
      }
    }
  }

 private:
  // In the order of tasks, whatever the order in which they became free.
  void start_all() {
    std::sort(free_.begin(), free_.end());
    for (const std::uint32_t task : free_) {
      const Way& way = graph_.ways[graph_.tasks[task].connection];
      const sim::FlowId flow = network_.start(
          {.bytes = sim::Bytes{std::llround(graph_.tasks[task].bytes * way.wire_factor)}, .latency = way.latency, .shares = way.shares});
      if (task_of_flow_.size() <= flow.value()) task_of_flow_.resize(flow.value() + 1);
      task_of_flow_[flow.value()] = task;
    }
    free_.clear();
  }

  void finish(std::uint32_t task) {
    graph_.each_follower(task, [&](std::uint32_t follower) {
      Task& next = graph_.tasks[follower];
      if (--next.waits > 0) return;
      if (next.connection == none)
        finish(follower);
      else
        free_.push_back(follower);
    });
  }

  TaskGraph& graph_;
  sim::Network& network_;
  sim::Time end_;
  std::vector<std::uint32_t> free_, task_of_flow_;
};

}  // namespace

sim::Time play(const Schedule& schedule, double bytes_per_element, const WayOf& way_of, sim::Network& network) {
  TaskGraph graph(schedule, bytes_per_element, way_of);
  return Player(graph, network).run();
}

}  // namespace workloads::collective
