#pragma once
#include <string>

namespace workloads {

// The JSON Schema (2020-12) of a scenario, from the tables that the reader uses (scenario_fields.hpp): keys, kinds, limits, names, meaning.
// What only the reader knows (parts that must fit together, names of presets, units) is not in it.
std::string scenario_schema();

}  // namespace workloads
