#pragma once
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace workloads {

// 128 bits of a text (XXH3): equal texts have equal hashes, on every machine; others never, for all we will see.
struct ContentHash {
  std::uint64_t high = 0, low = 0;
  auto operator<=>(const ContentHash&) const = default;
};
ContentHash content_hash(std::string_view text);
std::string to_hex(const ContentHash& hash);  // 32 digits

}  // namespace workloads
