#pragma once
#include "workloads/plan.hpp"

namespace workloads {

// Simulates once what provably happens many times.
//
// Ranks, channels, groups and links are coloured, and colours refined until nothing changes: two ranks
// share a colour when they run the same program and their channels and groups have equal colours in
// each role; two channels when their ends do and they load links of equal colours by equal shares; two
// links when they have equal capacity and carry equal shares of equal colours. Then, by induction over
// the events, things of one colour have one history: the max-min rates of an equitable partition are
// constant on its classes. One of each colour is kept; a link's load counts all that it stood for.
//
// Folded and whole plans give the same step times. Where symmetry is broken (hash collisions, unequal
// routes, other jobs) colours split and less is folded, down to nothing.
Plan fold(const Plan& plan);

}  // namespace workloads
