#pragma once
#include <optional>
#include <string>
#include "kernels/collectives/algorithm.hpp"

namespace kernels::collectives {

struct Mistake {
  std::optional<std::size_t> step;  // of the schedule; none: only seen in the end
  std::string text;                 // "rank 3 lacks rank 5's part of chunk 2 after step 14"
};

// Carries out the steps on real buffers: of each element of each node, how often each rank's part is in it. Correct: all is there when
// it is sent, nothing is written twice at once, and each rank ends with what the layout says, each part once. The earliest
// mistake, or none. `element` is what the text calls an element.
std::optional<Mistake> find_mistake(const Schedule& schedule, const Layout& layout, std::string_view element = "element");

}  // namespace kernels::collectives
