#pragma once
#include "kernels/collectives/collective_profile.hpp"  // CollectiveOp

namespace kernels {

// Bytes that each rank sends over bytes of the big buffer, on a ring of n ranks (nccl-tests' bus bandwidth factor).
double ring_traffic(CollectiveOp op, int ranks);
// Messages one after the other on a ring.
int ring_steps(CollectiveOp op, int ranks);

}  // namespace kernels
