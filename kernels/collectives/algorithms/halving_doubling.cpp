#include <bit>
#include "kernels/collectives/algorithms/algorithms.hpp"

namespace kernels::collectives {

// Rabenseifner 2004: halves of what is left to partners at half the distance, and back. Ranks beyond the largest power of
// two give theirs to a partner before, and get the sum from it after.
void halving_doubling(const Request& request, Schedule& schedule) {
  const Range whole = Layout(request).whole();
  const int core = static_cast<int>(std::bit_floor(static_cast<unsigned>(request.ranks)));
  std::uint32_t number = 0;
  for (int r = core; r < request.ranks; ++r) schedule.add({number, r, r - core, whole, Effect::reduce});
  std::vector<Range> part(static_cast<std::size_t>(core), whole);  // that a rank is left with
  for (int distance = core / 2; distance > 0; distance /= 2) {
    ++number;
    for (int r = 0; r < core; ++r) schedule.add({number, r, r ^ distance, part_of(part[r], 2, (r & distance) == 0), Effect::reduce});
    for (int r = 0; r < core; ++r) part[r] = part_of(part[r], 2, (r & distance) != 0);
  }
  for (int distance = 1; distance < core; distance *= 2) {
    ++number;
    for (int r = 0; r < core; ++r) schedule.add({number, r, r ^ distance, part[r], Effect::copy});
    for (int r = 0; r < core; ++r)
      if ((r & distance) == 0) part[r] = part[r ^ distance] = {part[r].offset, part[r].count + part[r ^ distance].count};
  }
  ++number;
  for (int r = core; r < request.ranks; ++r) schedule.add({number, r - core, r, whole, Effect::copy});
}

}  // namespace kernels::collectives
