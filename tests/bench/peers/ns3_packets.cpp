// ns-3, open loop: packets of 4096 bytes on the wire, store and forward, an unbounded FIFO per directed link, the host sends at
// line rate. No congestion control: the makespan is near that of max-min, single flows are not.
#include "tests/bench/peers/ns3_packets.hpp"
#include <ns3/core-module.h>
#include <ns3/network-module.h>
#include <ns3/point-to-point-channel.h>
#include <ns3/point-to-point-net-device.h>
#include <algorithm>
#include <ctime>
#include <stdexcept>

namespace bench {
namespace {
constexpr std::uint32_t wire_bytes = 4096, header_bytes = 2;  // that the point-to-point device adds

class PacketNetwork {
 public:
  PacketNetwork(const PacketFabric& fabric, const std::vector<PacketFlow>& flows) : flows_(flows) {
    for (std::uint32_t link = 0; link < fabric.links; ++link) add_link(fabric, link);
    for (std::size_t i = 0; i < flows.size(); ++i) {
      left_.push_back(flows[i].bytes);
      ns3::Simulator::Schedule(ns3::PicoSeconds(flows[i].start_ps), &PacketNetwork::send, this, i);
    }
  }
  double makespan() const { return makespan_; }
  bool complete() const {
    return std::all_of(left_.begin(), left_.end(), [](std::int64_t left) { return left == 0; });
  }

 private:
  void add_link(const PacketFabric& fabric, std::uint32_t link) {
    const auto channel = ns3::CreateObject<ns3::PointToPointChannel>();
    channel->SetAttribute("Delay", ns3::TimeValue(ns3::PicoSeconds(fabric.latency_ps)));
    for (const bool sends : {true, false}) {
      const auto device = ns3::CreateObject<ns3::PointToPointNetDevice>();
      device->SetAddress(ns3::Mac48Address::Allocate());
      device->SetDataRate(ns3::DataRate(fabric.bits_per_second));
      const auto queue = ns3::CreateObject<ns3::DropTailQueue<ns3::Packet>>();
      queue->SetMaxSize(ns3::QueueSize(ns3::QueueSizeUnit::PACKETS, 0xffffffff));
      device->SetQueue(queue);
      device->Attach(channel);
      const auto node = ns3::CreateObject<ns3::Node>();
      node->AddDevice(device);
      if (sends) {
        senders_.push_back(device);
        continue;
      }
      device->SetReceiveCallback(
          ns3::Callback<bool, ns3::Ptr<ns3::NetDevice>, ns3::Ptr<const ns3::Packet>, std::uint16_t, const ns3::Address&>(
              [this, link](ns3::Ptr<ns3::NetDevice>, ns3::Ptr<const ns3::Packet> packet, std::uint16_t, const ns3::Address&) {
                receive(link, packet);
                return true;
              }));
    }
  }
  void forward(std::uint32_t link, const ns3::Ptr<ns3::Packet>& packet) {
    senders_[link]->Send(packet, senders_[link]->GetBroadcast(), 0x0800);
  }
  void send(std::size_t flow) {
    for (std::int64_t left = left_[flow]; left > 0; left -= wire_bytes) {
      const auto packet = ns3::Create<ns3::Packet>(static_cast<std::uint32_t>(std::min<std::int64_t>(left, wire_bytes)) - header_bytes);
      packet->AddPacketTag(ns3::FlowIdTag(static_cast<std::uint32_t>(flow)));
      forward(flows_[flow].path.front(), packet);
    }
  }
  void receive(std::uint32_t link, const ns3::Ptr<const ns3::Packet>& packet) {
    ns3::FlowIdTag tag;
    packet->PeekPacketTag(tag);
    const auto& path = flows_[tag.GetFlowId()].path;
    const auto next = std::find(path.begin(), path.end(), link) + 1;
    if (next != path.end()) return forward(*next, packet->Copy());
    left_[tag.GetFlowId()] -= packet->GetSize() + header_bytes;
    makespan_ = ns3::Simulator::Now().GetSeconds();
  }

  const std::vector<PacketFlow>& flows_;
  std::vector<ns3::Ptr<ns3::PointToPointNetDevice>> senders_;  // by link
  std::vector<std::int64_t> left_;                             // bytes, by flow
  double makespan_ = 0;
};
}  // namespace

PacketRun simulate_packets(const PacketFabric& fabric, const std::vector<PacketFlow>& flows) {
  ns3::Time::SetResolution(ns3::Time::PS);
  const PacketNetwork network(fabric, flows);
  const std::clock_t before = std::clock();
  ns3::Simulator::Run();
  const double seconds = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  if (!network.complete()) throw std::runtime_error("ns-3 lost packets.");
  return {seconds, network.makespan()};
}

}  // namespace bench
