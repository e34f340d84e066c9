#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <span>
#include <vector>
#include "sim/network.hpp"
#include "sim/packet/flowlets.hpp"
#include "sim/packet/packet_log.hpp"
#include "sim/packet/packet_way.hpp"
#include "sim/packet/ring_buffer.hpp"
#include "sim/parallel.hpp"

namespace sim {

struct OpenLoopSpec {
  std::int64_t mtu = 4096;  // bytes of a packet on the wire
  PacketChoice choice = PacketChoice::shortest_queue;
  Time flowlet_gap;          // a longer one begins a new flowlet
  int threads = 1;           // results are the same for any number
  PacketLog* log = nullptr;  // told of queues and rates, on one thread; outlives the network
};

// Packets without congestion control: store and forward, an unbounded FIFO in front of every link, senders at line rate.
// A flow is cut into packets of `mtu`, the last one shorter. The first link of a route serves its flows in turn, a packet each; a
// new flow goes to the tail, those of one instant by id. Packets that reach a queue at one instant are taken by the link they come from.
//
// A packet's departure is known when it arrives: max(now, free) + size / rate. What enters a link is at its far end a delay later at
// the earliest, so within a window as long as the shortest delay links do not see each other. For each window: what is at the end of its
// link goes to the inbox of the next one; then each link sorts its inbox and lets it depart. There is no queue of events. The links of
// a node belong to one part, and the parts of a window may run on threads of their own.
class OpenLoop final : public Network {
 public:
  OpenLoop(PacketFabric fabric, const OpenLoopSpec& spec);
  FlowId start(const FlowSpec& flow) override;  // shares in the order of the way, each 1
  void cancel(FlowId flow) override;            // refused, as the next
  void set_capacity(LinkId link, BytesPerSecond capacity) override;
  Time next_event() override;
  std::span<const FlowId> advance_to(Time t) override;
  BytesPerSecond rate(FlowId) override { return {}; }
  Time now() const override { return now_; }
  std::vector<LinkUse> link_use() const override;
  void count(std::span<const LinkShare>, double, Time) override {}
  const PacketCounts* packet_counts() override;

 private:
  static constexpr std::uint32_t none = PacketWays::none;
  static constexpr std::uint32_t is_trunk = 1u << 31;  // of a next link: a network link with several members
  static constexpr std::uint32_t is_last = 1u << 31;   // of a place: the flow's last packet
  static constexpr std::uint32_t place_bits = is_last - 1;

  // A packet is its place in the ways and needs no other memory.
  struct Packet {
    Time at;              // in front of the link at `place`
    std::uint32_t link;   // in an inbox: the one it comes from (no two at one instant); on a link: the next one
    std::uint32_t place;  // and is_last
    auto operator<=>(const Packet&) const = default;
  };
  struct Parcel {  // from one part to another
    Packet packet;
    std::uint32_t link;  // the next
  };
  struct Link {
    Time free;  // the end of the last packet that was given to it
    Time packet_time, delay;
    Time longest_wait;  // of the packets of others, until the end of their transmission
    std::int64_t packets = 0, short_bytes = 0;
    std::uint32_t sender = none, turn = 0, part = 0;
    bool busy = false, touched = false;  // in the lists of its part
    std::vector<Packet> inbox;           // that arrive within this window
    RingBuffer<Packet> wire;             // that depart, by their arrival at the far end
  };
  struct Sender {                        // on the first link of some routes
    std::uint32_t tail = none;           // circular list of the flows that are served in turn
    std::vector<std::uint32_t> started;  // since the last choice
    std::size_t next_started = 0;
  };
  struct Flow {
    std::uint32_t first = 0, links = 0;  // in the ways
    std::uint32_t next = none;           // of the same sender
    std::int64_t to_emit = 0;            // packets
    std::int64_t last_bytes = 0;         // of the last packet
    std::uint32_t stream = 0;            // in the log
    Time start;
  };
  struct Ending {
    std::int64_t packets = 0;  // that have not entered the last link
    Time at;                   // of the packets that have
  };
  struct Completion {
    Time at;
    std::uint32_t flow;
    auto operator<=>(const Completion&) const = default;
  };
  struct Part {
    std::vector<std::uint32_t> busy;           // links with packets on the wire
    std::vector<std::uint32_t> touched;        // links with something to do in this window
    std::vector<std::uint32_t> sending;        // links whose sender has flows
    std::vector<std::vector<Parcel>> parcels;  // by part
    std::vector<Parcel> undecided;             // among several links
    std::vector<Completion> completed, entered_trunk;
    Time next = never;  // when something happens
  };
  template <class T>
  using Heap = std::priority_queue<T, std::vector<T>, std::greater<>>;

  void hand_to_sender(std::uint32_t flow);
  void run_window(Time end);
  void collect(Part& part, std::size_t number, Time end);
  void deliver(Part& part, std::size_t number, Time end);
  void put_in_inbox(Part& part, std::uint32_t link, const Packet& packet);
  void touch(Part& part, std::uint32_t link);
  void run_link(Part& part, std::uint32_t link, Time end);
  Time next_emission(const Link& link) const;
  std::uint32_t choose_flow(Sender& sender, Time at);
  void send(Part& part, std::uint32_t link, std::uint32_t place, Time at);
  void log(std::uint32_t link, std::uint32_t place, Time at, std::int64_t size);
  void enter_last_link(Part& part, std::uint32_t network_link, std::uint32_t flow, Time end);
  std::uint32_t member_to_take(std::uint32_t network_link, const Packet& packet);
  std::uint32_t member_for_packet(std::span<const std::uint32_t> choices, const Packet& packet);

  PacketFabric fabric_;
  OpenLoopSpec spec_;
  PacketWays ways_;
  std::vector<Link> links_;
  std::vector<Flow> flows_;
  std::vector<Ending> endings_;  // by flow
  std::vector<std::uint32_t> free_flows_;
  std::vector<Sender> senders_;
  std::vector<Part> parts_;
  std::unique_ptr<Flowlets> flowlets_;  // where they are told apart
  std::unique_ptr<Workers> workers_;    // from the first shared window on
  Heap<Completion> starts_;             // whose latency is longer than that of their links
  Heap<Completion> completions_;
  std::vector<FlowId> finished_;
  PacketCounts counts_;
  Time window_;        // length
  Time next_ = never;  // when something happens in some part
  Time now_;
};

}  // namespace sim
