#pragma once
#include "workloads/plan.hpp"

namespace workloads {

// Simulates once what provably happens many times.
//
// Ranks, channels, groups, their edges and links are coloured, and colours refined until nothing changes: two ranks
// share a colour when they run the same program and their channels and groups have equal colours in
// each role; two channels when their ends do and they load links of equal colours by equal shares; two groups when their
// ranks and edges do; two edges when their groups and the edges before them do and they load links alike; two
// links when they have equal capacity and carry equal shares of equal colours. Then, by induction over
// the events, things of one colour have one history: the max-min rates of an equitable partition are
// constant on its classes. One of each colour is kept; a link's load counts all that it stood for.
//
// Folded and whole plans give the same step times. Where symmetry is broken (hash collisions, unequal
// routes, other jobs) colours split and less is folded, down to nothing.
enum class CollectiveEdges : std::uint8_t {
  each,   // as they are
  as_one  // one edge that loads what all load: folds far better, as it is of no matter where in a ring a rank is;
          // right as long as every collective stays one variable (sim/coupled_network.hpp)
};
Plan fold(const Plan& plan, CollectiveEdges edges = CollectiveEdges::each);

}  // namespace workloads
