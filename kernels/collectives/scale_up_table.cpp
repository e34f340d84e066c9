#include "kernels/collectives/scale_up_table.hpp"
#include <algorithm>
#include <cmath>

namespace kernels {
namespace {
constexpr double trusted_growth = 4;  // beyond so many times the largest measured size an answer is an extrapolation
}

double ring_traffic(CollectiveOp op, int ranks) {
  const double n = ranks;
  switch (op) {
    case CollectiveOp::all_reduce:
      return 2 * (n - 1) / n;
    case CollectiveOp::all_gather:
    case CollectiveOp::reduce_scatter:
    case CollectiveOp::all_to_all:
      return (n - 1) / n;
    case CollectiveOp::broadcast:
    case CollectiveOp::send_receive:
      break;
  }
  return 1;
}

int ring_steps(CollectiveOp op, int ranks) {
  if (op == CollectiveOp::send_receive) return 1;
  return op == CollectiveOp::all_reduce ? 2 * (ranks - 1) : ranks - 1;
}

double interpolated_seconds(const CollectiveTable& table, double bytes) {
  const auto& points = table.points;
  const auto above = std::lower_bound(points.begin(), points.end(), bytes, [](const CollectivePoint& p, double b) { return p.bytes < b; });
  if (above == points.begin()) return points.front().seconds;
  if (above == points.end()) return points.back().seconds * (bytes / points.back().bytes);
  const auto& low = above[-1];
  const auto& high = above[0];
  const double part = std::log(bytes / low.bytes) / std::log(high.bytes / low.bytes);
  return low.seconds * std::pow(high.seconds / low.seconds, part);
}

std::optional<ScaleUpTable::Parts> ScaleUpTable::parts(CollectiveOp op, int ranks, double bytes) const {
  const CollectiveTable *below = nullptr, *above = nullptr;  // measured rank counts around `ranks`; tables are sorted by ranks
  const CollectiveTable* before_below = nullptr;
  for (const auto& table : profile_.tables) {
    if (table.op != op) continue;
    if (table.ranks <= ranks) {
      before_below = below;
      below = &table;
    } else if (!above) {
      above = &table;
    }
  }
  if (!below && !above) return std::nullopt;
  const auto of = [&](const CollectiveTable& table) {
    const double latency = table.points.front().seconds;
    return Parts{latency, (interpolated_seconds(table, bytes) - latency) / ring_traffic(op, table.ranks),
                 bytes <= trusted_growth * table.points.back().bytes};
  };
  if (below && below->ranks == ranks) return of(*below);
  if (!below) return Parts{of(*above).latency, of(*above).beyond, false};
  const Parts low = of(*below);
  if (!above) {  // more ranks than measured: the last trend of the latency, the last bandwidth
    const double slope = before_below ? (low.latency - of(*before_below).latency) / (below->ranks - before_below->ranks) : 0;
    return Parts{low.latency + std::max(slope, 0.0) * (ranks - below->ranks), low.beyond, false};
  }
  const Parts high = of(*above);
  const double part = double(ranks - below->ranks) / double(above->ranks - below->ranks);
  return Parts{std::lerp(low.latency, high.latency, part), std::lerp(low.beyond, high.beyond, part), low.inside};
}

ScaleUpTable::Parts ScaleUpTable::formula(CollectiveOp op, int ranks, double bytes) const {
  return {profile_.base_seconds + ring_steps(op, ranks) * profile_.step_seconds, bytes / (profile_.efficiency * profile_.bandwidth_Bps),
          false};
}

ScaleUpTable::Answer ScaleUpTable::time(CollectiveOp op, int ranks, double bytes) const {
  if (ranks <= 1 || bytes <= 0) return {};
  if (op == CollectiveOp::send_receive) ranks = 2;  // whoever else is in the group
  auto found = parts(op, ranks, bytes);
  // Two ranks that exchange halves of 2S do what a send and a receive of S do.
  if (!found && op == CollectiveOp::send_receive) {
    found = parts(CollectiveOp::all_to_all, 2, 2 * bytes);
    if (found) return {found->latency + found->beyond * ring_traffic(CollectiveOp::all_to_all, 2), found->inside};
  }
  // At equal bytes and ranks what a rank sends beyond the latency goes at the rate of all_reduce; half the steps, half the latency.
  if (!found && (found = parts(CollectiveOp::all_reduce, ranks, bytes))) {
    found->latency *= double(ring_steps(op, ranks)) / ring_steps(CollectiveOp::all_reduce, ranks);
    found->inside = false;
  }
  const Parts p = found.value_or(formula(op, ranks, bytes));
  return {p.latency + p.beyond * ring_traffic(op, ranks), p.inside};
}

}  // namespace kernels
