#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>
#include "sim/coupled_network.hpp"
#include "sim/event_queue.hpp"
#include "sim/signature.hpp"
#include "sim/trace_sink.hpp"
#include "workloads/critical_path.hpp"
#include "workloads/devices.hpp"
#include "workloads/plan.hpp"
#include "workloads/result.hpp"
#include "workloads/run.hpp"

namespace workloads {

// What one rank did, in picoseconds over all steps.
struct RankOutcome {
  std::array<std::int64_t, category_count> exposed_ps{};
  std::array<std::int64_t, op_class_count> device_ps{};
  sim::Time end;
};

struct Outcome {
  std::vector<RankOutcome> ranks;                     // as in the plan
  std::vector<std::vector<sim::Time>> step_ends;      // by job
  std::vector<sim::LinkUse> links;                    // as in the plan
  std::vector<std::vector<PathItem>> critical_paths;  // by job
  sim::Time end;
  std::uint64_t events = 0, flows = 0;
  double flow_bytes = 0;
  std::uint64_t signature = 0;
};

// Carries out a plan in simulated time.
//
// A rank runs ahead on its own clock until it needs another (a message, a collective); only what
// touches the network goes through the event queue. That is safe: before network time moves, every
// rank that can run has run, so nothing can be posted in the network's past.
// Device time of a rank is accounted without gaps: busy, or waiting for exactly one category.
class Executor {
 public:
  Executor(const Plan& plan, sim::CoupledNetwork& network, const Devices& devices, const RunOptions& options);
  Outcome run();  // throws sim::SimulationError when ranks wait for each other forever

 private:
  struct Message {
    sim::Time sent = sim::never, wanted = sim::never, start = sim::never, end = sim::never;
    bool sender_waits = false, receiver_waits = false;
    CriticalPath::Point origin = CriticalPath::start;  // of the one that posted last
  };
  struct Call {  // one collective of a group
    std::uint32_t arrived = 0;
    sim::Time ready, start, end = sim::never;  // the last to arrive; of the collective
    bool begun = false;
    std::uint32_t seen = 0;  // members that have waited for its end
    kernels::CollectiveOp op = kernels::CollectiveOp::all_reduce;
    sim::Bytes bytes;
    sim::Time hidden;                    // part of it that ran beside a product (Op::hidden)
    kernels::NetworkCollective network;  // across hosts: what it asks of the fabric
    std::vector<std::uint32_t> waiters;
    std::uint32_t latest = 0;                                                        // rank
    bool uneven = false;                                                             // some arrived before it
    CriticalPath::Point origin = CriticalPath::start, finish = CriticalPath::start;  // at its start and end
  };
  struct GroupState {
    std::deque<Call> calls;  // [first, first + size)
    std::uint32_t first = 0;
    sim::Time free;                                    // end of the last finished call
    CriticalPath::Point finish = CriticalPath::start;  // of that call
    struct {
      kernels::CollectiveOp op = kernels::CollectiveOp::all_reduce;
      sim::Bytes bytes{-1};
      sim::Time time;
    } inside_domain;  // the last one looked up: the next is mostly the same
  };
  struct RankState {
    std::uint32_t step = 0, segment = 0, repetition = 0;
    double slowness = 1;  // of the kernels of this repetition
    sim::Time host, device;
    bool posted = false;                                   // the present step is posted and waits
    std::uint32_t outstanding = 0;                         // messages that it waits for
    sim::Time last_start, last_end;                        // of the message that ended last
    CriticalPath::Point last_point = CriticalPath::start;  // its end
    sim::Time run_start;                                   // of the present block
    std::array<std::uint32_t, group_roles> calls{};        // joined so far
    struct {
      std::uint32_t first = 0, count = 0;  // data-parallel calls that it has not waited for
      sim::Time from;                      // device time and time without waiting at the first one
      std::int64_t busy_ps = 0;
    } posted_calls;
    std::int64_t last_row = -1;  // of the trace: the last pass, whose output a message carries
    bool finished = false;
  };
  struct Target {  // what a flow belongs to; in the order in which flows start
    sim::Time at;
    bool is_collective = false;
    std::uint32_t object = 0, number = 0;  // channel and message, or group and call
    auto operator<=>(const Target&) const = default;
  };

