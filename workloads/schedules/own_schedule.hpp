#pragma once
#include <string>
#include <string_view>
#include <vector>
#include "workloads/schedules/schedule.hpp"

// A schedule as a table of the user's: row s holds what pipeline rank s does, in order, separated by blanks. "F3" is the
// forward pass of micro-batch 3, "B3.1" the backward pass of its chunk 1, "F3+B0" two passes of one slot.
namespace workloads {

// Throws sim::InputError for a word that is no slot of this shape.
std::vector<Slot> slots_of(std::string_view row, const ScheduleShape& shape);

// What is wrong with a table, empty if nothing: each stage runs each pass once, forward before backward, and the order of
// the stages lets every pass have its input. Names stages and passes as the table does.
std::vector<std::string> problems_of_schedule(const std::vector<std::string>& rows, const ScheduleShape& shape);

// The rows of a file: of a table ('#' begins a comment), or of what a Python file says, whose function
// schedule(shape, stage) gives the passes. Throws sim::InputError.
std::vector<std::string> read_schedule(const std::string& path, const ScheduleShape& shape);

}  // namespace workloads
