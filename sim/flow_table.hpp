#pragma once
#include <algorithm>
#include <span>
#include <vector>
#include "sim/network.hpp"

namespace sim {

struct Flow {
  std::uint32_t first_share = 0;
  std::uint32_t share_count = 0;
  std::uint32_t life = 0;  // a queued event of another life is out of date: the id was used again
  bool active = false;     // past its latency
  double remaining = 0;    // bytes, as of `settled`
  BytesPerSecond rate;
  BytesPerSecond limit;  // as asked for; zero: none
  double weight = 1;
  Time settled;         // `remaining` is true at this time
  Time finish = never;  // at this rate
  Time queued = never;  // the earliest of its finishes in the queue; never after `finish`
};

// Flows by id; ids of finished flows are used again (deterministically: last freed, first used).
// The shares of all flows lie in one pool, in blocks that are used again for paths of equal length.
class FlowTable {
 public:
  FlowId add(const FlowSpec& spec) {
    if (free_.empty()) {
      free_.push_back(FlowId{static_cast<std::uint32_t>(flows_.size())});
      flows_.emplace_back();
    }
    const FlowId id = free_.back();
    free_.pop_back();
    Flow& flow = flows_[id.value()];
    const std::uint32_t life = flow.life;
    flow = {};
    flow.life = life;
    flow.first_share = block_of(spec.shares.size());
    flow.share_count = static_cast<std::uint32_t>(spec.shares.size());
    flow.remaining = static_cast<double>(spec.bytes.count());
    flow.limit = spec.ceiling;
    flow.weight = spec.weight;
    std::copy(spec.shares.begin(), spec.shares.end(), shares_.begin() + flow.first_share);
    return id;
  }
  void remove(FlowId id) {
    Flow& flow = flows_[id.value()];
    ++flow.life;
    flow.active = false;
    free_blocks_[flow.share_count].push_back(flow.first_share);
    free_.push_back(id);
  }
  Flow& operator[](FlowId id) { return flows_[id.value()]; }
  const Flow& operator[](FlowId id) const { return flows_[id.value()]; }
  std::span<const LinkShare> shares(const Flow& flow) const { return {shares_.data() + flow.first_share, flow.share_count}; }
  std::size_t size() const { return flows_.size(); }

 private:
  std::uint32_t block_of(std::size_t count) {
    if (free_blocks_.size() <= count) free_blocks_.resize(count + 1);
    auto& free = free_blocks_[count];
    if (free.empty()) {
      free.push_back(static_cast<std::uint32_t>(shares_.size()));
      shares_.resize(shares_.size() + count);
    }
    const std::uint32_t block = free.back();
    free.pop_back();
    return block;
  }

  std::vector<Flow> flows_;
  std::vector<FlowId> free_;
  std::vector<LinkShare> shares_;
  std::vector<std::vector<std::uint32_t>> free_blocks_;  // by number of shares
};

// Carries `bytes` of a flow over its links since `flow.settled`.
inline void carry(const Flow& flow, std::span<const LinkShare> shares, double bytes, Time now, std::vector<LinkUse>& use,
                  FlowObserver* observer) {
  for (const LinkShare& s : shares) use[s.link.value()].bytes += bytes * s.share;
  if (observer && bytes > 0) observer->on_progress(shares, bytes, flow.settled, now);
}

// A moment in the life of a flow. In the order of time, then id.
struct FlowEvent {
  Time at;
  FlowId flow;
  std::uint32_t life;
  auto operator<=>(const FlowEvent&) const = default;
};

}  // namespace sim
