#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <span>
#include <vector>
#include "sim/event_queue.hpp"
#include "sim/max_min.hpp"
#include "sim/network.hpp"
#include "sim/packet/congestion_control.hpp"
#include "sim/packet/packet_way.hpp"
#include "sim/packet/ring_buffer.hpp"

namespace sim {

// What keeps a buffer from overflowing: frames that pause a link (RoCE), a count of free bytes at its far end (InfiniBand), nothing.
enum class Backpressure : std::uint8_t { pause_frames, credits, none };

struct ClosedLoopSpec {
  std::int64_t payload = 4096;  // bytes of a full packet,
  std::int64_t header = 0;      // beside them on the wire,
  std::int64_t acknowledgement = 64;
  PacketChoice choice = PacketChoice::shortest_queue;
  Backpressure backpressure = Backpressure::pause_frames;
  std::int64_t buffer = 64 << 20;         // of a node, for all that it forwards
  double buffer_share = 0.125;            // of what is free that one link (to be paused) or one queue (to be dropped from) may hold
  std::int64_t xoff = 0, xon = 0;         // bytes from one link; zero: by buffer_share
  std::int64_t ecn_min = 0, ecn_max = 0;  // bytes of a queue; zero: the times below at the link's rate
  Time ecn_min_time, ecn_max_time;
  double ecn_share = 0.2;  // marked just below the maximum
  Time timeout;            // without backpressure: when a sender goes back to what was not acknowledged
  std::uint64_t seed = 1;
  std::shared_ptr<CongestionControl> congestion_control;  // null: at the max-min rate
};

// Packets that are acknowledged, marked, paused, dropped, and senders that react.
//
// A node keeps a FIFO for each link that leaves it; all of them share its buffer, and each packet counts for the link it came by until
// its transmission begins. A sender serves its flows in turn, as far as rate and window allow. A queue marks packets as they leave it.
// Assumes: acknowledgements, pause frames and credits have a lane of their own and never queue (an acknowledgement is 1.6 % of a
// packet of 4 KiB); end points take what comes; one traffic class. So it is too kind where the way back is the full one.
// Events at one instant go by kind, then link or flow. One thread.
class ClosedLoop final : public Network {
 public:
  ClosedLoop(PacketFabric fabric, const ClosedLoopSpec& spec);
  FlowId start(const FlowSpec& flow) override;  // shares in the order of the way, each 1; bytes are payload
  void cancel(FlowId flow) override;            // refused, as the next
  void set_capacity(LinkId link, BytesPerSecond capacity) override;
  Time next_event() override;  // throws SimulationError when packets wait for each other for ever
  std::span<const FlowId> advance_to(Time t) override;
  BytesPerSecond rate(FlowId flow) override { return BytesPerSecond{flows_[flow.value()].rate}; }  // what its sender is allowed
  Time now() const override { return now_; }
  std::vector<LinkUse> link_use() const override;
  void count(std::span<const LinkShare>, double, Time) override {}
  const PacketCounts* packet_counts() override { return &counts_; }
  void forget_longest_queue() { counts_.max_queue_bytes = 0; }

 private:
  static constexpr std::uint32_t none = PacketWays::none;
  enum class Kind : std::uint32_t { pause, arrival, acknowledgement, start, timeout, port };
  struct Event {
    Time at;
    std::uint32_t what;    // kind in the upper three bits; below: link or flow
    std::uint32_t detail;  // packet; of a pause: 1 it begins, 0 it ends; of a timeout: which one
    auto operator<=>(const Event&) const = default;
  };
  struct Packet {
    Time sent;
    std::uint32_t flow = 0, place = 0;  // of the link that it is on or waits for
    std::uint32_t next = none;          // in the queue, or free
    std::uint32_t from = none;          // link by which it came into the queue
    std::uint32_t sequence = 0;
    std::uint32_t size : 29 = 0;  // on the wire
    std::uint32_t marked : 1 = 0, refused : 1 = 0;
    std::uint8_t hops = 0;  // with telemetry
  };
  struct alignas(64) Port {    // a link and the queue in front of it; the first line is all that most packets touch
    Time free, armed = never;  // until when it transmits; the port event that counts
    Time packet_time, delay;   // of a full packet
    std::int64_t queue_bytes = 0;
    std::int64_t buffered = 0;               // at the far end: of packets that came by this link
    std::uint32_t head = none, tail = none;  // queue
    std::uint32_t to = 0;                    // node
    bool paused = false;                     // by the far end
    bool pausing = false;                    // this link's sender, as its packets fill the node that it leads to
    bool waiting = false;                    // for credits

