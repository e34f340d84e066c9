#include "sim/signature.hpp"
#include <xxhash.h>
#include <array>
#include <cstdio>

namespace sim {

Signature::Signature() : state_(XXH3_createState()) { XXH3_64bits_reset(static_cast<XXH3_state_t*>(state_)); }
Signature::~Signature() { XXH3_freeState(static_cast<XXH3_state_t*>(state_)); }
void Signature::add(std::int64_t value) { XXH3_64bits_update(static_cast<XXH3_state_t*>(state_), &value, sizeof value); }
std::uint64_t Signature::value() const { return XXH3_64bits_digest(static_cast<const XXH3_state_t*>(state_)); }

std::string to_hex(std::uint64_t signature) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(signature));
  return text.data();
}

}  // namespace sim
