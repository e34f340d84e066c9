#include "kernels/collectives/ring.hpp"

namespace kernels {

double ring_traffic(CollectiveOp op, int ranks) {
  const double n = ranks;
  switch (op) {
    case CollectiveOp::all_reduce:
      return 2 * (n - 1) / n;
    case CollectiveOp::all_gather:
    case CollectiveOp::reduce_scatter:
    case CollectiveOp::all_to_all:
    case CollectiveOp::gather:
    case CollectiveOp::scatter:
      return (n - 1) / n;
    case CollectiveOp::broadcast:
    case CollectiveOp::reduce:
    case CollectiveOp::send_receive:
      break;
  }
  return 1;
}

int ring_steps(CollectiveOp op, int ranks) {
  if (op == CollectiveOp::send_receive) return 1;
  return op == CollectiveOp::all_reduce ? 2 * (ranks - 1) : ranks - 1;
}

}  // namespace kernels
