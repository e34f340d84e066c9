#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>
#include "sim/units.hpp"

namespace workloads::traffic {

struct Flow {
  int source = 0, destination = 0;  // GPUs
  sim::Bytes bytes;                 // of one message
  sim::Time start;                  // not before
  int repeat = 1;                   // messages
  int line = 0;                     // of the file; 0: generated
};

// A list of numbers for each flow, in one array.
class NumberLists {
 public:
  void add(std::uint32_t number) { numbers_.push_back(number); }
  void end_list() { ends_.push_back(numbers_.size()); }
  std::size_t size() const { return ends_.size() - 1; }
  bool all_empty() const { return numbers_.empty(); }
  std::span<const std::uint32_t> operator[](std::size_t i) const { return std::span(numbers_).subspan(ends_[i], ends_[i + 1] - ends_[i]); }

 private:
  std::vector<std::uint32_t> numbers_;
  std::vector<std::size_t> ends_ = {0};
};

// Message k of a flow that repeats waits for its own message k-1 and that of the repeating flows that end at its source:
// a row per neighbour is a ring. `paths` and `after` have an entry for each flow, or none at all.
struct FlowList {
  std::string source;  // the file, or the pattern
  std::vector<Flow> flows;
  std::vector<std::string> ids;   // empty: the numbers from 0
  std::vector<std::string> tags;  // empty: none
  NumberLists paths;              // links to cross in this order; an empty path: routed
  NumberLists after;              // flows that must have ended

  std::size_t size() const { return flows.size(); }
  std::string id(std::size_t flow) const { return ids.empty() ? std::to_string(flow) : ids[flow]; }
  std::string tag(std::size_t flow) const { return tags.empty() ? std::string() : tags[flow]; }
  std::span<const std::uint32_t> path(std::size_t flow) const { return paths.size() ? paths[flow] : std::span<const std::uint32_t>(); }
  std::span<const std::uint32_t> dependencies(std::size_t flow) const {
    return after.size() ? after[flow] : std::span<const std::uint32_t>();
  }
  std::string place(std::size_t flow) const { return flows[flow].line > 0 ? source + ":" + std::to_string(flows[flow].line) : source; }
};

}  // namespace workloads::traffic
