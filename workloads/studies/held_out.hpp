#pragma once
#include <vector>
#include "kernels/csv_table.hpp"
#include "workloads/studies/validate.hpp"

namespace workloads {

// The collectives of a table predicted by fits that did not see them, for each measured device that has a fit: sets by device,
// operation, size (below or from 1 MiB) and what the fit did not see. A device of which the table says too little is left out.
std::vector<HeldOutSet> held_out_collectives(const kernels::CsvTable& table);

}  // namespace workloads
