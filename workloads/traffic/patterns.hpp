#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <optional>
#include <vector>
#include "topology/fabric.hpp"
#include "workloads/traffic/flow_list.hpp"

namespace workloads::traffic {

struct PatternSpec {
  std::string pattern;
  sim::Bytes size{1 << 20};    // permutation, incast, all-to-all: of each flow
  std::optional<int> senders;  // incast; none: 16, or all others where there are fewer
  int receiver = 0;            // incast: GPU
  int end_points = 0;          // all-to-all: evenly spread over the GPUs; 0: all
  double load = 0.6;           // web-search: of what all GPUs can send
  int flows = 10'000;          // web-search
  std::uint64_t seed = 1;
};

// permutation  every GPU sends to one other and receives from one (Sattolo's shuffle)
// incast       `senders` GPUs, chosen by the seed, send to one
// all-to-all   every one of `end_points` sends to every other
// web-search   Poisson arrivals between random pairs, sizes of web search (README); the mean rate is `load` of all NICs
// All at time 0 but the last. The same spec gives the same list. Throws sim::InputError.
FlowList make_pattern(const PatternSpec& spec, const topology::ClusterSpec& cluster);
const std::vector<std::string>& pattern_names();

// Sizes of web search: the value at `probability` of the cumulative distribution, at least 1; and the mean.
sim::Bytes web_search_size(double probability);
double web_search_mean();

}  // namespace workloads::traffic
