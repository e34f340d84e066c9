#pragma once
#include <functional>
#include <memory>
#include <vector>
#include "sim/network.hpp"
#include "sim/packet/closed_loop.hpp"

namespace sim {

// Chosen flows as packets, the others as a fluid, on the same links.
//
// Each flow of packets has a shadow in the fluid network, without an end, that takes its max-min share from the others until the last
// packet has arrived; and packets find of each link what the fluid flows leave: its capacity without theirs. Both are brought up to date
// whenever a rate in the fluid changes by more than a thousandth of the link. So the two feel each other as fluids do, and packets feel one
// another as packets do.
class MixedNetwork final : public Network {
 public:
  using Choice = std::function<bool(const FlowSpec&, Time now)>;  // whether the flow goes as packets
  MixedNetwork(std::span<const LinkSpec> links, std::unique_ptr<ClosedLoop> packets, Choice as_packets, int threads = 1);
  FlowId start(const FlowSpec& flow) override;
  void cancel(FlowId flow) override;
  void set_capacity(LinkId link, BytesPerSecond capacity) override;
  void reroute(FlowId flow, std::span<const LinkShare> shares, BytesPerSecond ceiling) override;
  Time next_event() override;
  std::span<const FlowId> advance_to(Time t) override;
  BytesPerSecond rate(FlowId flow) override;
  Time now() const override { return fluid_->now(); }
  std::vector<LinkUse> link_use() const override;
  void count(std::span<const LinkShare> shares, double bytes, Time since) override { fluid_->count(shares, bytes, since); }
  const PacketCounts* packet_counts() override { return packets_->packet_counts(); }

 private:
  static constexpr std::uint32_t none = ~0u;
  struct Flow {
    FlowId fluid, packets;  // the first is the shadow where there is the second
    bool in_packets = false;
    std::vector<LinkShare> shares;
  };
  std::uint32_t new_flow();
  void own(std::vector<std::uint32_t>& owners, FlowId id, std::uint32_t flow);
  void share_links();
  void settle(Time t);
  void go_to(Time t);
  void leave_fluid(const Flow& flow);
  void end(std::uint32_t flow);
  void cross(const Flow& flow, int more);

  std::unique_ptr<Network> fluid_;
  std::unique_ptr<ClosedLoop> packets_;
  Choice as_packets_;
  std::vector<Flow> flows_;
  std::vector<std::uint32_t> free_, under_way_;       // flows; those of packets
  std::vector<std::uint32_t> of_fluid_, of_packets_;  // flows by their ids there
  std::vector<BytesPerSecond> capacity_, left_;       // by link: in all, and as packets know it
  std::vector<std::uint32_t> crossing_;               // flows of packets, by link
  std::vector<double> shadows_carried_;               // by link
  std::vector<FlowId> finished_, on_link_;
  Time fluid_event_ = never;
  bool changed_ = false;  // rates of the fluid
};

}  // namespace sim
