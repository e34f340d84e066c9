#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>
#include "sim/ids.hpp"    // LinkId, FlowId
#include "sim/units.hpp"  // Time (64-bit picoseconds), Bytes, BytesPerSecond, never

namespace sim {

struct LinkSpec {
  BytesPerSecond capacity;
};

// A flow at rate r puts r * share on the link. 1 for a plain route; 1/k on each of k sprayed
// paths; 2 where two edges of a ring cross the link.
struct LinkShare {
  LinkId link;
  double share = 1;
  bool operator==(const LinkShare&) const = default;
};

struct FlowSpec {
  Bytes bytes;                        // of a message, moved at the flow's rate; zero finishes after the latency
  Time latency;                       // of the route, waited before the flow shares bandwidth
  std::span<const LinkShare> shares;  // each link at most once; copied; empty: finishes after the latency
  BytesPerSecond ceiling{};           // never faster than this; zero: only its links hold it
  double weight = 1;                  // at a common bottleneck a flow of weight 2 gets twice the rate of one of weight 1
  std::uint32_t messages = 1;         // more: a train, see below
  std::uint32_t label = ~0u;          // by which logs call it; none: by its ends
  std::uint8_t purpose = 0;           // what it is for, to who chose the number
};
// A train is one message after the other, each of them `latency` and then `bytes`. To spare two solves a message it shares
// bandwidth all the time: exact while no other flow could use what the train leaves free in its latencies.

enum class Pressure : std::uint8_t { none, tight, full };  // tight: its flows, alone, would together ask for more than it has

struct LinkUse {
  double bytes = 0;  // carried so far
  Time limiting;     // how long the link held some flow below the rate of its own end links
};

struct PacketCounts;  // sim/packet/packet_fabric.hpp

// One rate change of one flow: [from, to) at one rate. For time-binned link loads.
class FlowObserver {
 public:
  virtual ~FlowObserver() = default;
  virtual void on_progress(std::span<const LinkShare> shares, double bytes, Time from, Time to) = 0;
};

// What the engine asks of a network: "when is your next event?" and "go there".
// Knows links and shares of links, no graph and no GPUs.
class Network {
 public:
  virtual ~Network() = default;
  virtual FlowId start(const FlowSpec& flow) = 0;                       // from now
  virtual void cancel(FlowId flow) = 0;                                 // nothing that a train has moved is counted then
  virtual void set_capacity(LinkId link, BytesPerSecond capacity) = 0;  // from now; zero: the link is down
  // What is left of it goes on over these links, and never faster; what it has waited of its latency counts. Not for trains.
  virtual void reroute(FlowId flow, std::span<const LinkShare> shares, BytesPerSecond ceiling);  // refused where there is no such thing
  virtual Time next_event() = 0;                           // never, when nothing can happen; solves all changes of this instant at once
  virtual std::span<const FlowId> advance_to(Time t) = 0;  // the finished, by FlowId; valid until the next such call
  virtual BytesPerSecond rate(FlowId flow) = 0;            // zero while in its latency
  virtual Time now() const = 0;
  virtual std::vector<LinkUse> link_use() const = 0;                                    // one per link, up to now
  virtual void count(std::span<const LinkShare> shares, double bytes, Time since) = 0;  // moved evenly until now, outside of any flow

  // What contention does to trains; nothing where there is none. As of the last solve.
  virtual Pressure pressure(LinkId) const { return Pressure::none; }
  virtual void flows_on(LinkId, std::vector<FlowId>& flows) const { flows.clear(); }
  virtual void take_crowded(std::vector<LinkId>& links) {
    links.clear();
  }  // changed since the last call: under pressure, a train among others

  virtual const PacketCounts* packet_counts() { return nullptr; }  // up to now; null: it knows no packets
};

// Every network that a scenario can name: "analytic", "fluid". Throws InputError for another name.
// The observer may be null; it must outlive the network. `threads` (0: as many as the machine gives) may
// work on one large solve; results are the same for any number.
std::unique_ptr<Network> make_network(std::string_view name, std::span<const LinkSpec> links, FlowObserver* observer = nullptr,
                                      int threads = 1);
std::span<const std::string_view> network_names();

}  // namespace sim
