#pragma once
#include <compare>
#include <cstdint>
#include <string_view>

namespace kernels {

enum class Transport : std::uint8_t { infiniband, roce, efa };
constexpr std::string_view name_of(Transport t) {
  constexpr std::string_view names[] = {"infiniband", "roce", "efa"};
  return names[static_cast<int>(t)];
}

// `ranks` ranks, at most `per_host` of them on each of `hosts` hosts, each with a NIC of its own (or its part of one).
struct GroupShape {
  int ranks = 1;
  int hosts = 1;
  int per_host = 1;
  double nic_rate_Bps = 0;     // of one rank's NIC, per direction
  double route_latency_s = 0;  // mean over neighbouring hosts: cables, switches, NICs
  Transport transport = Transport::infiniband;
  auto operator<=>(const GroupShape&) const = default;
};
constexpr GroupShape one_host(int ranks) { return {.ranks = ranks, .hosts = 1, .per_host = ranks}; }

}  // namespace kernels
