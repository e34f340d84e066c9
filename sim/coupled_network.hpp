#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>
#include "sim/network.hpp"

namespace sim {

// From one rank to the next.
struct CollectiveEdge {
  std::vector<LinkShare> shares;
  Time latency;
  BytesPerSecond ceiling{};  // never faster than this; zero: only its links hold it
  std::uint32_t before = 0;  // the edge that ends where this one begins
};

// Message k of an edge starts when message k-1 of the edge and of the edge before it have arrived.
struct CollectiveSpec {
  std::span<const CollectiveEdge> edges;  // must outlive the collective
  std::uint32_t steps = 1;                // messages of an edge
  Bytes bytes;                            // of a message
  Time latency;                           // of each message, beside that of its edge
  bool edge_finishes = false;             // those of single edges are wanted, not only the last: where links are filled to
                                          // different levels it goes message by message from the start
  std::uint8_t purpose = 0;               // of all its messages
};

enum class Coupling : std::uint8_t {
  automatic,  // one variable as long as that is exact, then message by message
  off,        // message by message: the oracle
  always      // one variable whatever comes; `contended` says how often that was wrong
};

// A network that also carries collectives.
//
// Alone, all edges of a ring move in step: the slowest ones take latency + bytes / rate for every message, the others
// wait for them. So the collective is one train (network.hpp) that loads all its links, and ends after steps times that.
//
// That is exact as long as nobody else could use what it leaves free: on no link that is under pressure (its flows
// together could take more than it has) is there another flow, unless that is a collective in lockstep: begun at the same instant,
// of equal steps, bytes, latency and rate. When it stops to be exact the collective is expanded in the same instant, before time
// moves: each edge goes on, message by message, from where it is; and stays so to its end. A change of capacity expands too.
//
// Where each edge is follows from its own time for a message: start of message k = max of the two ends of k-1. An edge that crosses a link
// under pressure counts as one of the slowest; in a collective that fills links to different levels some are faster and would be further
// ahead. The end is right all the same.
class CoupledNetwork {
 public:
  CoupledNetwork(std::unique_ptr<Network> network, std::span<const LinkSpec> links, Coupling coupling = Coupling::automatic);

  FlowId start(const FlowSpec& flow);
  FlowId start(const CollectiveSpec& collective);
  void set_capacity(LinkId link, BytesPerSecond capacity);
  // From now on by other ways: a flow, or a collective, whose edges are as many and follow each other as before. A collective goes
  // message by message then.
  void reroute(FlowId flow, std::span<const LinkShare> shares, BytesPerSecond ceiling = {});
  void reroute(FlowId collective, std::span<const CollectiveEdge> edges);
  Time next_event();
  std::span<const FlowId> advance_to(Time t);              // flows and collectives; valid until the next such call
  std::span<const Time> edge_finishes(FlowId collective);  // of one that advance_to() has just named
  Time now() const { return network_->now(); }
  std::vector<LinkUse> link_use() const { return network_->link_use(); }
  const PacketCounts* packet_counts() const { return network_->packet_counts(); }
  std::uint64_t expanded() const { return expanded_; }    // collectives that went message by message
  std::uint64_t contended() const { return contended_; }  // that would have to, had they been allowed
  std::uint64_t messages() const { return messages_; }    // simulated one by one

 private:
  struct EdgeState {
    std::uint32_t started = 0, arrived = 0;  // messages
    FlowId under_way;                        // the network's, where more have started than arrived
  };
  struct Collective {
    FlowId id;  // ours
    CollectiveSpec spec;
    Time begin;
    Time latency;            // of a message of the train: the longest
    FlowId train;            // the network's
    BytesPerSecond rate;     // of the train
    std::vector<bool> held;  // by edge: crosses a link under pressure; empty: none does
    bool coupled = true, contended = false;
    std::uint32_t edges_left = 0;          // expanded: that have not ended
    std::vector<EdgeState> edges;          // expanded, as the next two
    std::vector<std::uint32_t> followers;  // edges by the edge before them
    std::vector<std::uint32_t> first_follower;
    std::vector<Time> finishes;  // by edge
  };
  struct Owner {  // of a flow of the network
    std::uint32_t object = 0, edge = 0;
  };
  static constexpr std::uint32_t plain = 0xffffffff, whole = 0xfffffffe;  // edge: an own flow; a train

  FlowId new_id();
  std::uint32_t new_collective(const CollectiveSpec& spec);
  FlowId start_owned(const FlowSpec& flow, Owner owner);
  void arrive(Owner owner);
  void pass_on(Owner owner);
  void go_on(std::uint32_t number, std::uint32_t edge);
  void send(std::uint32_t number, std::uint32_t edge, Bytes bytes, Time latency);

  // As one variable.
  void start_train(std::uint32_t number);
  void find_trains(LinkId link);
  void review(LinkId link);
  bool in_lockstep(const Collective& a, const Collective& b) const;
  void examine(std::uint32_t number);
  bool is_exact(Collective& c) const;
  BytesPerSecond alone(const CollectiveEdge& edge) const;
  Time latency(const Collective& c, std::uint32_t edge) const { return c.spec.latency + c.spec.edges[edge].latency; }
  Time carrying_time(const Collective& c, BytesPerSecond rate) const;
  Time period(const Collective& c, std::uint32_t edge) const;

  // From one variable to messages (coupled_positions.cpp).
  void begin_messages(std::uint32_t number);
  void expand(std::uint32_t number);
  void find_positions(Collective& c, std::vector<Time>& begun) const;
  void find_finishes(Collective& c) const;

  std::unique_ptr<Network> network_;
  Coupling coupling_;
  std::vector<BytesPerSecond> capacity_;
  std::vector<Owner> owner_;                 // by the network's flow
  std::vector<std::uint32_t> object_of_id_;  // a flow of the network, or a collective
  std::vector<FlowId> free_ids_;
  std::vector<Collective> collectives_;
  std::vector<std::uint32_t> free_collectives_;
  std::vector<std::uint32_t> ended_;  // free at the next advance_to()
  std::vector<std::uint32_t> fresh_;  // to be examined after the next solve
  std::vector<std::uint32_t> to_expand_;
  std::vector<LinkId> crowded_;
  std::vector<FlowId> on_link_;
  std::vector<std::uint32_t> trains_;
  std::vector<Owner> arrived_;
  std::vector<FlowId> finished_;
  std::vector<double> share_on_link_;  // scratch, all zero between uses
  std::vector<LinkShare> sum_;
  std::uint64_t expanded_ = 0, contended_ = 0, messages_ = 0;
};

}  // namespace sim
