#pragma once
#include <cstdint>
#include "topology/cluster_spec.hpp"  // HashSpec

namespace topology {

// Finalizer of splitmix64 (Steele, Lea, Flood 2014): every bit of the input moves every bit of the output.
constexpr std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// What a switch hashes to choose among equal paths. Polarized: without itself, so that all tiers choose alike.
constexpr std::uint64_t path_hash(const HashSpec& hash, std::uint32_t node, int source, int destination, std::uint64_t label) {
  const std::uint64_t who = hash.polarized ? 0 : node + 1;
  const std::uint64_t pair = static_cast<std::uint64_t>(source) << 32 | static_cast<std::uint32_t>(destination);
  return mix(mix(mix(mix(hash.seed) ^ who) ^ pair) ^ label);
}

}  // namespace topology
