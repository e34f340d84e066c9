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
  explicit MaxMin(std::span<const LinkSpec> links, int threads = 1);  // rates are the same for any number

  void attach(FlowId flow, std::span<const LinkShare> shares, BytesPerSecond limit, double weight);
  void detach(FlowId flow);
  void set_capacity(LinkId link, BytesPerSecond capacity);  // seen by flows that are attached afterwards
  void flows_on(LinkId link, std::vector<FlowId>& flows) const;

  bool changed() const { return !seed_flows_.empty() || !seed_links_.empty(); }
  void solve();
  std::span<const FlowId> solved_flows() const { return filling_.freed; }  // those whose rate may differ from before
  std::span<const LinkId> solved_links() const { return filling_.touched; }
  BytesPerSecond rate(FlowId flow) const;
  bool is_tight(LinkId link) const { return links_[link.value()].tight; }
  bool is_full(LinkId link) const { return is_tight(link) && is_full(links_[link.value()], links_[link.value()].left); }
  bool limits_a_flow(LinkId link) const;  // of solved_links(): full, and some flow is below its ceiling

 private:
  using Level = std::int64_t;           // of 2^-12 B/s
  __extension__ using Load = __int128;  // level times coefficient
  static constexpr Level none = -1;
  static constexpr Level keeps = -2;
  static constexpr Level unlimited = std::numeric_limits<Level>::max();

  struct Crossing {  // one link of a flow
    LinkId link;
    std::uint32_t place;  // where the link's list names it
    std::int64_t coefficient;
  };
  struct Member {  // one flow of a link
    FlowId flow;
    std::uint32_t entry;  // which of the flow's crossings
    std::int64_t coefficient;
  };
  struct Share {           // of a flow; 32 bytes, as the filling reads them all over the place
    Level level = 0;       // none: it rises
    Level before = keeps;  // the level it had when it began to rise (none: it is new); `keeps`: it has not
    Level ceiling = 0;
    std::uint32_t first = 0, count = 0;  // its crossings
    bool rises() const { return level == none; }
    bool is_new() const { return rises() && before == none; }
    bool is_kept() const { return before == keeps; }
  };
  struct alignas(64) Link {  // the first cache line is what the filling reads
    Load capacity = 0;
    Load left = 0;             // while tight: capacity less what the flows that do not rise use
    std::int64_t rising = 0;   // while tight: coefficients of those that do
    Level level = unlimited;   // where it became full; its flows at that level are held by it
    Level queued = unlimited;  // its earliest step in this solve
    bool tight = false;        // demand exceeds capacity; otherwise it can hold nobody
    bool seeded = false;
    bool touched = false;  // by a change, in this solve
    Load demand = 0;       // what its flows would use at their ceilings
    std::vector<Member> members;
  };
  struct Step {  // of the filling: at this level, look at that link or flow
    Level level;
    std::uint64_t what;  // links by id, then flows by id
    bool operator>(const Step& other) const { return level != other.level ? level > other.level : what > other.what; }
  };
  struct Tie {
    Level level;
    std::int64_t coefficient;
    FlowId flow;
  };

  // What one solve reads and writes beside flows and links; kept to spare allocations.
  struct Filling {
    std::vector<FlowId> freed;  // rising, or risen
    std::vector<LinkId> touched;
    std::vector<Step> steps;  // a heap
    std::vector<FlowId> held;
    std::vector<Tie> ties;
  };

  static bool is_full(const Link& link, Load left) { return left <= link.capacity >> 30; }
  std::span<Crossing> crossings(const Share& share) { return {crossings_.data() + share.first, share.count}; }
  void make_room(FlowId id, std::size_t count);
  void update_tightness(LinkId id);
  void recount(Link& link);

  void solve_changes();
  void solve_all();
  void open(LinkId id);
  void split_into_parts();
  void fill_from_zero(Filling& filling);
  void fill(Filling& filling);
  void push(Filling& filling, Step step);
  bool needs_ceiling(const Share& share);
  void push_ceiling(Filling& filling, FlowId id);
  void touch(Filling& filling, LinkId id);
  void queue(Filling& filling, LinkId id);
  void release(Filling& filling, FlowId id);
  void fix(Filling& filling, FlowId id, Level level);
  void reach_link(Filling& filling, LinkId id, Level level);
  void reach_flow(Filling& filling, FlowId id, Level level);
  bool release_higher(Filling& filling, LinkId id, Level& level);

  std::vector<Link> links_;
  std::vector<Share> shares_;  // by flow id, as the next two
  std::vector<double> weight_;
  std::vector<std::uint32_t> room_;  // crossings that the flow's block has place for
  std::vector<Crossing> crossings_;
  std::vector<std::vector<std::uint32_t>> free_blocks_;  // of crossings, by length
  std::vector<FlowId> seed_flows_;
  std::vector<LinkId> seed_links_;
  std::size_t attached_ = 0;
  int threads_;
  Filling filling_;
  std::vector<Filling> parts_;          // no flow of one part shares a tight link with a flow of another
  std::vector<std::uint32_t> leader_;   // by link: another link of its component, at last the first one
  std::vector<std::uint32_t> part_of_;  // by link
};

}  // namespace sim
