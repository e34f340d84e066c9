#pragma once
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <span>
#include <vector>
#include "sim/event_queue.hpp"
#include "sim/max_min.hpp"
#include "sim/network.hpp"
#include "sim/packet/congestion_control.hpp"
#include "sim/packet/flowlets.hpp"
#include "sim/packet/packet_log.hpp"
#include "sim/packet/packet_way.hpp"
#include "sim/packet/ring_buffer.hpp"

namespace sim {
class Workers;

// What keeps a buffer from overflowing: frames that pause a link (RoCE), a count of free bytes at its far end (InfiniBand), nothing.
enum class Backpressure : std::uint8_t { pause_frames, credits, none };

struct ClosedLoopSpec {
  std::int64_t payload = 4096;  // bytes of a full packet,
  std::int64_t header = 0;      // beside them on the wire,
  std::int64_t acknowledgement = 64;
  PacketChoice choice = PacketChoice::shortest_queue;
  Time flowlet_gap;  // a longer one begins a new flowlet
  Backpressure backpressure = Backpressure::pause_frames;
  std::int64_t buffer = 64 << 20;         // of a node, for all that it forwards
  double buffer_share = 0.125;            // of what is free that one link (to be paused) or one queue (to be dropped from) may hold
  std::int64_t xoff = 0, xon = 0;         // bytes from one link; zero: by buffer_share
  std::int64_t ecn_min = 0, ecn_max = 0;  // bytes of a queue; zero: the times below at the link's rate
  Time ecn_min_time, ecn_max_time;
  double ecn_share = 0.2;  // marked just below the maximum
  Time timeout;            // without backpressure: when a sender goes back to what was not acknowledged
  std::uint64_t seed = 1;
  int threads = 1;                                        // results are the same for any number
  bool skip_steady = false;                               // jump over times in which rates and queues stay; not with loss or a log
  PacketLog* log = nullptr;                               // told of queues and rates; outlives the network
  std::shared_ptr<CongestionControl> congestion_control;  // null: at the max-min rate
};

// Packets that are acknowledged, marked, paused, dropped, and senders that react.
//
// A node keeps a FIFO for each link that leaves it; all of them share its buffer, and each packet counts for the link it came by until
// its transmission begins. A sender serves its flows in turn, as far as rate and window allow. A queue marks packets as they leave it.
// Assumes: acknowledgements, pause frames and credits have a lane of their own and never queue (an acknowledgement is 1.6 % of a
// packet of 4 KiB); end points take what comes; one traffic class. So it is too kind where the way back is the full one.
//
// What a node sends is elsewhere a link delay later at the earliest. So time passes in windows as long as the shortest delay, and within
// a window one node after the other does all it has to do, with its queues in the cache:
//   1. It puts in order what comes to it in this window: packets, pauses, acknowledgements.
//   2. For each of them the queue that it goes to first sends what leaves it earlier. The other queues of the node wait: nobody sees them,
//      and what they hold too long makes the buffer look fuller than it is. Where that would matter (a pause, a drop), and while the
//      node pauses a link or counts credits, all queues send in order of time first.
//   3. At the end of the window all queues send.
// A window is simulated when it is over: what ends in it entered its last link a delay earlier, so its ends are known, and what starts
// in it is, too. So rates, counts and bytes of links are those of up to a window ago.
// Events of a node at one instant go by kind, then link or flow.
// The nodes are split into parts, one for each thread; what leaves a part waits for the end of the window, and so does what concerns
// all (ends, losses, timeouts, credits). Its order does not matter or is that of its content: the same result for any number of threads.
class ClosedLoop final : public Network {
 public:
  ClosedLoop(PacketFabric fabric, const ClosedLoopSpec& spec);
  ~ClosedLoop() override;
  FlowId start(const FlowSpec& flow) override;  // shares in the order of the way, each 1; bytes are payload
  void cancel(FlowId flow) override;
  void set_capacity(LinkId link, BytesPerSecond capacity) override;  // of a trunk: of all its links together
  void reroute(FlowId flow, std::span<const LinkShare> shares, BytesPerSecond ceiling) override;
  Time next_event() override;  // throws SimulationError when packets wait for each other for ever
  std::span<const FlowId> advance_to(Time t) override;
  BytesPerSecond rate(FlowId flow) override { return BytesPerSecond{flows_[flow.value()].rate}; }  // what its sender is allowed
  Time now() const override { return clock_; }
  std::vector<LinkUse> link_use() const override;
  void count(std::span<const LinkShare>, double, Time) override {}
  const PacketCounts* packet_counts() override;
  void forget_longest_queue();
  Time skipped() const;  // so much was jumped over

