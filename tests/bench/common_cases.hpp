#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>
#include "sim/network.hpp"
#include "sim/packet/packet_fabric.hpp"
#include "sim/units.hpp"

// The inputs on which simulators are compared. Three fabrics, every link 400 Gb/s and 1 us: T1, leaf-spine of 16 x 16 hosts
// with 16 spines; T2, T3, T4, fat-trees of 1,024, 8,192, 65,536 hosts. On them: a_perm and a1_perm1M, a permutation of 64 and 1 MiB;
// b_ws, web-search sizes with Poisson arrivals at 60 % load (T1: 10,000 flows, T2: 50,000); c_ring, ring all-reduce of 1 GiB;
// d_a2a, 1 MiB between each two of 64 hosts; e_incast, 16 MiB from 16 hosts to one.
namespace bench {

struct Transfer {
  std::uint32_t from = 0, to = 0;
  std::int64_t bytes = 0;
  sim::Time start;
  std::vector<sim::LinkId> path;
};

struct Case {
  std::string name;
  std::uint32_t hosts = 0, links = 0;
  std::vector<Transfer> transfers;
  // A ring sends each transfer so often; message k of a host waits until its message k-1 is sent and message k-1 to it has come.
  std::uint32_t messages = 1;
  std::size_t flows() const { return transfers.size() * messages; }
};

inline constexpr double link_bytes_per_second = 50e9;
inline constexpr sim::Time link_latency = sim::Time::picoseconds(1'000'000);

Case make_case(std::string_view name);                                       // "T1b_ws", …
Case read_case(std::string_view name, const std::filesystem::path& folder);  // from FOLDER/T1.links.csv and FOLDER/T1b_ws.flows.csv

struct Outcome {
  std::vector<sim::Time> finishes;  // of a ring: message k of transfer i is i * messages + k
  std::uint64_t solves = 0;
  sim::Time makespan;
};
Outcome simulate(const Case& input, int threads = 1);  // max-min fair shares, every message a flow
Outcome simulate(const Case& input, sim::Network& network);
sim::PacketFabric packet_fabric(const Case& input);  // links that no path joins have nodes of their own

}  // namespace bench
