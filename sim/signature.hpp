#pragma once
#include <cstdint>
#include <string>

namespace sim {

// Hash of simulated results in integer picoseconds and bytes: equal inputs show equal signatures
// on any x86-64 machine and any number of threads. Order matters, so add in a fixed order.
class Signature {
 public:
  Signature();
  ~Signature();
  Signature(const Signature&) = delete;
  Signature& operator=(const Signature&) = delete;
  void add(std::int64_t value);
  std::uint64_t value() const;

 private:
  void* state_;
};

std::string to_hex(std::uint64_t signature);  // 16 digits

}  // namespace sim
