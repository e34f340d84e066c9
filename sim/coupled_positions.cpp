#include <algorithm>
#include <cmath>
#include "sim/coupled_network.hpp"

// Where the edges of a collective are, by their times for a message alone, and how it goes on message by message.
namespace sim {

void CoupledNetwork::begin_messages(std::uint32_t number) {
  Collective& c = collectives_[number];
  const auto edges = static_cast<std::uint32_t>(c.spec.edges.size());
  ++expanded_;
  c.coupled = false;
  c.edges_left = edges;
  c.edges.assign(edges, {});
  c.finishes.assign(edges, never);
  c.first_follower.assign(edges + 2, 0);
  c.followers.resize(edges);
  for (const CollectiveEdge& e : c.spec.edges) ++c.first_follower[e.before + 2];
  for (std::uint32_t i = 2; i < edges + 2; ++i) c.first_follower[i] += c.first_follower[i - 1];
  for (std::uint32_t edge = 0; edge < edges; ++edge) c.followers[c.first_follower[c.spec.edges[edge].before + 1]++] = edge;
}

void CoupledNetwork::expand(std::uint32_t number) {
  if (!collectives_[number].coupled) return;
  begin_messages(number);
  Collective& c = collectives_[number];
  const auto edges = static_cast<std::uint32_t>(c.spec.edges.size());
  std::vector<Time> begun(edges);
  if (now() > c.begin) find_positions(c, begun);
  network_->cancel(c.train);
  for (std::uint32_t edge = 0; edge < edges; ++edge) {
    const EdgeState& state = c.edges[edge];
    Bytes left = c.spec.bytes;
    if (state.started > state.arrived) {
      const Time elapsed = now() - begun[edge], wait = std::max(latency(c, edge) - elapsed, Time{});
      if (wait == Time{}) {
        const Time carrying = period(c, edge) - latency(c, edge), to_go = begun[edge] + period(c, edge) - now();
        left = Bytes{std::llround(static_cast<double>(left.count()) * (to_go / carrying))};
      }
      send(number, edge, left, wait);
    }
    const auto arrived = static_cast<double>(state.arrived) * static_cast<double>(c.spec.bytes.count());
    network_->count(c.spec.edges[edge].shares, arrived + static_cast<double>((c.spec.bytes - left).count()), c.begin);
  }
  for (std::uint32_t edge = 0; edge < edges; ++edge) go_on(number, edge);
}

// Message by message, by time alone: k begins when k-1 of the edge and of the edge before have ended. `begun`: of the
// message under way. Edges that all take equally long have been in step.
void CoupledNetwork::find_positions(Collective& c, std::vector<Time>& begun) const {
  const auto edges = static_cast<std::uint32_t>(c.spec.edges.size());
  std::vector<Time> periods(edges);
  for (std::uint32_t edge = 0; edge < edges; ++edge) periods[edge] = period(c, edge);
  const Time elapsed = now() - c.begin;
  std::uint32_t k = 0;
  if (std::all_of(periods.begin(), periods.end(), [&](Time t) { return t == periods[0]; }))
    k = static_cast<std::uint32_t>(std::min<std::int64_t>(elapsed.ps() / periods[0].ps(), c.spec.steps));
  std::vector<Time> end(edges, k * periods[0]), next(edges);
  c.edges.assign(edges, {k, k});
  for (std::uint32_t under_way = 0; under_way < edges && k < c.spec.steps; ++k, end.swap(next))
    for (std::uint32_t edge = 0; edge < edges; ++edge) {
      const Time start = std::max(end[edge], end[c.spec.edges[edge].before]);
      next[edge] = start + periods[edge];
      if (end[edge] > elapsed) continue;  // in an earlier message
      EdgeState& state = c.edges[edge];
      state.started = k + (start <= elapsed);
      state.arrived = k + (next[edge] <= elapsed);
      begun[edge] = c.begin + start;
      if (next[edge] > elapsed) ++under_way;
      if (state.arrived < c.spec.steps) continue;
      c.finishes[edge] = c.begin + next[edge];
      --c.edges_left;
    }
}

// The last message of an edge ends a chain of `steps` messages, each of the same edge as the one after it or of the edge
// before that. The longest chain dwells at the slowest edge that it reaches; only an edge slower than all between
// it and the end is worth reaching, up to the slowest of the ring.
void CoupledNetwork::find_finishes(Collective& c) const {
  const auto edges = static_cast<std::uint32_t>(c.spec.edges.size());
  std::vector<Time> periods(edges);
  for (std::uint32_t edge = 0; edge < edges; ++edge) periods[edge] = period(c, edge);
  const Time slowest = *std::max_element(periods.begin(), periods.end());
  c.finishes.resize(edges);
  for (std::uint32_t edge = 0; edge < edges; ++edge) {
    Time chain, best, longest;
    std::uint32_t at = edge, visits = 0;
    while (visits < c.spec.steps && longest < slowest) {
      chain += periods[at];
      ++visits;
      longest = std::max(longest, periods[at]);
      best = std::max(best, chain + (c.spec.steps - visits) * longest);
      at = c.spec.edges[at].before;
    }
    c.finishes[edge] = c.begin + best;
  }
}

}  // namespace sim
