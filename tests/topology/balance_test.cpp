// How evenly the routes of a traffic matrix load the tiers.
#include "topology/balance.hpp"
#include <gmock/gmock.h>
#include <algorithm>
#include "tests/topology/example_clusters.hpp"

namespace topology {
namespace {
using examples::end_points;
using examples::fabric;

TierBalance tier(const Balance& balance, LinkKind kind, const std::string& direction) {
  for (const TierBalance& t : balance.tiers())
    if (t.kind == kind && t.direction == direction) return t;
  return {};
}

// 8 hosts, 4 leaves of 2, 2 spines: three flows from leaf 0 over one up-link of eight; the mean of 4 units (one on another) is 4/8.
TEST(Balance, counts_flows_and_compares_the_fullest_link_with_the_mean) {
  ClusterSpec spec = end_points(8, fabric(FabricType::leaf_spine, 4, 2));
  spec.fabric.routing = Routing::static_;
  const Fabric built(spec);
  Balance balance(built);
  for (const int destination : {2, 4, 6}) balance.add(built.route(0, destination).shares, 1);
  balance.add(built.route(7, 1).shares, 1);
  const TierBalance up = tier(balance, LinkKind::leaf_spine, "up");
  EXPECT_EQ(up.links, 8U);
  EXPECT_EQ(up.max_flows, 3);
  EXPECT_DOUBLE_EQ(up.max_over_mean, 3 / (4 / 8.0));
  EXPECT_EQ(balance.most_flows_between_switches(), 3);
}

// 64 flows of half a cluster away on 64 up-links: spraying is even, a hash is not, and one that all tiers share is worse above.
TEST(Balance, hashes_collide_and_polarized_ones_more) {
  const auto fullest = [](Routing routing, bool polarized) {
    ClusterSpec spec = end_points(1024, fabric(FabricType::fat_tree, 16, 3));
    spec.fabric.routing = routing;
    spec.fabric.hash.polarized = polarized;
    const Fabric built(spec);
    return tier(half_shift(built), LinkKind::spine_core, "up").max_over_mean;
  };
  EXPECT_NEAR(fullest(Routing::spray, false), 1, 1e-9);
  const double hashed = fullest(Routing::ecmp, false), polarized = fullest(Routing::ecmp, true);
  EXPECT_GT(hashed, 2);
  EXPECT_GT(polarized, 1.5 * hashed);
}

}  // namespace
}  // namespace topology
