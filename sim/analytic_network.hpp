#pragma once
#include <functional>
#include <queue>
#include <vector>
#include "sim/flow_table.hpp"
#include "sim/network.hpp"

namespace sim {

// latency + bytes / bottleneck: flows do not see each other. A lower bound of every time;
// good for "what would a perfect fabric do?", wrong wherever links are shared.
class AnalyticNetwork final : public Network {
 public:
  AnalyticNetwork(std::span<const LinkSpec> links, FlowObserver* observer);
  FlowId start(const FlowSpec& flow) override;
  void cancel(FlowId flow) override { flows_.remove(flow); }
  void set_capacity(LinkId link, BytesPerSecond capacity) override;  // for flows that start later
  Time next_event() override;
  std::span<const FlowId> advance_to(Time t) override;
  BytesPerSecond rate(FlowId flow) override { return flows_[flow].rate; }
  Time now() const override { return now_; }
  std::vector<LinkUse> link_use() const override { return use_; }
  void count(std::span<const LinkShare> shares, double bytes, Time since) override { carry(shares, bytes, since, now_, use_, observer_); }

 private:
  std::vector<BytesPerSecond> capacity_by_link_;
  FlowTable flows_;
  std::priority_queue<FlowEvent, std::vector<FlowEvent>, std::greater<>> finishes_;
  std::vector<LinkUse> use_;
  std::vector<FlowId> finished_;
  FlowObserver* observer_;
  Time now_;
};

}  // namespace sim
