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

// The smallest divisor of `ports` from `least` on, so that every switch below has equally many cables to each above.
int smallest_divisor(int ports, int least) {
  while (ports % least != 0) ++least;
  return least;
}

// Ports up of a switch, of which `ports` at the speed below are left.
int up_ports(const FabricSpec& spec, int tier, int ports) {
  const double below = spec.link_of(tier).bandwidth.value(), above = spec.link_of(tier + 1).bandwidth.value();
  const double up = ports * below / above;
  if (!is_whole(up) || std::lround(up) < 1)
    throw sim::InputError(fmt::format(
        "cluster.fabric.link: {} up-ports of {:g} Gb/s leave {:.2f} of {:g} Gb/s on a {}. Use bandwidths or a radix that divide.", ports,
        below * 8e-9, up, above * 8e-9, tier == 0 ? "leaf" : "spine"));
  return static_cast<int>(std::lround(up));
}

void plan_planes(const ClusterSpec& spec, ClosPlan& plan) {
  const FabricSpec& fabric = spec.fabric;
  const int nics = spec.host.nics.count, ports = spec.host.nics.ports, all = nics * ports;
  plan.planes = fabric.planes;
  plan.ports_per_nic = ports;
  if (all % plan.planes != 0 || (ports % plan.planes != 0 && plan.planes % ports != 0))
    throw sim::InputError(fmt::format("cluster.fabric.planes: {} planes do not divide the {} NICs of {} port{} of a host. Use {} or {}.",
                                      plan.planes, nics, ports, ports == 1 ? "" : "s", ports, all));
  plan.ports_per_host = all / plan.planes;
  const int tors = fabric.tors_per_host > 0 ? fabric.tors_per_host : ports;
  plan.rails = std::max(1, fabric.rails * tors / plan.planes);
}

void plan_units(const FabricSpec& spec, ClosPlan& plan) {
  plan.ports_per_rail = divide_up(plan.ports_per_host, plan.rails);
  plan.hosts_per_leaf = plan.leaf_down / plan.ports_per_rail;
  if (plan.hosts_per_leaf == 0)
    throw sim::InputError(fmt::format(
        "cluster.fabric.radix: {} NICs of a host do not fit on a leaf with {} ports down. Use a greater radix or more rails than {}.",
        plan.ports_per_rail, plan.leaf_down, plan.rails));
  plan.hosts_per_unit = spec.hosts_per_unit > 0 ? spec.hosts_per_unit : plan.hosts_per_leaf;
  if (plan.rails > 1 && plan.hosts_per_unit > plan.hosts_per_leaf)
    throw sim::InputError(fmt::format("cluster.fabric.hosts_per_unit: {} hosts need {} ports of a leaf, which has {} down. Use at most {}.",
                                      plan.hosts_per_unit, plan.hosts_per_unit * plan.ports_per_rail, plan.leaf_down, plan.hosts_per_leaf));
  plan.leaves_per_unit = plan.rails * divide_up(plan.hosts_per_unit, plan.hosts_per_leaf);
  const int rest = plan.hosts % plan.hosts_per_unit;
  plan.leaves_per_plane = plan.hosts / plan.hosts_per_unit * plan.leaves_per_unit + plan.rails * divide_up(rest, plan.hosts_per_leaf);
}

[[noreturn]] void too_many_hosts(const ClosPlan& plan, const char* tier, int radix, std::int64_t most, const std::string& advice) {
  throw sim::InputError(
      fmt::format("cluster.fabric.radix: {} hosts need {} leaves, but {} switches of {} ports join at most {} hosts. Use {}.", plan.hosts,
                  plan.leaves_per_plane, tier, radix, most, advice));
}

// Hosts that `leaves` leaves of a plane hold.
std::int64_t hosts_on(const ClosPlan& plan, std::int64_t leaves) {
  return leaves / plan.leaves_per_unit * plan.hosts_per_unit + leaves % plan.leaves_per_unit / plan.rails * plan.hosts_per_leaf;
}

void plan_two_tiers(const FabricSpec& spec, ClosPlan& plan) {
  plan.spine_down = plan.radix[1];
  plan.leaves_per_group = plan.leaves_per_pod = plan.leaves_per_plane;
  if (plan.leaves_per_plane == 1) return;
  const int leaves = plan.spine_down / spec.parallel_links;
  if (plan.leaves_per_plane > leaves) {
    // What two tiers of the next even radix would hold grows with its square.
    int radix = plan.radix[1] + plan.radix[1] % 2;
    const auto holds = [&](int wider) {
      const double scale = static_cast<double>(wider) / plan.radix[1];
      return static_cast<double>(hosts_on(plan, leaves)) * scale * scale >= plan.hosts;
    };
    while (!holds(radix)) radix *= 2;
    too_many_hosts(plan, "spine", plan.spine_down, hosts_on(plan, leaves), fmt::format("3 tiers or a greater radix ({})", radix));
  }
  plan.spines_per_pod = smallest_divisor(plan.leaf_up, divide_up(std::int64_t{plan.leaves_per_plane} * plan.leaf_up, plan.spine_down));
}

