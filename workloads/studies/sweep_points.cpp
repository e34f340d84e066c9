#include "workloads/studies/sweep_points.hpp"
#include <algorithm>
#include "sim/error.hpp"

namespace workloads {

Scenario scenario_of(const Sweep& sweep, std::size_t point, const std::optional<std::uint64_t>& seed) {
  Scenario scenario = sweep.scenario(point);
  if (seed) scenario.seed = *seed;
  return scenario;
}

std::vector<std::string> exclusions(const Sweep& sweep) {
  std::vector<std::string> reasons;
  std::optional<sim::InputError> first;
  bool runs = false;
  for (std::size_t p = 0; p < sweep.size(); ++p) {
    reasons.push_back(sweep.excluded_because(p));
    if (!reasons.back().empty() || runs) continue;
    try {
      sweep.scenario(p);
      runs = true;
    } catch (const sim::InputError& error) {
      if (!first) first = error;
    }
  }
  if (first && !runs) throw *first;
  return reasons;
}

std::string in_one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

}  // namespace workloads