    std::int64_t packets = 0, bytes = 0;
    std::int64_t ecn_min = 0, ecn_max = 0, credit = 0;
    std::uint32_t sender = none, turn = 0;
  };
  using Credit = std::pair<Time, std::int64_t>;  // on its way back
  struct Node {
    std::int64_t used = 0, shared = 0;  // bytes; `shared` leaves out what is kept for links that were paused
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
  struct Flow {
    std::uint32_t first = 0, links = 0, first_link = 0;
    std::uint32_t packets = 0, next = 0, acknowledged = 0, expected = 0;  // next to send; received in order
    std::uint32_t to_end = 0;                                             // packets that have not entered the last link
    std::int64_t bytes = 0, in_flight = 0;
    double rate = 0, window = 0, ceiling = 0, weight = 1;
    Time may_send, end, return_time;  // of its next packet; of what is on the last link; of an acknowledgement
    Time progress;                    // when something was last acknowledged
    std::uint32_t unanswered = 0;     // packets in the network or in acknowledgements
    std::uint32_t round = 0;          // of timeouts
    bool queued = false;              // ready or due at its sender
    bool refused = false;             // told the sender of a gap
    bool ended = false, reported = false, alive = false;
  };

  void push(Time at, Kind kind, std::uint32_t entity, std::uint32_t detail) {
    events_.push({at, static_cast<std::uint32_t>(kind) << 29 | entity, detail});
  }
  void handle(const Event& event);

  // At the sender (closed_loop_sender.cpp).
  void begin(std::uint32_t flow);
  void offer(std::uint32_t flow);
  bool emit(std::uint32_t link);
  void apply(Flow& flow, const Allowance& allowance);
  double fair_rate(std::uint32_t flow);
  void on_acknowledgement(std::uint32_t flow, std::uint32_t packet);
  void on_timeout(std::uint32_t flow, std::uint32_t round);
  void finish(std::uint32_t flow, Time at);
  void release_if_over(std::uint32_t flow);
  FlowPath path_of(const Flow& flow) const;
  std::int64_t wire_size(const Flow& flow, std::uint32_t sequence) const;
  bool is_lossless() const { return spec_.backpressure != Backpressure::none; }

  // In the network (closed_loop.cpp).
  void on_arrival(std::uint32_t link, std::uint32_t packet);
  void deliver(std::uint32_t packet);
  void serve(std::uint32_t link);
  void arm(std::uint32_t link, Time at);
  bool may_transmit(std::uint32_t link, std::int64_t size);
  void transmit(std::uint32_t link, std::uint32_t packet);
  bool admit(std::uint32_t in_link, std::uint32_t out_link, const Packet& packet);
  void release_buffer(std::uint32_t in_link, std::int64_t size);
  std::int64_t pause_threshold(const Node& node) const;
  void mark(std::uint32_t link, std::uint32_t packet);
  std::uint32_t link_to_take(std::uint32_t place, std::uint32_t node);
  std::uint32_t new_packet();
  void free_packet(std::uint32_t packet);
  [[noreturn]] void explain_deadlock() const;

  static constexpr std::size_t most_hops = 12;

  PacketFabric fabric_;
  ClosedLoopSpec spec_;
  PacketWays ways_;
  std::vector<Port> ports_;
  std::vector<RingBuffer<Credit>> returned_;  // by link
  std::vector<Node> nodes_;
  std::vector<Sender> senders_;
  std::vector<Flow> flows_;
  std::vector<std::uint32_t> free_flows_;
  std::vector<Packet> packets_;
  std::vector<HopRecord> telemetry_;  // most_hops for each packet, where it is asked for
  std::uint32_t free_packets_ = none;
  EventQueue<Event> events_;
  Heap<Due> completions_;
  std::vector<FlowId> finished_;
  std::unique_ptr<MaxMin> fair_;  // without congestion control
  std::uint32_t unfinished_ = 0;
  PacketCounts counts_;
  Time soonest_;
  Time now_;
};

}  // namespace sim