  // A rank: false when it has to wait.
  void advance(std::uint32_t rank);
  bool perform(std::uint32_t rank, const Step& step);
  bool run_block(std::uint32_t rank, const Step& step);
  void run_segment(std::uint32_t rank, const Block& block, const Segment& segment, Category category, int micro_batch);
  void trace_run(std::uint32_t rank, const Step& step, const Block& block);
  bool exchange(std::uint32_t rank, const Step& step);
  bool receive(std::uint32_t rank, const Step& step);
  bool collective(std::uint32_t rank, const Step& step);
  bool await(std::uint32_t rank);
  void finish_step(std::uint32_t rank, const Step& step);
  double slowness_of(std::uint32_t rank, std::uint32_t repetition) const;
  void wait_until(std::uint32_t rank, sim::Time t, Category category);
  void after_messages(std::uint32_t rank, bool received);

  // Messages.
  Message& message_of(std::uint32_t rank, const Transfer& transfer, std::uint32_t& channel, std::uint32_t& number);
  bool post(std::uint32_t rank, const Transfer& transfer, sim::Time at, bool waits);
  bool is_eager(std::uint32_t channel) const;
  void try_start(std::uint32_t channel, std::uint32_t number);
  void end_message(std::uint32_t channel, std::uint32_t number, sim::Time at);
  void note_end(std::uint32_t rank, const Message& message, sim::Time end);
  CriticalPath::Point history(std::uint32_t rank, sim::Time at);  // `at`: not before its device time

  // Groups (executor_groups.cpp).
  bool join_and_wait(std::uint32_t rank, GroupRole role, kernels::CollectiveOp op, sim::Bytes bytes, sim::Time at, std::string_view name,
                     int micro_batch, sim::Time hidden = {});
  void join(std::uint32_t group, std::uint32_t rank, kernels::CollectiveOp op, sim::Bytes bytes, sim::Time at, sim::Time hidden = {});
  bool exchange_context(std::uint32_t rank, const Op& op);
  void begin_calls(std::uint32_t group);
  void see(std::uint32_t group, std::uint32_t number);

  // Posted collectives (executor_overlap.cpp).
  void post_collective(std::uint32_t rank, const Step& step);
  sim::Time end_beside_kernels(std::uint32_t rank, const GroupState& group);
  std::int64_t busy_ps(std::uint32_t rank) const;
  void begin(std::uint32_t group, std::uint32_t number, Call& call);
  void note_path(GroupRole role, GroupState& group, Call& call);
  void end_call(std::uint32_t group, std::uint32_t number, sim::Time at);
  Category category_of(GroupRole role) const;
  void trace_collective(std::uint32_t rank, GroupRole role, const Call& call, sim::Time from, std::string_view name, int micro_batch);

  void start_flow(const Target& target);
  sim::FlowId start_message(const Channel& channel);
  sim::FlowId start_collective(const Target& target);
  void complete(sim::FlowId flow, sim::Time at);

  // Timed failures (executor_failures.cpp).
  sim::Time next_change() const { return changed_ < plan_.changes.size() ? plan_.changes[changed_].at : sim::never; }
  bool finished() const;
  const std::vector<Channel>& channels() const { return changed_ ? plan_.changes[changed_ - 1].channels : plan_.channels; }
  const std::vector<Group>& groups() const { return changed_ ? plan_.changes[changed_ - 1].groups : plan_.groups; }
  void change_ways();
  void explain_cut_off() const;

  void report_progress();
  [[noreturn]] void explain_deadlock() const;
  std::string what_it_waits_for(std::uint32_t rank) const;
  void find_critical_paths();
  Outcome conclude();

  const Plan& plan_;
  sim::CoupledNetwork& network_;
  const Devices& devices_;
  const RunOptions& options_;
  sim::TraceSink* trace_;
  std::optional<CriticalPath> path_;  // when asked for
  std::vector<RankState> states_;
  std::vector<std::vector<Message>> messages_;  // by channel: two steps' worth, used in turn
  std::vector<GroupState> groups_;
  std::vector<std::int64_t> memory_;  // activation bytes alive, by rank
  std::vector<Target> target_of_flow_;
  std::vector<bool> under_way_;       // by flow
  std::size_t changed_ = 0;           // changes of the plan so far
  std::vector<std::uint32_t> ready_;  // ranks that can run
  sim::EventQueue<Target> starts_;
  Outcome outcome_;
  sim::Signature signature_;
  std::uint64_t steps_done_ = 0, steps_in_all_ = 0, progress_mark_ = 0;
};

}  // namespace workloads