 private:
  static constexpr std::uint32_t none = PacketWays::none;
  static constexpr Time awake = Time::picoseconds(-1);  // it is, in this window: no need to wake it
  enum class Kind : std::uint32_t { pause, arrival, acknowledgement, start, timeout };
  struct Event {
    Time at;
    std::uint32_t what = 0;  // kind in the upper three bits; below: link or flow
    std::uint32_t detail =
        0;  // of a pause: its number, and in the lowest bit whether it begins; of an acknowledgement: Mail; of a timeout: which one
    auto operator<=>(const Event&) const = default;
    Kind kind() const { return static_cast<Kind>(what >> 29); }
    std::uint32_t entity() const { return what & ((1u << 29) - 1); }
  };
  static Event event(Time at, Kind kind, std::uint32_t entity, std::uint32_t detail = 0) {
    return {at, static_cast<std::uint32_t>(kind) << 29 | entity, detail};
  }
  struct Packet {
    Time at;  // the end of its link
    Time sent;
    std::uint32_t place = 0;  // of the link that it is on or waits for
    std::uint32_t sequence = 0;
    std::uint32_t size : 30 = 0;  // on the wire
    std::uint32_t marked : 1 = 0, refused : 1 = 0;
    std::uint32_t record = none;  // where it carries telemetry
  };
  struct Waiting {
    Packet packet;
    std::uint32_t from = none;  // link by which it came
  };
  struct Mail {  // to a node, beside packets; an acknowledgement: of this packet, or, if refused, the one to go back to
    Event event;
    Time sent;
    std::uint32_t size : 30 = 0;
    std::uint32_t marked : 1 = 0, refused : 1 = 0;
    std::uint32_t record = none;
    friend bool operator<(const Mail& a, const Mail& b) { return a.event < b.event; }
  };
  struct alignas(64) Port {    // a link as its sender sees it; the first line is all that an empty queue touches
    Time free, armed = never;  // until when it transmits; when it looks for more
    Time packet_time, delay;   // of a full packet
    std::int64_t queue_bytes = 0;
    std::int64_t packets = 0, bytes = 0;
    std::uint32_t sender = none;
    bool paused = false;   // by the far end
    bool waiting = false;  // for credits
    bool crosses = false;  // to another part
    bool down = false;

    RingBuffer<Waiting> queue;
    std::int64_t ecn_min = 0, ecn_max = 0, credit = 0;
    std::uint32_t turn = 0;
  };
  struct alignas(64) Wire {     // a link as its far end sees it
    RingBuffer<Packet> on_way;  // none where the way ends
    std::int64_t buffered = 0;  // of packets that came by this link
    std::uint32_t from = 0, to = 0;
    std::uint32_t frames = 0;  // that began or ended a pause
    bool pausing = false;      // its sender, as its packets fill the node
  };
  using Credit = std::pair<Time, std::int64_t>;  // on its way back
  struct Pause {                                 // of a link, also while it waits for credits
    Time since = never, total;
  };
  struct alignas(64) Node {
    std::int64_t used = 0, shared = 0;  // bytes; `shared` leaves out what is kept for links that were paused
    std::int64_t calm = 0;              // up to so many bytes of a link or queue nothing happens while half of `shared` is free
    std::uint32_t pausing = 0;          // links
    RingBuffer<Mail> mail;              // in order
  };
  struct LinksOf {  // a node: where in in_links_, out_links_; those of the next node are the end
    std::uint32_t in = 0, out = 0;
  };
  struct Wake {
    Time at;
    std::uint32_t node;
    auto operator<=>(const Wake&) const = default;
  };
  struct Due {
    Time at;
    std::uint32_t flow;
    auto operator<=>(const Due&) const = default;
  };
  template <class T>
  using Heap = std::priority_queue<T, std::vector<T>, std::greater<>>;
  struct Sender {                     // on the first link of some routes
    RingBuffer<std::uint32_t> ready;  // flows that may send now
    Heap<Due> due;                    // that may send later
  };
  struct alignas(64) Flow {  // at its sender
    std::uint32_t first = 0, links = 0, first_link = 0;
    std::uint32_t packets = 0, next = 0, acknowledged = 0;  // next to send
    std::int64_t bytes = 0, in_flight = 0;
    double rate = 0, window = 0, ceiling = 0, weight = 1;
    Time may_send;                 // its next packet
    Time progress;                 // when something was last acknowledged
    std::uint32_t unanswered = 0;  // packets in the network or in acknowledgements
    std::uint32_t round = 0;       // of timeouts
    bool queued = false;           // ready or due at its sender
    bool reported = false, alive = false;
    bool started = false, stalled = false, cancelled = false;  // stalled: a link on its way is down
    bool shares = false;                                       // at max-min rates: it has one
    bool sends_again = false;                                  // something that a link has lost
  };
  struct alignas(32) Receiver {              // of a flow, as the last link knows what it will see
    Time return_time;                        // of an acknowledgement
    Time end;                                // of what is on the last link
    std::uint32_t node = 0;                  // of the sender
    std::uint32_t to_end = 0, expected = 0;  // packets that have not entered the last link; received in order
    bool refused = false;                    // told the sender of a gap
  };
  struct Missing {                           // of a flow where nothing is lost usually: sequences
    std::vector<std::uint32_t> lost, again;  // of which its sender does not know; that it may send, the first one at the end
  };
  struct Telemetry {
    std::array<HopRecord, 12> hops;
    std::uint32_t size = 0;
  };

