#include <algorithm>
#include "kernels/collectives/algorithms/algorithms.hpp"

namespace kernels::collectives {
namespace {

// Channel c goes through even hosts from GPU c down to c+1 and through odd ones the other way, so that it
// passes from host to host on one rail and each channel leaves by a NIC of its own.
std::vector<int> ring_order(const HostMap& hosts, int channel) {
  std::vector<int> order;
  for (int h = 0; h < hosts.hosts(); ++h) {
    std::vector<int> here = hosts.chain(h, channel + 1);
    if (h % 2 == 0) std::reverse(here.begin(), here.end());
    order.insert(order.end(), here.begin(), here.end());
  }
  return order;
}

// From the first to the last, piece after piece.
void pass_along(const Request& request, Schedule& schedule, const std::vector<int>& chain, Range range, Effect effect, int channel) {
  for (std::uint32_t p = 0; p < static_cast<std::uint32_t>(request.pieces); ++p)
    for (std::uint32_t i = 0; i + 1 < chain.size(); ++i)
      schedule.add({p + i, chain[i], chain[i + 1], part_of(range, request.pieces, p), effect, channel});
}

}  // namespace

// Patarasso and Yuan 2009. Broadcast and reduce go along the ring from, or to, the root.
void ring(const Request& request, Schedule& schedule) {
  const Layout layout(request);
  const HostMap hosts(request);
  for (int c = 0; c < request.channels; ++c) {
    std::vector<int> order = ring_order(hosts, c);
    const Range share = part_of(layout.whole(), request.channels, c);
    if (request.op == CollectiveOp::broadcast || request.op == CollectiveOp::reduce) {
      const auto root = std::find(order.begin(), order.end(), request.root);
      const bool from_root = request.op == CollectiveOp::broadcast;
      std::rotate(order.begin(), from_root ? root : root + 1, order.end());
      pass_along(request, schedule, order, share, from_root ? Effect::copy : Effect::reduce, c);
      continue;
    }
    std::vector<Ranges> slots;
    for (int i = 0; i < request.ranks; ++i)
      slots.push_back(
          {request.op == CollectiveOp::all_reduce ? part_of(share, request.ranks, i) : part_of(layout.own(order[i]), request.channels, c)});
    std::uint32_t next = 0;
    if (request.op != CollectiveOp::all_gather) next = ring_reduce_scatter(schedule, order, slots, next, c);
    if (request.op != CollectiveOp::reduce_scatter) ring_all_gather(schedule, order, slots, next, c);
  }
}

}  // namespace kernels::collectives
