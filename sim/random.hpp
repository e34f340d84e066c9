#pragma once
#include <Random123/philox.h>
#include <cstdint>

namespace sim {

// Counter-based random numbers (Philox4x64-10): a draw depends on (seed, stream, entity, draw) only,
// so it is the same in any order and on any thread. NumPy's Philox gives the same numbers.
class Random {
 public:
  Random(std::uint64_t seed, std::uint64_t stream) : key_{{seed, stream}} {}

  std::uint64_t bits(std::uint64_t entity, std::uint64_t draw) const { return r123::Philox4x64{}({{entity, draw, 0, 0}}, key_)[0]; }
  // Uniform in [0, 1), 53 bits.
  double uniform(std::uint64_t entity, std::uint64_t draw) const { return static_cast<double>(bits(entity, draw) >> 11) * 0x1p-53; }

 private:
  r123::Philox4x64::key_type key_;
};

}  // namespace sim
