#pragma once
#include <cstdint>
#include <vector>

// In plain types: the headers of ns-3 are C++17, ours are C++20.
namespace bench {

struct PacketFlow {
  std::int64_t bytes = 0, start_ps = 0;
  std::vector<std::uint32_t> path;  // links
};
struct PacketFabric {
  std::uint32_t links = 0;
  std::uint64_t bits_per_second = 0;
  std::int64_t latency_ps = 0;
};
struct PacketRun {
  double cpu_seconds = 0, makespan = 0;
};
PacketRun simulate_packets(const PacketFabric& fabric, const std::vector<PacketFlow>& flows);

}  // namespace bench
