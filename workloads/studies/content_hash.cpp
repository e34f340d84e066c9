#include "workloads/studies/content_hash.hpp"
#include <fmt/format.h>
#include <xxhash.h>

namespace workloads {

ContentHash content_hash(std::string_view text) {
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  return {hash.high64, hash.low64};
}

std::string to_hex(const ContentHash& hash) { return fmt::format("{:016x}{:016x}", hash.high, hash.low); }

}  // namespace workloads
