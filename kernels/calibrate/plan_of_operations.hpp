#pragma once
#include <vector>
#include "kernels/calibrate/journal.hpp"  // Planned

// What is measured on a machine, the most important first: a budget that ends early leaves a coarser profile, not half of one.
namespace kernels::calibrate {

// Of all operations that could be planned, a fifth (by a hash) is only run by a self-check.
bool is_held_out(const Operation& operation);

// As many as fit into so many seconds. Products as training has them (tokens x hidden), memory passes, attention, collectives
// of every number of ranks, messages, launches, copies, products beside collectives.
std::vector<Planned> plan_of_calibration(const Machine& machine, double budget_seconds);
// Held-out products and collectives.
std::vector<Planned> plan_of_selfcheck(const Machine& machine, double budget_seconds);

}  // namespace kernels::calibrate
