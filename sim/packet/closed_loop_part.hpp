#pragma once
#include "sim/packet/closed_loop_steady.hpp"

namespace sim {

// Some of the nodes, with the links that leave them and the flows that begin there: what one thread works on in a window.
// Of the other parts it sees only what is constant within a window.
struct ClosedLoop::Part {
  Part(ClosedLoop& loop, std::uint32_t number);

  void run_window(Time end);
  void take_in();  // what was sent to its nodes in this window
  void post(std::uint32_t node, const Mail& mail);
  void find_next();                                                             // when a node has something to do
  std::int64_t pause_threshold(const Node& node, std::int64_t more = 0) const;  // with so much more in the buffer

  // Nodes and links (closed_loop_part.cpp).
  void run_node(std::uint32_t node, Time end);
  void prefetch(std::uint32_t node) const;
  Time collect(std::uint32_t node, Time end);
  void sort_inputs();
  void handle(std::uint32_t node, const Event& input);
  void send_in_order(std::uint32_t node, Time end);
  void send_until(std::uint32_t link, Time end) {
    while (ports_[link].armed < end) serve_when_armed(link);
  }
  void serve_when_armed(std::uint32_t link);
  void arm(std::uint32_t link, Time at) { ports_[link].armed = std::min(ports_[link].armed, at); }
  void wake(std::uint32_t node, Time at);
  void put_on(std::uint32_t link, const Packet& packet);
  bool sends_in_order(const Node& node) const { return node.pausing > 0 || spec_.backpressure == Backpressure::credits; }
  bool is_lossless() const { return spec_.backpressure != Backpressure::none; }

  // At the sender (closed_loop_sender.cpp).
  void offer(std::uint32_t flow);
  bool emit(std::uint32_t link);
  std::uint32_t new_telemetry();
  Telemetry& telemetry(std::uint32_t record) const { return loop_.telemetry_[record / block][record % block]; }
  void on_acknowledgement(std::uint32_t flow, const Mail& mail);
  void on_timeout(std::uint32_t flow, std::uint32_t round);
  void note_if_over(std::uint32_t flow);
  std::int64_t wire_size(const Flow& flow, std::uint32_t sequence) const;

  // In the network (closed_loop_node.cpp).
  void on_arrival(std::uint32_t link);
  void serve(std::uint32_t link);
  bool may_transmit(std::uint32_t link, std::int64_t size);
  void transmit(std::uint32_t link, Packet& packet);
  void deliver(std::uint32_t link, Packet& packet);
  bool admit(std::uint32_t in_link, std::uint32_t out_link, std::int64_t size);
  bool is_calm(const Wire& in, std::uint32_t out_link, std::int64_t size) const;
  bool has_room(const Wire& in, std::uint32_t out_link, std::int64_t size) const;
  bool fills_too_much(const Wire& in, std::int64_t size) const;
  void tell_sender(std::uint32_t in_link, bool pause);
  void release_buffer(std::uint32_t in_link, std::int64_t size);
  void mark(std::uint32_t link, Packet& packet);
  void note_pause(std::uint32_t link, bool held);

  // Failures (closed_loop_failures.cpp).
  void drop(std::uint32_t link, const Packet& packet);
  void drop_arrived(std::uint32_t in_link, std::uint32_t link, const Packet& packet);
  void send_again(std::uint32_t flow);
  void take_sequence(std::uint32_t flow);
  std::uint32_t link_to_take(std::uint32_t place, std::uint32_t node);
  std::uint32_t link_for_packet(std::span<const std::uint32_t> choices);

  static constexpr std::uint32_t block = 1024, most_blocks = 1 << 16;  // of telemetry
  struct Letter {
    std::uint32_t node;
    Mail mail;
  };
  struct Passing {
    std::uint32_t link;
    Packet packet;
  };
  struct Returned {
    std::uint32_t link;
    Credit credit;
  };
  struct Outbox {
    std::vector<Letter> letters;
    std::vector<Passing> packets;
    std::vector<Returned> credits;
  };

  ClosedLoop& loop_;
  const ClosedLoopSpec spec_ = loop_.spec_;
  const PacketFabric& fabric_ = loop_.fabric_;
  const PacketWays& ways_ = loop_.ways_;
  const std::span<Port> ports_ = loop_.ports_;
  const std::span<Wire> wires_ = loop_.wires_;
  const std::span<RingBuffer<Credit>> returned_ = loop_.returned_;
  const std::span<Node> nodes_ = loop_.nodes_;
  const std::span<Time> wake_at_ = loop_.wake_at_;
  std::vector<Sender>& senders_ = loop_.senders_;
  std::vector<Flow>& flows_ = loop_.flows_;
  std::vector<Receiver>& receivers_ = loop_.receivers_;
  const std::uint32_t number_;
  PacketLog* const log_;
  const Time window_ = loop_.window_;

  EventQueue<Wake> wakes_;
  Time next_ = never;
  Time now_;                              // the instant that is simulated
  std::vector<std::uint32_t> awake_;      // in this window
  std::vector<Event> inputs_, unsorted_;  // of the node whose turn it is
  std::vector<std::uint32_t> slots_;
  std::vector<std::uint32_t> free_telemetry_;
  PacketCounts counts_;

  // For the end of the window.
  std::vector<Outbox> outboxes_;  // by part
  std::vector<Event> timers_;
  std::vector<Due> ended_;
  std::vector<Lost> lost_;
  std::vector<std::uint32_t> sent_, over_;
};

inline ClosedLoop::Part& ClosedLoop::part_of(std::uint32_t node) { return *parts_[part_by_node_[node]]; }

}  // namespace sim
