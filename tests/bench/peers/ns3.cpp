// ns-3 on the permutations of 1 MiB.
#include "tests/bench/peers/ns3_packets.hpp"
#include "tests/bench/peers/peer.hpp"

namespace {
bench::PeerRun run(const bench::Case& input) {
  std::vector<bench::PacketFlow> flows;
  for (const bench::Transfer& t : input.transfers) {
    flows.push_back({t.bytes, t.start.ps(), {}});
    for (const sim::LinkId link : t.path) flows.back().path.push_back(link.value());
  }
  const auto [seconds, makespan] =
      simulate_packets({input.links, static_cast<std::uint64_t>(bench::link_bytes_per_second * 8), bench::link_latency.ps()}, flows);
  return {.cpu_seconds = seconds, .makespan = makespan};
}
}  // namespace

int main(int argc, char** argv) {
  constexpr const char* cases[] = {"T1a1_perm1M", "T2a1_perm1M"};
  return bench::compare_all("ns-3", cases, argc, argv, run);
}
