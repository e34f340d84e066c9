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
  std::uint32_t messages = 1;
  std::uint32_t more = 0;  // messages after the present one
  bool active = false;     // past its latency, or a train
  bool train = false;
  double remaining = 0;  // bytes of the present message, as of `settled`
  BytesPerSecond rate;
  BytesPerSecond limit;  // as asked for; zero: none
  double weight = 1;
  double size = 0;      // of a message
  Time latency;         // of a message
  Time wait;            // what is left of it, as of `settled`, if the flow is active
  Time begun;           // of a train
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
    put_shares(flow, spec.shares);
    flow.remaining = flow.size = static_cast<double>(spec.bytes.count());
    flow.latency = spec.latency;
    flow.messages = spec.messages;
    flow.more = spec.messages - 1;
    flow.limit = spec.ceiling;
    flow.weight = spec.weight;
    return id;
  }
  void set_shares(Flow& flow, std::span<const LinkShare> shares) {
    free_blocks_[flow.share_count].push_back(flow.first_share);
    put_shares(flow, shares);
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
  void put_shares(Flow& flow, std::span<const LinkShare> shares) {
    flow.first_share = block_of(shares.size());
    flow.share_count = static_cast<std::uint32_t>(shares.size());
    std::copy(shares.begin(), shares.end(), shares_.begin() + flow.first_share);
  }
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

inline Time time_left(const Flow& flow, BytesPerSecond rate) {
  const Time first = flow.wait + transfer_time(flow.remaining, rate);
  return flow.more == 0 ? first : first + flow.more * (flow.latency + transfer_time(flow.size, rate));
}

// Lets a flow that does not end meanwhile go on for `elapsed`; the bytes that it moved.
inline double go_on(Flow& flow, Time elapsed) {
  const Time waited = std::min(flow.wait, elapsed);
  flow.wait -= waited;
  elapsed -= waited;
  double moved = 0;
  if (flow.more > 0 && flow.rate.value() > 0) {
    if (const Time first = transfer_time(flow.remaining, flow.rate); elapsed >= first) {
      const Time period = flow.latency + transfer_time(flow.size, flow.rate);
      const std::int64_t whole = std::min<std::int64_t>((elapsed - first).ps() / std::max<std::int64_t>(period.ps(), 1), flow.more - 1);
      moved = flow.remaining + static_cast<double>(whole) * flow.size;
      elapsed -= first + whole * period;
      flow.more -= static_cast<std::uint32_t>(whole) + 1;
      flow.remaining = flow.size;
      flow.wait = flow.latency - std::min(flow.latency, elapsed);
      elapsed -= std::min(flow.latency, elapsed);
    }
  }
  const double part = std::min(flow.remaining, flow.rate.value() * elapsed.in_seconds());
  flow.remaining -= part;
  return moved + part;
}

inline double bytes_left(const Flow& flow) { return flow.remaining + flow.more * flow.size; }

inline void carry(std::span<const LinkShare> shares, double bytes, Time from, Time to, std::vector<LinkUse>& use, FlowObserver* observer) {
  for (const LinkShare& s : shares) use[s.link.value()].bytes += bytes * s.share;
  if (observer && bytes > 0) observer->on_progress(shares, bytes, from, to);
}

// A moment in the life of a flow. In the order of time, then id.
struct FlowEvent {
  Time at;
  FlowId flow;
  std::uint32_t life;
  auto operator<=>(const FlowEvent&) const = default;
};

}  // namespace sim
