#pragma once
#include <cstdint>
#include <limits>
#include <span>
#include <vector>
#include "sim/network.hpp"

namespace sim {

// Weighted max-min fair rates of flows on links, kept up to date while flows come and go.
//
// A flow of weight w at *level* v has rate v * w; its coefficient on a link is w * share. Every flow is held by its ceiling or by
// a link that is full and on which no flow has a higher level (its bottleneck); that makes the
// rates unique. Levels and coefficients are integers and every division rounds down, so sums do not depend on the
// order of their terms: equal flows get equal rates, in a folded network as in the whole one, and
// a local re-solve gives what solving from scratch gives.
//
// solve() raises a level from zero, as in the textbook, but looks only at what changes: a flow keeps
// its level until its bottleneck, or a link that would now hold it lower, has been reached by a change.
class MaxMin {
 public:
  explicit MaxMin(std::span<const LinkSpec> links);

  void attach(FlowId flow, std::span<const LinkShare> shares, BytesPerSecond limit, double weight);
  void detach(FlowId flow);
  void set_capacity(LinkId link, BytesPerSecond capacity);  // seen by flows that are attached afterwards
  void flows_on(LinkId link, std::vector<FlowId>& flows) const;

  bool changed() const { return !seed_flows_.empty() || !seed_links_.empty(); }
  void solve();
  std::span<const FlowId> solved_flows() const { return freed_; }   // those whose rate may differ from before
  std::span<const LinkId> solved_links() const { return touched_; }
  BytesPerSecond rate(FlowId flow) const;
  bool limits_a_flow(LinkId link) const;  // of solved_links(): full, and some flow is below its ceiling

 private:
  using Level = std::int64_t;       // of 2^-12 B/s
  __extension__ using Load = __int128;  // level times coefficient
  static constexpr Level none = -1;
  static constexpr Level unlimited = std::numeric_limits<Level>::max();

  struct Crossing {                 // one link of a flow
    LinkId link;
    std::uint32_t place;            // where the link's list names it
    std::int64_t coefficient;
  };
  struct Member {                   // one flow of a link
    FlowId flow;
    std::uint32_t entry;            // which of the flow's crossings
    std::int64_t coefficient;
  };
  enum class State : std::uint8_t { absent, kept, rising, fixed };
  struct Share {                    // of a flow
    Level level = none;
    Level before = none;            // while rising or fixed: the level it had; none: it is new
    Level ceiling = 0;
    double weight = 1;
    std::uint32_t first = 0, count = 0;  // its crossings
    std::uint32_t room = 0;              // crossings its block has place for
    State state = State::absent;
  };
  struct Link {
    Load capacity = 0;
    Load demand = 0;                // what its flows would use at their ceilings
    Level level = unlimited;        // where it became full; its flows at that level are held by it
    bool tight = false;             // demand exceeds capacity; otherwise it can hold nobody
    bool seeded = false;
    bool touched = false;           // by a change, in this solve; then the next three count
    Level queued = unlimited;
    Load left = 0;                  // capacity less what kept and fixed flows use
    std::int64_t rising = 0;        // coefficients of the rising flows
    std::vector<Member> members;
  };
  struct Step {                     // of the filling: at this level, look at that link or flow
    Level level;
    bool flow;
    std::uint32_t id;
    auto operator<=>(const Step&) const = default;
  };
  struct Tie {
    Level level;
    std::int64_t coefficient;
    FlowId flow;
  };

  std::span<Crossing> crossings(const Share& share) { return {crossings_.data() + share.first, share.count}; }
  void seed(LinkId id);
  void push(Step step);
  Step pop();
  void touch(LinkId id);
  void queue(LinkId id);
  void release(FlowId id);
  void fix(FlowId id, Level level);
  void reach_link(LinkId id, Level level);
  void reach_flow(FlowId id, Level level);
  bool release_higher(LinkId id, Level& level);

  std::vector<Link> links_;
  std::vector<Share> shares_;       // by flow id
  std::vector<Crossing> crossings_;
  std::vector<std::vector<std::uint32_t>> free_blocks_;  // of crossings, by length
  std::vector<FlowId> seed_flows_;
  std::vector<LinkId> seed_links_;
  // One solve; kept to spare allocations.
  std::vector<FlowId> freed_;
  std::vector<LinkId> touched_;
  std::vector<Step> steps_;
  std::vector<FlowId> held_;
  std::vector<Tie> ties_;
};

}  // namespace sim
