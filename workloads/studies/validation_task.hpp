#pragma once
#include <functional>
#include <string>
#include <vector>
#include "workloads/scenario.hpp"
#include "workloads/studies/validate.hpp"

// Private to validate: a row of a table that waits for its prediction, or cannot have one.
namespace workloads {

struct ValidationTask {
  ValidationRow row;  // all but the prediction
  std::function<ValidationRow()> predict;
  std::string reason;  // why there is none; empty: there is one
};

using StepTimeTask = ValidationTask (*)(ValidationRow row, std::function<Scenario()> scenario);

// A task for each row of each table of the folder, in the order of the files' names and rows.
void add_tables(const std::string& folder, StepTimeTask step_time_task, std::vector<ValidationTask>& tasks);

}  // namespace workloads
