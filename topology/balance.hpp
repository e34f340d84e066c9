#pragma once
#include <span>
#include <string>
#include <vector>
#include "topology/fabric.hpp"

namespace topology {

// How evenly flows load the links of one tier in one direction.
struct TierBalance {
  LinkKind kind;
  std::string direction;     // "up", "down"; empty between equals
  std::size_t links = 0;     // network links
  int max_flows = 0;         // on one link
  double max_over_mean = 0;  // of bytes by capacity; 1: even; 0: no flow comes here
};

// A traffic matrix on its routes, counted link by link, not simulated.
class Balance {
 public:
  explicit Balance(const Fabric& fabric);
  void add(std::span<const sim::LinkShare> shares, double bytes);
  std::vector<TierBalance> tiers() const;  // of the fabric, from the host up; both directions
  int most_flows_between_switches() const;

 private:
  const Fabric& fabric_;
  std::vector<int> flows_;
  std::vector<double> bytes_;
};

// Each GPU sends as much to the one half the cluster away; pairs without a way are left out.
Balance half_shift(const Fabric& fabric);

}  // namespace topology
