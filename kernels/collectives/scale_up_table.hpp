#pragma once
#include <optional>
#include "kernels/device_profile.hpp"

namespace kernels {

// Bytes that each rank sends over bytes of the big buffer, on a ring of n ranks (nccl-tests' bus bandwidth factor).
double ring_traffic(CollectiveOp op, int ranks);
// Messages one after the other on a ring.
int ring_steps(CollectiveOp op, int ranks);

// Times of collectives among devices of one scale-up domain, never falling with bytes.
// Measured tables where there are; between measured rank counts the latency is linear in ranks, and what grows with
// bytes goes by the ring's traffic; an operation without a table goes by the ring relation to all_reduce;
// with no table at all base + steps * step + traffic / (efficiency * bandwidth).
class ScaleUpTable {
 public:
  explicit ScaleUpTable(const ScaleUpProfile& profile) : profile_(profile) {}
  // One rank, or no bytes: zero. `inside`: from measurements of this operation.
  struct Answer {
    double seconds = 0;
    bool inside = true;
  };
  Answer time(CollectiveOp op, int ranks, double bytes) const;

 private:
  // At one byte count: the latency and what comes on top of it, per byte of ring traffic.
  struct Parts {
    double latency = 0, beyond = 0;
    bool inside = true;
  };
  std::optional<Parts> parts(CollectiveOp op, int ranks, double bytes) const;
  Parts formula(CollectiveOp op, int ranks, double bytes) const;
  ScaleUpProfile profile_;
};

// Log-log between points, constant time below the first, constant bandwidth above the last.
double interpolated_seconds(const CollectiveTable& table, double bytes);

}  // namespace kernels
