#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include "workloads/scenario.hpp"

// The generic converter: a row of a table of published training runs (columns of `training.csv`:
// model, layers, hidden, …, gpu_type, n_gpus, tp, pp, …, network, framework) becomes a scenario.
// What a row does not say is filled in by rules that are the same for every row (docs/scenario.md), and flagged.
namespace workloads {

// The text in a column of the row; empty when the cell is, or there is no such column.
using RowCells = std::function<std::string(std::string_view column)>;

struct ConvertedRow {
  std::optional<Scenario> scenario;
  std::string yaml;                // the scenario as a user could have written it; empty when a cell already forbids it
  std::vector<std::string> flags;  // "vocab not stated: 51200"
  std::string reason;              // why there is no scenario; empty when there is one
};

ConvertedRow scenario_of_training_row(const RowCells& row);

}  // namespace workloads