  struct Lost {  // a packet
    std::uint32_t flow, record, sequence;
  };

  struct Part;  // closed_loop_part.hpp

  // Windows (closed_loop.cpp).
  void sort_links();
  void set_times(std::uint32_t link);
  void run_until(Time t);
  template <class Work>
  void each_part(Work&& work);
  void end_window(Time end);
  Time next_time() const;
  std::span<const std::uint32_t> links_into(std::uint32_t node) const;
  std::span<const std::uint32_t> links_from(std::uint32_t node) const;
  [[noreturn]] void explain_deadlock() const;

  // Failures (closed_loop_failures.cpp).
  void lose(const Lost& lost, Time at);
  void take_down(std::uint32_t link);
  void bring_up(std::uint32_t link);
  void judge_way(std::uint32_t flow);
  void take_fair_share(std::uint32_t flow);
  void leave_fair_share(std::uint32_t flow);

  // Steady states (closed_loop_steady.cpp).
  struct Steady;
  void watch_for_steady_state();
  void forget_steady_state();
  void look_for_steady_state(Time now);
  bool is_settled() const;
  bool is_under_way(std::uint32_t flow) const;
  Time steady_room(Time most) const;
  void jump(Time by);
  void move_flow(std::uint32_t flow, Time by, std::uint32_t packets);

  // Parts (closed_loop_parts.cpp).
  void make_parts();
  void share_out(std::uint32_t parts);
  Part& part_of(std::uint32_t node);

  // Flows (closed_loop_sender.cpp).
  void prepare(const Event& timer);
  void set_way(std::uint32_t flow, std::span<const LinkShare> shares);
  std::uint32_t last_link(std::uint32_t flow) const;
  std::uint32_t part_before_end(std::uint32_t flow) const { return part_by_node_[fabric_.links[last_link(flow)].from]; }
  static void apply(Flow& flow, const Allowance& allowance);
  void finish(std::uint32_t flow, Time at);
  void release_if_over(std::uint32_t flow);
  FlowPath path_of(std::uint32_t flow) const;
  bool is_lossless() const { return spec_.backpressure != Backpressure::none; }

  PacketFabric fabric_;
  ClosedLoopSpec spec_;
  PacketWays ways_;
  std::vector<Port> ports_;  // by link, as the next two
  std::vector<Wire> wires_;
  std::vector<RingBuffer<Credit>> returned_;
  std::vector<Pause> pauses_;
  std::vector<Node> nodes_;
  std::vector<Time> wake_at_;  // when a node has something to do
  std::vector<LinksOf> links_of_;
  std::vector<std::uint32_t> in_links_, out_links_;  // by node
  std::vector<Sender> senders_;
  std::vector<Flow> flows_;
  std::vector<Receiver> receivers_;     // by flow
  std::vector<std::uint32_t> streams_;  // by flow: in the log
  std::vector<std::uint32_t> free_flows_;
  // Of packets under way, where it is asked for: in blocks that stay where they are.
  std::vector<std::unique_ptr<Telemetry[]>> telemetry_;
  std::atomic<std::uint32_t> telemetry_blocks_ = 0;
  std::vector<std::unique_ptr<Part>> parts_;
  std::vector<std::uint32_t> order_, part_by_node_;  // neighbours one after the other
  std::uint32_t parts_in_use_ = 1;
  std::uint64_t windows_ = 0;
  std::unique_ptr<Workers> workers_;
  EventQueue<Event> timers_;  // starts and timeouts
  Time window_;
  std::size_t awake_ = 0;  // nodes in the last window
  std::vector<Due> ended_;
  std::vector<std::uint32_t> sent_;  // flows at max-min rates that have sent their last packet
  std::vector<std::uint32_t> over_;  // flows of which nothing is under way any more
  Heap<Due> completions_;
  std::vector<FlowId> finished_;
  std::unique_ptr<MaxMin> fair_;             // without congestion control
  std::unique_ptr<Flowlets> flowlets_;       // where they are told apart
  std::unique_ptr<Steady> steady_;           // where it may be skipped
  std::vector<std::int64_t> skipped_bytes_;  // by link
  std::uint64_t skipped_hops_ = 0;
  std::vector<BytesPerSecond> whole_;  // capacity by link, as it was given
  std::map<std::uint32_t, Missing> missing_;
  std::map<std::uint32_t, std::vector<std::pair<std::uint32_t, std::uint32_t>>> old_ways_;  // by flow: on which something may still be
  std::uint32_t unfinished_ = 0, stalled_ = 0;
  PacketCounts counts_;
  Time clock_;  // of who asks
};

}  // namespace sim
