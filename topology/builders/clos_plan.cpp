#include "topology/builders/clos_plan.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include "sim/error.hpp"

namespace topology {
namespace {

int divide_up(std::int64_t a, std::int64_t b) { return static_cast<int>((a + b - 1) / b); }

double ports_down(int radix, double oversubscription) { return radix * oversubscription / (1 + oversubscription); }

// Ratios are written with few decimals (1.06667 for 64 : 60), hence a thousandth of a port.
bool is_whole(double ports) { return std::abs(ports - std::round(ports)) < 1e-3; }

bool splits(int radix, double oversubscription) {
  const double down = ports_down(radix, oversubscription);
  return is_whole(down) && std::lround(down) >= 1 && std::lround(down) < radix;
}

// The whole ratios next to the one asked for, and the next even radix, that split into whole ports.
std::string ways_out(int radix, double asked) {
  int below = 0, above = 0;
  for (int ratio = 1; ratio < radix; ++ratio) {
    if (radix % (ratio + 1) != 0) continue;
    if (ratio < asked) below = ratio;
    if (ratio > asked && above == 0) above = ratio;
  }
  std::vector<std::string> ratios;
  if (below > 0) ratios.push_back(fmt::to_string(below));
  if (above > 0) ratios.push_back(fmt::to_string(above));
  std::vector<std::string> ways;
  if (!ratios.empty()) ways.push_back(fmt::format("oversubscription {}", fmt::join(ratios, " or ")));
  for (int wider = radix + 2 - radix % 2; wider <= 8 * radix; wider += 2)
    if (splits(wider, asked)) {
      ways.push_back(fmt::format("radix {}", wider));
      break;
    }
  return ways.empty() ? "another radix" : fmt::format("{}", fmt::join(ways, ", or "));
}

int whole_ports_down(int radix, double oversubscription) {
  const double down = ports_down(radix, oversubscription);
  if (!splits(radix, oversubscription))
    throw sim::InputError(fmt::format("cluster.fabric.radix: {} ports with oversubscription {:g} leave {:.2f} ports down. Use {}.", radix,
                                      oversubscription, down, ways_out(radix, oversubscription)));
  return static_cast<int>(std::lround(down));
}

// Smallest number that divides `ports`, so that every switch below has equally many cables to each above.
int smallest_divisor(int ports, int least) {
  while (ports % least != 0) ++least;
  return least;
}

void plan_units(const FabricSpec& spec, ClosPlan& plan) {
  plan.nics_per_rail = divide_up(plan.nics_per_host, plan.rails);
  plan.hosts_per_leaf = plan.leaf_down / plan.nics_per_rail;
  if (plan.hosts_per_leaf == 0)
    throw sim::InputError(fmt::format(
        "cluster.fabric.radix: {} NICs of a host do not fit on a leaf with {} ports down. Use a greater radix or more rails than {}.",
        plan.nics_per_rail, plan.leaf_down, plan.rails));
  plan.hosts_per_unit = spec.hosts_per_unit > 0 ? spec.hosts_per_unit : plan.hosts_per_leaf;
  if (plan.rails > 1 && plan.hosts_per_unit > plan.hosts_per_leaf)
    throw sim::InputError(fmt::format("cluster.fabric.hosts_per_unit: {} hosts need {} ports of a leaf, which has {} down. Use at most {}.",
                                      plan.hosts_per_unit, plan.hosts_per_unit * plan.nics_per_rail, plan.leaf_down, plan.hosts_per_leaf));
  plan.leaves_per_unit = plan.rails * divide_up(plan.hosts_per_unit, plan.hosts_per_leaf);
  const int rest = plan.hosts % plan.hosts_per_unit;
  plan.leaves = plan.hosts / plan.hosts_per_unit * plan.leaves_per_unit + plan.rails * divide_up(rest, plan.hosts_per_leaf);
}

[[noreturn]] void too_many_hosts(const ClosPlan& plan, const char* tier, int radix, int most, const char* advice) {
  throw sim::InputError(
      fmt::format("cluster.fabric.radix: {} hosts need {} leaves, but {} switches of {} ports join at most {} hosts. Use {}.", plan.hosts,
                  plan.leaves, tier, radix, most, advice));
}

void plan_two_tiers(ClosPlan& plan) {
  plan.spine_down = plan.radix[1];
  plan.leaves_per_pod = plan.leaves;
  if (plan.leaves == 1) return;
  if (plan.leaves > plan.spine_down) {
    const int units = plan.spine_down / plan.leaves_per_unit, rest = plan.spine_down % plan.leaves_per_unit;
    const int most = units * plan.hosts_per_unit + rest / plan.rails * plan.hosts_per_leaf;
    too_many_hosts(plan, "spine", plan.spine_down, most, "3 tiers or a greater radix");
  }
  plan.spines_per_pod = smallest_divisor(plan.leaf_up, divide_up(std::int64_t{plan.leaves} * plan.leaf_up, plan.spine_down));
}

void plan_three_tiers(double oversubscription, ClosPlan& plan) {
  plan.spine_down = whole_ports_down(plan.radix[1], oversubscription);
  plan.spine_up = plan.radix[1] - plan.spine_down;
  const int units_per_pod = plan.spine_down / plan.leaves_per_unit;
  if (units_per_pod == 0)
    throw sim::InputError(
        fmt::format("cluster.fabric.radix: a unit has {} leaves, but a spine only {} ports down. "
                    "Use a greater radix, fewer rails or fewer hosts per unit.",
                    plan.leaves_per_unit, plan.spine_down));
  plan.leaves_per_pod = units_per_pod * plan.leaves_per_unit;
  plan.pods = divide_up(plan.leaves, plan.leaves_per_pod);
  if (plan.leaves == 1) return;
  plan.spines_per_pod = plan.leaf_up;
  if (plan.pods == 1) return;
  if (plan.pods > plan.radix[2])
    too_many_hosts(plan, "core", plan.radix[2], plan.radix[2] * units_per_pod * plan.hosts_per_unit, "a greater radix");
  plan.cores_per_group = smallest_divisor(plan.spine_up, divide_up(std::int64_t{plan.pods} * plan.spine_up, plan.radix[2]));
}

}  // namespace

int ClosPlan::leaf_of(int nic) const {
  const int host = nic / nics_per_host, index = nic % nics_per_host;
  return host / hosts_per_unit * leaves_per_unit + host % hosts_per_unit / hosts_per_leaf * rails + index % rails;
}

int ClosPlan::leaf_port_of(int nic) const {
  const int host = nic / nics_per_host, index = nic % nics_per_host;
  return host % hosts_per_unit % hosts_per_leaf * nics_per_rail + index / rails;
}

std::vector<int> ClosPlan::nics_by_leaf() const {
  std::vector<int> nics(leaves);
  for (int nic = 0; nic < hosts * nics_per_host; ++nic) ++nics[leaf_of(nic)];
  return nics;
}

ClosPlan plan_clos(const ClusterSpec& spec) {
  const FabricSpec& fabric = spec.fabric;
  ClosPlan plan;
  plan.rails = fabric.rails;
  plan.hosts = spec.hosts();
  plan.nics_per_host = spec.host.nics.count;
  for (std::size_t tier = 0; tier < plan.radix.size(); ++tier) plan.radix[tier] = fabric.radix[std::min(tier, fabric.radix.size() - 1)];
  plan.leaf_down = whole_ports_down(plan.radix[0], fabric.oversubscription[0]);
  plan.leaf_up = plan.radix[0] - plan.leaf_down;
  plan_units(fabric, plan);
  if (fabric.tiers == 2)
    plan_two_tiers(plan);
  else
    plan_three_tiers(fabric.oversubscription.size() > 1 ? fabric.oversubscription[1] : 1, plan);
  return plan;
}

}  // namespace topology
