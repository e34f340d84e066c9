#pragma once
#include <functional>
#include <vector>
#include "sim/event_queue.hpp"
#include "sim/flow_table.hpp"
#include "sim/max_min.hpp"
#include "sim/network.hpp"

namespace sim {

// Shares link capacity between concurrent flows by max-min fairness of flow rates.
// Assumes a flow reaches its fair rate at once (no packets, buffers, slow start):
// good for transfers much longer than a round trip, too fast for shorter ones.
// Equal inputs give bit-equal outputs: ties go by FlowId, never by address. All changes of one instant are one solve (max_min.hpp).
class FluidNetwork final : public Network {
 public:
  FluidNetwork(std::span<const LinkSpec> links, FlowObserver* observer, int threads = 1);  // results are the same for any number
  FlowId start(const FlowSpec& flow) override;
  void cancel(FlowId flow) override;
  void set_capacity(LinkId link, BytesPerSecond capacity) override;
  void reroute(FlowId flow, std::span<const LinkShare> shares, BytesPerSecond ceiling) override;
  Time next_event() override;
  std::span<const FlowId> advance_to(Time t) override;
  BytesPerSecond rate(FlowId flow) override;
  Time now() const override { return now_; }
  std::vector<LinkUse> link_use() const override;
  void count(std::span<const LinkShare> shares, double bytes, Time since) override;
  Pressure pressure(LinkId link) const override;
  void flows_on(LinkId link, std::vector<FlowId>& flows) const override { rates_.flows_on(link, flows); }
  void take_crowded(std::vector<LinkId>& links) override;
  std::uint64_t solves() const { return solves_; }

 private:
  using FlowQueue = EventQueue<FlowEvent>;

  bool out_of_date(const FlowEvent& event) const;
  Time next_finish();
  void activate(FlowId id);
  void finish(FlowId id);
  void remove(FlowId id);
  void settle(Flow& flow, double bytes);
  void solve();
  void apply_rate(FlowId id);
  void mark_limiting(LinkId link);
  void mark_crowded(LinkId link);

  MaxMin rates_;
  FlowTable flows_;
  FlowQueue activations_;
  FlowQueue finishes_;
  std::vector<Time> limiting_since_;  // by link: since when it holds some flow below its ceiling
  std::vector<LinkUse> use_;
  std::vector<FlowId> finished_;
  std::vector<FlowId> on_link_;
  std::vector<LinkId> crowded_;
  std::uint32_t trains_ = 0;
  FlowObserver* observer_;
  Time now_;
  std::uint64_t solves_ = 0;
};

}  // namespace sim
