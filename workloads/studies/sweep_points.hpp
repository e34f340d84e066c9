#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>
#include "workloads/studies/sweep.hpp"

// What every way through a sweep asks of its points.
namespace workloads {

Scenario scenario_of(const Sweep& sweep, std::size_t point, const std::optional<std::uint64_t>& seed);

// The condition that leaves a point out, or nothing, for each. Throws what is wrong with the first point when not one that is left is
// a scenario: then it is the file that is wrong.
std::vector<std::string> exclusions(const Sweep& sweep);

std::string in_one_line(std::string text);

}  // namespace workloads
