#pragma once
#include <queue>
#include <vector>
#include "sim/flow_table.hpp"
#include "sim/network.hpp"

namespace sim {

// Shares link capacity between concurrent flows by max-min fairness of flow rates.
// Assumes a flow reaches its fair rate at once (no packets, buffers, slow start):
// good for transfers much longer than a round trip, too fast for shorter ones.
// Equal inputs give bit-equal outputs: ties go by LinkId and FlowId, never by address.
//
// A link whose flows could all run at their ceilings (the least capacity / share on their way) at
// once can never be a bottleneck; it is *slack* and joins nothing. A change is re-solved only for
// the flows that it reaches through links that are not slack. That is exact, and on a fabric with
// full bisection nearly every flow stands alone.
class FluidNetwork final : public Network {
 public:
  FluidNetwork(std::span<const LinkSpec> links, FlowObserver* observer);
  FlowId start(const FlowSpec& flow) override;
  void set_capacity(LinkId link, BytesPerSecond capacity) override;
  Time next_event() override;
  std::span<const FlowId> advance_to(Time t) override;
  BytesPerSecond rate(FlowId flow) override;
  Time now() const override { return now_; }
  std::vector<LinkUse> link_use() const override;
  std::uint64_t solves() const { return solves_; }

 private:
  struct LinkFlow {
    FlowId flow;
    std::uint32_t entry;           // index into that flow's links
  };
  struct Link {
    BytesPerSecond capacity;
    std::vector<LinkFlow> flows;   // active ones
    double demand = 0;             // sum of ceiling * share: what the flows could use at most
    bool tight = false;            // demand exceeds capacity
    bool seeded = false, visited = false;
    Time limiting_since = never;   // since when it holds some flow below its ceiling
    double residual = 0, weight = 0;  // while solving
  };

  Time next_timed_event();
  void activate(FlowId id);
  void finish(FlowId id);
  void set_ceiling(Flow& flow);
  void attach(FlowId id);
  void detach(FlowId id);
  void seed(LinkId link);
  void settle(Flow& flow, double bytes);
  void solve();
  void collect_component();
  void share_out();
  void fix(FlowId id, double rate);
  void apply_rate(FlowId id, BytesPerSecond rate);
  void mark_limiting(LinkId link);

  std::vector<Link> links_;
  FlowTable flows_;
  std::priority_queue<std::pair<Time, FlowId>, std::vector<std::pair<Time, FlowId>>, std::greater<>> activations_;
  FinishQueue finishes_;
  std::vector<FlowId> seed_flows_;   // changed since the last solve
  std::vector<LinkId> seed_links_;
  // Scratch of one solve, kept to spare allocations.
  std::vector<FlowId> component_flows_;
  std::vector<LinkId> component_links_;
  std::vector<double> new_rate_;     // by flow id; negative: not fixed yet
  std::vector<std::uint32_t> stamp_; // by flow id: last solve that touched it
  std::vector<LinkShare> scratch_;
  std::vector<LinkUse> use_;
  std::vector<FlowId> finished_;
  FlowObserver* observer_;
  Time now_;
  std::uint32_t solve_number_ = 0;
  std::uint64_t solves_ = 0;
};

}  // namespace sim
