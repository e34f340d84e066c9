#pragma once
#include <functional>
#include <queue>
#include <vector>
#include "sim/network.hpp"

namespace sim {

// One link of a flow: the share, and where the link's own list of flows names this entry.
struct FlowLink {
  LinkId link;
  double share = 1;
  std::uint32_t place = 0;
};

struct Flow {
  std::vector<FlowLink> links;
  double remaining = 0;        // bytes, as of `settled`
  BytesPerSecond rate;
  BytesPerSecond limit;        // as asked for; zero: none
  BytesPerSecond ceiling;      // no flow is faster: `limit`, or min over its links of capacity / share
  Time settled;                // `remaining` is true at this time
  std::uint32_t version = 0;   // a queued finish with another version is out of date
  bool active = false;         // past its latency
};

// Flows by id; ids of finished flows are used again (deterministically: last freed, first used).
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
    flow.links.clear();
    for (const LinkShare& s : spec.shares) flow.links.push_back({s.link, s.share, 0});
    flow.remaining = static_cast<double>(spec.bytes.count());
    flow.rate = {};
    flow.limit = spec.ceiling;
    flow.active = false;
    return id;
  }
  void remove(FlowId id) {
    ++flows_[id.value()].version;
    free_.push_back(id);
  }
  Flow& operator[](FlowId id) { return flows_[id.value()]; }
  const Flow& operator[](FlowId id) const { return flows_[id.value()]; }
  std::size_t size() const { return flows_.size(); }

 private:
  std::vector<Flow> flows_;
  std::vector<FlowId> free_;
};

// Carries `bytes` of a flow over its links since `flow.settled`.
inline void carry(Flow& flow, double bytes, Time now, std::vector<LinkUse>& use, std::vector<LinkShare>& scratch,
                  FlowObserver* observer) {
  for (const FlowLink& l : flow.links) use[l.link.value()].bytes += bytes * l.share;
  if (observer && bytes > 0) {
    scratch.clear();
    for (const FlowLink& l : flow.links) scratch.push_back({l.link, l.share});
    observer->on_progress(scratch, bytes, flow.settled, now);
  }
}

struct FinishEvent {
  Time at;
  FlowId flow;
  std::uint32_t version;
  auto operator<=>(const FinishEvent&) const = default;
};
using FinishQueue = std::priority_queue<FinishEvent, std::vector<FinishEvent>, std::greater<>>;

}  // namespace sim
