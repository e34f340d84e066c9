#include "workloads/packet_network.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include "sim/error.hpp"
#include "sim/packet/closed_loop.hpp"
#include "sim/packet/mixed_network.hpp"
#include "sim/packet/open_loop.hpp"
#include "workloads/scenario_presets.hpp"

namespace workloads {
namespace {

using nlohmann::json;
using topology::CongestionControl;
using topology::LinkKind;
using topology::NodeKind;
using topology::Transport;

const json& constants() {
  static const json parsed = json::parse(embedded_text("packet/packet.json").value());
  return parsed;
}

sim::Time half(sim::Time t) { return sim::Time::picoseconds(t.ps() / 2); }

// What the far end of a link adds before it forwards, and the half of a NIC that it leaves.
sim::Time beside_cable(const topology::ClusterSpec& cluster, const topology::Fabric& fabric, const topology::Link& link) {
  if (cluster.fabric.type == topology::FabricType::file) return {};
  const topology::Node &from = fabric.nodes()[link.from], &to = fabric.nodes()[link.to];
  const topology::HostSpec& host = cluster.host_spec(std::max({from.host, to.host, 0}));
  const sim::Time nic = half(host.nics.latency);
  if (link.kind == LinkKind::scale_up)
    return host.scale_up.kind == topology::ScaleUpKind::mesh ? host.scale_up.latency : half(host.scale_up.latency);
  if (link.kind == LinkKind::pcie) return nic;
  sim::Time added;
  for (const NodeKind end : {from.kind, to.kind})
    if (end == NodeKind::nic) added += host.nics.latency - nic;
  if (to.kind == NodeKind::leaf || to.kind == NodeKind::spine || to.kind == NodeKind::core) added += cluster.fabric.switch_latency;
  return added;
}

std::shared_ptr<sim::CongestionControl> make_congestion_control(CongestionControl kind) {
  const auto time = [](const json& table, const char* key) { return sim::Time::seconds(table.at(key).get<double>() * 1e-6); };
  switch (kind) {
    case CongestionControl::paced:
      return nullptr;
    case CongestionControl::dcqcn: {
      const json& c = constants().at("dcqcn");
      return sim::make_dcqcn({.gain = c.at("gain"),
                              .increase_share = c.at("increase_share"),
                              .fast_increase_share = c.at("fast_increase_share"),
                              .least_rate = sim::BytesPerSecond{c.at("least_Gbps").get<double>() * 1e9 / 8},
                              .alpha_period = time(c, "alpha_period_us"),
                              .cut_period = time(c, "cut_period_us"),
                              .increase_period = time(c, "increase_period_us"),
                              .notification_period = time(c, "notification_period_us"),
                              .increase_bytes = c.at("increase_bytes"),
                              .fast_recovery = c.at("fast_recovery"),
                              .window = c.at("window"),
                              .clamp_target = c.at("clamp_target")});
    }
    case CongestionControl::swift: {
      const json& c = constants().at("swift");
      return sim::make_swift({.base_target = time(c, "base_target_us"),
                              .per_hop = time(c, "per_hop_us"),
                              .scaling_range = time(c, "scaling_range_us"),
                              .increase = c.at("increase"),
                              .beta = c.at("beta"),
                              .most_decrease = c.at("most_decrease"),
                              .least_scaled_window = c.at("least_scaled_window"),
                              .most_scaled_window = c.at("most_scaled_window")});
    }
    case CongestionControl::hpcc: {
      const json& c = constants().at("hpcc");
      return sim::make_hpcc({.utilization = c.at("utilization"), .stages = c.at("stages"), .expected_flows = c.at("expected_flows")});
    }
  }
  return nullptr;
}

std::int64_t header_bytes(Transport transport) {
  const char* name = transport == Transport::infiniband ? "infiniband" : transport == Transport::roce ? "roce" : "ideal";
  return constants().at("header_bytes").at(name).at("bytes");
}

bool is_closed_loop(const topology::FabricSpec& spec) { return spec.transport != Transport::ideal || spec.packet.congestion_control; }

// Throws what packets do not do yet, before anything runs.
void refuse_unsupported(const Scenario& scenario, bool closed_loop) {
  const topology::FabricSpec& spec = scenario.cluster.fabric;
  const bool chooses = spec.type != topology::FabricType::file && topology::levels_out(spec.routing);
  const auto refuse = [&](const char* what, const char* instead) {
    throw sim::InputError(scenario.name + ": network packet: " + what + " is not supported yet. " + instead);
  };
  if (spec.transport == Transport::efa) refuse("transport efa", "Take roce, infiniband or ideal.");
  if (!spec.timed_failures.empty() && !closed_loop)
    refuse("a failure during the run with transport ideal", "Take roce or infiniband, or network fluid.");
  if (chooses && !spec.packet.lossless.value_or(true)) refuse("lossless: false beside adaptive or spray", "Take ecmp or static.");
}

sim::Time flowlet_gap(const topology::FabricSpec& spec) {
  return spec.packet.flowlet_gap.value_or(sim::Time::seconds(constants().at("flowlet_gap_us").get<double>() * 1e-6));
}

sim::PacketChoice choice_of(const topology::FabricSpec& spec) {
  if (spec.routing == topology::Routing::flowlet) return sim::PacketChoice::flowlets;
  return spec.routing == topology::Routing::spray ? sim::PacketChoice::in_turn : sim::PacketChoice::shortest_queue;
}

}  // namespace

sim::PacketFabric packet_fabric(const topology::ClusterSpec& cluster, const topology::Fabric& fabric) {
  sim::PacketFabric packets{.nodes = static_cast<std::uint32_t>(fabric.nodes().size())};
  for (const topology::Link& link : fabric.links())
    packets.links.push_back({link.from, link.to, link.capacity, link.latency + beside_cable(cluster, fabric, link),
                             link.kind == LinkKind::scale_up || link.kind == LinkKind::pcie});
  for (std::uint32_t i = 0; i < fabric.network_links().size(); ++i) {
    packets.members.push_back(fabric.members(sim::LinkId{i}));
    auto& members = packets.members.back();
    std::stable_sort(members.begin(), members.end(), [&](auto a, auto b) { return packets.links[a].from < packets.links[b].from; });
  }
  return packets;
}

sim::ClosedLoopSpec closed_loop_spec(const topology::FabricSpec& spec, std::int64_t header, std::uint64_t seed) {
  const topology::PacketSpec& packet = spec.packet;
  const json& c = constants();
  const auto bytes = [](const std::optional<sim::Bytes>& given, std::int64_t otherwise) { return given ? given->count() : otherwise; };
  const auto time = [](const json& us) { return sim::Time::seconds(us.get<double>() * 1e-6); };
  sim::ClosedLoopSpec loop;
  loop.payload = bytes(packet.mtu, c.at("mtu_bytes"));
  loop.header = header;
  loop.acknowledgement = c.at("acknowledgement_bytes");
  loop.choice = choice_of(spec);
  if (!packet.lossless.value_or(true))
    loop.backpressure = sim::Backpressure::none;
  else if (spec.transport == Transport::infiniband)
    loop.backpressure = sim::Backpressure::credits;
  loop.buffer = bytes(packet.buffer, c.at("buffer_bytes"));
  loop.buffer_share = c.at("buffer_share");
  loop.xoff = bytes(packet.xoff, 0);
  loop.xon = bytes(packet.xon, 0);
  loop.ecn_min = bytes(packet.ecn_min, 0);
  loop.ecn_max = bytes(packet.ecn_max, 0);
  loop.ecn_min_time = time(c.at("ecn").at("min_us"));
  loop.ecn_max_time = time(c.at("ecn").at("max_us"));
  loop.ecn_share = packet.ecn_share.value_or(c.at("ecn").at("share").get<double>());
  loop.timeout = time(c.at("timeout_us"));
  loop.skip_steady = packet.skip_steady;
  loop.flowlet_gap = flowlet_gap(spec);
  loop.seed = seed;
  loop.congestion_control = make_congestion_control(packet.congestion_control.value_or(CongestionControl::dcqcn));
  return loop;
}

namespace {
// Network links that a part of the fabric has an end on, or that lead from one part to another.
std::vector<bool> links_of_part(const std::string& part, const topology::Fabric& fabric) {
  const std::size_t colon = part.find(':');
  const std::string one = part.substr(0, colon), other = colon == std::string::npos ? one : part.substr(colon + 1);
  std::vector<bool> links(fabric.network_links().size());
  bool any = false;
  for (std::uint32_t i = 0; i < links.size(); ++i)
    for (const std::uint32_t cable : fabric.members(sim::LinkId{i})) {
      const std::string &from = fabric.nodes()[fabric.links()[cable].from].name, &to = fabric.nodes()[fabric.links()[cable].to].name;
      const bool touches = one == other ? from == one || to == one : (from == one && to == other) || (from == other && to == one);
      if (touches) links[i] = any = true;
    }
  if (!any)
    throw sim::InputError(
        "packet_for.link: '" + part +
        "' names nothing of this fabric. Write a switch or NIC (leaf-0, nic-3.1), or two with a colon for the cables between them.");
  return links;
}

sim::MixedNetwork::Choice choice_of_packets(const Scenario& scenario, const topology::Fabric& fabric) {
  const PacketFor& chosen = scenario.packet_for;
  const std::vector<bool> links = chosen.link.empty() ? std::vector<bool>{} : links_of_part(chosen.link, fabric);
  return [chosen, links](const sim::FlowSpec& flow, sim::Time now) {
    if (chosen.operation && flow.purpose != purpose_of(*chosen.operation)) return false;
    if ((chosen.from && now < *chosen.from) || (chosen.until && now >= *chosen.until)) return false;
    return links.empty() || std::ranges::any_of(flow.shares, [&](const sim::LinkShare& s) { return links[s.link.value()]; });
  };
}

std::unique_ptr<sim::Network> make_closed_loop(const Scenario& scenario, const topology::Fabric& fabric, std::int64_t header,
                                               const NetworkOptions& options) {
  sim::ClosedLoopSpec spec = closed_loop_spec(scenario.cluster.fabric, header, scenario.seed);
  spec.threads = options.threads;
  spec.skip_steady = spec.skip_steady && !options.exact;
  spec.log = options.packets;
  auto packets = std::make_unique<sim::ClosedLoop>(packet_fabric(scenario.cluster, fabric), spec);
  if (scenario.packet_for.is_all()) return packets;
  return std::make_unique<sim::MixedNetwork>(fabric.network_links(), std::move(packets), choice_of_packets(scenario, fabric),
                                             options.threads);
}
}  // namespace

std::unique_ptr<sim::Network> make_network(const Scenario& scenario, const topology::Fabric& fabric, const NetworkOptions& options) {
  if (scenario.network != "packet") return sim::make_network(scenario.network, fabric.network_links(), options.flows, options.threads);
  const topology::FabricSpec& spec = scenario.cluster.fabric;
  refuse_unsupported(scenario, is_closed_loop(spec));
  if (scenario.packet_for.operation)
    throw sim::InputError(scenario.name +
                          ": packet_for.operation: a list of flows has no operations. Leave it out, or give link, from or until.");
  if (!scenario.packet_for.is_all() && !is_closed_loop(spec))
    throw sim::InputError(scenario.name +
                          ": packet_for: is of the closed loop. Take transport roce or infiniband, or give packet.congestion_control.");
  if (is_closed_loop(spec)) return make_closed_loop(scenario, fabric, header_bytes(spec.transport), options);
  const std::int64_t mtu = spec.packet.mtu.value_or(sim::Bytes{constants().at("mtu_bytes").get<std::int64_t>()}).count();
  return std::make_unique<sim::OpenLoop>(
      packet_fabric(scenario.cluster, fabric),
      sim::OpenLoopSpec{
          .mtu = mtu, .choice = choice_of(spec), .flowlet_gap = flowlet_gap(spec), .threads = options.threads, .log = options.packets});
}

std::unique_ptr<sim::Network> make_packet_network_of_plan(const Scenario& scenario, const topology::Fabric& fabric,
                                                          const NetworkOptions& options) {
  refuse_unsupported(scenario, true);
  return make_closed_loop(scenario, fabric, 0, options);
}

void tell_of_packets(std::span<const sim::LinkUse> links, const topology::ClusterSpec& cluster,
                     const std::function<void(const std::string&)>& notice) {
  double bytes = 0;
  for (const sim::LinkUse& link : links) bytes += link.bytes;
  const std::optional<sim::Bytes> mtu = cluster.fabric.packet.mtu;
  const double hops = bytes / (mtu ? static_cast<double>(mtu->count()) : constants().at("mtu_bytes").get<double>());
  const double seconds = hops / constants().at("hops_per_second").get<double>();
  if (seconds >= 60)
    notice(fmt::format("{:.3g} packet-hops: this will take about {:.0f} min. --network fluid is quick.", hops, seconds / 60));
}

}  // namespace workloads
