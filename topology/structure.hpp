#pragma once
#include <cstdint>
#include <string>
#include <vector>
#include "topology/fabric.hpp"  // Route

namespace topology {

// What is lost when one switch of a kind fails, at worst.
struct FailureDomain {
  std::string name;  // "leaf"
  int count = 0;     // switches of the kind
  int nics_cut_off = 0;
  int gpus_cut_off = 0;       // their NIC is cut off
  int hosts_cut_off = 0;      // all their NICs are
  int hosts_degraded = 0;     // these lose a part of their bandwidth, but no NIC or not all
  double bandwidth_lost = 0;  // that part, towards the farthest hosts; 1: they cannot be reached
  std::string text;
};

// How a fabric joins the NICs: made by a builder, which has added its switches and cables to the
// wiring. Knows routes by structure; there is no table of pairs.
class Structure {
 public:
  virtual ~Structure() = default;
  // Appends network links, latency and hops from the source NIC out to the destination NIC.
  virtual void route(int source_nic, int destination_nic, std::uint64_t label, Route& route) const = 0;
  // One direction, worst split of the NICs into halves, NIC cables included.
  virtual sim::BytesPerSecond bisection() const = 0;
  virtual std::vector<FailureDomain> failure_domains() const = 0;
};

}  // namespace topology