// A pod holds as many units as its spines have ports for, or fewer, to make as many pods as asked for.
void plan_pods(const FabricSpec& spec, ClosPlan& plan) {
  plan.groups = plan.rails > 1 && plan.groups > 1 ? plan.rails : 1;
  plan.leaves_per_group = plan.leaves_per_plane / plan.groups;
  const int leaves = plan.spine_down / plan.cables_per_spine(), of_unit = plan.leaves_per_unit / plan.groups;
  int units = leaves / of_unit;
  if (units == 0)
    throw sim::InputError(
        fmt::format("cluster.fabric.radix: a unit has {} leaves, but a spine only {} ports down. "
                    "Use a greater radix, fewer rails or fewer hosts per unit.",
                    of_unit, leaves));
  units = std::min(units, divide_up(divide_up(plan.hosts, plan.hosts_per_unit), spec.pods));
  plan.leaves_per_pod = units * of_unit;
  plan.pods_per_group = divide_up(plan.leaves_per_group, plan.leaves_per_pod);
}

// As few cores as the up-links need. Spines of a pod that share their cores (one group) fill these better; among equals the
// most groups, as in a textbook fat tree.
void plan_cores(const ClosShape& shape, ClosPlan& plan) {
  int fewest = 0;
  for (int groups = 1; groups <= (shape.every_core ? 1 : plan.spines_per_pod); ++groups) {
    if (plan.spines_per_pod % groups != 0) continue;
    const std::int64_t spines = std::int64_t{plan.groups} * plan.pods_per_group * (plan.spines_per_pod / groups);
    const int least = divide_up(spines * plan.spine_up, plan.radix[2]);
    if (least > plan.spine_up) continue;
    const int cores = smallest_divisor(plan.spine_up, least);
    if (fewest > 0 && groups * cores > fewest) continue;
    fewest = groups * cores;
    plan.core_groups = groups;
    plan.cores_per_group = cores;
  }
  if (fewest > 0) return;
  const int pods = plan.radix[2] / (shape.every_core ? plan.spines_per_pod : 1) / plan.groups;
  too_many_hosts(plan, "core", plan.radix[2], hosts_on(plan, std::int64_t{pods} * plan.leaves_per_pod * plan.groups), "a greater radix");
}

void plan_three_tiers(const FabricSpec& spec, const ClosShape& shape, ClosPlan& plan) {
  const double oversubscription = spec.oversubscription.size() > 1 ? spec.oversubscription[1] : 1;
  plan.spine_down = whole_ports_down(plan.radix[1], oversubscription);
  plan.spine_up = up_ports(spec, 1, plan.radix[1] - plan.spine_down);
  plan.spines_per_pod = shape.spines_per_pod > 0 ? shape.spines_per_pod : plan.leaf_up / spec.parallel_links;
  plan.groups = shape.pods_by_rail ? 2 : 1;  // settled by plan_pods
  plan_pods(spec, plan);
  if (plan.leaves_per_plane == 1) plan.spines_per_pod = 0;
  if (plan.spines_per_pod == 0 || plan.groups * plan.pods_per_group == 1) return;
  const int used = std::min(plan.leaves_per_pod, plan.leaves_per_group) * plan.cables_per_spine();
  plan.spine_up = divide_up(std::int64_t{plan.spine_up} * used, plan.spine_down);
  plan_cores(shape, plan);
}

void check_parallel(const FabricSpec& spec, const ClosShape& shape, const ClosPlan& plan) {
  const int parallel = spec.parallel_links;
  if (plan.leaf_up % parallel != 0)
    throw sim::InputError(
        fmt::format("cluster.fabric.parallel_links: {} cables to each spine do not divide the {} up-ports of a leaf. Use {}.", parallel,
                    plan.leaf_up, smallest_divisor(plan.leaf_up, std::min(parallel, plan.leaf_up))));
  if (shape.spines_per_pod > 0 && plan.leaf_up % shape.spines_per_pod != 0)
    throw sim::InputError(fmt::format("cluster.fabric.radix: the {} up-ports of a leaf are no multiple of {} spines. Use another radix.",
                                      plan.leaf_up, shape.spines_per_pod));
}

}  // namespace

int ClosPlan::leaf_of(int host, int port) const {
  const int rail = port / planes % rails;
  const int row = host / hosts_per_unit * (leaves_per_unit / rails) + host % hosts_per_unit / hosts_per_leaf;
  return plane_of(port) * leaves_per_plane + (groups > 1 ? rail * leaves_per_group + row : row * rails + rail);
}

int ClosPlan::leaf_port_of(int host, int port) const {
  return host % hosts_per_unit % hosts_per_leaf * ports_per_rail + port / planes / rails;
}

ClosPlan plan_clos(const ClusterSpec& spec, const ClosShape& shape) {
  const FabricSpec& fabric = spec.fabric;
  ClosPlan plan;
  plan.hosts = spec.hosts();
  plan_planes(spec, plan);
  for (std::size_t tier = 0; tier < plan.radix.size(); ++tier) plan.radix[tier] = fabric.radix[std::min(tier, fabric.radix.size() - 1)];
  plan.leaf_down = whole_ports_down(plan.radix[0], fabric.oversubscription[0]);
  plan.leaf_up = up_ports(fabric, 0, plan.radix[0] - plan.leaf_down);
  plan_units(fabric, plan);
  check_parallel(fabric, shape, plan);
  if (fabric.levels() == 2)
    plan_two_tiers(fabric, plan);
  else
    plan_three_tiers(fabric, shape, plan);
  return plan;
}

}  // namespace topology
