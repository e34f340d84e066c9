#include <algorithm>
#include "sim/packet/closed_loop.hpp"
#include "sim/packet/open_loop.hpp"
#include "tests/bench/common_cases.hpp"
#include "tests/bench/report.hpp"
#include "workloads/packet_network.hpp"

namespace bench {
namespace {
using namespace sim;

ClosedLoopSpec closed_loop(topology::CongestionControl control) {
  topology::FabricSpec fabric;
  fabric.transport = topology::Transport::roce;
  fabric.packet.congestion_control = control;
  return workloads::closed_loop_spec(fabric, 0, 1);  // the bytes of the cases are wire bytes
}

// Packet-hops a second of CPU time.
template <class MakeNetwork>
double speed(const Case& input, MakeNetwork&& make) {
  std::uint64_t hops = 0;
  const double seconds = cpu_seconds([&] {
    auto network = make();
    simulate(input, network);
    hops = network.packet_counts()->packet_hops;
  });
  return static_cast<double>(hops) / seconds;
}

// Wall time with one thread over that with two, in turns: the same machine for both.
template <class MakeNetwork>
double gain_of_two_threads(const Case& input, MakeNetwork&& make) {
  double best[2] = {1e300, 1e300};
  for (int turn = 0; turn < 6; ++turn) {
    double& seconds = best[turn % 2];
    seconds = std::min(seconds, wall_seconds_once([&] {
                         auto network = make(turn % 2 + 1);
                         simulate(input, network);
                       }));
  }
  return best[0] / best[1];
}

}  // namespace

void packets(Report& report) {
  const auto add_speed = [&](std::string_view what, std::string_view name, std::string_view size, auto&& make) {
    if (!report.wants(what)) return;
    const Case input = make_case(name);
    const PacketFabric fabric = packet_fabric(input);
    report.add({std::string(what), std::string(size), speed(input, [&] { return make(fabric); }), "packet-hops/s"});
  };
  const auto open = [](const PacketFabric& fabric) { return OpenLoop(fabric, {}); };
  add_speed("packets, open loop: permutation of 1 MiB", "T1a1_perm1M", "256 hosts", open);
  add_speed("packets, open loop: permutation of 1 MiB", "T2a1_perm1M", "1,024 hosts", open);
  const auto closed = [](const PacketFabric& fabric) { return ClosedLoop(fabric, closed_loop(topology::CongestionControl::dcqcn)); };
  add_speed("packets, DCQCN and PFC: permutation of 1 MiB", "T2a1_perm1M", "1,024 hosts", closed);
  add_speed("packets, DCQCN and PFC: permutation of 1 MiB", "T3a1_perm1M", "8,192 hosts", closed);

  const auto add_gain = [&](std::string_view what, auto&& make) {
    if (!report.wants(what)) return;
    const Case input = make_case("T3a1_perm1M");
    const PacketFabric fabric = packet_fabric(input);
    report.add({std::string(what), "8,192 hosts", gain_of_two_threads(input, [&](int threads) { return make(fabric, threads); }), "times"});
  };
  add_gain("packets, open loop: two threads over one", [](const PacketFabric& fabric, int threads) {
    OpenLoopSpec spec;
    spec.threads = threads;
    return OpenLoop(fabric, spec);
  });
  add_gain("packets, DCQCN and PFC: two threads over one", [](const PacketFabric& fabric, int threads) {
    ClosedLoopSpec spec = closed_loop(topology::CongestionControl::dcqcn);
    spec.threads = threads;
    return ClosedLoop(fabric, spec);
  });
}

}  // namespace bench
